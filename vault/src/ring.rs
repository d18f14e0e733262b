//! The data keys by version: the newest seals, the older ones only open.

use std::sync::Arc;

use crate::{RandomnessError, SealError, key::Key, ledger::Ledger, wire::Reader};

/// At least one data key.
// INVARIANT: versions ascend from `older` to `current`.
#[derive(Clone)]
pub(crate) struct Ring {
    older: Vec<DataKey>,
    current: DataKey,
}

/// A data key. Shared, not copied, between a vault and the vault that a change makes of it.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) version: u32,
    pub(crate) key: Arc<Key>,
}

impl Ring {
    /// A ring of one random key, version 1.
    pub(crate) fn fresh() -> Result<Self, RandomnessError> {
        Ok(Self { older: Vec::new(), current: DataKey { version: 1, key: Arc::new(Key::random()?) } })
    }

    /// The key that seals.
    pub(crate) fn current(&self) -> &DataKey {
        &self.current
    }

    pub(crate) fn get(&self, version: u32) -> Option<&Key> {
        self.keys().find(|data_key| data_key.version == version).map(|data_key| &*data_key.key)
    }

    /// This ring with a new random key that seals from now on.
    pub(crate) fn with_new_key(&self) -> Result<Self, SealError> {
        let version = self.current.version.checked_add(1).ok_or(SealError::Full)?;
        let current = DataKey { version, key: Arc::new(Key::random()?) };
        Ok(Self { older: self.keys().cloned().collect(), current })
    }

    /// Drops the older keys under which the ledger knows no record.
    pub(crate) fn drop_unused(&mut self, ledger: &Ledger) {
        self.older.retain(|data_key| ledger.uses(data_key.version));
    }

    /// Bytes that [`Ring::write`] appends.
    pub(crate) fn written_len(&self) -> usize {
        2 + self.keys().count() * (4 + Key::LEN)
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), SealError> {
        let count = u16::try_from(self.keys().count()).map_err(|_| SealError::Full)?;
        to.extend_from_slice(&count.to_be_bytes());
        for DataKey { version, key } in self.keys() {
            to.extend_from_slice(&version.to_be_bytes());
            to.extend_from_slice(key.bytes());
        }
        Ok(())
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut older = Vec::new();
        let before = from.u16()?.checked_sub(1)?;
        for _ in 0..before {
            older.push(DataKey::read(from)?);
        }
        let ring = Self { older, current: DataKey::read(from)? };
        ring.keys().is_sorted_by(|one, next| one.version < next.version).then_some(ring)
    }

    fn keys(&self) -> impl Iterator<Item = &DataKey> {
        self.older.iter().chain([&self.current])
    }
}

impl DataKey {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let version = from.u32()?;
        Some(Self { version, key: Arc::new(Key::copied_from(from.array()?)) })
    }
}
