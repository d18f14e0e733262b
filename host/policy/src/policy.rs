//! A checked policy: the rules of every section, ready to decide.

use std::num::NonZeroU32;
use std::sync::Arc;

mod load;

use crate::decision::{Decision, Progress};
use crate::document::Position;
use crate::fault::{Faults, Warning};
use crate::path::{Path, TooManyWays};
use crate::question::Question;
use crate::records::Fetched;
use crate::rule::Rule;
use crate::section::{RuleType, Section};
use crate::trie::Trie;
use crate::verdict::Verdict;

/// A policy; made once per deployment, asked once per message.
#[derive(Debug)]
pub struct Policy {
    /// In the order of `Section::ALL`.
    pub(crate) tries: [Trie; Section::ALL.len()],
    pub(crate) paths: Vec<PlacedPath>,
    pub(crate) rules: Vec<PlacedRule>,
    warnings: Vec<Warning>,
    pub(crate) most_passes: NonZeroU32,
}

/// A path and where it stands.
#[derive(Debug)]
pub(crate) struct PlacedPath {
    pub(crate) path: Path,
    pub(crate) section: Section,
    pub(crate) at: Position,
    pub(crate) rank: u32,
}

/// A rule and where it stands.
#[derive(Debug)]
pub(crate) struct PlacedRule {
    pub(crate) path: usize,
    pub(crate) rule_type: RuleType,
    pub(crate) rule: Rule,
    pub(crate) at: Position,
}

impl Policy {
    /// How often a rule is run for one question if nothing else is said, the first run counted.
    pub const DEFAULT_PASSES: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

    /// Reads and checks a document, YAML or JSON, of either era.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        load::load(text)
    }

    /// The same policy with another limit of runs (deepstream's `maxRuleIterations`).
    #[must_use]
    pub const fn with_passes(mut self, most: NonZeroU32) -> Self {
        self.most_passes = most;
        self
    }

    /// What is odd about the document.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How many paths there are.
    pub const fn path_count(&self) -> usize {
        self.paths.len()
    }

    /// How many rules there are.
    pub const fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Whether a section is there: where it is not, everything is refused.
    pub fn has_section(&self, section: Section) -> bool {
        self.paths.iter().any(|path| path.section == section)
    }

    /// Decides, as far as that goes without records; see [`Progress`].
    pub fn start<'a>(&'a self, question: &'a Question<'a>) -> Progress<'a> {
        Decision::start(self, question)
    }

    /// Decides with records that are at hand; `fetch` is called at most once for each name.
    pub fn decide<'a>(&'a self, question: &'a Question<'a>, mut fetch: impl FnMut(&str) -> Fetched) -> Verdict<'a> {
        let mut progress = self.start(question);
        loop {
            match progress {
                Progress::Decided(verdict) => return verdict,
                Progress::Needs(waiting) => {
                    let fetched: Vec<Fetched> = waiting.names().map(&mut fetch).collect();
                    progress = waiting.resume(fetched);
                }
            }
        }
    }

    pub(crate) fn find(&self, section: Section, rule_type: RuleType, name: &str) -> Result<Option<usize>, TooManyWays> {
        let trie = self.tries.get(section as usize);
        Ok(trie.map(|trie| trie.find(name, rule_type)).transpose()?.flatten().map(|end| end.rule))
    }
}

/// A policy is shared between all that ask.
const _: fn() = || {
    const fn shared<T: Send + Sync>() {}
    shared::<Arc<Policy>>();
};
