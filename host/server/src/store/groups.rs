//! Channel groups of every keyset: who is in which group, in memory and in the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use usher_access::ResourceName;
use usher_runtime::capability::Answer;
use usher_runtime::capability::groups::{Groups, GroupsError};

use super::{Batch, Durability, Space, Store, StoreError};

/// Channels in one group at the most (PubNub: 2,000).
const MOST_CHANNELS: usize = 2_000;

/// The groups of one keyset, embedded.
#[derive(Debug)]
pub(crate) struct EmbeddedGroups {
    store: Arc<Store>,
    subscribe_key: String,
    members: RwLock<BTreeMap<String, BTreeSet<String>>>,
}

impl EmbeddedGroups {
    /// Reads the groups of a keyset from the store.
    pub(crate) fn load(store: Arc<Store>, subscribe_key: &str) -> Result<Self, StoreError> {
        let prefix = format!("{subscribe_key}\0");
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        store.visit(Space::Groups, prefix.as_bytes(), None, |key, _| {
            let rest = key.get(prefix.len()..).unwrap_or_default();
            if let Some((group, channel)) = String::from_utf8_lossy(rest).split_once('\0') {
                members.entry(group.to_owned()).or_default().insert(channel.to_owned());
            }
            true
        })?;
        Ok(Self { store, subscribe_key: subscribe_key.to_owned(), members: RwLock::new(members) })
    }

    fn key(&self, group: &str, channel: &str) -> Vec<u8> {
        format!("{}\0{group}\0{channel}", self.subscribe_key).into_bytes()
    }

    fn add_now(&self, group: &str, channels: &[ResourceName]) -> Result<(), GroupsError> {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let present = members.get(group);
        let new: BTreeSet<&str> = channels
            .iter()
            .map(ResourceName::as_str)
            .filter(|name| present.is_none_or(|set| !set.contains(*name)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        if present.map_or(0, BTreeSet::len) + new.len() > MOST_CHANNELS {
            return Err(GroupsError::Invalid(format!("a group has at most {MOST_CHANNELS} channels")));
        }
        let mut batch = Batch::default();
        for channel in &new {
            batch.put(Space::Groups, self.key(group, channel), []);
        }
        self.store.commit(batch, Durability::Journal)?;
        members.entry(group.to_owned()).or_default().extend(new.into_iter().map(str::to_owned));
        Ok(())
    }

    /// Takes channels out of a group.
    pub(crate) fn remove_now(&self, group: &str, channels: &[ResourceName]) -> Result<(), StoreError> {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let Some(present) = members.get_mut(group) else { return Ok(()) };
        let mut batch = Batch::default();
        for channel in channels.iter().filter(|channel| present.contains(channel.as_str())) {
            batch.remove(Space::Groups, self.key(group, channel.as_str()));
        }
        self.store.commit(batch, Durability::Journal)?;
        for channel in channels {
            present.remove(channel.as_str());
        }
        if present.is_empty() {
            members.remove(group);
        }
        Ok(())
    }

    /// The channels of a group.
    pub(crate) fn list_now(&self, group: &str) -> Vec<String> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.get(group).map(|channels| channels.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Groups for EmbeddedGroups {
    fn add(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>> {
        Box::pin(async move { self.add_now(group.as_str(), &channels) })
    }

    fn remove(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>> {
        Box::pin(async move { Ok(self.remove_now(group.as_str(), &channels)?) })
    }

    fn list(&self, group: ResourceName) -> Answer<'_, Result<Vec<String>, GroupsError>> {
        Box::pin(async move { Ok(self.list_now(group.as_str())) })
    }
}

impl From<StoreError> for GroupsError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "channel group not stored");
        Self::Unavailable("the store cannot be used".into())
    }
}
