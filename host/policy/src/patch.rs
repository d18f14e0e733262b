//! Applies deepstream's patches: a value at a path such as `a.b[2]`.

use std::borrow::Cow;

use crate::json::{Json, MalformedJson, Object};

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedPatch {
    /// A value that is no JSON.
    #[error("the value of the patch is no JSON: {0}")]
    Value(#[from] MalformedJson),
    /// Not a list of objects with a `path`.
    #[error("the payload is no list of patches")]
    List,
    /// A path without any key.
    #[error("the path of the patch is empty")]
    Empty,
    /// A key that would reach what objects inherit.
    #[error("the path of the patch has the key `{key}`")]
    Forbidden {
        /// The key.
        key: String,
    },
    /// A path into a value that has no such place: a scalar, or a far index of a list.
    #[error("the path of the patch leads nowhere at `{key}`")]
    Nowhere {
        /// The key.
        key: String,
    },
}

/// How far beyond its end a list may grow by one patch.
const FARTHEST: usize = 1_000;

/// How deep a path may lead.
const DEEPEST: usize = 64;

/// The record with one change.
pub(crate) fn apply<'a>(record: &mut Json<'a>, path: &str, value: Option<Json<'a>>) -> Result<(), RefusedPatch> {
    let places: Vec<Place<'_>> = path.split('.').flat_map(places).collect();
    let forbidden = places.iter().find(|place| matches!(place.key(), "__proto__" | "constructor" | "prototype"));
    if let Some(place) = forbidden {
        return Err(RefusedPatch::Forbidden { key: place.key().into() });
    }
    let (last, parents) = places.split_last().ok_or(RefusedPatch::Empty)?;
    let is_misplaced = |place: &&Place<'_>| matches!(place, Place::Item(key) if index(key).is_none());
    if let Some(place) = places.iter().find(is_misplaced).or((parents.len() >= DEEPEST).then_some(last)) {
        return Err(RefusedPatch::Nowhere { key: place.key().into() });
    }
    let mut node = record;
    for (place, next) in parents.iter().zip(places.iter().skip(1)) {
        node = child(node, place.key(), *next)?;
    }
    set(node, last.key(), value)
}

/// The record with a list of changes, given as JSON.
pub(crate) fn apply_all<'a>(record: &mut Json<'a>, patches: &'a str) -> Result<(), RefusedPatch> {
    let Json::Array(patches) = Json::parse(patches)? else { return Err(RefusedPatch::List) };
    for patch in patches {
        let Json::Object(patch) = patch else { return Err(RefusedPatch::List) };
        let Some(Json::Text(path)) = patch.get("path") else { return Err(RefusedPatch::List) };
        apply(record, path, patch.get("data").cloned())?;
    }
    Ok(())
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
enum Place<'p> {
    /// Between dots, also where it is a number.
    Member(&'p str),
    /// In brackets.
    Item(&'p str),
}

impl<'p> Place<'p> {
    const fn key(self) -> &'p str {
        match self {
            Self::Member(key) | Self::Item(key) => key,
        }
    }
}

/// The steps of what stands between two dots: `a[1][2]` has three.
fn places(part: &str) -> impl Iterator<Item = Place<'_>> {
    let place = |(place, key)| if place == 0 { Place::Member(key) } else { Place::Item(key) };
    part.split(['[', ']']).map(str::trim).enumerate().filter(|(_, key)| !key.is_empty()).map(place)
}

/// The object or list below `key`, made where there is none, as the next step needs it.
fn child<'n, 'a>(node: &'n mut Json<'a>, key: &str, next: Place<'_>) -> Result<&'n mut Json<'a>, RefusedPatch> {
    let below = get(node, key);
    // deepstream fails on null, which is an object to JavaScript.
    if matches!(below, Some(Json::Null)) {
        return Err(RefusedPatch::Nowhere { key: key.into() });
    }
    if !matches!(below, Some(Json::Array(_) | Json::Object(_))) {
        let new = match next {
            Place::Item(_) => Json::Array(Vec::new()),
            Place::Member(_) => Json::Object(Object::default()),
        };
        set(node, key, Some(new))?;
    }
    get(node, key).ok_or_else(|| RefusedPatch::Nowhere { key: key.into() })
}

fn get<'n, 'a>(node: &'n mut Json<'a>, key: &str) -> Option<&'n mut Json<'a>> {
    match node {
        Json::Array(items) => items.get_mut(index(key)?),
        Json::Object(object) => object.get_mut(key),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => None,
    }
}

fn set<'a>(node: &mut Json<'a>, key: &str, value: Option<Json<'a>>) -> Result<(), RefusedPatch> {
    let nowhere = || RefusedPatch::Nowhere { key: key.into() };
    match (node, value) {
        (Json::Object(object), Some(value)) => object.set(Cow::Owned(key.into()), value),
        (Json::Object(object), None) => object.remove(key),
        (Json::Array(items), value) => {
            let index = index(key).filter(|&index| index <= items.len() + FARTHEST).ok_or_else(nowhere)?;
            if index >= items.len() {
                items.resize(index + 1, Json::Null);
            }
            if let Some(item) = items.get_mut(index) {
                *item = value.unwrap_or(Json::Null);
            }
        }
        (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_), _) => return Err(nowhere()),
    }
    Ok(())
}

/// A key of digits is an index.
fn index(key: &str) -> Option<usize> {
    key.bytes().all(|byte| byte.is_ascii_digit()).then(|| key.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_its_path_says() {
        for (record, path, value, expected) in [
            ("{}", "a..b", Some("1"), Ok("{\"a\": {\"b\": 1}}")),
            ("{}", "a[0].b", Some("1"), Ok("{\"a\": [{\"b\": 1}]}")),
            ("{}", "a[ 0 ] [1]", Some("1"), Ok("{\"a\": [[null, 1]]}")),
            ("{}", "a.0.b", Some("1"), Ok("{\"a\": {\"0\": {\"b\": 1}}}")),
            ("{\"a\":[1]}", "a.0.b", Some("1"), Ok("{\"a\": [{\"b\": 1}]}")),
            ("{}", "a[x]", Some("1"), Err("the path of the patch leads nowhere at `x`")),
            ("{\"a\":5}", " a . b ", Some("1"), Ok("{\"a\": {\"b\": 1}}")),
            ("{\"a\":[1,2]}", "a[1]", Some("3"), Ok("{\"a\": [1, 3]}")),
            ("{\"a\":[1]}", "a[2]", Some("3"), Ok("{\"a\": [1, null, 3]}")),
            ("{\"a\":1,\"b\":2}", "a", None, Ok("{\"b\": 2}")),
            ("{\"1\":2}", "1", Some("3"), Ok("{\"1\": 3}")),
            ("[1]", "0", Some("3"), Ok("[3]")),
            ("{}", "..", Some("1"), Err("the path of the patch is empty")),
            ("{}", "a.__proto__.b", Some("1"), Err("the path of the patch has the key `__proto__`")),
            ("{\"a\":[]}", "a[99999]", Some("1"), Err("the path of the patch leads nowhere at `99999`")),
            ("{\"a\":null}", "a.b", Some("1"), Err("the path of the patch leads nowhere at `a`")),
            ("{\"a\":null}", "a", Some("1"), Ok("{\"a\": 1}")),
            ("5", "a", Some("1"), Err("the path of the patch leads nowhere at `a`")),
        ] {
            let mut record = Json::parse(record).unwrap();
            let applied = apply(&mut record, path, value.map(|value| Json::parse(value).unwrap()));
            let result = applied.map(|()| record.to_string()).map_err(|error| error.to_string());
            assert_eq!(result.as_deref().map_err(String::as_str), expected, "{path}");
        }
    }

    #[test]
    fn several_patches_are_a_list() {
        let mut record = Json::parse("{\"a\":1}").unwrap();
        apply_all(&mut record, "[{\"path\":\"a\"},{\"path\":\"b\",\"data\":[2]}]").unwrap();
        assert_eq!(record.to_string(), "{\"b\": [2]}");
        for malformed in ["{\"path\":\"a\",\"data\":3}", "[1]", "[{\"data\":1}]"] {
            assert_eq!(apply_all(&mut record, malformed), Err(RefusedPatch::List));
        }
    }
}
