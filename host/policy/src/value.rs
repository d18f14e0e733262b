//! A value while a rule is evaluated: JavaScript's, with what the host gives borrowed and never copied.

use std::borrow::Cow;
use std::rc::Rc;

mod equality;
mod primitive;

use crate::action::Action;
use crate::json::Json;
use crate::question::User;
use crate::regex::Regex;

#[derive(Clone, Debug)]
pub(crate) enum Value<'s> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'s, str>),
    /// A number that also equals its word.
    Action(&'s Action),
    User(&'s User),
    /// INVARIANT: an array or an object.
    Json(&'s Json<'s>),
    List(Rc<List<'s>>),
    Map(Rc<Map<'s>>),
    Regex(&'s Regex),
}

/// An array made by the rule, or the result of `match`.
#[derive(Debug, Default)]
pub(crate) struct List<'s> {
    pub(crate) items: Vec<Value<'s>>,
    /// What a match has besides: `index`, `input` and `groups`.
    pub(crate) extra: Vec<(&'static str, Value<'s>)>,
}

/// An object made by the rule.
#[derive(Debug, Default)]
pub(crate) struct Map<'s>(pub(crate) Vec<(Cow<'s, str>, Value<'s>)>);

impl<'s> Value<'s> {
    pub(crate) fn text(text: impl Into<Cow<'s, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) const fn is_nullish(&self) -> bool {
        matches!(self, Self::Undefined | Self::Null)
    }

    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Action(_) | Self::User(_) | Self::Json(_) | Self::List(_) | Self::Map(_) | Self::Regex(_) => true,
        }
    }

    /// What `typeof` says.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Bool(_) => "boolean",
            Self::Number(_) | Self::Action(_) => "number",
            Self::Text(_) => "string",
            Self::Null | Self::User(_) | Self::Json(_) | Self::List(_) | Self::Map(_) | Self::Regex(_) => "object",
        }
    }
}

impl<'s> From<&'s Json<'s>> for Value<'s> {
    fn from(json: &'s Json<'s>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(*number),
            Json::Text(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }
}

impl<'s> Map<'s> {
    pub(crate) fn get(&self, key: &str) -> Option<&Value<'s>> {
        self.0.iter().rev().find(|(other, _)| other == key).map(|(_, value)| value)
    }
}
