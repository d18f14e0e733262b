//! The body of a `PATCH` of members or memberships: whose ids it names, and what happens to them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Change, Refusal};

/// Old and new names of the two things that can happen. Another key might mean something to the network, so it is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    set: Vec<Entry>,
    #[serde(default)]
    add: Vec<Entry>,
    #[serde(default)]
    update: Vec<Entry>,
    #[serde(default)]
    delete: Vec<Entry>,
    #[serde(default)]
    remove: Vec<Entry>,
}

/// The ids that an entry names: it is an id itself, or an object.
struct Entry(Vec<String>);

/// Every key that an entry may have: to a server that is lenient about their spelling, another might name somebody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    channel: Option<Object<Identified>>,
    uuid: Option<Object<Identified>>,
    id: Option<String>,
    #[serde(default, rename = "custom")]
    _custom: IgnoredAny,
    #[serde(default, rename = "status")]
    _status: IgnoredAny,
    #[serde(default, rename = "type")]
    _type: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identified {
    id: String,
}

/// What a body does, and every id that it names.
pub(super) struct Named {
    pub(super) change: Change,
    pub(super) ids: Vec<String>,
}

/// Reads a body; serde refuses a key that comes twice.
pub(super) fn read(body: &[u8]) -> Result<Named, Refusal> {
    let Object(body) = serde_json::from_slice(body).map_err(|_| Refusal::Body)?;
    let Body { set, add, update, delete, remove } = body;
    let sets = !(set.is_empty() && add.is_empty() && update.is_empty());
    let change = if sets { Change::Set } else { Change::Delete };
    let ids = [set, add, update, delete, remove].into_iter().flatten().flat_map(|Entry(ids)| ids).collect();
    Ok(Named { change, ids })
}

/// A JSON object: serde would also take an array of its fields.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or an object with one")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Entry, E> {
        Ok(Entry(vec![id.to_owned()]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
        let Described { channel, uuid, id, .. } = Described::deserialize(MapAccessDeserializer::new(map))?;
        let named = [channel, uuid].into_iter().flatten().map(|Object(Identified { id })| id);
        let ids: Vec<String> = named.chain(id).collect();
        match ids.is_empty() {
            true => Err(A::Error::custom("no id")),
            false => Ok(Entry(ids)),
        }
    }
}
