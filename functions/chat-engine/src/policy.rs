//! What the policy lets the caller do with channels and groups, asked in as few calls as possible: mostly one.

use usher_sdk::{Host, PolicyQuestion, Section};

use crate::caller::Caller;
use crate::names;
use crate::refusal::Refusal;

/// Questions that one call takes.
const MOST_QUESTIONS: usize = 100;

/// What may be done with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rights {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// What may be done with a channel, and the wildcard by which it is granted if not by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    pub(crate) rights: Rights,
    pub(crate) wildcard: Option<String>,
}

/// The names to ask about.
pub(crate) struct Inquiry<'a> {
    caller: &'a Caller,
    channels: Vec<String>,
    groups: Vec<String>,
    /// Channels of which only reading is asked.
    reading: Vec<String>,
    /// Channels that a wildcard may stand for: only where the policy does not allow all of that one are they asked about.
    covered: Vec<String>,
}

/// What the policy said.
pub(crate) struct Answers<'a> {
    caller: &'a Caller,
    channels: Vec<(String, Rights)>,
    groups: Vec<(String, bool)>,
    reading: Vec<(String, bool)>,
}

impl Rights {
    pub(crate) const ALL: Self = Self { read: true, write: true };

    pub(crate) fn are_none(self) -> bool {
        self == Self::default()
    }
}

impl<'a> Inquiry<'a> {
    pub(crate) fn of(caller: &'a Caller) -> Self {
        Self { caller, channels: Vec::new(), groups: Vec::new(), reading: Vec::new(), covered: Vec::new() }
    }

    /// Asks about a channel of the caller's tenant, or a wildcard. Of a channel elsewhere nothing is asked, nor allowed.
    pub(crate) fn channel(&mut self, name: &str) {
        if self.caller.kind(name).is_none() {
            return;
        }
        match self.caller.wildcards().iter().find(|wildcard| names::covers(wildcard, name)) {
            Some(wildcard) if wildcard != name => {
                add(&mut self.channels, wildcard);
                add(&mut self.covered, name);
            }
            Some(_) | None => add(&mut self.channels, name),
        }
    }

    pub(crate) fn group(&mut self, name: &str) {
        add(&mut self.groups, name);
    }

    /// Asks whether a channel may be read, by its name alone, unless it is asked about already.
    pub(crate) fn reading(&mut self, name: &str) {
        if ![&self.channels, &self.covered].into_iter().flatten().any(|known| known == name) {
            add(&mut self.reading, name);
        }
    }

    /// Asks. A second call follows only where the policy does not allow a whole wildcard, or where one call does not take all
    /// of the questions.
    pub(crate) fn ask(self, host: &impl Host) -> Result<Answers<'a>, Refusal> {
        let Self { caller, channels, groups, reading, covered } = self;
        let groups_asked = groups.iter().map(|group| question(Section::Group, "read", group));
        let reading_asked = reading.iter().map(|name| question(Section::Channel, "read", name));
        let asked = channels.iter().flat_map(|name| both(name)).chain(groups_asked).chain(reading_asked);
        let mut said = Vec::new();
        for questions in asked.collect::<Vec<_>>().chunks(MOST_QUESTIONS) {
            said.extend(host.policy(questions)?);
        }
        let mut said = said.into_iter();
        let channels = pairs(channels, &mut said);
        let mut single = |name| (name, said.next().unwrap_or(false));
        let groups = groups.into_iter().map(&mut single).collect();
        let reading = reading.into_iter().map(&mut single).collect();
        let mut answers = Answers { caller, channels, groups, reading };
        let single: Vec<_> = covered.into_iter().filter(|name| answers.standing(name).wildcard.is_none()).collect();
        if !single.is_empty() {
            let questions: Vec<_> = single.iter().flat_map(|name| both(name)).collect();
            let mut said = host.policy(&questions)?.into_iter();
            answers.channels.extend(pairs(single, &mut said));
        }
        Ok(answers)
    }
}

impl Answers<'_> {
    /// What may be done with a channel that was asked about; with any other, nothing.
    pub(crate) fn standing(&self, name: &str) -> Standing {
        let wildcards = self.caller.wildcards().iter();
        let whole = |wildcard: &&String| names::covers(wildcard, name) && self.channel(wildcard) == Rights::ALL;
        match wildcards.filter(|wildcard| *wildcard != name).find(whole) {
            Some(wildcard) => Standing { rights: Rights::ALL, wildcard: Some(wildcard.clone()) },
            None => Standing { rights: self.channel(name), wildcard: None },
        }
    }

    /// What may be done with exactly this name.
    pub(crate) fn channel(&self, name: &str) -> Rights {
        self.channels.iter().find(|(known, _)| known == name).map(|(_, rights)| *rights).unwrap_or_default()
    }

    /// Whether a channel that was asked about may be read.
    pub(crate) fn may_read(&self, name: &str) -> bool {
        self.reading.iter().any(|(known, may_read)| known == name && *may_read) || self.standing(name).rights.read
    }

    pub(crate) fn may_read_group(&self, name: &str) -> bool {
        self.groups.iter().any(|(known, may_read)| known == name && *may_read)
    }
}

fn both(name: &str) -> [PolicyQuestion; 2] {
    ["read", "write"].map(|action| question(Section::Channel, action, name))
}

fn question(section: Section, action: &str, name: &str) -> PolicyQuestion {
    PolicyQuestion { section, action: action.to_owned(), name: name.to_owned(), payload: None }
}

/// Two answers a name; a missing one is a no.
fn pairs(names: Vec<String>, said: &mut impl Iterator<Item = bool>) -> Vec<(String, Rights)> {
    let mut next = || said.next().unwrap_or(false);
    names.into_iter().map(|name| (name, Rights { read: next(), write: next() })).collect()
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
