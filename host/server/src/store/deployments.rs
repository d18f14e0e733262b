//! Deployments: immutable versions of a function, and the pointer that says which one is active.

use serde::{Deserialize, Serialize};
use usher_access::SubscribeKey;

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};
use crate::manifest::FunctionName;

/// Activations that can be taken back.
const LONGEST_HISTORY: usize = 100;

/// One version of a function. Never changed once stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    pub(crate) version: u32,
    /// The manifest's text.
    pub(crate) manifest: String,
    /// The policy's text, kept with the version it came with.
    pub(crate) policy: Option<String>,
    /// SHA-256 of the component.
    pub(crate) artefact: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) created: u64,
}

/// The versions that were active, oldest first; the last one is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pointer {
    pub(crate) history: Vec<u32>,
}

/// A function of a keyset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FunctionId {
    pub(crate) subscribe_key: SubscribeKey,
    pub(crate) name: FunctionName,
}

impl FunctionId {
    fn key(&self, kind: &str) -> String {
        format!("{kind}/{}/{}/", self.subscribe_key.as_str(), self.name)
    }

    fn version_key(&self, version: u32) -> String {
        format!("{}{version:010}", self.key("version"))
    }
}

impl Pointer {
    pub(crate) fn active(&self) -> Option<u32> {
        self.history.last().copied()
    }

    /// The pointer after activating `version`.
    pub(crate) fn activating(&self, version: u32) -> Self {
        let mut history = self.history.clone();
        history.push(version);
        let surplus = history.len().saturating_sub(LONGEST_HISTORY);
        Self { history: history.split_off(surplus) }
    }

    /// The pointer after taking the last activation back.
    pub(crate) fn rolled_back(&self) -> Option<Self> {
        let (_, rest) = self.history.split_last()?;
        (!rest.is_empty()).then(|| Self { history: rest.to_vec() })
    }
}

/// Every function that has an active version.
pub(crate) fn functions(store: &Store) -> Result<Vec<(FunctionId, Pointer)>, StoreError> {
    let mut functions = Vec::new();
    for (key, value) in store.scan(Space::Deployments, b"active/", None, usize::MAX)? {
        let key = String::from_utf8_lossy(&key).into_owned();
        let mut parts = key.split('/').skip(1);
        let (subscribe_key, name) =
            (parts.next().and_then(|k| k.parse().ok()), parts.next().and_then(|n| n.parse().ok()));
        let (Some(subscribe_key), Some(name)) = (subscribe_key, name) else {
            return Err(StoreError(format!("deployment record `{key}` is damaged")));
        };
        functions.push((FunctionId { subscribe_key, name }, decode(&value)?));
    }
    Ok(functions)
}

pub(crate) fn pointer(store: &Store, function: &FunctionId) -> Result<Pointer, StoreError> {
    store
        .get(Space::Deployments, function.key("active").as_bytes())?
        .map_or_else(|| Ok(Pointer::default()), |value| decode(&value))
}

/// All versions of a function, oldest first.
pub(crate) fn versions(store: &Store, function: &FunctionId) -> Result<Vec<Version>, StoreError> {
    let prefix = function.key("version");
    store
        .scan(Space::Deployments, prefix.as_bytes(), None, usize::MAX)?
        .iter()
        .map(|(_, value)| decode(value))
        .collect()
}

pub(crate) fn version(store: &Store, function: &FunctionId, version: u32) -> Result<Option<Version>, StoreError> {
    store.get(Space::Deployments, function.version_key(version).as_bytes())?.map(|value| decode(&value)).transpose()
}

pub(crate) fn artefact(store: &Store, hash: &str) -> Result<Option<Vec<u8>>, StoreError> {
    store.get(Space::Artefacts, hash.as_bytes())
}

/// Stores artefact, version and audit record together.
pub(crate) fn add(
    store: &Store,
    function: &FunctionId,
    (version, component): (&Version, &[u8]),
    record: &Record,
) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(Space::Artefacts, version.artefact.as_str(), component);
    batch.put(Space::Deployments, function.version_key(version.version), encode(version)?);
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

/// Moves the pointer.
pub(crate) fn point(
    store: &Store,
    function: &FunctionId,
    pointer: &Pointer,
    record: &Record,
) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(Space::Deployments, function.key("active"), encode(pointer)?);
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError(error.to_string()))
}

fn decode<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value).map_err(|error| StoreError(format!("deployment record: {error}")))
}
