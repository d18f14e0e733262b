//! The ledger: which record of each secret is the right one.

use std::collections::{BTreeMap, btree_map::Entry as Slot};

use crate::{SealError, SecretName, cipher::TAG, wire::Reader};

/// What is known about a secret without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordInfo {
    /// The vault's generation when the record was sealed: higher means later, across all secrets.
    pub version: u64,
    /// The version of the data key that sealed it.
    pub data_key: u32,
}

/// The one record that counts for a name.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) info: RecordInfo,
    /// Two records may share a version if one of them was never committed; they do not share a tag.
    pub(crate) tag: [u8; TAG],
}

/// The newest record of every secret, by name.
#[derive(Clone, Default)]
pub(crate) struct Ledger(BTreeMap<SecretName, Entry>);

impl Ledger {
    pub(crate) fn get(&self, name: &SecretName) -> Option<&Entry> {
        self.0.get(name)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&SecretName, &Entry)> {
        self.0.iter()
    }

    pub(crate) fn uses(&self, data_key: u32) -> bool {
        self.0.values().any(|entry| entry.info.data_key == data_key)
    }

    pub(crate) fn set(&mut self, name: SecretName, entry: Entry) {
        self.0.insert(name, entry);
    }

    /// Takes a name off the ledger, if it is there.
    pub(crate) fn remove(&mut self, name: &SecretName) -> Option<Entry> {
        self.0.remove(name)
    }

    /// Bytes that [`Ledger::write`] appends.
    pub(crate) fn written_len(&self) -> usize {
        4 + self.0.keys().map(|name| 1 + name.as_str().len() + 8 + 4 + TAG).sum::<usize>()
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) -> Result<(), SealError> {
        let count = u32::try_from(self.0.len()).map_err(|_| SealError::Full)?;
        to.extend_from_slice(&count.to_be_bytes());
        for (name, Entry { info: RecordInfo { version, data_key }, tag }) in &self.0 {
            to.extend_from_slice(&name.prefixed());
            to.extend_from_slice(&version.to_be_bytes());
            to.extend_from_slice(&data_key.to_be_bytes());
            to.extend_from_slice(tag);
        }
        Ok(())
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut ledger = BTreeMap::new();
        for _ in 0..from.u32()? {
            let (name, entry) = read_entry(from)?;
            match ledger.entry(name) {
                Slot::Vacant(slot) => slot.insert(entry),
                Slot::Occupied(_) => return None,
            };
        }
        Some(Self(ledger))
    }
}

fn read_entry(from: &mut Reader<'_>) -> Option<(SecretName, Entry)> {
    let length = from.u8()?;
    let name = str::from_utf8(from.slice(length.into())?).ok()?.parse().ok()?;
    let info = RecordInfo { version: from.u64()?, data_key: from.u32()? };
    Some((name, Entry { info, tag: *from.array()? }))
}
