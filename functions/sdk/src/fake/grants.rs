//! The fake host's grant table, with the evaluation of Access Manager v2.

use std::collections::BTreeMap;

use crate::{Entry, Permissions, Proposal, Target};

/// Level, name, auth key.
type Key = (&'static str, String, Option<String>);

/// Live grants by level, name and auth key.
#[derive(Debug, Default)]
pub(super) struct Grants {
    rows: BTreeMap<Key, Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    permissions: Permissions,
    /// Milliseconds since 1970; `None` is for ever.
    until: Option<u64>,
}

impl Grants {
    pub(super) fn apply(&mut self, proposal: &Proposal, now: u64) {
        let until = (proposal.ttl > 0).then(|| now + u64::from(proposal.ttl) * 60_000);
        for key in keys(&proposal.target) {
            self.rows.insert(key, Row { permissions: proposal.permissions, until });
        }
    }

    pub(super) fn remove(&mut self, target: &Target) {
        for key in keys(target) {
            self.rows.remove(&key);
        }
    }

    pub(super) fn entries(&self, target: &Target, now: u64) -> Vec<Entry> {
        let wanted = keys(target);
        let live = self.rows.iter().filter(|(key, row)| wanted.contains(key) && row.lives(now));
        live.map(|((level, name, auth_key), row)| Entry {
            level: (*level).to_owned(),
            name: name.clone(),
            auth_key: auth_key.clone(),
            permissions: row.permissions,
            ttl: row.until.map_or(0, |until| u32::try_from((until - now).div_ceil(60_000)).unwrap_or(u32::MAX)),
        })
        .collect()
    }

    /// Whether `(level, name, auth key)` holds all of `permissions`, by name or by the wildcard of its first part.
    pub(super) fn allows(&self, who: (&str, &str, &str), permissions: Permissions, now: u64) -> bool {
        let (level, name, auth_key) = who;
        // Presence feeds are the network's to write.
        if level == "channel" && name.ends_with("-pnpres") && permissions.contains(Permissions::WRITE) {
            return false;
        }
        let wildcard = name.split_once('.').map(|(head, _)| format!("{head}.*"));
        self.rows.iter().any(|((row_level, row_name, row_key), row)| {
            *row_level == level
                && (row_name == name || Some(row_name) == wildcard.as_ref())
                && row_key.as_deref().is_none_or(|key| key == auth_key)
                && row.permissions.contains(permissions)
                && row.lives(now)
        })
    }
}

impl Row {
    fn lives(&self, now: u64) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

fn keys(target: &Target) -> Vec<Key> {
    let auth_keys: Vec<Option<String>> =
        if target.auth_keys.is_empty() { vec![None] } else { target.auth_keys.iter().cloned().map(Some).collect() };
    let levels = [("channel", &target.channels), ("channel-group", &target.groups), ("uuid", &target.uuids)];
    let mut keys = Vec::new();
    for (level, names) in levels {
        for name in names {
            keys.extend(auth_keys.iter().map(|auth_key| (level, name.clone(), auth_key.clone())));
        }
    }
    keys
}
