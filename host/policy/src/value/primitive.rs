//! From values to texts and numbers, as JavaScript converts.

use std::borrow::Cow;

use super::Value;
use crate::evaluate::{Scope, Thrown};
use crate::json::Json;
use crate::number;

impl<'s> Value<'s> {
    /// The same value if it is no object; else its text, for no object here has another primitive value.
    pub(crate) fn into_primitive(self, scope: &Scope<'_>) -> Result<Self, Thrown> {
        let text = match self {
            Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Action(_) => {
                return Ok(self);
            }
            Self::User(_) => Cow::Borrowed("[object Object]"),
            Self::Json(Json::Array(items)) => {
                let items = items.iter().map(|item| joined(item.into(), scope));
                Cow::Owned(items.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            Self::List(list) => {
                let items = list.items.iter().map(|item| joined(item.clone(), scope));
                Cow::Owned(items.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            Self::Json(Json::Object(object)) if object.get("toString").is_some() => return Err(no_primitive()),
            Self::Map(map) if map.get("toString").is_some() => return Err(no_primitive()),
            Self::Json(_) | Self::Map(_) => Cow::Borrowed("[object Object]"),
            Self::Regex(regex) => Cow::Owned(regex.to_string()),
        };
        scope.checked_length(text)
    }

    /// `String(value)`.
    pub(crate) fn into_text(self, scope: &Scope<'_>) -> Result<Cow<'s, str>, Thrown> {
        Ok(match self.into_primitive(scope)? {
            Self::Undefined => "undefined".into(),
            Self::Null => "null".into(),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Number(number) => number::to_text(number).into(),
            Self::Action(action) => action.number().to_string().into(),
            Self::Text(text) => text,
            // A primitive is none of these.
            Self::User(_) | Self::Json(_) | Self::List(_) | Self::Map(_) | Self::Regex(_) => return Err(no_primitive()),
        })
    }

    /// `Number(value)`.
    pub(crate) fn into_number(self, scope: &Scope<'_>) -> Result<f64, Thrown> {
        Ok(match self.into_primitive(scope)? {
            Self::Undefined => f64::NAN,
            Self::Null | Self::Bool(false) => 0.0,
            Self::Bool(true) => 1.0,
            Self::Number(number) => number,
            Self::Action(action) => f64::from(action.number()),
            Self::Text(text) => {
                scope.budget.spend_length(text.len())?;
                number::from_text(&text)
            }
            Self::User(_) | Self::Json(_) | Self::List(_) | Self::Map(_) | Self::Regex(_) => return Err(no_primitive()),
        })
    }
}

/// The text of an array's item within its array's.
fn joined<'s>(item: Value<'s>, scope: &Scope<'_>) -> Result<Cow<'s, str>, Thrown> {
    scope.budget.spend(1)?;
    if item.is_nullish() { Ok(Cow::Borrowed("")) } else { item.into_text(scope) }
}

fn no_primitive() -> Thrown {
    Thrown::Type { message: "an object cannot be converted to a text or a number".into() }
}
