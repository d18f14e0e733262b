//! Deployments: immutable versions of a function, and the pointer that says which one is active.

use std::collections::BTreeSet;

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

    /// The pointer after activating `version`; activating what is active leaves nothing more to take back.
    pub(crate) fn activating(&self, version: u32) -> Self {
        let mut history = self.history.clone();
        history.pop_if(|active| *active == version);
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

/// The different manifests of a function's versions; versions that cannot be read are logged and left out.
pub(crate) fn manifests(store: &Store, function: &FunctionId) -> Result<BTreeSet<String>, StoreError> {
    let mut manifests = BTreeSet::new();
    store.visit(Space::Deployments, function.key("version").as_bytes(), None, |_, value| {
        match decode::<Version>(value) {
            Ok(version) => drop(manifests.insert(version.manifest)),
            Err(error) => tracing::error!(function = %function.name, %error, "a stored version cannot be read"),
        }
        true
    })?;
    Ok(manifests)
}

pub(crate) fn version(store: &Store, function: &FunctionId, version: u32) -> Result<Option<Version>, StoreError> {
    store.get(Space::Deployments, function.version_key(version).as_bytes())?.map(|value| decode(&value)).transpose()
}

pub(crate) fn artefact(store: &Store, hash: &str) -> Result<Option<Vec<u8>>, StoreError> {
    store.get(Space::Artefacts, hash.as_bytes())
}

/// What is to follow an activation, also if the server does not live to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    Nothing,
    /// What was granted before is checked again.
    Recheck,
}

/// Stores artefact, version and audit record together.
pub(crate) fn add(
    store: &Store,
    function: &FunctionId,
    (version, component): (&Version, Option<&[u8]>),
    record: &Record,
) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    if let Some(component) = component {
        batch.put(Space::Artefacts, version.artefact.as_str(), component);
    }
    batch.put(Space::Deployments, function.version_key(version.version), encode(version)?);
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

/// Stores a version of an artefact that is there, and moves the pointer to it, together.
pub(crate) fn add_active(
    store: &Store,
    function: &FunctionId,
    (version, pointer, after): (&Version, &Pointer, Afterwards),
    record: &Record,
) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put(Space::Deployments, function.version_key(version.version), encode(version)?);
    move_pointer(&mut batch, function, (pointer, after))?;
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

/// Moves the pointer.
pub(crate) fn point(
    store: &Store,
    function: &FunctionId,
    moved: (&Pointer, Afterwards),
    record: &Record,
) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    move_pointer(&mut batch, function, moved)?;
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

fn move_pointer(
    batch: &mut Batch,
    function: &FunctionId,
    (pointer, after): (&Pointer, Afterwards),
) -> Result<(), StoreError> {
    batch.put(Space::Deployments, function.key("active"), encode(pointer)?);
    match after {
        Afterwards::Nothing => batch.remove(Space::Deployments, function.key("recheck")),
        Afterwards::Recheck => batch.put(Space::Deployments, function.key("recheck"), []),
    }
    Ok(())
}

/// What was granted before the activation has been checked again.
pub(crate) fn rechecked(store: &Store, function: &FunctionId) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.remove(Space::Deployments, function.key("recheck"));
    store.commit(batch, Durability::Disk)
}

/// Whether what was granted before the activation is still to be checked.
pub(crate) fn is_to_recheck(store: &Store, function: &FunctionId) -> Result<bool, StoreError> {
    Ok(store.get(Space::Deployments, function.key("recheck").as_bytes())?.is_some())
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError(error.to_string()))
}

fn decode<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value).map_err(|error| StoreError(format!("deployment record: {error}")))
}
