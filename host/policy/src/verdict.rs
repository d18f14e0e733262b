//! What was decided, and by what.

use std::fmt;

use crate::decision::Decision;
use crate::document::Position;
use crate::evaluate::{Scope, Thrown};
use crate::explanation::Explanation;
use crate::json::MalformedJson;
use crate::patch::RefusedPatch;
use crate::policy::PlacedPath;
use crate::rule::{Expression, Kind, Rule, Unary, Written};
use crate::show;
use crate::turns;
use crate::wildcard::Obstacle;

/// A decision with all that led to it. Reasons are worked out when they are asked for: evaluating the same on the same
/// gives the same.
#[derive(Debug)]
pub struct Verdict<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) decision: Decision<'a>,
}

/// What was decided. Only [`Allowed`](Self::Allowed) allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule is true, or a value that JavaScript takes as true.
    Allowed,
    /// The rule is false, or a value that JavaScript takes as false.
    Denied,
    /// No path that matches has a rule of this type.
    NoRule,
    /// The question was about many names, and what is allowed for some is not for all.
    NotForAll(Obstacle),
    /// The rule has no value.
    Failed(Failure),
}

/// Why there was no value to decide by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Evaluating the rule failed.
    #[error(transparent)]
    Rule(#[from] Thrown),
    /// The payload is no JSON, and the rule looks at it.
    #[error("the payload is no JSON: {0}")]
    Payload(MalformedJson),
    /// The patch cannot be applied, and the rule looks at the result.
    #[error(transparent)]
    Patch(#[from] RefusedPatch),
    /// A patch of a record that is not there.
    #[error("the record to patch does not exist")]
    PatchOfNothing,
    /// A record could not be loaded.
    #[error("the record `{name}` could not be loaded")]
    Load {
        /// Its name.
        name: String,
    },
    /// The rule goes on asking for records.
    #[error("the rule needs more than {most} passes")]
    TooManyPasses {
        /// The limit.
        most: u32,
    },
    /// The name can be held against the paths in too many ways.
    #[error("the name matches in too many ways")]
    Name,
}

/// The part of a rule that decided, with what it looked at: for operators' eyes, for the values are users' own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciding {
    /// Its words.
    pub expression: String,
    /// Its value, or why it has none.
    pub value: String,
    /// The words and values of its own parts, constants left out.
    pub parts: Vec<(String, String)>,
}

impl<'a> Verdict<'a> {
    /// What was decided.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it is allowed.
    pub const fn is_allowed(&self) -> bool {
        match self.outcome {
            Outcome::Allowed => true,
            Outcome::Denied | Outcome::NoRule | Outcome::NotForAll(_) | Outcome::Failed(_) => false,
        }
    }

    /// The path that decided, as written; nothing where no path has such a rule.
    pub fn path(&self) -> Option<&'a str> {
        self.placed_path().map(|placed| placed.path.as_str())
    }

    /// The rule that decided, as written.
    pub fn rule(&self) -> Option<&'a str> {
        self.decision.rule.map(|placed| match &placed.rule {
            Rule::Constant(true) => "true",
            Rule::Constant(false) => "false",
            Rule::Expression(written) => &written.text,
        })
    }

    /// Where that rule stands in the document.
    pub fn position(&self) -> Option<Position> {
        self.decision.rule.map(|placed| placed.at)
    }

    /// How often the rule was run.
    pub const fn passes(&self) -> u32 {
        self.decision.passes
    }

    /// The part of the rule that decided; nothing for `true` and `false`.
    pub fn deciding(&self) -> Option<Deciding> {
        let written = self.decision.written()?;
        let whole = self.decision.scope(written);
        let deciding = decider(&whole, &written.root);
        // The parts share what one run may take, however many they are.
        let (alone, shared) = (self.decision.scope(written), self.decision.scope(written));
        let parts = deciding.parts().into_iter().filter(|part| !matches!(part.kind, Kind::Constant(_)));
        Some(Deciding {
            expression: written.text_of(deciding).into(),
            value: show::result(&alone.evaluate(deciding)),
            parts: parts.map(|part| (written.text_of(part).into(), show::result(&shared.evaluate(part)))).collect(),
        })
    }

    /// The whole reasoning.
    pub fn explain(&self) -> Explanation {
        Explanation::of(self)
    }

    pub(crate) fn placed_path(&self) -> Option<&'a PlacedPath> {
        self.decision.rule.and_then(|placed| self.decision.policy.paths.get(placed.path))
    }

    pub(crate) const fn written(&self) -> Option<&'a Written> {
        self.decision.written()
    }
}

/// The smallest part whose value, or failure, is the rule's.
fn decider<'s>(scope: &'s Scope<'s>, expression: &'s Expression) -> &'s Expression {
    let taken = turns::taken(scope, expression).and_then(|taken| taken.last().copied());
    let within = if let Kind::Unary(Unary::Not, part) = &expression.kind {
        Some(part.as_ref()).filter(|part| matches!(part.kind, Kind::Branch(..) | Kind::Choice(_)))
    } else {
        taken.or_else(|| failing(scope, expression))
    };
    within.map_or(expression, |part| decider(scope, part))
}

/// The part for which an expression fails.
fn failing<'s>(scope: &'s Scope<'s>, expression: &'s Expression) -> Option<&'s Expression> {
    let fails = |part: &&Expression| scope.evaluate(part).is_err_and(|thrown| thrown != Thrown::ChainEnds);
    // Once the steps are used up, every part fails.
    let error = scope.evaluate(expression).err().filter(|error| *error != Thrown::TooManySteps);
    error.and_then(|_| expression.parts().into_iter().find(fails))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Denied => f.write_str("denied"),
            Self::NoRule => f.write_str("denied: no path that matches has such a rule"),
            Self::NotForAll(obstacle) => write!(f, "denied: {obstacle}"),
            Self::Failed(failure) => write!(f, "denied: {failure}"),
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        let (Some(path), Some(position)) = (self.path(), self.position()) else { return Ok(()) };
        write!(f, " by `{}` of `{path}` at {position}", self.decision.question.action.rule())?;
        let Some(deciding) = self.deciding() else { return Ok(()) };
        write!(f, ": `{}` is {}", deciding.expression, deciding.value)?;
        deciding.parts.iter().try_for_each(|(words, value)| write!(f, ", `{words}` is {value}"))
    }
}
