//! `===`, `==` and the order of texts.

use std::cmp::Ordering;
use std::rc::Rc;

use super::Value;
use crate::evaluate::{Scope, Thrown};

impl Value<'_> {
    /// `===`; objects are equal only to themselves.
    #[expect(clippy::float_cmp, reason = "JavaScript compares numbers exactly")]
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) | (Self::User(_), Self::User(_)) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Action(one), Self::Action(other)) => one == other,
            (Self::Action(action), Self::Number(number)) | (Self::Number(number), Self::Action(action)) => {
                *number == f64::from(action.number())
            }
            (Self::Action(action), Self::Text(text)) | (Self::Text(text), Self::Action(action)) => {
                text == action.word()
            }
            (Self::Json(one), Self::Json(other)) => std::ptr::eq(*one, *other),
            (Self::List(one), Self::List(other)) => Rc::ptr_eq(one, other),
            (Self::Map(one), Self::Map(other)) => Rc::ptr_eq(one, other),
            (Self::Regex(one), Self::Regex(other)) => std::ptr::eq(*one, *other),
            (_, _) => false,
        }
    }

    /// `includes` finds what is not a number, which `===` never does.
    pub(crate) fn equals_or_both_nan(&self, other: &Self) -> bool {
        let both_nan =
            matches!((self, other), (Self::Number(one), Self::Number(other)) if one.is_nan() && other.is_nan());
        both_nan || self.equals(other)
    }

    /// `==`.
    pub(crate) fn loosely_equals(self, other: Self, scope: &Scope<'_>) -> Result<bool, Thrown> {
        if self.is_nullish() || other.is_nullish() {
            return Ok(self.is_nullish() && other.is_nullish());
        }
        if self.is_object() && other.is_object() {
            return Ok(self.equals(&other));
        }
        let (one, other) = (self.into_primitive(scope)?, other.into_primitive(scope)?);
        if one.type_name() == other.type_name() || one.equals(&other) {
            return Ok(one.equals(&other));
        }
        let (one, other) = (one.into_number(scope)?, other.into_number(scope)?);
        Ok(Self::Number(one).equals(&Self::Number(other)))
    }

    /// How the two are ordered; nothing where one is not a number.
    pub(crate) fn order(self, other: Self, scope: &Scope<'_>) -> Result<Option<Ordering>, Thrown> {
        let (one, other) = (self.into_primitive(scope)?, other.into_primitive(scope)?);
        if let (Self::Text(one), Self::Text(other)) = (&one, &other) {
            scope.budget.spend_length(one.len().min(other.len()))?;
            return Ok(Some(one.encode_utf16().cmp(other.encode_utf16())));
        }
        Ok(one.into_number(scope)?.partial_cmp(&other.into_number(scope)?))
    }

    /// `+`.
    pub(crate) fn plus(self, other: Self, scope: &Scope<'_>) -> Result<Self, Thrown> {
        let (one, other) = (self.into_primitive(scope)?, other.into_primitive(scope)?);
        if !matches!(one, Self::Text(_)) && !matches!(other, Self::Text(_)) {
            return Ok(Self::Number(one.into_number(scope)? + other.into_number(scope)?));
        }
        let (one, other) = (one.into_text(scope)?, other.into_text(scope)?);
        scope.checked_length(one + other)
    }

    const fn is_object(&self) -> bool {
        match self {
            Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Action(_) => false,
            Self::User(_) | Self::Json(_) | Self::List(_) | Self::Map(_) | Self::Regex(_) => true,
        }
    }
}
