//! Decisions that are kept so that they can be explained: all of them in memory within a number of bytes, refusals on disk too.

mod decision;
mod ring;
mod writer;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::kept as stored;
use crate::store::{Store, StoreError};

pub(crate) use decision::{Detail, KeptDecision, Road, asked_of, clipped};
pub(crate) use stored::Key;

use ring::Ring;
use writer::Writer;

/// Questions to a policy that one answer lists.
const MOST_QUESTIONS: usize = 10_000;
/// Decisions under one id that one answer lists: a batch has one id, and clients choose ids, and may choose one twice.
const MOST_OF_ID: usize = 10;
/// Decisions under one id that are looked at for those; a batch has no more questions.
const MOST_LOOKED_AT: usize = 100;

/// The kept decisions of a server.
#[derive(Debug)]
pub(crate) struct Kept {
    ring: Mutex<Ring>,
    writer: Writer,
    store: Arc<Store>,
    clock: Clock,
}

/// Which decisions are looked for; what is not said does not matter.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    pub(crate) only_denied: bool,
    pub(crate) user: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) subscribe_key: Option<String>,
    pub(crate) function: Option<String>,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) since: u64,
    /// Only those before this one.
    pub(crate) before: Option<Key>,
}

impl Kept {
    /// `budget` bytes are what decisions may take in memory.
    pub(crate) fn new(store: Arc<Store>, clock: Clock, metrics: Arc<Metrics>, budget: usize) -> Arc<Self> {
        let writer = Writer::start(&store, metrics);
        Arc::new(Self { ring: Mutex::new(Ring::new(budget)), writer, store, clock })
    }

    /// Keeps a decision. Never waits: a refusal that cannot be queued for the disk is counted as lost there.
    pub(crate) fn keep(&self, decision: KeptDecision) {
        let now = self.clock.millis();
        let decision = Arc::new(decision);
        let refused = (!decision.allowed).then(|| Arc::clone(&decision));
        let weight = decision.weight();
        let (key, evicted) = self.ring.lock().unwrap_or_else(PoisonError::into_inner).push(now, weight, decision);
        // Only now that nobody waits for the ring: a decision has dozens of texts.
        drop(evicted);
        if let Some(refused) = refused {
            self.writer.write(key, refused);
        }
    }

    /// The decisions under an id: refusals before what was allowed, and of each the newest first.
    pub(crate) fn find(&self, id: &str) -> Result<Vec<Value>, StoreError> {
        let in_memory = self.in_memory(|decision| decision.id == id, MOST_LOOKED_AT);
        let (refused, allowed): (Vec<_>, Vec<_>) = in_memory.iter().partition(|(_, decision)| !decision.allowed);
        let mut found: BTreeMap<Key, Value> =
            refused.iter().map(|(key, decision)| (*key, decision.json(*key))).collect();
        self.writer.flush();
        for (key, refusal) in stored::of_id(&self.store, id, MOST_OF_ID)? {
            found.entry(key).or_insert(refusal);
        }
        let allowed = allowed.iter().map(|(key, decision)| decision.json(*key));
        Ok(found.into_values().rev().chain(allowed).take(MOST_OF_ID).collect())
    }

    /// What fits a filter, the newest first, at most `most`.
    pub(crate) fn list(&self, filter: &Filter, most: usize) -> Result<Vec<Value>, StoreError> {
        let fits_key = |key: &Key| key.millis() >= filter.since && filter.before.is_none_or(|before| *key < before);
        let (in_memory, oldest) = {
            let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            let fitting = ring.newest_first().filter(|(key, decision)| fits_key(key) && filter.fits(decision));
            (fitting.take(most).map(|(key, decision)| (key, Arc::clone(decision))).collect::<Vec<_>>(), ring.oldest())
        };
        let mut found: Vec<Value> = in_memory.iter().map(|(key, decision)| decision.json(*key)).collect();
        if found.len() < most {
            self.writer.flush();
            let before = oldest.into_iter().chain(filter.before).min();
            let fits = |value: &Value| filter.fits_json(value);
            found.extend(stored::newest(&self.store, (filter.since, before), most - found.len(), fits)?);
        }
        Ok(found)
    }

    /// What a function asked its policy lately: of every question of a user the newest.
    pub(crate) fn questions(&self, subscribe_key: &str, function: &str) -> Vec<Value> {
        let of_function = |decision: &KeptDecision| {
            decision.subscribe_key.as_deref() == Some(subscribe_key)
                && decision.deployment.as_ref().is_some_and(|(name, _)| name == function)
        };
        let decisions = self.in_memory(of_function, usize::MAX);
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        for (key, decision) in &decisions {
            for question in decision.questions().iter().rev() {
                if found.len() < MOST_QUESTIONS && seen.insert(decision::identity_of(question)) {
                    found.push(decision::recorded(question, &decision.id, *key));
                }
            }
        }
        found
    }

    fn in_memory(&self, fits: impl Fn(&KeptDecision) -> bool, most: usize) -> Vec<(Key, Arc<KeptDecision>)> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = ring.newest_first().filter(|(_, decision)| fits(decision));
        fitting.take(most).map(|(key, decision)| (key, Arc::clone(decision))).collect()
    }
}

impl Filter {
    fn fits(&self, decision: &KeptDecision) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| found == Some(w));
        !(self.only_denied && decision.allowed)
            && is(&self.user, decision.user.as_deref())
            && is(&self.code, Some(decision.code))
            && is(&self.subscribe_key, decision.subscribe_key.as_deref())
            && is(&self.function, decision.deployment.as_ref().map(|(name, _)| name.as_str()))
    }

    fn fits_json(&self, decision: &Value) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|w| decision.get(name).and_then(Value::as_str) == Some(w))
        };
        is(&self.user, "user")
            && is(&self.code, "code")
            && is(&self.subscribe_key, "subscribe_key")
            && is(&self.function, "function")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(id: &str, user: &str, code: &'static str) -> KeptDecision {
        KeptDecision {
            id: id.into(),
            road: Road::Gateway,
            subscribe_key: Some("sub-c-1".into()),
            deployment: None,
            policy: None,
            user: Some(user.into()),
            asked: "publish a".into(),
            allowed: code == "allowed",
            code,
            status: None,
            detail: Detail::Findings(vec!["no grant".into()]),
        }
    }

    fn kept() -> (Arc<Kept>, Arc<Store>) {
        let store = Store::in_memory();
        (Kept::new(Arc::clone(&store), Clock::system(), Metrics::new(), 1 << 20), store)
    }

    fn ids(found: &[Value]) -> Vec<&str> {
        found.iter().map(|value| value["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_newest_decisions_that_fit_come_first() {
        let (kept, _) = kept();
        for (id, user, code) in [
            ("1", "alice", "allowed"),
            ("2", "alice", "grant.missing"),
            ("3", "bob", "grant.missing"),
            ("4", "bob", "token.expired"),
        ] {
            kept.keep(decision(id, user, code));
        }
        let filter = |only_denied, user: Option<&str>, code: Option<&str>| Filter {
            only_denied,
            user: user.map(str::to_owned),
            code: code.map(str::to_owned),
            ..Filter::default()
        };
        for (filter, most, expected) in [
            (filter(false, None, None), 10, vec!["4", "3", "2", "1"]),
            (filter(false, None, None), 2, vec!["4", "3"]),
            (filter(true, None, None), 10, vec!["4", "3", "2"]),
            (filter(true, Some("alice"), None), 10, vec!["2"]),
            (filter(false, None, Some("grant.missing")), 10, vec!["3", "2"]),
        ] {
            assert_eq!(ids(&kept.list(&filter, most).unwrap()), expected, "{filter:?}");
        }
    }

    #[test]
    fn a_refusal_outlives_the_memory_and_what_was_allowed_does_not() {
        let (kept, store) = kept();
        kept.keep(decision("1", "alice", "allowed"));
        kept.keep(decision("2", "alice", "grant.missing"));
        drop(kept);
        let kept = Kept::new(store, Clock::system(), Metrics::new(), 1 << 20);
        assert_eq!(ids(&kept.list(&Filter::default(), 10).unwrap()), ["2"]);
        assert_eq!(ids(&kept.find("2").unwrap()), ["2"]);
        assert_eq!(kept.find("1").unwrap(), Vec::<Value>::new());
        assert_eq!(
            kept.list(&Filter { user: Some("bob".into()), ..Filter::default() }, 10).unwrap(),
            Vec::<Value>::new()
        );
    }

    #[test]
    fn one_id_may_stand_for_several_decisions_and_each_is_told_once() {
        let (kept, _) = kept();
        kept.keep(decision("1", "alice", "grant.missing"));
        kept.keep(decision("1", "mallory", "grant.missing"));
        let users: Vec<Value> = kept.find("1").unwrap().into_iter().map(|value| value["user"].clone()).collect();
        assert_eq!(users, ["mallory", "alice"]);
    }

    #[test]
    fn what_was_refused_comes_before_what_was_allowed_under_the_same_id() {
        let (kept, store) = kept();
        let users = |kept: &Kept| -> Vec<String> {
            let found = kept.find("batch").unwrap();
            found.iter().map(|value| value["user"].as_str().unwrap().to_owned()).collect()
        };
        for number in 0..20 {
            let code = if number % 10 == 3 { "grant.missing" } else { "allowed" };
            kept.keep(decision("batch", &format!("u{number}"), code));
        }
        assert_eq!(users(&kept), ["u13", "u3", "u19", "u18", "u17", "u16", "u15", "u14", "u12", "u11"]);
        for number in 20..40 {
            kept.keep(decision("batch", &format!("u{number}"), "grant.missing"));
        }
        let newest: Vec<String> = (30..40).rev().map(|number| format!("u{number}")).collect();
        assert_eq!(users(&kept), newest);
        drop(kept);
        assert_eq!(users(&Kept::new(store, Clock::system(), Metrics::new(), 1 << 20)), newest);
    }
}
