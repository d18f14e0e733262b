//! What a client sent: the body's members in a POST, the query's in a GET.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use usher_sdk::Request;
use usher_sdk::json::nesting;

use crate::refusal::Refusal;

/// Levels of nesting in a body; what is stored is read by others, whose parsers may recurse.
const DEEPEST: usize = 64;

/// A client's named values. Nothing in them is trusted, and only what is asked for is parsed. No `Debug`:
/// auth keys are among them.
pub(crate) struct Fields<'a>(BTreeMap<String, Raw<'a>>);

/// One value, told apart as JavaScript does.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Undefined,
    Null,
    Bool(bool),
    /// As it was written.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// JSON text.
    Array(&'a str),
    /// JSON text.
    Object(&'a str),
}

enum Raw<'a> {
    Json(&'a RawValue),
    Text(Cow<'a, str>),
}

impl<'a> Fields<'a> {
    /// The members of a JSON object. Of a repeated member the last counts, as in JavaScript.
    pub(crate) fn from_body(request: &'a Request) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(&request.body).map_err(|_| Refusal::MalformedBody)?;
        if nesting(&request.body) > DEEPEST {
            return Err(Refusal::MalformedBody);
        }
        Self::from_json(text).ok_or(Refusal::MalformedBody)
    }

    /// The query's parameters. A repeated one is refused.
    pub(crate) fn from_query(request: &'a Request) -> Result<Self, Refusal> {
        Self::from_pairs(request.query.iter().map(|(name, value)| (name.clone(), Cow::Borrowed(value.as_str()))))
    }

    /// The members of a JSON object or of a form, as the request's content type says.
    pub(crate) fn from_json_or_form(request: &'a Request) -> Result<Self, Refusal> {
        let content_type = request.header("content-type").unwrap_or_default();
        if content_type.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Self::from_pairs(form_urlencoded::parse(&request.body).map(|(name, value)| (name.into(), value)));
        }
        Self::from_body(request)
    }

    /// The members of an object's JSON text.
    pub(crate) fn from_json(text: &'a str) -> Option<Self> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        Some(Self(members.into_iter().map(|(name, value)| (name, Raw::Json(value))).collect()))
    }

    /// The value called `name`.
    pub(crate) fn value(&self, name: &str) -> Field<'_> {
        match self.0.get(name) {
            None => Field::Undefined,
            Some(Raw::Text(text)) => Field::Text(Cow::Borrowed(text)),
            Some(Raw::Json(json)) => Field::from_json(json),
        }
    }

    fn from_pairs(pairs: impl Iterator<Item = (String, Cow<'a, str>)>) -> Result<Self, Refusal> {
        let mut members = BTreeMap::new();
        for (name, value) in pairs {
            if members.contains_key(&name) {
                return Err(Refusal::DuplicateParameter(name));
            }
            members.insert(name, Raw::Text(value));
        }
        Ok(Self(members))
    }
}

impl<'a> Field<'a> {
    /// A string's characters; `None` for everything else.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The value itself, unless it is undefined.
    pub(crate) fn or(self, default: Self) -> Self {
        if self == Self::Undefined { default } else { self }
    }

    /// Whether JavaScript's `!value` holds.
    pub(crate) fn is_falsy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => true,
            Self::Bool(bool) => !bool,
            Self::Number(number) => is_zero(number),
            Self::Text(text) => text.is_empty(),
            Self::Array(_) | Self::Object(_) => false,
        }
    }

    /// A value by its JSON text. A string that holds half a surrogate pair is no string to us.
    pub(crate) fn from_json(json: &'a RawValue) -> Self {
        let json = json.get();
        match json.bytes().next() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'[') => Self::Array(json),
            Some(b'{') => Self::Object(json),
            Some(b'"') => serde_json::from_str::<String>(json).map_or(Self::Undefined, |text| Self::Text(text.into())),
            Some(_) => Self::Number(json),
            None => Self::Undefined,
        }
    }
}

/// Whether a JSON number is a way to write zero, by its digits before the exponent.
fn is_zero(number: &str) -> bool {
    let significand = number.split(['e', 'E']).next().unwrap_or_default();
    significand.bytes().all(|byte| matches!(byte, b'-' | b'.' | b'0'))
}
