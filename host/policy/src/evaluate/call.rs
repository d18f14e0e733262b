//! The methods that a rule may call.

use std::borrow::Cow;

use super::operator::type_error;
use super::{Evaluated, Scope, Thrown, text};
use crate::json::Json;
use crate::number::{self, from_length};
use crate::rule::{Callee, Expression, Link, Name};
use crate::value::Value;

/// Up to two arguments are looked at.
type Arguments<'s> = (Option<Value<'s>>, Option<Value<'s>>);

impl<'s> Scope<'s> {
    pub(super) fn call(&'s self, callee: &'s Callee, arguments: &'s [Expression], link: Link) -> Evaluated<'s> {
        let (object, name, object_link) = match callee {
            Callee::Method(object, name, object_link) => (object, name, *object_link),
            Callee::Value(value) => return call_value(&self.evaluate(value)?, link),
        };
        let object = self.evaluate(object)?;
        if object_link == Link::Optional && object.is_nullish() {
            return Err(Thrown::ChainEnds);
        }
        let name = match name.as_ref() {
            Name::Written(name) => Cow::Borrowed(name.as_ref()),
            Name::Computed(name) => self.evaluate(name)?.into_text(self)?,
        };
        match &object {
            Value::Text(text) if is_text_method(&name) => {
                let arguments = self.arguments(arguments)?;
                self.text_method(text, &name, arguments)
            }
            Value::Json(Json::Array(items)) if is_list_method(&name) => {
                let arguments = self.arguments(arguments)?;
                self.list_method(items.iter().map(Value::from), items.len(), &name, arguments)
            }
            Value::List(list) if is_list_method(&name) => {
                let arguments = self.arguments(arguments)?;
                self.list_method(list.items.iter().cloned(), list.items.len(), &name, arguments)
            }
            Value::Undefined
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::Action(_)
            | Value::User(_)
            | Value::Json(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Regex(_) => call_value(&self.property(&object, &name)?, link),
        }
    }

    fn arguments(&'s self, arguments: &'s [Expression]) -> Result<Arguments<'s>, Thrown> {
        let mut values = arguments.iter().map(|argument| self.evaluate(argument));
        let looked_at = (values.next().transpose()?, values.next().transpose()?);
        values.try_for_each(|other| other.map(drop))?;
        Ok(looked_at)
    }

    fn text_method(&'s self, text: &Cow<'s, str>, name: &str, arguments: Arguments<'s>) -> Evaluated<'s> {
        self.budget.spend_length(text.len())?;
        match name {
            "toLowerCase" => self.checked_length(lower(text)),
            "toUpperCase" => self.checked_length(text.to_uppercase().into()),
            "trim" => Ok(Value::Text(match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(number::is_blank)),
                Cow::Owned(text) => Cow::Owned(text.trim_matches(number::is_blank).to_owned()),
            })),
            "match" => self.matched(text, arguments.0),
            _ => self.search(text, name, arguments),
        }
    }

    fn search(&'s self, text: &str, name: &str, (sought, position): Arguments<'s>) -> Evaluated<'s> {
        if let (Some(Value::Regex(_)), true) = (&sought, name != "indexOf") {
            return type_error(format!("`{name}` takes a text, not a regular expression"));
        }
        let sought = sought.unwrap_or(Value::Undefined).into_text(self)?;
        let position = match (position, name) {
            (None | Some(Value::Undefined), "endsWith") => text.len(),
            (None, _) => 0,
            (Some(position), _) => {
                let unit = number::to_position(position.into_number(self)?, text::length(text));
                text::byte_of_unit(text, unit)?
            }
        };
        let (before, after) = text.split_at_checked(position).ok_or_else(text::half)?;
        // Looking for a text within a text is linear in the two.
        self.budget.spend_length(text.len() + sought.len())?;
        Ok(match name {
            "startsWith" => Value::Bool(after.starts_with(sought.as_ref())),
            "endsWith" => Value::Bool(before.ends_with(sought.as_ref())),
            "includes" => Value::Bool(after.contains(sought.as_ref())),
            _ => {
                let found = after.find(sought.as_ref()).map(|at| text::unit_of_byte(text, position + at));
                Value::Number(found.map_or(-1.0, from_length))
            }
        })
    }

    fn list_method(
        &'s self,
        items: impl Iterator<Item = Value<'s>>,
        length: usize,
        name: &str,
        (sought, from): Arguments<'s>,
    ) -> Evaluated<'s> {
        let sought = sought.unwrap_or(Value::Undefined);
        let from = match from {
            None => 0.0,
            Some(from) => from.into_number(self)?,
        };
        let from = if from < 0.0 { from_length(length) + from.trunc() } else { from };
        let mut items = items.enumerate().skip(number::to_position(from, length));
        self.budget.spend_length(length.saturating_mul(4))?;
        Ok(match name {
            "includes" => Value::Bool(items.any(|(_, item)| item.equals_or_both_nan(&sought))),
            _ => Value::Number(items.find(|(_, item)| item.equals(&sought)).map_or(-1.0, |(at, _)| from_length(at))),
        })
    }
}

/// No value is a function: at best `?.` ends the chain.
fn call_value<'s>(value: &Value<'_>, link: Link) -> Evaluated<'s> {
    match link {
        Link::Optional if value.is_nullish() => Err(Thrown::ChainEnds),
        Link::Optional | Link::Plain => type_error(format!("a value of type {} is called", value.type_name())),
    }
}

fn lower<'s>(text: &Cow<'s, str>) -> Cow<'s, str> {
    match text {
        Cow::Borrowed(text) if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => {
            Cow::Borrowed(text)
        }
        Cow::Borrowed(_) | Cow::Owned(_) => Cow::Owned(text.to_lowercase()),
    }
}

fn is_text_method(name: &str) -> bool {
    is_list_method(name) || matches!(name, "startsWith" | "endsWith" | "match" | "toUpperCase" | "toLowerCase" | "trim")
}

fn is_list_method(name: &str) -> bool {
    matches!(name, "includes" | "indexOf")
}
