//! Evaluates a rule's tree on what one question holds: bounded in steps, in length and in depth.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

mod call;
mod matching;
mod member;
mod operator;
mod text;

use crate::json::Json;
use crate::question::Question;
use crate::records::{Found, Loaded};
use crate::regex::{Budget, Exhausted, RefusedRegex};
use crate::rule::{Branch, Constant, Element, Expression, Kind, Name, Property, Unary, Variable};
use crate::value::{List, Map, Value};

/// What a rule sees.
pub(crate) struct Scope<'s> {
    pub(crate) question: &'s Question<'s>,
    pub(crate) captured: &'s [&'s str],
    pub(crate) data: Given<'s>,
    pub(crate) old_data: Given<'s>,
    pub(crate) loaded: &'s Loaded,
    pub(crate) budget: Budget,
    /// The records that were asked for and are not loaded.
    pub(crate) wanted: RefCell<Vec<Box<str>>>,
}

/// What a variable of the host holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'s> {
    Undefined,
    Null,
    Value(&'s Json<'s>),
}

/// Why a rule has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Thrown {
    /// A value of the wrong type, as JavaScript's `TypeError`.
    #[error("{message}")]
    Type {
        /// What was tried.
        message: String,
    },
    /// A name that nothing has, as JavaScript's `ReferenceError`.
    #[error("`{name}` is not defined")]
    Name {
        /// The name.
        name: String,
    },
    /// JavaScript has a value here, and rules have not.
    #[error("{what} is not supported in a rule")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A pattern that is no regular expression.
    #[error(transparent)]
    Regex(#[from] RefusedRegex),
    /// `_()` with something that is no name.
    #[error("`_` was called with a value of type {type_name}")]
    Reference {
        /// What `typeof` says of it.
        type_name: &'static str,
    },
    /// The steps of one evaluation are used up.
    #[error("the rule takes too many steps")]
    TooManySteps,
    /// A text grows beyond what is kept.
    #[error("the rule makes a text of more than {} bytes", LONGEST_TEXT)]
    TooLong,
    /// INVARIANT: a `?.` met nothing; caught by the chain around it.
    #[error("a chain ended early")]
    ChainEnds,
}

/// How many steps one evaluation may take.
pub(crate) const STEPS: u32 = 250_000;

/// The longest text that a rule may make, in bytes.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

pub(crate) type Evaluated<'s> = Result<Value<'s>, Thrown>;

impl<'s> Scope<'s> {
    pub(crate) fn evaluate(&'s self, expression: &'s Expression) -> Evaluated<'s> {
        self.budget.spend(1)?;
        match &expression.kind {
            Kind::Constant(constant) => Ok(constant.into()),
            Kind::Variable(variable) => Ok(self.variable(*variable)),
            Kind::Member(object, name, link) => self.member(object, name, *link),
            Kind::Binary(binary, parts) => self.binary(*binary, parts),
            Kind::Branch(branch, parts) => self.branch(*branch, parts),
            Kind::Call(callee, arguments, link) => self.call(callee, arguments, *link),
            Kind::Unary(unary, part) => self.unary(*unary, part),
            Kind::Reference(arguments) => self.reference(arguments),
            Kind::Choice(parts) => {
                let [test, yes, no] = parts.as_ref();
                self.evaluate(if self.evaluate(test)?.is_truthy() { yes } else { no })
            }
            Kind::Chain(chain) => match self.evaluate(chain) {
                Err(Thrown::ChainEnds) => Ok(Value::Undefined),
                other => other,
            },
            Kind::Regex(regex) => Ok(Value::Regex(regex)),
            Kind::Template(texts, parts) => self.template(texts, parts),
            Kind::List(elements) => self.list(elements),
            Kind::Map(properties) => self.map(properties),
            Kind::Sequence(parts) => parts.iter().try_fold(Value::Undefined, |_, part| self.evaluate(part)),
            Kind::Unknown(name) => Err(Thrown::Name { name: name.to_string() }),
        }
    }

    pub(crate) fn checked_length<'t>(&self, text: Cow<'t, str>) -> Evaluated<'t> {
        if text.len() > LONGEST_TEXT {
            return Err(Thrown::TooLong);
        }
        self.budget.spend_length(text.len())?;
        Ok(Value::Text(text))
    }

    fn variable(&'s self, variable: Variable) -> Value<'s> {
        match variable {
            Variable::User => Value::User(self.question.user),
            Variable::Data => self.data.into(),
            Variable::OldData => self.old_data.into(),
            Variable::Now => Value::Number(self.question.now.as_number()),
            Variable::Action => Value::Action(&self.question.action),
            Variable::Name => Value::text(self.question.name),
            Variable::Captured(slot) => self.captured.get(slot).map_or(Value::Undefined, |text| Value::text(*text)),
        }
    }

    fn branch(&'s self, branch: Branch, parts: &'s [Expression]) -> Evaluated<'s> {
        let mut value = Value::Undefined;
        for part in parts {
            value = self.evaluate(part)?;
            let decided = match branch {
                Branch::All => !value.is_truthy(),
                Branch::Any => value.is_truthy(),
                Branch::Coalesce => !value.is_nullish(),
            };
            if decided {
                break;
            }
        }
        Ok(value)
    }

    fn unary(&'s self, unary: Unary, part: &'s Expression) -> Evaluated<'s> {
        // `typeof` is the one thing that may be asked of a name that nothing has.
        if let (Unary::TypeOf, Kind::Unknown(_)) = (unary, &part.kind) {
            return Ok(Value::text("undefined"));
        }
        let value = self.evaluate(part)?;
        Ok(match unary {
            Unary::Not => Value::Bool(!value.is_truthy()),
            Unary::TypeOf => Value::text(value.type_name()),
            Unary::Void => Value::Undefined,
            Unary::Plus => Value::Number(value.into_number(self)?),
            Unary::Minus => Value::Number(-value.into_number(self)?),
            Unary::BitNot => Value::Number(f64::from(!operator::to_int32(value.into_number(self)?))),
        })
    }

    fn template(&'s self, texts: &'s [Box<str>], parts: &'s [Expression]) -> Evaluated<'s> {
        let mut whole = String::new();
        for (place, text) in texts.iter().enumerate() {
            whole.push_str(text);
            if let Some(part) = parts.get(place) {
                whole.push_str(&self.evaluate(part)?.into_text(self)?);
            }
            if whole.len() > LONGEST_TEXT {
                return Err(Thrown::TooLong);
            }
        }
        self.checked_length(whole.into())
    }

    fn list(&'s self, elements: &'s [Element]) -> Evaluated<'s> {
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            match element {
                Element::Hole => items.push(Value::Undefined),
                Element::One(part) => items.push(self.evaluate(part)?),
                Element::Spread(part) => self.spread(self.evaluate(part)?, &mut items)?,
            }
        }
        Ok(Value::List(Rc::new(List { items, extra: Vec::new() })))
    }

    fn spread(&'s self, value: Value<'s>, items: &mut Vec<Value<'s>>) -> Result<(), Thrown> {
        let type_name = value.type_name();
        match value {
            Value::Json(Json::Array(more)) => {
                self.budget.spend_length(more.len().saturating_mul(32))?;
                items.extend(more.iter().map(Value::from));
            }
            Value::List(list) => {
                self.budget.spend_length(list.items.len().saturating_mul(32))?;
                items.extend(list.items.iter().cloned());
            }
            Value::Text(text) => {
                self.budget.spend_length(text.len().saturating_mul(32))?;
                items.extend(text.chars().map(|character| Value::text(character.to_string())));
            }
            Value::Undefined
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Action(_)
            | Value::User(_)
            | Value::Json(_)
            | Value::Map(_)
            | Value::Regex(_) => {
                let message = format!("a value of type {type_name} cannot be spread into a list");
                return Err(Thrown::Type { message });
            }
        }
        Ok(())
    }

    fn map(&'s self, properties: &'s [Property]) -> Evaluated<'s> {
        let mut members = Vec::with_capacity(properties.len());
        for property in properties {
            match property {
                Property::One(name, part) => {
                    let key = match name {
                        Name::Written(name) => Cow::Borrowed(name.as_ref()),
                        Name::Computed(name) => self.evaluate(name)?.into_text(self)?,
                    };
                    members.push((key, self.evaluate(part)?));
                }
                Property::Spread(part) => self.spread_into_map(self.evaluate(part)?, &mut members)?,
            }
        }
        Ok(Value::Map(Rc::new(Map(members))))
    }

    fn spread_into_map(&self, value: Value<'s>, members: &mut Vec<(Cow<'s, str>, Value<'s>)>) -> Result<(), Thrown> {
        match value {
            Value::Json(Json::Object(object)) => {
                for (key, value) in object.iter() {
                    self.budget.spend(1)?;
                    members.push((Cow::Borrowed(key), value.into()));
                }
            }
            Value::Map(map) => members.extend(map.0.iter().cloned()),
            Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Action(_) => {}
            Value::Text(_) | Value::User(_) | Value::Json(_) | Value::List(_) | Value::Regex(_) => {
                return Err(Thrown::Unsupported { what: "spreading anything but an object into an object".into() });
            }
        }
        Ok(())
    }

    /// `_(name)`: the record's value, null if there is none, undefined until it is loaded.
    fn reference(&'s self, arguments: &'s [Expression]) -> Evaluated<'s> {
        let mut values = arguments.iter().map(|argument| self.evaluate(argument));
        let name = values.next().unwrap_or(Ok(Value::Undefined))?;
        values.try_for_each(|other| other.map(drop))?;
        match &name {
            Value::Text(name) if name.contains("undefined") => Ok(Value::Undefined),
            Value::Text(name) => Ok(self.record(name).into()),
            Value::Undefined => Ok(Value::Undefined),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Action(_)
            | Value::User(_)
            | Value::Json(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Regex(_) => Err(Thrown::Reference { type_name: name.type_name() }),
        }
    }

    fn record(&'s self, name: &str) -> Given<'s> {
        match self.loaded.get(name) {
            Some(Found::Nothing) => Given::Null,
            Some(Found::Value(value)) => Given::Value(value),
            None => {
                let mut wanted = self.wanted.borrow_mut();
                if !wanted.iter().any(|other| **other == *name) {
                    wanted.push(name.into());
                }
                Given::Undefined
            }
        }
    }
}

impl<'s> From<Given<'s>> for Value<'s> {
    fn from(given: Given<'s>) -> Self {
        match given {
            Given::Undefined => Self::Undefined,
            Given::Null => Self::Null,
            Given::Value(json) => json.into(),
        }
    }
}

impl<'s> From<&'s Constant> for Value<'s> {
    fn from(constant: &'s Constant) -> Self {
        match constant {
            Constant::Undefined => Self::Undefined,
            Constant::Null => Self::Null,
            Constant::Bool(value) => Self::Bool(*value),
            Constant::Number(number) => Self::Number(*number),
            Constant::Text(text) => Self::Text(Cow::Borrowed(text)),
        }
    }
}

impl From<Exhausted> for Thrown {
    fn from(Exhausted: Exhausted) -> Self {
        Self::TooManySteps
    }
}
