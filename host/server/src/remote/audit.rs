//! Reads the payload of a v2 audit, in each of its shapes.

use serde_json::{Map, Value};
use usher_access::{Approved, Permission, Permissions};
use usher_runtime::capability::access::Entry;

/// The entries for exactly the targets that were asked for: an origin also tells of other people's auth keys.
pub(super) fn entries(payload: &Value, asked: &Approved) -> Vec<Entry> {
    let asked = asked.proposal().asked();
    let is_named = |entry: &Entry| {
        let names = if entry.level == "channel" { &asked.channels } else { &asked.groups };
        names.iter().any(|name| name.as_str() == entry.name)
    };
    let is_held = |entry: &Entry| match &entry.auth_key {
        None => asked.auth_keys.is_empty(),
        Some(held) => asked.auth_keys.iter().any(|key| key.reveal() == held),
    };
    read(payload).into_iter().filter(|entry| is_named(entry) && is_held(entry)).collect()
}

/// All entries; what is not understood is left out, so that it is never taken for a grant.
fn read(payload: &Value) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (single, plural, level) in
        [("channel", "channels", "channel"), ("channel-group", "channel-groups", "channel-group")]
    {
        if let Some(name) = payload.get(single).and_then(Value::as_str) {
            entries.extend(keyed(payload, level, name));
        }
        for (name, value) in payload.get(plural).and_then(Value::as_object).into_iter().flatten() {
            entries.extend(value.as_object().and_then(|flags| entry(flags, level, name, None)));
            entries.extend(keyed(value, level, name));
        }
    }
    entries
}

fn keyed(value: &Value, level: &'static str, name: &str) -> Vec<Entry> {
    let auths = value.get("auths").and_then(Value::as_object).into_iter().flatten();
    auths.filter_map(|(key, flags)| entry(flags.as_object()?, level, name, Some(key))).collect()
}

fn entry(flags: &Map<String, Value>, level: &'static str, name: &str, auth_key: Option<&str>) -> Option<Entry> {
    let minutes = flags.get("ttl")?.as_u64().and_then(|minutes| u32::try_from(minutes).ok())?;
    let set = Permission::ALL
        .into_iter()
        .filter(|permission| flags.get(permission.flag()).and_then(Value::as_u64) == Some(1));
    let permissions = set.fold(Permissions::NONE, |set, permission| set.union(permission.into()));
    Some(Entry { level, name: name.to_owned(), auth_key: auth_key.map(str::to_owned), permissions, minutes })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn each_shape_of_an_audit_is_read() {
        for (payload, expected) in [
            (
                json!({"level": "user", "channel": "c", "auths": {"k": {"r": 1, "w": 0, "ttl": 5}}}),
                vec![("channel", "c", Some("k"), 1, 5)],
            ),
            (
                json!({"channels": {"c": {"r": 1, "w": 1, "ttl": 0, "auths": {"k": {"w": 1, "ttl": 9}}}}}),
                vec![("channel", "c", None, 3, 0), ("channel", "c", Some("k"), 2, 9)],
            ),
            (
                json!({"channel-group": "g", "auths": {"k": {"m": 1, "ttl": 1}}}),
                vec![("channel-group", "g", Some("k"), 4, 1)],
            ),
            (
                json!({"channel-groups": {"g": {"auths": {"k": {"r": 1, "ttl": 1}}}}}),
                vec![("channel-group", "g", Some("k"), 1, 1)],
            ),
            (json!({"channels": {}}), vec![]),
            (json!({"channels": ["c"], "channel": 5}), vec![]),
        ] {
            let read = read(&payload);
            let read: Vec<_> = read
                .iter()
                .map(|e| (e.level, e.name.as_str(), e.auth_key.as_deref(), e.permissions.bits(), e.minutes))
                .collect();
            assert_eq!(read, expected, "{payload}");
        }
    }
}
