//! What an admin changes of a keyset while it is live: its secret keys, its epoch, its network and its switches.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use usher_access::{GlobalPresence, KeyNumber, MetadataLists, Switches, UnixSeconds};
use usher_vault::Secret;

use super::keys::{KeysError, SecretKey};
use super::{KeyState, Keysets, LiveKeyset, check_origins};
use crate::network_origin::NetworkOrigin;
use crate::store::audit::Record;
use crate::store::keysets::{Keyset, Revocability};
use crate::store::tokens::Summary;
use crate::store::{StoreError, keysets, secrets};

/// Why a keyset stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Keyset(#[from] super::KeysetError),
    #[error(
        "{} granted under secret key {number} would be cut off; the last one expires in {}; \
         `usher keyset plan` shows whose they are, a later --until lets the key end later, --force cuts them off",
        counted(*live, "live token"), counted(*minutes, "minute")
    )]
    LiveTokens { number: KeyNumber, live: u64, minutes: u64 },
    #[error("key {0} is not the primary one any more: the keyset was rotated at the same time; look at its keys again")]
    Overtaken(KeyNumber),
    #[error("there is no epoch left")]
    EpochsUsedUp,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] secrets::ChangeError),
}

/// A new primary key.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub(crate) secret_key: Secret,
    /// How long the former one counts, and what becomes of tokens that would outlive it; without end if there is none.
    pub(crate) former: Option<(Duration, LiveTokens)>,
}

/// The end of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retirement {
    pub(crate) number: KeyNumber,
    /// How long it counts still.
    pub(crate) after: Duration,
    pub(crate) tokens: LiveTokens,
}

/// What becomes of a change that would cut tokens off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveTokens {
    /// The key stays.
    Keep,
    /// The tokens end with their key.
    CutOff,
}

/// A secret key and the tokens that hang on it.
#[derive(Debug)]
pub(crate) struct KeyPlan {
    pub(crate) key: SecretKey,
    pub(crate) tokens: Summary,
}

/// What is to be another; `None` leaves it as it is.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) network: Option<Option<NetworkOrigin>>,
    pub(crate) metadata_lists: Option<MetadataLists>,
    pub(crate) global_presence: Option<GlobalPresence>,
    pub(crate) revocation: Option<Revocability>,
}

impl Keysets {
    /// Makes a secret key the primary one; the former counts on, or until its end. Returns the tokens that the end cuts off.
    pub(crate) fn rotate(
        &self,
        live: &LiveKeyset,
        rotation: &Rotation,
        record: &Record,
    ) -> Result<Summary, ChangeError> {
        let Rotation { secret_key, former } = rotation;
        let number = live.record().keys.primary();
        let Some((time, tokens)) = *former else {
            self.make_primary(live, secret_key, (number, KeyState::Active), record)?;
            return Ok(Summary::default());
        };
        live.while_none_is_granted(|| {
            let now = self.now();
            let until = after(now, time);
            let cut = live.cut_off((number, until), tokens, now)?;
            self.make_primary(live, secret_key, (number, KeyState::Retiring { until }), record)?;
            Ok(cut)
        })
    }

    /// `former` is the key that was the primary one when this was thought of, and what becomes of it.
    pub(super) fn make_primary(
        &self,
        live: &LiveKeyset,
        secret_key: &Secret,
        (number, former): (KeyNumber, KeyState),
        record: &Record,
    ) -> Result<(), ChangeError> {
        self.change(live, record, |keyset| {
            // Another rotation may have come between: what was said about the tokens of one key is not true of the next.
            if keyset.keys.primary() != number {
                return Err(ChangeError::Overtaken(number));
            }
            keyset.keys = keyset.keys.rotated(former, self.now())?;
            let name = keyset.secret_name(keyset.keys.primary()).ok_or_else(super::no_secret_name)?;
            // A process that dies here leaves a secret that no key names, until the next rotation or sweep.
            Ok(self.secrets.set(&name, secret_key, record)?)
        })
    }

    /// Ends a secret key now or later, and with it the tokens that were granted under it; returns those that are cut off.
    pub(crate) fn retire(
        &self,
        live: &LiveKeyset,
        retirement: Retirement,
        record: &Record,
    ) -> Result<Summary, ChangeError> {
        let Retirement { number, after: time, tokens } = retirement;
        let cut = live.while_none_is_granted(|| {
            let now = self.now();
            let until = after(now, time);
            // That it can be retired at all is asked before its tokens are looked at.
            live.record().keys.retiring(number, until, now)?;
            let cut = live.cut_off((number, until), tokens, now)?;
            self.change(live, record, |keyset| {
                keyset.keys = keyset.keys.retiring(number, until, self.now())?;
                Ok(())
            })?;
            Ok::<_, ChangeError>(cut)
        })?;
        self.drop_ended_keys(live)?;
        self.remove_unnamed_secrets()?;
        Ok(cut)
    }

    /// Every secret key with the tokens that count now.
    pub(crate) fn plan(&self, live: &LiveKeyset) -> Result<Vec<KeyPlan>, StoreError> {
        let now = self.now();
        let keyset = live.record();
        let plan = |key: &SecretKey| Ok(KeyPlan { key: *key, tokens: live.tokens_beyond(key.number, now, now)? });
        keyset.keys.counting(now).map(plan).collect()
    }

    /// Takes back every token of a keyset. In force and on disk when this returns.
    pub(crate) fn revoke_all(&self, live: &LiveKeyset, record: &Record) -> Result<(), ChangeError> {
        self.change(live, record, |keyset| {
            // The last epoch has no next one.
            let next = keyset.epoch.next();
            if next <= keyset.epoch {
                return Err(ChangeError::EpochsUsedUp);
            }
            keyset.epoch = next;
            Ok(())
        })
    }

    /// Changes network and switches.
    pub(crate) fn set(&self, live: &LiveKeyset, settings: Settings, record: &Record) -> Result<(), ChangeError> {
        let Settings { network, metadata_lists, global_presence, revocation } = settings;
        self.change(live, record, |keyset| {
            keyset.network = network.unwrap_or_else(|| keyset.network.take());
            keyset.switches = Switches {
                metadata_lists: metadata_lists.unwrap_or(keyset.switches.metadata_lists),
                global_presence: global_presence.unwrap_or(keyset.switches.global_presence),
            };
            keyset.revocation = revocation.unwrap_or(keyset.revocation);
            Ok(check_origins(keyset)?)
        })
    }

    /// One change at a time: make it, bring it to disk, and only then put it in force.
    fn change(
        &self,
        live: &LiveKeyset,
        record: &Record,
        make: impl FnOnce(&mut Keyset) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let _changing = self.lock();
        let mut keyset = Keyset::clone(&live.record());
        make(&mut keyset)?;
        Ok(self.put_in_force(live, keyset, record)?)
    }

    /// To be called while changes are locked.
    pub(super) fn put_in_force(&self, live: &LiveKeyset, keyset: Keyset, record: &Record) -> Result<(), StoreError> {
        keysets::put(&self.store, &keyset, record)?;
        live.replace(keyset);
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.clock.seconds())
    }
}

impl LiveKeyset {
    /// The tokens that are cut off when a key ends at `until`, if that is meant.
    fn cut_off(
        &self,
        (number, until): (KeyNumber, UnixSeconds),
        tokens: LiveTokens,
        now: UnixSeconds,
    ) -> Result<Summary, ChangeError> {
        let cut = self.tokens_beyond(number, until, now)?;
        match tokens {
            LiveTokens::Keep if cut.live > 0 => {
                let left = cut.last_expiry.map_or(0, |at| at.get().saturating_sub(now.get()));
                Err(ChangeError::LiveTokens { number, live: cut.live, minutes: left.div_ceil(60) })
            }
            LiveTokens::Keep | LiveTokens::CutOff => Ok(cut),
        }
    }

    /// The tokens under a key that count now, and would count still after `beyond`.
    fn tokens_beyond(&self, number: KeyNumber, beyond: UnixSeconds, now: UnixSeconds) -> Result<Summary, StoreError> {
        let epoch = self.record().epoch;
        // What was revoked by its id is forgotten already; the other rules say from when on tokens count.
        // Asked for each token, so that no revocation waits until the disk has been read.
        let since = |uuid: Option<&str>| self.revocations.read().earliest_issue(uuid, UnixSeconds::new(0));
        self.issued.summary(number, beyond.max(now), |token| {
            token.epoch == epoch && token.issued >= since(token.uuid.as_deref())
        })
    }
}

fn after(now: UnixSeconds, time: Duration) -> UnixSeconds {
    UnixSeconds::new(now.get().saturating_add(time.as_secs()))
}

/// `1 live token`, `2 live tokens`.
fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
