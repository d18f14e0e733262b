//! A JSON value as rules see it: payloads, stored records, what authentication knows of a user.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

mod reader;

pub(crate) use reader::Reader;

/// A value; texts are borrowed from what was parsed where they hold no escape.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JavaScript has them; one beyond its range is infinite.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Self>),
    /// A map.
    Object(Object<'a>),
}

/// A map's keys and values; of a key written twice the last value holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Why a text is no JSON value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct MalformedJson {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// How deep arrays and objects may nest.
pub(crate) const DEEPEST: usize = 256;

/// From how many keys on an object is kept sorted, for lookups that do not grow with it.
const SORTED_FROM: usize = 16;

impl<'a> Json<'a> {
    /// Reads strict JSON, nested at most 256 deep, without half surrogates.
    pub fn parse(text: &'a str) -> Result<Self, MalformedJson> {
        let mut reader = Reader::new(text);
        let value = Self::read(&mut reader, 0)?;
        reader.end()?;
        Ok(value)
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(value) => Json::Number(value),
            Self::Text(text) => Json::Text(Cow::Owned(text.into_owned())),
            Self::Array(items) => Json::Array(items.into_iter().map(Self::into_owned).collect()),
            Self::Object(Object(members)) => Json::Object(Object(
                members.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect(),
            )),
        }
    }

    fn read(reader: &mut Reader<'a>, depth: usize) -> Result<Self, MalformedJson> {
        if depth > DEEPEST {
            return Err(reader.wrong("nested too deep"));
        }
        match reader.next_byte() {
            Some(b'"') => Ok(Self::Text(reader.text()?)),
            Some(b'{') => Self::read_object(reader, depth),
            Some(b'[') => Self::read_array(reader, depth),
            Some(b't') => reader.word("true").map(|()| Self::Bool(true)),
            Some(b'f') => reader.word("false").map(|()| Self::Bool(false)),
            Some(b'n') => reader.word("null").map(|()| Self::Null),
            Some(_) => Ok(Self::Number(reader.number()?)),
            None => Err(reader.wrong("a value is missing")),
        }
    }

    fn read_array(reader: &mut Reader<'a>, depth: usize) -> Result<Self, MalformedJson> {
        let mut items = Vec::new();
        reader.expect(b'[')?;
        if reader.skip(b']') {
            return Ok(Self::Array(items));
        }
        loop {
            items.push(Self::read(reader, depth + 1)?);
            if !reader.skip(b',') {
                reader.expect(b']')?;
                return Ok(Self::Array(items));
            }
        }
    }

    fn read_object(reader: &mut Reader<'a>, depth: usize) -> Result<Self, MalformedJson> {
        let mut members = Vec::new();
        reader.expect(b'{')?;
        if reader.skip(b'}') {
            return Ok(Self::Object(Object(members)));
        }
        loop {
            let key = reader.text()?;
            reader.expect(b':')?;
            members.push((key, Self::read(reader, depth + 1)?));
            if !reader.skip(b',') {
                reader.expect(b'}')?;
                return Ok(Self::Object(members.into()));
            }
        }
    }
}

impl<'a> Object<'a> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        if self.0.len() > SORTED_FROM {
            let place = self.0.binary_search_by(|(other, _)| other.as_ref().cmp(key)).ok()?;
            return self.0.get(place).map(|(_, value)| value);
        }
        self.0.iter().rev().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// The keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().rev().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    pub(crate) fn set(&mut self, key: Cow<'a, str>, value: Json<'a>) {
        self.remove(&key);
        self.0.push((key, value));
        *self = std::mem::take(&mut self.0).into();
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.retain(|(other, _)| other != key);
    }
}

impl<'a> From<Vec<(Cow<'a, str>, Json<'a>)>> for Object<'a> {
    fn from(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        if members.len() > SORTED_FROM {
            // The sort is stable: of equal keys the last one written comes first, and stays.
            members.reverse();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            members.dedup_by(|(later, _), (kept, _)| later == kept);
        }
        Self(members)
    }
}

impl<'a> FromIterator<(&'a str, Self)> for Json<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Self)>>(members: I) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect::<Vec<_>>().into())
    }
}

/// As JSON, on one line.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) if value.is_infinite() => f.write_str(if *value > 0.0 { "1e999" } else { "-1e999" }),
            Self::Number(value) => f.write_str(&crate::number::to_text(*value)),
            Self::Text(text) => write_text(f, text),
            Self::Array(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Object(object) => {
                f.write_str("{")?;
                for (place, (key, value)) in object.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write_text(f, key)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A text in quotes, with JSON's escapes.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}"),
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            '\0'..='\x1f' | '\x7f' => write!(f, "\\u{:04x}", u32::from(character)),
            _ => f.write_char(character),
        }?;
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read() {
        for (text, expected) in [
            ("null", "null"),
            (" [1, -0.5e1, \"a\\n\\u2603\\ud83d\\ude00\"] ", "[1, -5, \"a\\n☃😀\"]"),
            ("{\"a\": {\"b\": true}, \"a\": false}", "{\"a\": {\"b\": true}, \"a\": false}"),
            ("-1e999", "-1e999"),
        ] {
            assert_eq!(Json::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        for (text, at) in [
            ("", 0),
            ("01", 1),
            ("[1,]", 3),
            ("{\"a\":1", 6),
            ("\"a", 2),
            ("\"\\ud83d\"", 1),
            ("1 2", 2),
            ("tru", 0),
            ("+1", 0),
            ("1.", 2),
            ("\"\u{1}\"", 1),
        ] {
            assert_eq!(Json::parse(text).map_err(|error| error.at), Err(at), "{text:?}");
        }
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn of_a_key_written_twice_the_last_value_holds() {
        for many in [2, 100] {
            let members: Vec<_> = (0..many).map(|value| format!("\"k{}\": {value}", value % 2)).collect();
            let text = format!("{{{}}}", members.join(","));
            let Json::Object(object) = Json::parse(&text).unwrap() else { panic!("an object") };
            assert_eq!(object.get("k1"), Some(&Json::Number(f64::from(many - 1))));
        }
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_read_alike(text in "[-+0-9eE.\\[\\]{}\":, a-c\\\\untrfls]{0,24}") {
            let ours = Json::parse(&text).ok().map(|value| value.to_string());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            if theirs.is_ok() {
                prop_assert!(ours.is_some(), "{text}");
            } else if let Err(error) = theirs && !error.to_string().contains("range") {
                prop_assert!(ours.is_none(), "{text}: {error}");
            }
        }

        #[test]
        fn what_is_written_is_read_as_the_same(text in any::<String>()) {
            let value = Json::Array(vec![Json::Text(text.as_str().into()), Json::Bool(true)]);
            let written = value.to_string();
            prop_assert_eq!(Json::parse(&written), Ok(value));
        }

        #[test]
        fn numbers_are_exact(number: f64) {
            if number.is_finite() {
                let text = format!("{number:e}");
                prop_assert_eq!(Json::parse(&text), Ok(Json::Number(number)));
            }
        }
    }
}
