//! A live keyset: everything that is asked while requests are answered, kept in memory and swapped when an admin changes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, TryLockError};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use usher_access::{
    Expiry, InvalidToken, KeyNumber, KeysetState, Presented, PublishKey, SubscribeKey, TokenKey, TokenKeys, TwinKey,
    TwinPublicKey, UnixSeconds, Verifier,
};
use usher_runtime::capability::access::Grants;
use usher_runtime::capability::groups::Groups;
use usher_vault::{Secret, SecretName};
use zeroize::Zeroizing;

use super::changes::Changes;
use crate::remote::RemoteOrigin;
use crate::store::grants::EmbeddedGrants;
use crate::store::groups::EmbeddedGroups;
use crate::store::keysets::Keyset;
use crate::store::revocations::StoredRevocations;
use crate::store::secrets::Secrets;
use crate::store::tokens::IssuedTokens;

/// A keyset and its Access Manager. The same for as long as the server runs: what it is asked, it looks up anew.
#[derive(Debug)]
pub(crate) struct LiveKeyset {
    pub(crate) subscribe_key: SubscribeKey,
    pub(crate) publish_key: PublishKey,
    pub(crate) access: LiveAccess,
    pub(crate) issued: IssuedTokens,
    pub(crate) revocations: StoredRevocations,
    changes: Changes,
    /// Read to grant a token, written to end a key: a key's end is never set between the count of its tokens and one more.
    granting: RwLock<()>,
    secrets: Arc<Secrets>,
    current: ArcSwap<Current>,
    /// When the youngest token says it was issued, in seconds.
    last_issue: AtomicU64,
}

/// Where a keyset's grants and groups are.
#[derive(Debug)]
pub(crate) enum LiveAccess {
    Embedded { grants: Arc<EmbeddedGrants>, groups: Arc<EmbeddedGroups> },
    Remote(Arc<RemoteOrigin>),
}

/// What a [`LiveKeyset`] is made of, besides what it reads by itself.
pub(super) struct Parts {
    pub(super) access: LiveAccess,
    pub(super) issued: IssuedTokens,
    pub(super) revocations: StoredRevocations,
    pub(super) changes: Changes,
    pub(super) secrets: Arc<Secrets>,
}

/// The record, and the token keys that follow from it.
#[derive(Debug)]
struct Current {
    keyset: Arc<Keyset>,
    verifier: Arc<Verifier>,
    /// What verifies twins, in the order of the keys; derived when it is asked for first.
    twins: OnceLock<Vec<(KeyNumber, TwinPublicKey)>>,
}

impl LiveKeyset {
    pub(super) fn new(keyset: Keyset, parts: Parts) -> Self {
        let Parts { access, issued, revocations, changes, secrets } = parts;
        let current = ArcSwap::from_pointee(Current::new(keyset.clone(), &secrets));
        let Keyset { subscribe_key, publish_key, .. } = keyset;
        let granting = RwLock::new(());
        let last_issue = AtomicU64::new(0);
        Self {
            subscribe_key,
            publish_key,
            access,
            issued,
            revocations,
            changes,
            granting,
            secrets,
            current,
            last_issue,
        }
    }

    /// A token that says it was issued then is about to be handed out.
    pub(crate) fn note_issue(&self, issued: UnixSeconds) {
        self.last_issue.fetch_max(issued.get(), Ordering::AcqRel);
    }

    /// When the youngest token of this process says it was issued.
    pub(crate) fn last_issue(&self) -> UnixSeconds {
        UnixSeconds::new(self.last_issue.load(Ordering::Acquire))
    }

    /// Puts a changed record in force and lets held requests know.
    pub(super) fn replace(&self, keyset: Keyset) {
        if let LiveAccess::Remote(origin) = &self.access
            && let Some(name) = secret_name(&keyset, keyset.keys.primary(), &self.secrets)
        {
            origin.secret_key.store(Arc::new(name));
        }
        self.current.store(Arc::new(Current::new(keyset, &self.secrets)));
        self.changes.note();
    }

    /// The keyset's record as it is now.
    pub(crate) fn record(&self) -> Arc<Keyset> {
        Arc::clone(&self.current.load().keyset)
    }

    /// Every secret key that counts now, the primary first. A signature under any of them is the root's.
    pub(crate) fn secrets(&self, now: UnixSeconds) -> Vec<(KeyNumber, Secret)> {
        let keyset = self.record();
        let open = |number: KeyNumber| {
            let name = secret_name(&keyset, number, &self.secrets)?;
            let opened = self.secrets.open(&name).inspect_err(|error| {
                tracing::error!(%error, keyset = %keyset.subscribe_key, "a secret key does not open and signs nothing");
            });
            Some((number, opened.ok()?))
        };
        keyset.keys.counting(now).filter_map(|key| open(key.number)).collect()
    }

    /// Reads and verifies a token; whether it was revoked, is over, or is somebody else's is left to `decide`.
    pub(crate) fn present(&self, text: &str, now: UnixSeconds) -> Presented {
        let presented = self.current.load().verifier.verify(text);
        match presented {
            Presented::Token(token) if self.key_until(token.key()).is_over(now) => {
                Presented::Invalid(InvalidToken::UnknownKey)
            }
            Presented::Token(_) | Presented::NotAToken | Presented::Invalid(_) => presented,
        }
    }

    /// When tokens under a secret key stop to count; at once for a key that there is not.
    pub(crate) fn key_until(&self, number: KeyNumber) -> Expiry {
        let key = self.current.load().keyset.keys.find(number);
        key.map_or(Expiry::at(UnixSeconds::new(0)), |key| key.state.until())
    }

    /// The keys that tokens are granted and verified under.
    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.current.load().verifier)
    }

    /// What signs the twins of tokens that are granted under a secret key.
    pub(crate) fn twin_key(&self, number: KeyNumber) -> Option<TwinKey> {
        self.record().keys.find(number)?;
        let purpose = format!("keyset/{}/twin/{number}", self.subscribe_key);
        Some(TwinKey::from_seed(&derive(&self.secrets, &purpose)))
    }

    /// What verifies the twins of every secret key that counts now, the primary's first.
    pub(crate) fn twin_public_keys(&self, now: UnixSeconds) -> Vec<TwinPublicKey> {
        let current = self.current.load();
        let keys = current.keyset.keys.all().iter();
        let derived = keys.filter_map(|key| Some((key.number, self.twin_key(key.number)?.public().clone())));
        let derived = current.twins.get_or_init(|| derived.collect());
        let counts = |number: KeyNumber| current.keyset.keys.counting(now).any(|key| key.number == number);
        derived.iter().filter(|(number, _)| counts(*number)).map(|(_, key)| key.clone()).collect()
    }

    /// Moves whenever access may have shrunk: who holds a request open decides anew then.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Something was taken away. To be called once it is in force.
    pub(crate) fn note_change(&self) {
        self.changes.note();
    }

    /// Shows what `decide` asks; nothing where the grants are kept elsewhere. Locks are held meanwhile: to be quick.
    pub(crate) fn with_state<T>(&self, look: impl FnOnce(&KeysetState<'_>) -> T) -> Option<T> {
        let LiveAccess::Embedded { grants, .. } = &self.access else { return None };
        let switches = self.current.load().keyset.switches;
        let (grants, revocations) = (grants.table(), self.revocations.read());
        Some(look(&KeysetState { grants: &grants, revocations: &revocations, switches }))
    }

    pub(crate) fn grants(&self) -> Arc<dyn Grants> {
        match &self.access {
            LiveAccess::Embedded { grants, .. } => Arc::<EmbeddedGrants>::clone(grants),
            LiveAccess::Remote(origin) => Arc::<RemoteOrigin>::clone(origin),
        }
    }

    pub(crate) fn groups(&self) -> Arc<dyn Groups> {
        match &self.access {
            LiveAccess::Embedded { groups, .. } => Arc::<EmbeddedGroups>::clone(groups),
            LiveAccess::Remote(origin) => Arc::<RemoteOrigin>::clone(origin),
        }
    }

    /// To be held while a token is granted; waits while a key's end is being set, which reads the disk.
    pub(crate) fn granting(&self) -> RwLockReadGuard<'_, ()> {
        self.granting.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`LiveKeyset::granting`], or nothing where that would wait.
    pub(crate) fn granting_at_once(&self) -> Option<RwLockReadGuard<'_, ()>> {
        match self.granting.try_read() {
            Ok(granting) => Some(granting),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Waits until no token is being granted, and lets none be granted while `work` runs.
    pub(super) fn while_none_is_granted<T>(&self, work: impl FnOnce() -> T) -> T {
        let _granting = self.granting.write().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

impl Current {
    fn new(keyset: Keyset, secrets: &Secrets) -> Self {
        let key = |number: KeyNumber| {
            let purpose = format!("keyset/{}/token/{number}", keyset.subscribe_key);
            TokenKey::new(number, *derive(secrets, &purpose))
        };
        let keys = TokenKeys::new(keyset.keys.all().iter().map(|listed| key(listed.number)), keyset.epoch);
        Self { verifier: Arc::new(Verifier::new(keys)), keyset: Arc::new(keyset), twins: OnceLock::new() }
    }
}

/// Where the vault keeps a secret key: under its number, or for the first key where it was before there were numbers.
pub(super) fn secret_name(keyset: &Keyset, number: KeyNumber, secrets: &Secrets) -> Option<SecretName> {
    let numbered = keyset.secret_name(number);
    let unnumbered = (number == KeyNumber::new(1)).then(|| keyset.unnumbered_secret_name()).flatten();
    if numbered.as_ref().is_some_and(|name| secrets.holds(name)) { numbered } else { unnumbered.or(numbered) }
}

/// 32 bytes that only this vault makes, always the same for a purpose.
fn derive(secrets: &Secrets, purpose: &str) -> Zeroizing<[u8; 32]> {
    let derived = secrets.derive(purpose);
    let mut bytes = Zeroizing::new([0; 32]);
    // INVARIANT: the vault derives 32 bytes.
    bytes.iter_mut().zip(derived.reveal()).for_each(|(to, from)| *to = *from);
    bytes
}
