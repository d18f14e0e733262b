//! The policy language: a document of paths and rules becomes a checked policy, and a question a verdict.
//!
//! The language is deepstream's Valve, with sections for the Access Manager's channels, groups and uuids. Rules look
//! like JavaScript and mean what JavaScript means, but no engine runs them: they are parsed, checked and turned into a
//! tree of our own, which is evaluated in bounded steps.
//!
//! * [`Policy::parse`] checks a document and answers with all its [`Faults`] at once.
//! * [`Policy::start`] decides a [`Question`] as far as it goes without records; [`Waiting`] names those it needs.
//!   [`Policy::decide`] does both where records are at hand.
//! * A [`Verdict`] knows the path, the rule and the part of it that decided; [`Verdict::explain`] tells all.
//!
//! The crate opens no file, socket, clock or environment variable: `now` is part of the question, and records are
//! fetched by the caller. Parsing a rule of many brackets borrows a thread with a larger stack.
#![forbid(unsafe_code)]

mod action;
mod cases;
mod decision;
mod document;
mod evaluate;
mod explanation;
mod fault;
mod json;
mod number;
mod patch;
mod path;
mod policy;
mod question;
mod records;
mod regex;
mod rule;
mod section;
mod show;
#[cfg(test)]
mod tests;
mod trie;
mod turns;
mod value;
mod verdict;
mod wildcard;

pub use action::Action;
pub use cases::{Asked, Case, CaseProblem, Differing, Expected, MalformedCase, Message};
pub use decision::{Progress, Waiting};
pub use document::{Entry, MalformedDocument, Position, read_entries};
pub use evaluate::Thrown;
pub use explanation::{Candidate, Explanation, Step};
pub use fault::{Fault, FaultKind, Faults, Place, Warning, WarningKind};
pub use json::{Json, MalformedJson, Object};
pub use patch::RefusedPatch;
pub use path::{MalformedPath, Path};
pub use policy::Policy;
pub use question::{Payload, Question, UnixMillis, User};
pub use records::Fetched;
pub use regex::RefusedRegex;
pub use rule::{RefusedRule, RuleWarning};
pub use section::{RuleType, Section};
pub use verdict::{Deciding, Failure, Outcome, Verdict};
pub use wildcard::Obstacle;
