//! The whole reasoning behind a verdict, for people.

use std::fmt;

use crate::document::Position;
use crate::evaluate::{STEPS, Scope};
use crate::regex::Budget;
use crate::rule::{Expression, Kind, Unary, Written};
use crate::section::{RuleType, Section};
use crate::show;
use crate::turns;
use crate::verdict::{Outcome, Verdict};

/// Why a question was decided as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The section that was asked.
    pub section: Section,
    /// The rule type that was asked.
    pub rule_type: RuleType,
    /// The name that was asked about.
    pub name: String,
    /// The paths that match the name, the most specific first.
    pub candidates: Vec<Candidate>,
    /// What the variables of the deciding path stand for.
    pub captured: Vec<(String, String)>,
    /// The deciding rule, as written.
    pub rule: Option<String>,
    /// How often it was run.
    pub passes: u32,
    /// The records that were loaded for it.
    pub records: Vec<String>,
    /// What was evaluated, each part before its own parts; cut after two hundred.
    pub steps: Vec<Step>,
    /// What was decided.
    pub outcome: Outcome,
}

/// A path that matches the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The path as written.
    pub path: String,
    /// Where it stands in the document.
    pub position: Position,
    /// How many characters are written: the longest that has the rule decides, of equals the last.
    pub length: usize,
    /// Whether it has a rule of the type that was asked.
    pub has_rule: bool,
    /// Whether its rule decided.
    pub decides: bool,
}

/// One part of the rule and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How deep within the rule.
    pub depth: usize,
    /// Its words.
    pub expression: String,
    /// Its value, or why it has none.
    pub value: String,
}

/// How many steps are told.
const MOST_STEPS: usize = 200;

/// How many positions are tried to find the paths that match.
const MOST_TRIED: u32 = 1_000_000;

/// How often all of the rule may be evaluated again to tell its parts.
const MOST_AGAIN: u32 = 4;

impl Explanation {
    pub(crate) fn of(verdict: &Verdict<'_>) -> Self {
        let decision = &verdict.decision;
        let action = decision.question.action;
        let variables = verdict.placed_path().map(|placed| placed.path.variables().map(str::to_owned));
        let captured = decision.captured.iter().map(|text| format!("{text:?}"));
        let mut steps = Vec::new();
        if let Some(written) = verdict.written() {
            let scope = Scope { budget: Budget::new(STEPS * MOST_AGAIN), ..decision.scope(written) };
            tell(&scope, written, (&written.root, 0), &mut steps);
        }
        Self {
            section: action.section(),
            rule_type: action.rule(),
            name: decision.question.name.into(),
            candidates: candidates(verdict),
            captured: variables.into_iter().flatten().zip(captured).collect(),
            rule: verdict.rule().map(str::to_owned),
            passes: verdict.passes(),
            records: decision.loaded.names().map(str::to_owned).collect(),
            steps,
            outcome: verdict.outcome().clone(),
        }
    }
}

fn candidates(verdict: &Verdict<'_>) -> Vec<Candidate> {
    let decision = &verdict.decision;
    let action = decision.question.action;
    let mut budget = MOST_TRIED;
    let paths = decision.policy.paths.iter().enumerate().filter(|(_, placed)| {
        let mut matches = || placed.path.captures_within(decision.question.name, &mut budget);
        placed.section == action.section() && matches().is_ok_and(|captured| captured.is_some())
    });
    let mut paths: Vec<_> = paths.collect();
    paths.sort_by_key(|(_, placed)| std::cmp::Reverse(placed.rank));
    let decides = |place: usize| decision.rule.is_some_and(|rule| rule.path == place);
    let rules = &decision.policy.rules;
    let candidate = |(place, placed): (usize, &crate::policy::PlacedPath)| {
        let first = rules.partition_point(|rule| rule.path < place);
        let mut own = rules.iter().skip(first).take_while(|rule| rule.path == place);
        Candidate {
            path: placed.path.to_string(),
            position: placed.at,
            length: placed.path.written_length(),
            has_rule: own.any(|rule| rule.rule_type == action.rule()),
            decides: decides(place),
        }
    };
    paths.into_iter().map(candidate).collect()
}

/// Tells a part at its depth, and those of its parts that were evaluated.
fn tell<'s>(scope: &'s Scope<'s>, written: &'s Written, (part, depth): (&'s Expression, usize), steps: &mut Vec<Step>) {
    if steps.len() >= MOST_STEPS || matches!(part.kind, Kind::Constant(_)) {
        return;
    }
    let value = show::result(&scope.evaluate(part));
    steps.push(Step { depth, expression: written.text_of(part).into(), value });
    let is_unread = matches!(&part.kind, Kind::Unary(Unary::TypeOf, name) if matches!(name.kind, Kind::Unknown(_)));
    let parts = if is_unread { Vec::new() } else { turns::taken(scope, part).unwrap_or_else(|| part.parts()) };
    parts.into_iter().for_each(|part| tell(scope, written, (part, depth + 1), steps));
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} `{}`: {}", self.section, self.rule_type, self.name, self.outcome)?;
        for Candidate { path, position, length, has_rule, decides } in &self.candidates {
            let role = match (decides, has_rule) {
                (true, _) => "decides",
                (false, true) => "is less specific",
                (false, false) => "has no such rule",
            };
            writeln!(f, "  path `{path}` at {position}, {length} characters: {role}")?;
        }
        self.captured.iter().try_for_each(|(variable, text)| writeln!(f, "  {variable} is {text}"))?;
        if let Some(rule) = &self.rule {
            writeln!(f, "  rule: {rule}")?;
        }
        if !self.records.is_empty() {
            writeln!(f, "  passes: {}, records: {}", self.passes, self.records.join(", "))?;
        }
        for Step { depth, expression, value } in &self.steps {
            writeln!(f, "  {}{expression} → {value}", "  ".repeat(*depth))?;
        }
        Ok(())
    }
}
