//! About how much memory a decoded token takes. It can be far more than its bytes: one byte of `meta` may be a whole value.

use serde_json::{Map, Value};

use super::{PermitKind, Permits, TokenDetails};

/// What a text takes beside its bytes.
const TEXT: usize = 32;
/// The first node of a map, which has room for eleven entries.
const NODE: usize = 640;
/// What an entry takes beside its name, where the nodes of its map are as empty as they may be.
const ENTRY: usize = 96;

/// The parts of a token, without its patterns as they are compiled.
pub(super) fn of_details(details: &TokenDetails) -> usize {
    let TokenDetails { resources, patterns, meta, uuid, signature, .. } = details;
    let texts = uuid.as_deref().map_or(0, str::len) + signature.len();
    size_of::<TokenDetails>() + texts + of_permits(resources) + of_permits(patterns) + of_object(meta)
}

fn of_permits(permits: &Permits) -> usize {
    let kinds = PermitKind::ALL.into_iter().map(|kind| permits.of(kind)).filter(|names| !names.is_empty());
    kinds.map(|names| NODE + names.keys().map(|name| ENTRY + TEXT + name.len()).sum::<usize>()).sum()
}

/// What an object points to.
fn of_object(object: &Map<String, Value>) -> usize {
    let members = object.iter().map(|(name, value)| ENTRY + TEXT + name.len() + of_value(value));
    if object.is_empty() { 0 } else { NODE + members.sum::<usize>() }
}

/// What a value points to.
fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => TEXT + text.len(),
        // Room grows to at least four, and then by doubling.
        Value::Array(items) => {
            (2 * items.len()).max(4) * size_of::<Value>() + items.iter().map(of_value).sum::<usize>()
        }
        Value::Object(members) => of_object(members),
    }
}
