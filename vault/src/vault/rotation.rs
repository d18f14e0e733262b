//! New keys for an old vault: another data key under the records, another master key over the header.

use super::Vault;
use crate::{Changes, MasterKey, OpenError, SealError, SecretName, header::HeaderKey};

/// Why records could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// A record does not open. Restore it, or set or remove the secret, then rotate again.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A new record or the new header could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Vault {
    /// Makes a new data key, seals every secret anew under it, and drops the old ones. `records` reads the storage. Holds all records
    /// in memory at once; where that is too much, [`Vault::begin_rotation`] and then [`Vault::reseal`] name by name do the same.
    pub fn rotate(
        &self,
        mut records: impl FnMut(&SecretName) -> Option<Vec<u8>>,
    ) -> Result<(Self, Changes), RotateError> {
        let mut contents = self.next_contents()?;
        contents.ring = contents.ring.with_new_key()?;
        let mut put = Vec::with_capacity(self.names().len());
        for (name, _) in self.names() {
            let secret = self.open(name, records(name).as_deref())?;
            put.push(contents.put(name, &secret)?);
        }
        contents.drop_unused_keys();
        Ok(Self::changed(self.header_key.clone(), contents, put, Vec::new())?)
    }

    /// Makes a new data key for everything sealed from now on; what is sealed already stays readable under the old keys.
    pub fn begin_rotation(&self) -> Result<(Self, Changes), SealError> {
        let mut contents = self.next_contents()?;
        contents.ring = contents.ring.with_new_key()?;
        contents.drop_unused_keys();
        Self::changed(self.header_key.clone(), contents, Vec::new(), Vec::new())
    }

    /// Seals one secret anew under the newest data key. A data key that was the last to be used here is dropped.
    pub fn reseal(&self, name: &SecretName, record: Option<&[u8]>) -> Result<(Self, Changes), RotateError> {
        Ok(self.set(name, &self.open(name, record)?)?)
    }

    /// Puts the header under another master key; no record changes. Whoever has the old master key and an old header has the data
    /// keys: if the old one leaked, rotate as well, and change the secrets.
    pub fn rewrap(&self, master: &MasterKey) -> Result<(Self, Changes), SealError> {
        Self::changed(HeaderKey::fresh(master)?, self.next_contents()?, Vec::new(), Vec::new())
    }
}
