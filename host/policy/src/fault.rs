//! What is wrong with a document: every fault with its place and what to do about it.

use std::fmt;

use crate::document::{MalformedDocument, Position};
use crate::path::MalformedPath;
use crate::rule::{RefusedRule, RuleWarning};
use crate::section::Section;

/// Everything that is wrong with a document, in its order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy has {}", count(.faults.len() + .more))]
pub struct Faults {
    /// The first thousand; never empty.
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the document.
    pub position: Position,
    /// Where in the policy.
    pub place: Place,
    /// What is wrong.
    pub kind: FaultKind,
}

/// One thing that is taken, but hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where in the document.
    pub position: Position,
    /// Where in the policy.
    pub place: Place,
    /// What is odd.
    pub kind: WarningKind,
}

/// A place in the policy, as far as it is known: section, path, rule type; long keys are cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The section's key as written.
    pub section: Option<String>,
    /// The path as written.
    pub path: Option<String>,
    /// The rule type as written.
    pub rule: Option<String>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// No document at all.
    #[error(transparent)]
    Document(#[from] MalformedDocument),
    /// The document is no map.
    #[error("a policy is a map of sections")]
    NotAMap,
    /// No section at all.
    #[error("the policy has no section")]
    NoSection,
    /// A document with one of Valve's sections needs these three.
    #[error("the section `{0}` is missing")]
    MissingSection(Section),
    /// A section of another name.
    #[error("there is no section `{name}`{}", did_you_mean(.like.as_deref()))]
    UnknownSection {
        /// The key as written.
        name: String,
        /// A section with nearly that name.
        like: Option<String>,
    },
    /// A section that is no map.
    #[error("a section is a map of paths")]
    SectionNotAMap,
    /// A section without paths.
    #[error("the section has no paths")]
    EmptySection,
    /// A section of Valve's without the path `*`.
    #[error("the path `*` is missing")]
    NoRoot,
    /// A malformed path.
    #[error(transparent)]
    Path(#[from] MalformedPath),
    /// What a path has is no map.
    #[error("a path has a map of rules")]
    RulesNotAMap,
    /// A rule type that the section has not.
    #[error("`{section}` has no `{name}` rules{}", did_you_mean(.like.as_deref()))]
    UnknownRuleType {
        /// The section.
        section: Section,
        /// The key as written.
        name: String,
        /// A rule type with nearly that name.
        like: Option<String>,
    },
    /// A malformed rule.
    #[error(transparent)]
    Rule(#[from] RefusedRule),
}

/// What is odd.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WarningKind {
    /// A path that has no rules.
    #[error("the path has no rules")]
    NoRules,
    /// Quotes within a path, where YAML keeps them as letters.
    #[error("the quotes are part of the path")]
    QuotesInPath,
    /// Signs that Valve takes as a regular expression.
    #[error("in the path, `{sign}` stands for itself; in deepstream it is part of a regular expression")]
    RegexInPath {
        /// The first such sign.
        sign: char,
    },
    /// Something in a rule.
    #[error(transparent)]
    Rule(#[from] RuleWarning),
}

impl FaultKind {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Rule(refused) => refused.hint(),
            Self::Document(MalformedDocument::Merge) => {
                Some("an alias can stand for all rules of a path: `path: *name`")
            }
            Self::Document(MalformedDocument::Twice { .. }) => Some("join the two: one would be lost"),
            Self::NotAMap | Self::NoSection => {
                Some("begin with the sections record, event and rpc, or with channel, group or uuid")
            }
            Self::MissingSection(_) => Some("add it with the path `*`, which may have no rules: `\"*\": {}`"),
            Self::EmptySection | Self::NoRoot => Some("add the path `*`, which may have no rules: `\"*\": {}`"),
            Self::Path(MalformedPath::Variable) => Some("variables are `$` and letters and digits: `user/$id`"),
            Self::Path(MalformedPath::LeadingSlash) => Some("names have no leading slash"),
            Self::UnknownSection { .. } => {
                Some("the sections are record, event, rpc, presence, channel, group and uuid")
            }
            Self::UnknownRuleType { section, .. } => Some(match section {
                Section::Record => "records have create, read, write, delete, listen and notify",
                Section::Event => "events have publish, subscribe and listen",
                Section::Rpc => "procedures have provide and request",
                Section::Presence => "presence has allow",
                Section::Channel | Section::Group | Section::Uuid => {
                    "the permissions are read, write, manage, delete, get, update and join"
                }
            }),
            Self::SectionNotAMap | Self::RulesNotAMap => Some("write `{}` for none"),
            Self::Document(_) | Self::Path(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.position, self.place, self.kind)?;
        self.kind.hint().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.position, self.place, self.kind)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.section, &self.path, &self.rule];
        let mut parts = parts.into_iter().flatten().peekable();
        while let Some(part) = parts.next() {
            write!(f, "`{part}`{}", if parts.peek().is_some() { ", " } else { ": " })?;
        }
        Ok(())
    }
}

fn count(faults: usize) -> String {
    if faults == 1 { "1 fault".into() } else { format!("{faults} faults") }
}

fn did_you_mean(like: Option<&str>) -> String {
    like.map(|like| format!(", did you mean `{like}`?")).unwrap_or_default()
}
