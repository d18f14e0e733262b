//! Refusals on disk, a bounded number of them, found by time and by id.
//!
//! ```text
//! decisions     key    milliseconds since 1970 (8 bytes), count (8); big-endian
//!               value  JSON, as the admin API tells it
//! decision ids  key    id, 0x00, the decision's key (16)
//!               value  empty
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::{Batch, Durability, Space, Store, StoreError};

/// Refusals on disk at the most; the oldest make room.
const MOST: usize = 100_000;
/// The longest one, in bytes of JSON; of a longer one its head is kept.
const LONGEST: usize = 8 << 10;
/// Denied questions that are kept of a longer one.
const MOST_DENIED: usize = 5;
/// What is left out where even that is too long.
const DETAILS: [&str; 4] = ["questions", "calls", "findings", "identity"];

/// When a decision was made, and which one of that moment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn new(millis: u64, count: u64) -> Self {
        Self((u128::from(millis) << 64 | u128::from(count)).to_be_bytes())
    }

    pub(crate) const fn millis(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 64) as u64
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Key {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = [0; 16];
        hex::decode_to_slice(text, &mut key)?;
        Ok(Self(key))
    }
}

/// How many there are.
pub(crate) fn count(store: &Store) -> Result<usize, StoreError> {
    let mut count = 0;
    store.visit(Space::Decisions, b"", None, |_, _| {
        count += 1;
        true
    })?;
    Ok(count)
}

/// Writes refusals with their ids, and removes as many of the oldest as there are too many.
pub(crate) fn put_all(store: &Store, refusals: &[(Key, String, Value)], count: &mut usize) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    for (key, id, value) in refusals {
        batch.put(Space::Decisions, key.0, bounded(value));
        batch.put(Space::DecisionIds, of_id_key(id, Some(*key)), Vec::new());
    }
    *count += refusals.len();
    let superfluous = count.saturating_sub(MOST);
    let oldest = if superfluous == 0 { Vec::new() } else { store.scan(Space::Decisions, b"", None, superfluous)? };
    *count -= oldest.len();
    for (key, value) in oldest {
        let id = serde_json::from_slice::<Value>(&value).ok();
        let id = id.as_ref().and_then(|value| value.get("id")?.as_str());
        if let (Some(id), Ok(key)) = (id, <[u8; 16]>::try_from(key.as_slice())) {
            batch.remove(Space::DecisionIds, of_id_key(id, Some(Key(key))));
        }
        batch.remove(Space::Decisions, key);
    }
    store.commit(batch, Durability::Journal)
}

/// The newest refusals under an id, at most `most`.
pub(crate) fn of_id(store: &Store, id: &str, most: usize) -> Result<Vec<(Key, Value)>, StoreError> {
    let prefix = of_id_key(id, None);
    let mut keys = VecDeque::new();
    store.visit(Space::DecisionIds, &prefix, None, |key, _| {
        keys.extend(key.get(prefix.len()..).and_then(|key| key.try_into().ok()).map(Key));
        if keys.len() > most {
            keys.pop_front();
        }
        true
    })?;
    let mut found = Vec::new();
    for key in keys {
        let value = store.get(Space::Decisions, &key.0)?;
        found.extend(value.and_then(|value| Some((key, serde_json::from_slice(&value).ok()?))));
    }
    Ok(found)
}

/// Those since a time (milliseconds) and before a key that fit, the newest first, at most `most`.
pub(crate) fn newest(
    store: &Store,
    (since, before): (u64, Option<Key>),
    most: usize,
    fits: impl Fn(&Value) -> bool,
) -> Result<Vec<Value>, StoreError> {
    let mut found = VecDeque::new();
    let after = since.checked_sub(1).map(|last| Key::new(last, u64::MAX).0);
    store.visit(Space::Decisions, b"", after.as_ref().map(<[u8; 16]>::as_slice), |key, value| {
        if before.is_some_and(|before| key >= before.0.as_slice()) {
            return false;
        }
        if let Some(value) = serde_json::from_slice::<Value>(value).ok().filter(|value| fits(value)) {
            found.push_front(value);
            found.truncate(most);
        }
        true
    })?;
    Ok(found.into())
}

fn of_id_key(id: &str, key: Option<Key>) -> Vec<u8> {
    [id.as_bytes(), b"\0", key.as_ref().map_or(&[][..], |key| &key.0)].concat()
}

/// The whole, else without what was allowed, else the head alone.
fn bounded(value: &Value) -> Vec<u8> {
    let fits = |value: &Value| Some(value.to_string()).filter(|text| text.len() <= LONGEST);
    let text = fits(value).or_else(|| fits(&denied_only(value))).unwrap_or_else(|| head_of(value).to_string());
    text.into_bytes()
}

/// Only the last questions that were denied: of these the decision came.
fn denied_only(value: &Value) -> Value {
    let mut value = value.clone();
    let Some(fields) = value.as_object_mut() else { return value };
    let Some(Value::Array(questions)) = fields.get_mut("questions") else { return value };
    let before = questions.len();
    questions.retain(|question| question.get("allowed") == Some(&Value::Bool(false)));
    questions.drain(..questions.len().saturating_sub(MOST_DENIED));
    let left_out = (before - questions.len()) as u64;
    let more = fields.get("more_questions").and_then(Value::as_u64).unwrap_or_default();
    fields.insert("more_questions".into(), (more + left_out).into());
    value
}

fn head_of(value: &Value) -> Value {
    let mut head = value.clone();
    if let Some(fields) = head.as_object_mut() {
        fields.retain(|name, _| !DETAILS.contains(&name.as_str()));
        fields.insert("clipped".into(), true.into());
    }
    head
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(count: u64) -> (Key, String, Value) {
        let id = format!("id-{count}");
        (Key::new(1_000 + count, count), id.clone(), json!({ "id": id, "code": "grant.missing" }))
    }

    #[test]
    fn keys_are_in_order_of_time_and_told_as_text() {
        let key = Key::new(1_800_000_000_000, 7);
        assert_eq!(key.millis(), 1_800_000_000_000);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(Key::new(1, u64::MAX) < Key::new(2, 0));
        assert!("x".parse::<Key>().is_err());
    }

    #[test]
    fn the_oldest_make_room_with_their_ids() {
        let store = Store::in_memory();
        let all: Vec<_> = (0..MOST as u64 + 3).map(refusal).collect();
        let mut kept = 0;
        put_all(&store, &all, &mut kept).unwrap();
        put_all(&store, &[refusal(900_000)], &mut kept).unwrap();
        assert_eq!((kept, count(&store).unwrap()), (MOST, MOST));
        assert_eq!(of_id(&store, "id-3", 10).unwrap(), []);
        assert_eq!(of_id(&store, "id-4", 10).unwrap().len(), 1);
    }

    #[test]
    fn a_long_refusal_loses_its_details_and_not_its_head() {
        let store = Store::in_memory();
        let long = json!({ "id": "1", "code": "policy.denied", "questions": [{ "allowed": false, "name": "x".repeat(LONGEST) }] });
        put_all(&store, &[(Key::new(1, 1), "1".into(), long)], &mut 0).unwrap();
        let expected = json!({ "id": "1", "code": "policy.denied", "clipped": true });
        assert_eq!(of_id(&store, "1", 1).unwrap(), [(Key::new(1, 1), expected)]);
    }

    #[test]
    fn of_many_questions_the_denied_ones_are_kept() {
        let store = Store::in_memory();
        let question = |number: u64| json!({ "name": format!("{number}{}", "x".repeat(200)), "allowed": number != 40 });
        let questions: Vec<Value> = (0..80).map(question).collect();
        let long = json!({ "id": "1", "questions": questions, "more_questions": 3 });
        put_all(&store, &[(Key::new(1, 1), "1".into(), long)], &mut 0).unwrap();
        let expected = json!({ "id": "1", "questions": [question(40)], "more_questions": 82 });
        assert_eq!(of_id(&store, "1", 1).unwrap(), [(Key::new(1, 1), expected)]);
    }

    #[test]
    fn a_span_of_time_is_told_newest_first() {
        let store = Store::in_memory();
        put_all(&store, &(0..10).map(refusal).collect::<Vec<_>>(), &mut 0).unwrap();
        let ids = |span, most| -> Vec<String> {
            let found = newest(&store, span, most, |_| true).unwrap();
            found.iter().map(|value| value["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids((0, None), 2), ["id-9", "id-8"]);
        assert_eq!(ids((1_008, None), 9), ["id-9", "id-8"]);
        assert_eq!(ids((0, Some(Key::new(1_002, 2))), 9), ["id-1", "id-0"]);
    }
}
