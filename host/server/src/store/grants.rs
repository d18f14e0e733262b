//! Usher's own grant table of one keyset: a memory index that answers, a journal that remembers.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use usher_access::{
    Approved, Filter, Finding, Grant, GrantTable, Held, MalformedRecord, Permissions, Question, ResourceKind,
    SubscribeKey, Target, UnixSeconds,
};
use usher_runtime::capability::Answer;
use usher_runtime::capability::access::{Entry, GrantError, Grants};

use super::audit::Record;
use super::sessions::{self, Session, Sessions};
use super::{Batch, Durability, Space, Store, StoreError};
use crate::clock::Clock;
use crate::keysets::Changes;

/// The grants of one keyset.
#[derive(Debug)]
pub(crate) struct EmbeddedGrants {
    store: Arc<Store>,
    clock: Clock,
    prefix: String,
    table: RwLock<GrantTable>,
    changes: Changes,
    /// INVARIANT: held from journal to index, so that both see changes in one order.
    changing: Mutex<()>,
}

impl EmbeddedGrants {
    /// Reads the live grants of a keyset from the store.
    ///
    /// A record that cannot be read is left where it is and grants nothing.
    pub(crate) fn load(
        (store, clock): (Arc<Store>, Clock),
        subscribe_key: &SubscribeKey,
        changes: Changes,
    ) -> Result<Self, StoreError> {
        let prefix = format!("{}\0", subscribe_key.as_str());
        let now = UnixSeconds::new(clock.seconds());
        let mut table = GrantTable::default();
        let mut expired = Batch::default();
        store.visit(Space::Grants, prefix.as_bytes(), None, |key, value| {
            let read: Result<Grant, MalformedRecord> =
                Grant::decode(key.get(prefix.len()..).unwrap_or_default(), value);
            match read {
                Ok(grant) if grant.expires.is_over(now) => expired.remove(Space::Grants, key),
                Ok(grant) => {
                    table.apply(&grant);
                }
                Err(error) => tracing::error!(%error, "a stored grant is damaged and grants nothing"),
            }
            true
        })?;
        store.commit(expired, Durability::Journal)?;
        Ok(Self { store, clock, prefix, table: RwLock::new(table), changes, changing: Mutex::new(()) })
    }

    /// Journals, then puts in force; when this returns the grants are both. Returns in place of how many live grants they are.
    pub(crate) fn apply_now(&self, approved: &[Approved], record: Option<&Record>) -> Result<usize, StoreError> {
        let grants = self.grants_of(approved);
        // A grant that a power cut undoes is made anew; one that it brings back lets in whom an administrator cut off.
        let takes_back = record.is_some() && grants.iter().any(|grant| grant.permissions.is_empty());
        let durability = if takes_back { Durability::Disk } else { Durability::Journal };
        self.put_in_force(&grants, durability, |journal| {
            record.into_iter().for_each(|record| record.add_to(journal));
            Ok(())
        })
    }

    /// As [`EmbeddedGrants::apply_now`], for a function that knows for whom: the session is journaled with the grants.
    pub(crate) fn apply_in(
        &self,
        approved: &[Approved],
        sessions: &Sessions,
        session: &Session,
    ) -> Result<(), StoreError> {
        let grants = self.grants_of(approved);
        let gives = |grant: &Grant| !grant.permissions.is_empty() && grant.target.auth_key() == Some(&session.auth_key);
        let is_given = grants.iter().any(gives);
        let with_session = |journal: &mut Batch| if is_given { sessions.add_to(journal, session) } else { Ok(()) };
        self.put_in_force(&grants, Durability::Journal, with_session).map(drop)
    }

    /// Takes permissions away from live grants and leaves the rest of each as it is; returns how many grants that changed.
    pub(crate) fn lessen(&self, less: &[(Target, Permissions)]) -> Result<usize, StoreError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let lessened = |(target, taken): &(Target, Permissions)| {
            let held = self.table().find(target, now)?;
            let permissions = held.permissions.without(*taken);
            (permissions != held.permissions).then_some(Grant { permissions, ..held })
        };
        let grants: Vec<Grant> = less.iter().filter_map(lessened).collect();
        if grants.is_empty() {
            return Ok(0);
        }
        self.store.commit(self.journal(&grants), Durability::Journal)?;
        self.table.write().unwrap_or_else(PoisonError::into_inner).extend(grants.iter().cloned());
        self.changes.note();
        Ok(grants.len())
    }

    /// Something was taken away elsewhere, such as a channel of a group: who holds a request open decides anew.
    pub(crate) fn note_change(&self) {
        self.changes.note();
    }

    fn grants_of(&self, approved: &[Approved]) -> Vec<Grant> {
        let now = self.now();
        approved.iter().flat_map(|approved| approved.grants(now)).collect()
    }

    fn journal(&self, grants: &[Grant]) -> Batch {
        if self.store.outlives_the_process() { self.batch(grants) } else { Batch::default() }
    }

    /// `more` is journaled with the grants; what it reads nobody else changes meanwhile.
    fn put_in_force(
        &self,
        grants: &[Grant],
        durability: Durability,
        more: impl FnOnce(&mut Batch) -> Result<(), StoreError>,
    ) -> Result<usize, StoreError> {
        let now = self.now();
        let mut journal = self.journal(grants);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        more(&mut journal)?;
        self.store.commit(journal, durability)?;
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let (mut replaced, mut shrinks) = (0, false);
        for grant in grants {
            if let Some(held) = table.apply(grant).filter(|held| !held.expires.is_over(now)) {
                replaced += 1;
                shrinks |= takes_away(grant, held);
            }
        }
        drop(table);
        if shrinks {
            self.changes.note();
        }
        Ok(replaced)
    }

    /// Everything that is granted now. Not to be held over anything slow.
    pub(crate) fn table(&self) -> RwLockReadGuard<'_, GrantTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides one question now.
    pub(crate) fn check(&self, question: &Question<'_>) -> Finding {
        self.table().check(question, self.now())
    }

    /// The live grants that a filter selects, at most `most`.
    pub(crate) fn list(&self, filter: &Filter<'_>, most: usize) -> Vec<Grant> {
        self.table().list(filter, self.now()).take(most).collect()
    }

    /// Frees what has expired, sessions too; returns how many grants that was.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        let over = sessions::over(&self.store, &self.prefix, self.now())?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let swept = self.table.write().unwrap_or_else(PoisonError::into_inner).sweep(self.now());
        let mut batch = Batch::default();
        for key in over {
            // It may have been written again since it was seen.
            if self.store.get(Space::Sessions, &key)?.is_some_and(|value| sessions::is_over(&value, self.now())) {
                batch.remove(Space::Sessions, key);
            }
        }
        for target in &swept {
            batch.remove(Space::Grants, self.key(target));
        }
        self.store.commit(batch, Durability::Journal)?;
        Ok(swept.len())
    }

    fn batch(&self, grants: &[Grant]) -> Batch {
        let mut batch = Batch::default();
        for grant in grants {
            match grant.permissions.is_empty() {
                true => batch.remove(Space::Grants, self.key(&grant.target)),
                false => batch.put(Space::Grants, self.key(&grant.target), grant.encode_value()),
            }
        }
        batch
    }

    fn key(&self, target: &Target) -> Vec<u8> {
        let mut key = self.prefix.clone().into_bytes();
        key.extend(target.encode());
        key
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.clock.seconds())
    }

    fn entries(&self, asked: &Approved) -> Vec<Entry> {
        let now = self.now();
        let table = self.table();
        let live = asked.grants(now).filter_map(|grant| table.find(&grant.target, now));
        live.map(|grant| entry(&grant, now)).collect()
    }
}

impl Grants for EmbeddedGrants {
    fn apply(&self, approved: Vec<Approved>) -> Answer<'_, Result<(), GrantError>> {
        Box::pin(async move { self.apply_now(&approved, None).map(drop).map_err(|error| unavailable(&error)) })
    }

    fn audit(&self, asked: Approved) -> Answer<'_, Result<Vec<Entry>, GrantError>> {
        Box::pin(async move { Ok(self.entries(&asked)) })
    }
}

/// A grant that was not made, as a function is told.
pub(crate) fn unavailable(error: &StoreError) -> GrantError {
    tracing::error!(%error, "grant not stored");
    GrantError::Unavailable("the store cannot be used".into())
}

/// Whether somebody loses a permission, or has it for a shorter time, when `grant` takes the place of `held`.
fn takes_away(grant: &Grant, held: Held) -> bool {
    !grant.permissions.contains(held.permissions) || grant.expires < held.expires
}

/// A grant as an audit shows it.
pub(crate) fn entry(grant: &Grant, now: UnixSeconds) -> Entry {
    let (level, name) = match grant.target.resource() {
        None => ("subkey", String::new()),
        Some((ResourceKind::Channel, name)) => ("channel", name.as_str().to_owned()),
        Some((ResourceKind::Group, name)) => ("channel-group", name.as_str().to_owned()),
        Some((ResourceKind::Uuid, name)) => ("uuid", name.as_str().to_owned()),
    };
    let left = |at: UnixSeconds| at.get().saturating_sub(now.get()).div_ceil(60);
    Entry {
        level,
        name,
        auth_key: grant.target.auth_key().map(|key| key.reveal().to_owned()),
        permissions: grant.permissions,
        minutes: grant.expires.instant().map_or(0, |at| u32::try_from(left(at)).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use usher_access::{Asked, Proposal};

    use super::*;

    #[test]
    fn only_what_takes_away_is_noted() {
        let now = Arc::new(AtomicU64::new(1_800_000_000));
        let of_clock = Arc::clone(&now);
        let store = (Store::in_memory(), Clock::controlled(move || of_clock.load(Ordering::Relaxed) * 1_000));
        let changes = Changes::new();
        let grants = EmbeddedGrants::load(store, &"sub-c-1".parse().unwrap(), changes.clone()).unwrap();
        let seen = changes.subscribe();
        let mut expected = 0;
        for (later, bits, minutes, takes_away) in [
            (0, 1_u8, 60_u32, false),
            (0, 1, 60, false),
            (0, 3, 60, false),
            (0, 3, 90, false),
            (0, 3, 0, false),
            (0, 3, 60, true),
            (0, 1, 60, true),
            (0, 2, 60, true),
            (0, 0, 60, true),
            (0, 0, 60, false),
            (0, 3, 60, false),
            (60 * 60, 1, 60, false),
            (60 * 60, 0, 60, false),
        ] {
            now.fetch_add(later, Ordering::Relaxed);
            let asked = Asked {
                channels: vec!["a".parse().unwrap()],
                permissions: Permissions::try_from(bits).unwrap(),
                ttl: u64::from(minutes).try_into().unwrap(),
                ..Asked::default()
            };
            grants.apply_now(&[Approved::by_root(Proposal::try_from(asked).unwrap())], None).unwrap();
            expected += u64::from(takes_away);
            assert_eq!(*seen.borrow(), expected, "{bits} for {minutes} minutes");
        }
    }
}
