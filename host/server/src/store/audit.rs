//! The record of what admins changed: one line per change, written with the change itself.

use serde::{Deserialize, Serialize};

use super::{Batch, Durability, Space, Store, StoreError};

/// One change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) at: u64,
    /// A word such as `secret.set`, `function.deploy`.
    pub(crate) action: String,
    /// What was changed; never a secret's value.
    pub(crate) subject: String,
    /// The request that changed it.
    pub(crate) request: String,
}

impl Record {
    /// Adds this record to the batch that carries the change.
    pub(crate) fn add_to(&self, batch: &mut Batch) {
        let key = format!("{:016x}-{}", self.at, self.request);
        if let Ok(value) = serde_json::to_vec(self) {
            batch.put(Space::Audit, key, value);
        }
    }
}

/// Writes the record of a change that was made elsewhere.
pub(crate) fn put(store: &Store, record: &Record) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    record.add_to(&mut batch);
    store.commit(batch, Durability::Journal)
}

/// The newest records first, at most `most`.
pub(crate) fn newest(store: &Store, most: usize) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::new();
    store.visit(Space::Audit, b"", None, |_, value| {
        records.extend(serde_json::from_slice::<Record>(value).ok());
        true
    })?;
    records.reverse();
    records.truncate(most);
    Ok(records)
}
