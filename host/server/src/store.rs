//! The embedded store: named spaces of bytes, atomic batches, two grades of durability; the only module that names the database.
//!
//! What the spaces hold is the business of the modules below, each a set of named operations over typed values.

pub(crate) mod audit;
pub(crate) mod deployments;
mod flusher;
pub(crate) mod grants;
pub(crate) mod groups;
mod inspection;
mod journal;
pub(crate) mod kept;
pub(crate) mod keysets;
mod mark;
pub(crate) mod pairs;
pub(crate) mod revocations;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod tokens;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use flusher::Flusher;
use inspection::{InspectError, inspect};
use mark::Mark;

/// Bytes in memory before a space is written to a table file.
const WRITE_BUFFER: u64 = 16 << 20;
/// Cache of table blocks, in bytes.
const BLOCK_CACHE: u64 = 16 << 20;

/// A space of keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    Vault,
    Keysets,
    Artefacts,
    Deployments,
    Audit,
    Grants,
    Groups,
    Pairs,
    Tokens,
    Revocations,
    Sessions,
    Decisions,
    DecisionIds,
}

impl Space {
    const ALL: [Self; 13] = [
        Self::Vault,
        Self::Keysets,
        Self::Artefacts,
        Self::Deployments,
        Self::Audit,
        Self::Grants,
        Self::Groups,
        Self::Pairs,
        Self::Tokens,
        Self::Revocations,
        Self::Sessions,
        Self::Decisions,
        Self::DecisionIds,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Keysets => "keysets",
            Self::Artefacts => "artefacts",
            Self::Deployments => "deployments",
            Self::Audit => "audit",
            Self::Grants => "grants",
            Self::Groups => "groups",
            Self::Pairs => "pairs",
            Self::Tokens => "tokens",
            Self::Revocations => "revocations",
            Self::Sessions => "sessions",
            Self::Decisions => "decisions",
            Self::DecisionIds => "decision-ids",
        }
    }
}

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// In the journal: survives the process. On disk within 10 ms.
    Journal,
    /// On disk: survives the machine.
    Disk,
}

/// Writes that happen together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Batch(Vec<(Space, Vec<u8>, Option<Vec<u8>>)>);

impl Batch {
    pub(crate) fn put(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push((space, key.into(), Some(value.into())));
    }

    pub(crate) fn remove(&mut self, space: Space, key: impl Into<Vec<u8>>) {
        self.0.push((space, key.into(), None));
    }
}

/// Why the store did not open. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "another Usher{by} is using the data folder `{folder}`; stop it, or give this one a folder of its own with --data"
    )]
    InUse {
        /// The folder.
        folder: String,
        /// Where the other one's admin API is, if that is known.
        by: String,
    },
    /// The folder cannot be made or used.
    #[error("cannot use the data folder `{0}`: {1}")]
    Folder(String, std::io::Error),
    /// The files in it are damaged or of another kind.
    #[error("the store in `{0}` cannot be read: {1}; nothing was changed; restore it from a backup")]
    Damaged(String, String),
}

/// A read or write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
#[error("store: {0}")]
pub(crate) struct StoreError(String);

/// Where everything that outlives a request is kept.
#[derive(Debug)]
pub(crate) struct Store(Backend);

enum Backend {
    Disk(Disk),
    /// For measurements and trials: nothing outlives the process.
    Memory(RwLock<BTreeMap<SpaceKey, Vec<u8>>>),
}

struct Disk {
    flusher: Flusher,
    spaces: BTreeMap<Space, Keyspace>,
    database: Database,
}

/// A key within its space.
type SpaceKey = (Space, Vec<u8>);

/// A key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

impl Store {
    /// Opens the store in `data`, creating it with mode 0700 where there is none.
    pub(crate) fn open(data: &Path) -> Result<Arc<Self>, OpenError> {
        let shown = data.display().to_string();
        let in_folder = |error| OpenError::Folder(shown.clone(), error);
        Self::make_folder(data)?;
        let opened = |error: fjall::Error| {
            if matches!(error, fjall::Error::Locked) {
                return in_use(data);
            }
            OpenError::Damaged(shown.clone(), error.to_string())
        };
        inspect(&data.join("store")).map_err(|error| match error {
            InspectError::InUse => in_use(data),
            InspectError::Damaged { .. }
            | InspectError::Shortened { .. }
            | InspectError::Missing(_)
            | InspectError::Unreadable { .. } => OpenError::Damaged(shown.clone(), error.to_string()),
        })?;
        let database = Database::builder(data.join("store"))
            .cache_size(BLOCK_CACHE)
            // A damaged entry that is compressed passes for the journal's end; one that is not fails its checksum.
            .journal_compression(CompressionType::None)
            .worker_threads(1)
            .open()
            .map_err(opened)?;
        let mut spaces = BTreeMap::new();
        for space in Space::ALL {
            let options = || KeyspaceCreateOptions::default().max_memtable_size(WRITE_BUFFER);
            spaces.insert(space, database.keyspace(space.name(), options).map_err(opened)?);
        }
        let mark = Mark::beginning(&data.join("store")).map_err(in_folder)?;
        let flusher = Flusher::start(data.join("store"), mark).map_err(in_folder)?;
        Ok(Arc::new(Self(Backend::Disk(Disk { flusher, spaces, database }))))
    }

    /// Makes the data folder if there is none, and closes it to others.
    pub(crate) fn make_folder(data: &Path) -> Result<(), OpenError> {
        let in_folder = |error| OpenError::Folder(data.display().to_string(), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(in_folder)?;
        close_to_others(data).map_err(in_folder)
    }

    /// A store that forgets.
    pub(crate) fn in_memory() -> Arc<Self> {
        Arc::new(Self(Backend::Memory(RwLock::new(BTreeMap::new()))))
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            Backend::Disk(disk) => Ok(disk.space(space)?.get(key)?.map(|value| value.to_vec())),
            Backend::Memory(map) => {
                let map = map.read().unwrap_or_else(PoisonError::into_inner);
                Ok(map.get(&(space, key.to_vec())).cloned())
            }
        }
    }

    /// Pairs whose key begins with `prefix`, in order; with `after`, those beyond that key.
    pub(crate) fn scan(
        &self,
        space: Space,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let mut pairs = Vec::new();
        self.visit(space, prefix, after, |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            pairs.len() < most
        })?;
        Ok(pairs)
    }

    /// Shows pairs in order until `visitor` says enough.
    pub(crate) fn visit(
        &self,
        space: Space,
        prefix: &[u8],
        after: Option<&[u8]>,
        mut visitor: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        match &self.0 {
            Backend::Disk(disk) => {
                for guard in disk.space(space)?.range::<&[u8], _>((start, Bound::Unbounded)) {
                    let (key, value) = guard.into_inner()?;
                    if !key.starts_with(prefix) || !visitor(&key, &value) {
                        break;
                    }
                }
            }
            Backend::Memory(map) => {
                let map = map.read().unwrap_or_else(PoisonError::into_inner);
                let start = start.map(|key| (space, key.to_vec()));
                for ((of, key), value) in map.range((start, Bound::Unbounded)) {
                    if *of != space || !key.starts_with(prefix) || !visitor(key, value) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Applies a batch; when this returns it is as durable as asked.
    pub(crate) fn commit(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Disk(disk) => disk.commit(batch, durability),
            Backend::Memory(map) => {
                let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
                for (space, key, value) in batch.0 {
                    match value {
                        Some(value) => map.insert((space, key), value),
                        None => map.remove(&(space, key)),
                    };
                }
                Ok(())
            }
        }
    }

    /// Brings everything acknowledged to disk; the last step of a shutdown.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Disk(disk) => Ok(disk.database.persist(PersistMode::SyncAll)?),
            Backend::Memory(_) => Ok(()),
        }
    }

    /// Whether there is a next start that reads what is written now.
    pub(crate) const fn outlives_the_process(&self) -> bool {
        match self.0 {
            Backend::Disk(_) => true,
            Backend::Memory(_) => false,
        }
    }

    /// Whether writes still reach the disk; a store that met a full or broken disk refuses writes until it is restarted.
    pub(crate) fn healthy(&self) -> bool {
        match &self.0 {
            Backend::Disk(disk) => !disk.flusher.failed(),
            Backend::Memory(_) => true,
        }
    }
}

/// Mode 0700 for a folder that is empty or a store's; any other folder is left as it is, and has to be closed already.
fn close_to_others(data: &Path) -> io::Result<()> {
    if data.join("store").exists() || fs::read_dir(data)?.next().is_none() {
        return fs::set_permissions(data, fs::Permissions::from_mode(0o700));
    }
    if fs::metadata(data)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let message = "it holds other files and is open to others; name an empty folder, or run `chmod 700` on this one";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

fn in_use(data: &Path) -> OpenError {
    let by = fs::read_to_string(data.join("admin.url")).map(|url| format!(" ({})", url.trim())).unwrap_or_default();
    OpenError::InUse { folder: data.display().to_string(), by }
}

impl Disk {
    fn space(&self, space: Space) -> Result<&Keyspace, StoreError> {
        self.spaces.get(&space).ok_or_else(|| StoreError(format!("no space `{}`", space.name())))
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        if self.flusher.failed() {
            return Err(StoreError("an earlier write did not reach the disk; free space, then restart".into()));
        }
        let mode = match durability {
            Durability::Journal => PersistMode::Buffer,
            Durability::Disk => PersistMode::SyncAll,
        };
        let mut writes = self.database.batch().durability(Some(mode));
        for (space, key, value) in batch.0 {
            match value {
                Some(value) => writes.insert(self.space(space)?, key, value),
                None => writes.remove(self.space(space)?, key),
            }
        }
        writes.commit().inspect_err(|_| self.flusher.fail())?;
        self.flusher.wake();
        Ok(())
    }
}

impl StoreError {
    /// What else kept a change from being stored.
    pub(crate) fn other(error: &dyn std::error::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(_) => out.write_str("Disk"),
            Self::Memory(_) => out.write_str("Memory"),
        }
    }
}
