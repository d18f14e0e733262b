//! What one invocation did, for the operator: who called, what was asked of the host, how it ended and how long it took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use usher_policy::{Action, Outcome, Payload, Policy, Question, UnixMillis, User, Verdict};

use crate::capability::Capability;

/// Calls that are kept; further ones are only counted.
const MOST_CALLS: usize = 64;
/// Questions that are kept; further ones are only counted.
const MOST_QUESTIONS: usize = 200;

/// The outcome of a call that did what it was asked.
pub(crate) const OK: &str = "ok";

/// What one invocation did. It holds no auth key, secret or token.
#[derive(Debug, Default)]
pub struct Trace {
    /// Who called, once `identity.authenticate` was asked; the last claim counts.
    pub identity: Option<TracedIdentity>,
    /// The first 64 calls of capabilities, in order; config, log, clock and random are left out.
    pub calls: Vec<TracedCall>,
    /// Calls beyond those.
    pub more_calls: u32,
    /// The first 200 questions to the policy, in order.
    pub questions: Vec<TracedQuestion>,
    /// Questions beyond those.
    pub more_questions: u32,
    /// From the free sandbox to the answer.
    pub took: Duration,
    last_refusal: Option<&'static str>,
}

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedIdentity {
    /// The uuid of the claim.
    pub claimed: String,
    /// Who the authenticators say it is; `None` where they refused.
    pub id: Option<String>,
    /// JSON that authenticators keep about the user, `null` when there is none.
    pub server_data: String,
}

/// One call of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracedCall {
    /// Whose.
    pub capability: Capability,
    /// The interface's function, such as `authenticate`.
    pub call: &'static str,
    /// Since the invocation began.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// `ok`, or the stable code of the refusal, such as `identity.denied`.
    pub outcome: &'static str,
}

/// What the questions of one call share.
pub struct TracedAsker {
    /// The policy that was asked.
    pub policy: Arc<Policy>,
    /// Who asked.
    pub user: Arc<User>,
    /// When.
    pub now: UnixMillis,
}

/// One question to the policy, with all that it was decided by: asking again gives the same verdict.
pub struct TracedQuestion {
    /// Who asked which policy when.
    pub asker: Arc<TracedAsker>,
    /// What was to be done, and in which section.
    pub action: Action,
    /// What it was about.
    pub name: String,
    /// JSON that the message carries.
    pub payload: Option<String>,
    /// The records that were looked up, each with its stored text.
    pub records: Vec<(String, Option<String>)>,
    /// What was decided.
    pub outcome: Outcome,
}

impl Trace {
    /// The stable code of the last refusal that the function met.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        self.last_refusal
    }
}

impl TracedQuestion {
    /// Decides the question again, for its path, rule and values. Costs what the decision cost.
    pub fn with_verdict<T>(&self, look: impl FnOnce(&Verdict<'_>) -> T) -> T {
        let question = Question {
            action: self.action,
            name: &self.name,
            payload: self.payload.as_deref().map_or(Payload::None, Payload::Json),
            user: &self.asker.user,
            now: self.asker.now,
        };
        let stored = |name: &str| self.records.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
        let unavailable = || crate::capability::kv::Unavailable("not looked up".to_owned());
        let decision = crate::capability::policy::decide_with(&self.asker.policy, &question, |name| {
            stored(name).ok_or_else(unavailable)
        });
        look(&decision.verdict)
    }
}

impl std::fmt::Debug for TracedQuestion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TracedQuestion")
            .field("action", &self.action)
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Writes the trace of one invocation.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    trace: Trace,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), trace: Trace::default() }
    }

    /// Notes a call that began at `began` and just ended; `code` names its failures.
    pub(crate) fn call<T, E>(
        &mut self,
        (capability, call): (Capability, &'static str),
        began: Instant,
        answer: &Result<T, E>,
        code: impl FnOnce(&E) -> &'static str,
    ) {
        self.ended((capability, call), began, answer.as_ref().err().map_or(OK, code));
    }

    /// Notes a call that began at `began` and just ended with `outcome`.
    pub(crate) fn ended(
        &mut self,
        (capability, call): (Capability, &'static str),
        began: Instant,
        outcome: &'static str,
    ) {
        if outcome != OK {
            self.trace.last_refusal = Some(outcome);
        }
        if self.trace.calls.len() < MOST_CALLS {
            let (at, took) = (began.saturating_duration_since(self.started), began.elapsed());
            self.trace.calls.push(TracedCall { capability, call, at, took, outcome });
        } else {
            self.trace.more_calls += 1;
        }
    }

    pub(crate) fn identity(&mut self, identity: TracedIdentity) {
        self.trace.identity = Some(identity);
    }

    pub(crate) fn question(&mut self, question: TracedQuestion) {
        if self.trace.questions.len() < MOST_QUESTIONS {
            self.trace.questions.push(question);
        } else {
            self.trace.more_questions += 1;
        }
    }

    pub(crate) fn finish(self) -> Trace {
        Trace { took: self.started.elapsed(), ..self.trace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_refusal_and_calls_beyond_the_limit_are_counted() {
        let mut recorder = Recorder::start();
        let call = (Capability::Kv, "get");
        recorder.ended((Capability::Policy, "check"), Instant::now(), "policy.denied");
        for _ in 0..MOST_CALLS {
            recorder.call(call, Instant::now(), &Ok::<_, ()>(()), |()| "kv.unavailable");
        }
        recorder.call(call, Instant::now(), &Err::<(), _>(()), |()| "kv.unavailable");
        recorder.ended(call, Instant::now(), OK);
        let trace = recorder.finish();
        assert_eq!(trace.reason(), Some("kv.unavailable"), "also of a call that is not kept");
        assert_eq!((trace.calls.len(), trace.more_calls), (MOST_CALLS, 3));
        assert_eq!((trace.calls[0].outcome, trace.calls[1].outcome), ("policy.denied", OK));
        assert!(Trace::default().reason().is_none());
    }

    #[test]
    fn a_question_is_decided_again_as_it_was() {
        let policy = Arc::new(Policy::parse("channel: {a: {read: \"_('r').n === 1 && user.id === 'al'\"}}").unwrap());
        let action = Action::named(usher_policy::Section::Channel, "read").unwrap();
        let user = Arc::new(crate::capability::policy::user("al", "null"));
        let question = |records| TracedQuestion {
            asker: Arc::new(TracedAsker { policy: Arc::clone(&policy), user: Arc::clone(&user), now: UnixMillis(0) }),
            action,
            name: "a".to_owned(),
            payload: None,
            records,
            outcome: Outcome::Denied,
        };
        let stored = |text: &str| vec![("r".to_owned(), Some(text.to_owned()))];
        for (records, allowed) in [(stored("{\"n\":1}"), true), (stored("{\"n\":2}"), false), (vec![], false)] {
            let question = question(records);
            question.with_verdict(|verdict| {
                assert_eq!((verdict.is_allowed(), verdict.path()), (allowed, Some("a")), "{question:?}");
            });
        }
    }
}
