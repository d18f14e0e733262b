//! Properties: what objects, lists and texts have of their own, and what JavaScript would inherit.

use std::borrow::Cow;

use super::operator::type_error;
use super::{Evaluated, Scope, Thrown, text};
use crate::json::Json;
use crate::number::{self, from_length};
use crate::rule::{Expression, Link, Name};
use crate::value::Value;

/// What every value inherits in JavaScript.
const OF_OBJECTS: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// What lists inherit besides.
const OF_LISTS: [&str; 37] = [
    "at",
    "concat",
    "copyWithin",
    "entries",
    "every",
    "fill",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "flat",
    "flatMap",
    "forEach",
    "includes",
    "indexOf",
    "join",
    "keys",
    "lastIndexOf",
    "map",
    "pop",
    "push",
    "reduce",
    "reduceRight",
    "reverse",
    "shift",
    "slice",
    "some",
    "sort",
    "splice",
    "toReversed",
    "toSorted",
    "toSpliced",
    "unshift",
    "values",
    "with",
    "constructor",
];

/// What texts inherit besides.
const OF_TEXTS: [&str; 51] = [
    "anchor",
    "at",
    "big",
    "blink",
    "bold",
    "charAt",
    "charCodeAt",
    "codePointAt",
    "concat",
    "endsWith",
    "fixed",
    "fontcolor",
    "fontsize",
    "includes",
    "indexOf",
    "isWellFormed",
    "italics",
    "lastIndexOf",
    "link",
    "localeCompare",
    "match",
    "matchAll",
    "normalize",
    "padEnd",
    "padStart",
    "repeat",
    "replace",
    "replaceAll",
    "search",
    "slice",
    "small",
    "split",
    "startsWith",
    "strike",
    "sub",
    "substr",
    "substring",
    "sup",
    "toLocaleLowerCase",
    "toLocaleUpperCase",
    "toLowerCase",
    "toUpperCase",
    "toWellFormed",
    "trim",
    "trimEnd",
    "trimLeft",
    "trimRight",
    "trimStart",
    "valueOf",
    "constructor",
    "toString",
];

/// What numbers inherit besides.
const OF_NUMBERS: [&str; 3] = ["toExponential", "toFixed", "toPrecision"];

/// What regular expressions have besides.
const OF_REGEXES: [&str; 13] = [
    "compile",
    "dotAll",
    "exec",
    "flags",
    "global",
    "hasIndices",
    "ignoreCase",
    "lastIndex",
    "multiline",
    "source",
    "sticky",
    "test",
    "unicode",
];

impl<'s> Scope<'s> {
    pub(super) fn member(&'s self, object: &'s Expression, name: &'s Name, link: Link) -> Evaluated<'s> {
        let object = self.evaluate(object)?;
        if link == Link::Optional && object.is_nullish() {
            return Err(Thrown::ChainEnds);
        }
        match name {
            Name::Written(name) => self.property(&object, name),
            Name::Computed(name) => {
                let name = self.evaluate(name)?;
                self.computed(&object, name)
            }
        }
    }

    pub(super) fn computed(&'s self, object: &Value<'s>, name: Value<'s>) -> Evaluated<'s> {
        if let (Value::Number(index), false) = (&name, object.is_nullish())
            && let Some(index) = number::to_index(*index)
            && let Some(item) = self.item(object, index)?
        {
            return Ok(item);
        }
        self.property(object, &name.into_text(self)?)
    }

    /// The property of that name; undefined where there is none.
    pub(super) fn property(&'s self, object: &Value<'s>, name: &str) -> Evaluated<'s> {
        if object.is_nullish() {
            let nothing = if matches!(object, Value::Null) { "null" } else { "undefined" };
            return type_error(format!("cannot read `{name}` of {nothing}"));
        }
        if let Some(own) = self.own(object, name)? {
            return Ok(own);
        }
        match inherits(object, name) {
            true => Err(Thrown::Unsupported { what: format!("JavaScript's own `{name}`") }),
            false => Ok(Value::Undefined),
        }
    }

    /// `name in object`.
    pub(super) fn has(&'s self, object: &Value<'s>, name: &str) -> Result<bool, Thrown> {
        match object {
            Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Action(_) => {
                type_error(format!("cannot look for `{name}` in a value of type {}", object.type_name()))
            }
            Value::User(_) | Value::Json(_) | Value::List(_) | Value::Map(_) | Value::Regex(_) => {
                Ok(self.own(object, name)?.is_some() || inherits(object, name))
            }
        }
    }

    fn own(&'s self, object: &Value<'s>, name: &str) -> Result<Option<Value<'s>>, Thrown> {
        let own = match object {
            Value::Json(Json::Object(object)) => {
                self.budget.spend_length(object.iter().size_hint().0)?;
                return Ok(object.get(name).map(Value::from));
            }
            Value::Map(map) => {
                self.budget.spend_length(map.0.len().saturating_mul(8))?;
                return Ok(map.get(name).cloned());
            }
            Value::User(user) => match name {
                "id" => Some(user.id().into()),
                "data" => Some(user.data().into()),
                "isAuthenticated" => Some(Value::Bool(user.is_authenticated())),
                _ => None,
            },
            Value::Text(text) if name == "length" => Some(Value::Number(from_length(text::length(text)))),
            Value::Json(Json::Array(items)) if name == "length" => Some(Value::Number(from_length(items.len()))),
            Value::List(list) if name == "length" => Some(Value::Number(from_length(list.items.len()))),
            Value::List(list) => list.extra.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone()),
            Value::Undefined
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::Action(_)
            | Value::Json(_)
            | Value::Regex(_) => None,
        };
        match (own, number::index_of_key(name)) {
            (None, Some(index)) => self.item(object, index),
            (own, _) => Ok(own),
        }
    }

    fn item(&'s self, object: &Value<'s>, index: usize) -> Result<Option<Value<'s>>, Thrown> {
        match object {
            Value::Json(Json::Array(items)) => Ok(items.get(index).map(Value::from)),
            Value::List(list) => Ok(list.items.get(index).cloned()),
            Value::Text(text) => {
                self.budget.spend_length(text.len())?;
                let unit = text::unit(text, index)?;
                Ok(unit.map(|unit| Value::Text(Cow::Owned(unit.to_string()))))
            }
            Value::Undefined
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Action(_)
            | Value::User(_)
            | Value::Json(_)
            | Value::Map(_)
            | Value::Regex(_) => Ok(None),
        }
    }
}

/// Whether JavaScript would find the property further up, where rules do not look.
pub(super) fn inherits(object: &Value<'_>, name: &str) -> bool {
    let more: &[&str] = match object {
        Value::Text(_) => &OF_TEXTS,
        Value::Number(_) | Value::Action(_) => &OF_NUMBERS,
        Value::Json(Json::Array(_)) | Value::List(_) => &OF_LISTS,
        Value::Regex(_) => &OF_REGEXES,
        Value::Undefined | Value::Null | Value::Bool(_) | Value::User(_) | Value::Json(_) | Value::Map(_) => &[],
    };
    OF_OBJECTS.contains(&name) || more.contains(&name)
}
