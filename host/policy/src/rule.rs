//! A rule: `true`, `false`, or an expression that was checked and turned into a tree of our own.

use std::fmt;
use std::ops::Range;

mod convert;
mod duration;
mod expression;
mod parse;
mod scan;

pub(crate) use expression::{
    Binary, Branch, Callee, Constant, Element, Expression, Kind, Link, Name, Property, Unary, Variable,
};

use crate::path::Path;
use crate::regex::RefusedRegex;
use crate::section::{RuleType, Section};

/// A checked rule.
#[derive(Debug)]
pub(crate) enum Rule {
    Constant(bool),
    Expression(Box<Written>),
}

/// A rule written as an expression.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) text: Box<str>,
    pub(crate) root: Expression,
    /// Whether `data` is read, and so worth parsing.
    pub(crate) uses_data: bool,
    /// Whether `oldData` is read, and so worth loading.
    pub(crate) uses_old_data: bool,
    pub(crate) uses_captures: bool,
    pub(crate) uses_name: bool,
}

/// Why a text is no rule. The first that applies is reported, in Valve's order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRule {
    /// Neither `true`, `false` nor a text.
    #[error("a rule is `true`, `false` or a text")]
    NotAText,
    /// A text of no length.
    #[error("a rule may not be empty")]
    Empty,
    /// Longer than rules may be.
    #[error("a rule may not be longer than {} bytes", parse::LONGEST)]
    TooLong,
    /// The word `new`, anywhere.
    #[error("a rule may not contain the word `new`, not even in quotes")]
    New,
    /// `function` or `=>`, anywhere.
    #[error("a rule may not contain functions: `function` or `=>`, not even in quotes")]
    Function,
    /// Something is called that is not in the list.
    #[error("`{name}` cannot be called in a rule")]
    Call {
        /// What stands before the bracket.
        name: String,
    },
    /// Not JavaScript.
    #[error("the rule is no JavaScript expression: {message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// JavaScript, but a statement.
    #[error("the rule is a statement; write an expression")]
    Statement,
    /// `oldData` where there is none.
    #[error("`oldData` is not available in a `{rule}` rule of `{section}`")]
    OldData {
        /// Where the rule stands.
        section: Section,
        /// What it decides.
        rule: RuleType,
    },
    /// `data` where there is none.
    #[error("`data` is not available in a `{rule}` rule of `{section}`")]
    Data {
        /// Where the rule stands.
        section: Section,
        /// What it decides.
        rule: RuleType,
    },
    /// An expression that Valve would take and we do not.
    #[error("{what} is not supported in a rule")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// A regular expression that we do not take.
    #[error(transparent)]
    Regex(#[from] RefusedRegex),
    /// `duration('…')` with something else.
    #[error("a duration is a text such as '90s', '15m', '24h' or '7d'")]
    Duration,
    /// Nested or repeated beyond what is evaluated.
    #[error("the rule is too complicated: {what}")]
    TooComplicated {
        /// In what way.
        what: &'static str,
    },
}

/// What is taken, but hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleWarning {
    /// A name that nothing has: reading it is an error, and so a refusal.
    #[error("nothing is called `{name}`: where the rule reads it, it refuses")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A property that `user` never has.
    #[error("`user` has no `{name}`: it is always undefined")]
    UnknownUserProperty {
        /// The property.
        name: String,
    },
    /// Text that is never looked at.
    #[error("what follows the first `;` is never evaluated")]
    AfterTheEnd,
    /// JavaScript ends `return` at the line.
    #[error("the rule starts with a line break or `;`, so its value is undefined and it always refuses")]
    StartsWithBreak,
    /// Valve's way of looking for `oldData` misses this one.
    #[error("`oldData` at the very end of a rule is always undefined")]
    OldDataAtEnd,
    /// The value does not depend on anything.
    #[error("the rule is always {value}; write it without quotes")]
    Quoted {
        /// What it is worth.
        value: bool,
    },
}

/// A problem with where it is in the rule's text, in bytes, if it is at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) what: T,
    pub(crate) at: Option<Range<usize>>,
}

impl<T> Located<T> {
    pub(crate) fn at(what: impl Into<T>, at: Range<usize>) -> Self {
        Self { what: what.into(), at: Some(at) }
    }

    pub(crate) fn whole(what: impl Into<T>) -> Self {
        Self { what: what.into(), at: None }
    }
}

/// A rule's place in the policy: what may be used in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    pub(crate) section: Section,
    pub(crate) rule: RuleType,
    pub(crate) path: &'p Path,
}

impl Written {
    /// Checks a rule's text and reads it; what is odd but taken is added to `warnings`.
    pub(crate) fn parse(
        text: &str,
        place: Place<'_>,
        warnings: &mut Vec<Located<RuleWarning>>,
    ) -> Result<Self, Located<RefusedRule>> {
        scan::check(text)?;
        let root = parse::with_tree(text, |tree| {
            scan::check_variables(text, place)?;
            convert::convert(&tree, place, warnings)
        })?;
        if scan::old_data_is_missed(text) {
            let from = text.len() - "oldData".len();
            warnings.push(Located::at(RuleWarning::OldDataAtEnd, from..text.len()));
        }
        if let Kind::Constant(Constant::Bool(value)) = root.kind {
            warnings.push(Located::whole(RuleWarning::Quoted { value }));
        }
        let (mut uses_captures, mut uses_name) = (false, false);
        root.visit(&mut |part| {
            uses_captures |= matches!(part.kind, Kind::Variable(Variable::Captured(_)));
            uses_name |= matches!(part.kind, Kind::Variable(Variable::Name));
        });
        let (uses_data, uses_old_data) = (scan::uses_data(text), scan::uses_old_data(text));
        Ok(Self { text: text.into(), root, uses_data, uses_old_data, uses_captures, uses_name })
    }

    /// The words of a part.
    pub(crate) fn text_of(&self, part: &Expression) -> &str {
        self.text.get(part.from..part.to).unwrap_or(&self.text)
    }
}

impl RefusedRule {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAText => Some("put the rule in quotes"),
            Self::Empty => Some("write false to refuse all"),
            Self::TooLong => Some("keep lists in a record and look them up with _()"),
            Self::New => Some("give the property another name"),
            Self::Function => Some("rules are single expressions: use &&, || and ?:"),
            Self::Call { .. } => Some(
                "rules may call _, startsWith, endsWith, includes, indexOf, match, toUpperCase, toLowerCase, trim and \
                 duration; a word before a bracket counts as a call in quotes too",
            ),
            Self::Syntax { .. } => None,
            Self::Statement => Some("leave out `return`, `var`, `if` and the like"),
            Self::OldData { .. } => Some("oldData is there in record.read, record.write and record.delete"),
            Self::Data { .. } => Some(
                "data is there in record.write, event.publish, rpc.request, and in write and update of channels, \
                 groups and uuids",
            ),
            Self::Unsupported { .. } => Some("rules read and compare, and change nothing"),
            Self::Regex(_) => Some("rules have JavaScript's regular expressions with the flags g, i, m, s and u"),
            Self::Duration => Some("the units are ms, s, m, h and d"),
            Self::TooComplicated { .. } => Some("split it by paths, or keep lists in a record"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Expression(written) => f.write_str(&written.text),
        }
    }
}
