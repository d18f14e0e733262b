//! The vault on disk: its header, its records, and the master key that opens them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use usher_runtime::capability::vault as runtime;
use usher_vault::{Changes, MasterKey, MasterKeyError, OpenError, Secret, SecretName, UnlockError, Vault};
use zeroize::Zeroizing;

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};
use crate::config::MasterKeySource;

/// Where the header is; no record's key begins with it, for theirs begin with `record/`.
const HEADER: &[u8] = b"header";

/// The vault of this server, unlocked; changes are made one at a time.
#[derive(Debug)]
pub(crate) struct Secrets {
    store: Arc<Store>,
    current: ArcSwap<Vault>,
    changing: Mutex<()>,
}

/// Why the vault stays closed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is a vault, but no key.
    #[error(
        "no master key: `{0}` does not exist; the vault in the data folder needs the key it was made with; nothing was changed"
    )]
    KeyMissing(String),
    /// There is neither vault nor key, and none is to be made.
    #[error(
        "no master key: `{0}` does not exist; make one with `usher init`, or name one with `vault.master_key_file` or USHER_MASTER_KEY"
    )]
    NoKeyYet(String),
    /// The key file can be read or written by others than its owner.
    #[error("the master key file `{0}` is open to others; run `chmod 600` on it")]
    KeyExposed(String),
    /// The key file cannot be read or made.
    #[error("master key file `{0}`: {1}")]
    KeyFile(String, std::io::Error),
    /// The key is no key.
    #[error("master key from {0}: {1}")]
    MalformedKey(String, MasterKeyError),
    /// The key is another, or the header is damaged.
    #[error("the vault does not open: {0}; nothing was changed")]
    Locked(#[from] UnlockError),
    /// The store, or the system's randomness, failed.
    #[error("the vault cannot be used: {0}")]
    Unusable(String),
}

/// Why a secret was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("the vault holds no secret `{0}`")]
    NotFound(SecretName),
    #[error("{0}")]
    Unusable(String),
}

impl Secrets {
    /// Unlocks the vault of `store`, or makes one where there is none.
    pub(crate) fn unlock(store: Arc<Store>, source: &MasterKeySource) -> Result<Self, VaultError> {
        let unusable = |error: StoreError| VaultError::Unusable(error.to_string());
        let header = store.get(Space::Vault, HEADER).map_err(unusable)?;
        let master = master_key(source, header.as_deref())?;
        let vault = match header {
            Some(header) => Vault::unlock(&master, &header)?,
            None => {
                let (vault, changes) =
                    Vault::create(&master).map_err(|error| VaultError::Unusable(error.to_string()))?;
                store.commit(batch(changes), Durability::Disk).map_err(unusable)?;
                vault
            }
        };
        Ok(Self { store, current: ArcSwap::from_pointee(vault), changing: Mutex::new(()) })
    }

    /// Opens a secret.
    pub(crate) fn open(&self, name: &SecretName) -> Result<Secret, OpenError> {
        let first = self.open_in(&self.current.load(), name);
        match first {
            // A change was committed between the two reads: the vault of now knows the record of now.
            Err(OpenError::Ahead { .. } | OpenError::Missing { .. }) => {
                let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
                self.open_in(&self.current.load(), name)
            }
            other => other,
        }
    }

    fn open_in(&self, vault: &Vault, name: &SecretName) -> Result<Secret, OpenError> {
        let record = self.store.get(Space::Vault, &record_key(name)).map_err(|error| {
            tracing::error!(%error, secret = %name, "secret cannot be read");
            OpenError::Damaged { name: name.clone() }
        })?;
        vault.open(name, record.as_deref())
    }

    /// 32 bytes for `purpose`, always the same for this vault.
    pub(crate) fn derive(&self, purpose: &str) -> Secret {
        self.current.load().derive(purpose)
    }

    /// Whether the vault holds a secret of that name.
    pub(crate) fn holds(&self, name: &SecretName) -> bool {
        self.current.load().info(name).is_some()
    }

    /// Every name with the version of its record.
    pub(crate) fn list(&self) -> Vec<(SecretName, u64)> {
        self.current.load().names().map(|(name, info)| (name.clone(), info.version)).collect()
    }

    /// Sets a secret.
    pub(crate) fn set(&self, name: &SecretName, secret: &Secret, record: &Record) -> Result<(), ChangeError> {
        self.change(record, |vault| vault.set(name, secret).map_err(|error| ChangeError::Unusable(error.to_string())))
    }

    /// Removes a secret.
    pub(crate) fn remove(&self, name: &SecretName, record: &Record) -> Result<(), ChangeError> {
        self.change(record, |vault| {
            vault.remove(name).map_err(|error| match error {
                usher_vault::RemoveError::NotFound { name } => ChangeError::NotFound(name),
                usher_vault::RemoveError::Seal(error) => ChangeError::Unusable(error.to_string()),
            })
        })
    }

    /// Makes a new data key and seals every secret under it.
    pub(crate) fn rotate(&self, record: &Record) -> Result<(), ChangeError> {
        self.change(record, |vault| {
            let records = |name: &SecretName| self.store.get(Space::Vault, &record_key(name)).ok().flatten();
            vault.rotate(records).map_err(|error| ChangeError::Unusable(error.to_string()))
        })
    }

    /// Wraps the data keys under a new master key; records stay as they are.
    pub(crate) fn rewrap(&self, master: &MasterKey, record: &Record) -> Result<(), ChangeError> {
        self.change(record, |vault| vault.rewrap(master).map_err(|error| ChangeError::Unusable(error.to_string())))
    }

    /// One change at a time: seal, write, and only then swap.
    fn change(
        &self,
        record: &Record,
        make: impl FnOnce(&Vault) -> Result<(Vault, Changes), ChangeError>,
    ) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, changes) = make(&self.current.load())?;
        let mut writes = batch(changes);
        record.add_to(&mut writes);
        self.store.commit(writes, Durability::Disk).map_err(|error| ChangeError::Unusable(error.to_string()))?;
        self.current.store(Arc::new(next));
        Ok(())
    }
}

impl runtime::Secrets for Secrets {
    fn open(&self, name: &SecretName) -> Result<Secret, runtime::OpenError> {
        Self::open(self, name).map_err(|error| match error {
            OpenError::NotFound { .. } => runtime::OpenError::NotFound,
            OpenError::Missing { .. }
            | OpenError::Damaged { .. }
            | OpenError::RolledBack { .. }
            | OpenError::Ahead { .. } => {
                tracing::error!(%error, "secret does not open");
                runtime::OpenError::Unreadable
            }
        })
    }
}

fn record_key(name: &SecretName) -> Vec<u8> {
    format!("record/{name}").into_bytes()
}

fn batch(changes: Changes) -> Batch {
    let Changes { header, put, remove } = changes;
    let mut batch = Batch::default();
    batch.put(Space::Vault, HEADER, header);
    for (name, record) in put {
        batch.put(Space::Vault, record_key(&name), record);
    }
    for name in remove {
        batch.remove(Space::Vault, record_key(&name));
    }
    batch
}

/// `header` is the vault's, if there is a vault that a key has to fit.
fn master_key(source: &MasterKeySource, header: Option<&[u8]>) -> Result<MasterKey, VaultError> {
    match source {
        MasterKeySource::Text(text) => MasterKey::parse(text.as_bytes())
            .map_err(|error| VaultError::MalformedKey("USHER_MASTER_KEY".into(), error)),
        MasterKeySource::File(file) if file.exists() => read_key(file),
        MasterKeySource::CreatedFile(file) if file.exists() => read_key(file),
        MasterKeySource::File(file) | MasterKeySource::CreatedFile(file) if header.is_some() => {
            Err(VaultError::KeyMissing(file.display().to_string()))
        }
        MasterKeySource::CreatedFile(file) => create_master_key(file),
        MasterKeySource::File(file) => Err(VaultError::NoKeyYet(file.display().to_string())),
    }
}

fn read_key(file: &Path) -> Result<MasterKey, VaultError> {
    let shown = || file.display().to_string();
    let in_file = |error| VaultError::KeyFile(shown(), error);
    let mode = fs::metadata(file).map_err(in_file)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(VaultError::KeyExposed(shown()));
    }
    let text = Zeroizing::new(fs::read(file).map_err(in_file)?);
    MasterKey::parse(&text).map_err(|error| VaultError::MalformedKey(format!("`{}`", shown()), error))
}

/// Makes a master key file of mode 0600; never touches one that exists.
///
/// # Errors
/// When the file exists or cannot be written, or the system gives no randomness.
pub fn create_master_key(file: &Path) -> Result<MasterKey, VaultError> {
    let in_file = |error| VaultError::KeyFile(file.display().to_string(), error);
    let master = MasterKey::generate().map_err(|error| VaultError::Unusable(error.to_string()))?;
    let mut opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(in_file)?;
    let written = writeln!(opened, "{}", master.expose_hex().as_str()).and_then(|()| opened.sync_all());
    written.map_err(in_file)?;
    Ok(master)
}
