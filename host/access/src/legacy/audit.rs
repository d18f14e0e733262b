//! The v2 audit: what its query asks about, the grants that answer it, and the answer's shapes.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::query::Query;
use super::{LegacyFault, flags, level_of, object, success};
use crate::grant::{Grant, Holder, Target};
use crate::key::{AuthKey, SubscribeKey};
use crate::permissions::Permissions;
use crate::proposal::Proposal;
use crate::resource::{ResourceKind, ResourceName};
use crate::table::{Filter, GrantTable};
use crate::time::UnixSeconds;

/// An audit call, read but not yet authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCall {
    channels: Vec<ResourceName>,
    groups: Vec<ResourceName>,
    uuids: Vec<ResourceName>,
    auth_keys: Vec<AuthKey>,
}

impl AuditCall {
    /// Reads the query of `GET /v2/auth/audit/sub-key/{subscribe key}`.
    ///
    /// # Errors
    /// [`LegacyFault`], whose text is the answer's message.
    pub fn parse(raw_query: &str) -> Result<Self, LegacyFault> {
        let query = Query::read(raw_query)?;
        query.check_timestamp()?;
        let call = Self {
            channels: query.list("channel")?,
            groups: query.list("channel-group")?,
            uuids: query.list("target-uuid")?,
            auth_keys: query.list("auth")?,
        };
        match call.names().count().saturating_mul(call.auth_keys.len()) {
            0..=Proposal::MOST_GRANTS => Ok(call),
            _ => Err(LegacyFault::Arguments),
        }
    }

    /// The live grants that the call asks about, at most `most`. Names with auth keys are looked up one by one;
    /// everything else walks the whole table.
    pub fn collect(&self, table: &GrantTable, now: UnixSeconds, most: usize) -> Vec<Grant> {
        if self.names().next().is_some() && !self.auth_keys.is_empty() {
            return self.targets().filter_map(|target| table.find(&target, now)).take(most).collect();
        }
        if self.names().next().is_none() {
            let keys: HashSet<&str> = self.auth_keys.iter().map(AuthKey::reveal).collect();
            let is_held = |grant: &Grant| grant.target.auth_key().is_some_and(|key| keys.contains(key.reveal()));
            let everything = Filter::default();
            let grants = table.list(&everything, now);
            return grants.filter(|grant| keys.is_empty() || is_held(grant)).take(most).collect();
        }
        let named = self.by_kind().into_iter().filter(|(_, names)| !names.is_empty());
        let of_kind = |(kind, names): (ResourceKind, &[ResourceName])| {
            let names: HashSet<&str> = names.iter().map(ResourceName::as_str).collect();
            let filter = Filter { kind: Some(kind), ..Filter::default() };
            let is_named =
                |grant: &Grant| grant.target.resource().is_some_and(|(_, name)| names.contains(name.as_str()));
            table.list(&filter, now).filter(is_named).take(most).collect::<Vec<_>>()
        };
        named.flat_map(of_kind).take(most).collect()
    }

    /// The answer with these grants.
    pub fn answer(&self, subscribe_key: &SubscribeKey, grants: &[Grant], now: UnixSeconds) -> Value {
        let of = |kind| entries(kind, grants, now);
        let auths = |kind, name: &ResourceName| {
            let entries = of(kind);
            entries.get(name.as_str()).and_then(|entry| entry.get("auths")).cloned().unwrap_or_else(|| json!({}))
        };
        let channels = || ("channels", of(ResourceKind::Channel).into());
        let groups = || ("channel-groups", of(ResourceKind::Group).into());
        let level = level_of(&self.groups, &self.auth_keys);
        let (level, payload) = match (self.channels.as_slice(), self.groups.as_slice(), self.auth_keys.as_slice()) {
            ([], [], _) if !self.uuids.is_empty() => ("uuid", object([("uuids", of(ResourceKind::Uuid).into())])),
            ([], [], _) => ("subkey", whole_keyset(grants, now)),
            ([channel], [], [_, ..]) => {
                let auths = auths(ResourceKind::Channel, channel);
                (level, object([("channel", channel.as_str().into()), ("auths", auths)]))
            }
            ([], [group], [_, ..]) => {
                let auths = auths(ResourceKind::Group, group);
                (level, object([("channel-group", group.as_str().into()), ("auths", auths)]))
            }
            ([..], [], _) => (level, object([channels()])),
            ([], [..], _) => (level, object([groups()])),
            ([..], [..], _) => (level, object([channels(), groups()])),
        };
        success(level, subscribe_key, payload)
    }

    fn by_kind(&self) -> [(ResourceKind, &[ResourceName]); 3] {
        [
            (ResourceKind::Channel, &self.channels),
            (ResourceKind::Group, &self.groups),
            (ResourceKind::Uuid, &self.uuids),
        ]
    }

    fn names(&self) -> impl Iterator<Item = (ResourceKind, &ResourceName)> {
        self.by_kind().into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)))
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        self.names().flat_map(|(kind, name)| {
            self.auth_keys.iter().map(move |key| {
                let (name, holder) = (name.clone(), Holder::Key(key.clone()));
                match kind {
                    ResourceKind::Channel => Target::Channel { name, holder },
                    ResourceKind::Group => Target::Group { name, holder },
                    ResourceKind::Uuid => Target::Uuid { name, key: key.clone() },
                }
            })
        })
    }
}

/// Everything there is. Users only appear if something is granted on one.
fn whole_keyset(grants: &[Grant], now: UnixSeconds) -> Map<String, Value> {
    let own = grants.iter().find(|grant| grant.target == Target::Keyset);
    let mut payload = own.map(|grant| flags_and_ttl(grant, now)).unwrap_or_default();
    let uuids = entries(ResourceKind::Uuid, grants, now);
    payload.extend(object([
        ("channels", entries(ResourceKind::Channel, grants, now).into()),
        ("objects", json!({})),
        ("channel-groups", entries(ResourceKind::Group, grants, now).into()),
    ]));
    if !uuids.is_empty() {
        payload.insert("uuids".into(), uuids.into());
    }
    payload
}

/// An entry for every name: its own flags and minutes, and those of each auth key. What has auths only has no minutes.
fn entries(sought: ResourceKind, grants: &[Grant], now: UnixSeconds) -> Map<String, Value> {
    let mut entries: Map<String, Value> = Map::new();
    for grant in grants {
        let Some((kind, name)) = grant.target.resource() else { continue };
        if kind != sought {
            continue;
        }
        let entry = entries.entry(name.as_str()).or_insert_with(|| unheld(kind));
        let Value::Object(entry) = entry else { continue };
        let held = flags_and_ttl(grant, now);
        match (grant.target.auth_key(), entry.get_mut("auths")) {
            (Some(key), Some(Value::Object(auths))) => drop(auths.insert(key.reveal().to_owned(), held.into())),
            (Some(_), _) => {}
            (None, _) => entry.extend(held),
        }
    }
    entries
}

/// An entry on which nothing is granted to everyone; on a user nothing ever is.
fn unheld(kind: ResourceKind) -> Value {
    let mut entry = match kind {
        ResourceKind::Channel | ResourceKind::Group => flags(Permissions::NONE),
        ResourceKind::Uuid => Map::new(),
    };
    entry.insert("auths".into(), json!({}));
    entry.into()
}

/// Flags, and how many minutes are left, begun ones counted; 0 never ends.
fn flags_and_ttl(grant: &Grant, now: UnixSeconds) -> Map<String, Value> {
    let left = |end: UnixSeconds| end.get().saturating_sub(now.get()).div_ceil(60);
    let mut entry = flags(grant.permissions);
    entry.insert("ttl".into(), grant.expires.instant().map_or(0, left).into());
    entry
}
