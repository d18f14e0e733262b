//! The road of one question: find the rule, run it, load what it asked for, run it again.

use std::mem;

use crate::evaluate::{Given, STEPS, Scope, Thrown};
use crate::json::Json;
use crate::patch::{self, RefusedPatch};
use crate::policy::{PlacedRule, Policy};
use crate::question::{Payload, Question};
use crate::records::{Fetched, Found, Loaded};
use crate::regex::Budget;
use crate::rule::{Rule, Written};
use crate::section::Section;
use crate::verdict::{Failure, Outcome, Verdict};
use crate::wildcard::{self, Obstacle};

/// How far a decision is.
#[derive(Debug)]
pub enum Progress<'a> {
    /// It is made.
    Decided(Verdict<'a>),
    /// It waits for records.
    Needs(Waiting<'a>),
}

/// A decision that waits for records; hold it while they are fetched.
#[derive(Debug)]
pub struct Waiting<'a> {
    decision: Decision<'a>,
    wanted: Vec<Box<str>>,
}

/// A question with its rule and all that is known so far.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) question: &'a Question<'a>,
    pub(crate) rule: Option<&'a PlacedRule>,
    /// What the variables of the path stand for.
    pub(crate) captured: Vec<&'a str>,
    data: Data<'a>,
    pub(crate) loaded: Loaded,
    pub(crate) passes: u32,
}

/// What `data` is, as far as it is known.
#[derive(Debug)]
enum Data<'a> {
    /// Not looked at yet, or a patch of a record that is not loaded.
    Unknown,
    Undefined,
    Given(&'a Json<'a>),
    Parsed(Json<'a>),
}

impl<'a> Decision<'a> {
    pub(crate) fn start(policy: &'a Policy, question: &'a Question<'a>) -> Progress<'a> {
        let (captured, data, loaded) = (Vec::new(), Data::Unknown, Loaded::default());
        let mut decision = Self { policy, question, rule: None, captured, data, loaded, passes: 0 };
        let action = question.action;
        let outcome = match policy.find(action.section(), action.rule(), question.name) {
            Err(_) => Outcome::Failed(Failure::Name),
            Ok(found) => {
                decision.rule = found.and_then(|rule| policy.rules.get(rule));
                match decision.rule.map(|placed| (&placed.rule, decision.obstacle(placed))) {
                    None => Outcome::NoRule,
                    Some((Rule::Constant(false), _)) => Outcome::Denied,
                    Some((_, Err(failure))) => Outcome::Failed(failure),
                    Some((_, Ok(Some(obstacle)))) => Outcome::NotForAll(obstacle),
                    Some((Rule::Constant(true), Ok(None))) => Outcome::Allowed,
                    Some((Rule::Expression(written), Ok(None))) => match decision.capture(written) {
                        Ok(()) => return decision.run(written),
                        Err(failure) => Outcome::Failed(failure),
                    },
                }
            }
        };
        Progress::Decided(Verdict { outcome, decision })
    }

    pub(crate) const fn written(&self) -> Option<&'a Written> {
        match self.rule {
            Some(PlacedRule { rule: Rule::Expression(written), .. }) => Some(written),
            Some(PlacedRule { rule: Rule::Constant(_), .. }) | None => None,
        }
    }

    /// What the rule sees now.
    pub(crate) fn scope<'s>(&'s self, written: &'s Written) -> Scope<'s>
    where
        'a: 's,
    {
        let data = match &self.data {
            _ if !written.uses_data => Given::Null,
            Data::Unknown | Data::Undefined => Given::Undefined,
            Data::Given(data) => Given::Value(data),
            Data::Parsed(data) => Given::Value(data),
        };
        let old_data = match self.loaded.get(self.question.name).filter(|_| written.uses_old_data) {
            Some(Found::Nothing) => Given::Null,
            Some(Found::Value(value)) => Given::Value(value),
            None => Given::Undefined,
        };
        let (question, captured, loaded) = (self.question, self.captured.as_slice(), &self.loaded);
        Scope { question, captured, data, old_data, loaded, budget: Budget::new(STEPS), wanted: Vec::new().into() }
    }

    /// What keeps the rule from deciding all that the question is about.
    fn obstacle(&self, rule: &PlacedRule) -> Result<Option<Obstacle>, Failure> {
        let Some(prefix) = self.question.prefix() else { return Ok(None) };
        wildcard::obstacle(self.policy, rule, prefix).map_err(|_| Failure::Name)
    }

    fn capture(&mut self, written: &Written) -> Result<(), Failure> {
        if let (true, Some(placed)) = (written.uses_captures, self.rule)
            && let Some(placed) = self.policy.paths.get(placed.path)
        {
            self.captured = placed.path.captures(self.question.name).map_err(|_| Failure::Name)?.unwrap_or_default();
        }
        Ok(())
    }

    /// Runs the rule once; at most `most_passes` runs may be needed, the first counted.
    fn run(mut self, written: &'a Written) -> Progress<'a> {
        self.passes += 1;
        let mut wanted = Vec::new();
        if let Err(failure) = self.prepare(written, &mut wanted) {
            return self.failed(failure);
        }
        let value = {
            let scope = self.scope(written);
            let value = scope.evaluate(&written.root).map(|value| value.is_truthy());
            for name in scope.wanted.into_inner() {
                if !wanted.contains(&name) {
                    wanted.push(name);
                }
            }
            value
        };
        let most = self.policy.most_passes.get();
        match value {
            Err(thrown @ Thrown::Reference { .. }) => self.failed(Failure::Rule(thrown)),
            // What a rule does before its records are there does not count.
            Ok(_) | Err(_) if !wanted.is_empty() && self.passes >= most => self.failed(Failure::TooManyPasses { most }),
            Ok(_) | Err(_) if !wanted.is_empty() => Progress::Needs(Waiting { decision: self, wanted }),
            Ok(true) => Progress::Decided(Verdict { outcome: Outcome::Allowed, decision: self }),
            Ok(false) => Progress::Decided(Verdict { outcome: Outcome::Denied, decision: self }),
            Err(thrown) => self.failed(Failure::Rule(thrown)),
        }
    }

    const fn failed(self, failure: Failure) -> Progress<'a> {
        Progress::Decided(Verdict { outcome: Outcome::Failed(failure), decision: self })
    }

    /// Makes `data` and `oldData` ready, or asks for the record they need.
    fn prepare(&mut self, written: &Written, wanted: &mut Vec<Box<str>>) -> Result<(), Failure> {
        let name = self.question.name;
        let patches = matches!(self.question.payload, Payload::Patch { .. } | Payload::Patches(_));
        let needs_record = written.uses_old_data || (written.uses_data && patches);
        if needs_record && self.loaded.get(name).is_none() {
            wanted.push(name.into());
        }
        if written.uses_data && matches!(self.data, Data::Unknown) {
            self.data = self.data()?;
        }
        Ok(())
    }

    fn data(&self) -> Result<Data<'a>, Failure> {
        // Subscribing carries nothing, whatever came with it.
        let question = self.question;
        if !question.action.section().has_payload(question.action.rule()) {
            return Ok(Data::Undefined);
        }
        let parse = |text| Json::parse(text).map_err(Failure::Payload);
        match question.payload {
            Payload::None => Ok(Data::Undefined),
            Payload::Json("") if question.action.section() == Section::Event => Ok(Data::Undefined),
            Payload::Json(text) => Ok(Data::Parsed(parse(text)?)),
            Payload::Value(value) => Ok(Data::Given(value)),
            Payload::Patch { path, value } => {
                let value = value.map(parse).transpose()?;
                self.patched(|record| patch::apply(record, path, value))
            }
            Payload::Patches(patches) => self.patched(|record| patch::apply_all(record, patches)),
        }
    }

    fn patched(&self, apply: impl FnOnce(&mut Json<'a>) -> Result<(), RefusedPatch>) -> Result<Data<'a>, Failure> {
        match self.loaded.get(self.question.name) {
            None => Ok(Data::Unknown),
            Some(Found::Nothing) => Err(Failure::PatchOfNothing),
            Some(Found::Value(record)) => {
                let mut record: Json<'a> = Json::clone(record);
                apply(&mut record)?;
                Ok(Data::Parsed(record))
            }
        }
    }
}

impl<'a> Waiting<'a> {
    /// The records that are needed, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(AsRef::as_ref)
    }

    /// Goes on with the records, in the order of [`names`](Self::names); one that is not given has failed.
    pub fn resume(mut self, fetched: impl IntoIterator<Item = Fetched>) -> Progress<'a> {
        let mut fetched = fetched.into_iter();
        for name in mem::take(&mut self.wanted) {
            let found = match fetched.next() {
                Some(Fetched::Nothing) => Found::Nothing,
                Some(Fetched::Value(value)) => Found::Value(value),
                Some(Fetched::Failed) | None => return self.decision.failed(Failure::Load { name: name.into() }),
            };
            self.decision.loaded.insert(name, found);
        }
        match self.decision.written() {
            Some(written) => self.decision.run(written),
            None => Progress::Decided(Verdict { outcome: Outcome::NoRule, decision: self.decision }),
        }
    }
}

/// A decision is held while its records are fetched, by whichever thread goes on with it.
const _: fn() = || {
    const fn moves<T: Send>() {}
    moves::<Progress<'_>>();
};
