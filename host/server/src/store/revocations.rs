//! What was taken back of a keyset's tokens: a memory index that is asked, a record on disk that lasts.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use usher_access::{Revocation, Revocations, SubscribeKey, UnixSeconds};

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};

/// Seconds that a revocation is kept beyond the end of the last token it takes: a clock that ran ahead and is set back
/// must not bring the token back.
const KEPT_BEYOND: u64 = 24 * 60 * 60;

/// The revocations of one keyset.
#[derive(Debug)]
pub(crate) struct StoredRevocations {
    store: Arc<Store>,
    prefix: Vec<u8>,
    list: RwLock<Revocations>,
    /// INVARIANT: held from disk to index, so that both see changes in one order.
    changing: Mutex<()>,
}

impl StoredRevocations {
    /// Reads the revocations of a keyset from the store.
    ///
    /// # Errors
    /// Also when a record cannot be read: left out, it would give access back.
    pub(crate) fn load(store: Arc<Store>, subscribe_key: &SubscribeKey) -> Result<Self, StoreError> {
        let prefix = format!("{}\0", subscribe_key.as_str()).into_bytes();
        let mut list = Revocations::default();
        let mut damaged = None;
        store.visit(Space::Revocations, &prefix, None, |key, value| {
            match Revocation::decode(key.get(prefix.len()..).unwrap_or_default(), value) {
                Ok(revocation) => list.apply(&revocation),
                Err(error) => damaged = Some(StoreError(format!("revocation of `{subscribe_key}`: {error}"))),
            }
            damaged.is_none()
        })?;
        match damaged {
            Some(error) => Err(error),
            None => Ok(Self { store, prefix, list: RwLock::new(list), changing: Mutex::new(()) }),
        }
    }

    /// Brings to disk, then puts in force, what `make` makes of the revocations so far; when this returns it is both.
    /// What is in `batch` goes to disk with it.
    pub(crate) fn revoke(
        &self,
        make: impl FnOnce(&Revocations) -> Revocation,
        (mut batch, record): (Batch, Option<&Record>),
    ) -> Result<(), StoreError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let revocation = make(&self.read());
        batch.put(Space::Revocations, self.key(&revocation), revocation.encode_value());
        if let Some(record) = record {
            record.add_to(&mut batch);
        }
        self.store.commit(batch, Durability::Disk)?;
        self.list.write().unwrap_or_else(PoisonError::into_inner).apply(&revocation);
        Ok(())
    }

    /// What is revoked now. Not to be held over anything slow.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Revocations> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees what no live token has been under for a day; returns how many records that was.
    pub(crate) fn sweep(&self, now: UnixSeconds) -> Result<usize, StoreError> {
        let now = UnixSeconds::new(now.get().saturating_sub(KEPT_BEYOND));
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let swept = self.list.write().unwrap_or_else(PoisonError::into_inner).sweep(now);
        let mut batch = Batch::default();
        for revocation in &swept {
            batch.remove(Space::Revocations, self.key(revocation));
        }
        self.store.commit(batch, Durability::Journal)?;
        Ok(swept.len())
    }

    fn key(&self, revocation: &Revocation) -> Vec<u8> {
        [self.prefix.as_slice(), &revocation.encode_key()].concat()
    }
}
