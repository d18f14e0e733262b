//! The unlocked vault and its changes, each a new vault beside the old one.

mod rotation;

use std::{fmt, sync::Arc};

pub use rotation::RotateError;

use crate::{
    Changes, MasterKey, OpenError, RecordInfo, SealError, Secret, SecretName, UnlockError,
    header::{self, Contents, HeaderKey},
    key::Key,
    ledger::Ledger,
    record,
    ring::Ring,
};

const DERIVE_LABEL: &str = "usher-vault 1 derive";

/// An unlocked vault: the data keys and the ledger, but no secret. Immutable; share it behind an `Arc` and swap it when it changes.
pub struct Vault {
    header_key: HeaderKey,
    contents: Contents,
}

/// Why a secret could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The vault holds no secret of this name.
    #[error("no secret is named `{name}`")]
    NotFound {
        /// The name asked for.
        name: SecretName,
    },
    /// The new header could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Vault {
    /// A new vault without secrets, generation 1.
    pub fn create(master: &MasterKey) -> Result<(Self, Changes), SealError> {
        let root = Arc::new(Key::random()?);
        let contents = Contents { generation: 1, root, ring: Ring::fresh()?, ledger: Ledger::default() };
        Self::changed(HeaderKey::fresh(master)?, contents, Vec::new(), Vec::new())
    }

    /// Unlocks the vault whose stored header is `header`. Cannot tell whether header and records were rolled back together.
    pub fn unlock(master: &MasterKey, header: &[u8]) -> Result<Self, UnlockError> {
        let (header_key, contents) = header::unseal(master, header)?;
        Ok(Self { header_key, contents })
    }

    /// Unlocks like [`Vault::unlock`], and refuses a vault from before `generation`, which the caller remembers outside the storage.
    pub fn unlock_at_least(master: &MasterKey, header: &[u8], generation: u64) -> Result<Self, UnlockError> {
        let vault = Self::unlock(master, header)?;
        let found = vault.generation();
        if found < generation {
            return Err(UnlockError::RolledBack { found, required: generation });
        }
        Ok(vault)
    }

    /// How many changes made this vault, its creation included.
    pub fn generation(&self) -> u64 {
        self.contents.generation
    }

    /// The names of all secrets, sorted, and what is known about each.
    pub fn names(&self) -> impl ExactSizeIterator<Item = (&SecretName, RecordInfo)> {
        self.contents.ledger.iter().map(|(name, entry)| (name, entry.info))
    }

    /// What is known about one secret, or `None` if the vault does not hold it.
    pub fn info(&self, name: &SecretName) -> Option<RecordInfo> {
        self.contents.ledger.get(name).map(|entry| entry.info)
    }

    /// Opens the secret `name` from `record`, which is what the storage has under this name.
    pub fn open(&self, name: &SecretName, record: Option<&[u8]>) -> Result<Secret, OpenError> {
        let entry = self.contents.ledger.get(name).ok_or_else(|| OpenError::NotFound { name: name.clone() })?;
        let record = record.ok_or_else(|| OpenError::Missing { name: name.clone() })?;
        record::open(&self.contents.ring, name, entry, record)
    }

    /// Adds the secret `name`, or replaces its value.
    pub fn set(&self, name: &SecretName, secret: &Secret) -> Result<(Self, Changes), SealError> {
        let mut contents = self.next_contents()?;
        let put = contents.put(name, secret)?;
        contents.drop_unused_keys();
        Self::changed(self.header_key.clone(), contents, vec![put], Vec::new())
    }

    /// Removes the secret `name`. Its record, should it come back, is refused.
    pub fn remove(&self, name: &SecretName) -> Result<(Self, Changes), RemoveError> {
        let mut contents = self.next_contents()?;
        contents.ledger.remove(name).ok_or_else(|| RemoveError::NotFound { name: name.clone() })?;
        contents.drop_unused_keys();
        Ok(Self::changed(self.header_key.clone(), contents, Vec::new(), vec![name.clone()])?)
    }

    /// A key of 32 bytes for `purpose`: always the same for this vault, whatever is rotated or rewrapped, and another for each purpose.
    pub fn derive(&self, purpose: &str) -> Secret {
        Secret::from_key(&self.contents.root.derive(DERIVE_LABEL, purpose.as_bytes()))
    }

    fn next_contents(&self) -> Result<Contents, SealError> {
        let generation = self.contents.generation.checked_add(1).ok_or(SealError::Full)?;
        Ok(Contents { generation, ..self.contents.clone() })
    }

    fn changed(
        header_key: HeaderKey,
        contents: Contents,
        put: Vec<(SecretName, Vec<u8>)>,
        remove: Vec<SecretName>,
    ) -> Result<(Self, Changes), SealError> {
        let header = header::seal(&header_key, &contents)?;
        Ok((Self { header_key, contents }, Changes { header, put, remove }))
    }
}

impl Contents {
    /// Seals a record of this generation and enters it in the ledger.
    fn put(&mut self, name: &SecretName, secret: &Secret) -> Result<(SecretName, Vec<u8>), SealError> {
        let (record, entry) = record::seal(&self.ring, name, self.generation, secret)?;
        self.ledger.set(name.clone(), entry);
        Ok((name.clone(), record))
    }

    fn drop_unused_keys(&mut self) {
        self.ring.drop_unused(&self.ledger);
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.names().len();
        f.debug_struct("Vault")
            .field("generation", &self.generation())
            .field("secrets", &secrets)
            .finish_non_exhaustive()
    }
}
