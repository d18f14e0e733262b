//! `policy`: what the deployment's policy says of the caller that was proven; every failure is a denial.

use std::sync::Arc;
use std::time::{Duration, Instant};

use usher_policy::{Action, Fetched, Json, Outcome, Payload, Policy, Question, Section, UnixMillis, User, Verdict};
use wasmtime::component::{HasData, Linker};

use super::clock::Now;
use super::identity::Proven;
use super::kv::{KeyValue, Unavailable};
use super::{Capability, not_granted};
use crate::bindings::usher::function::policy as wire;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::{OK, Recorder, TracedAsker, TracedQuestion};

/// Questions of one call at the most.
pub const MOST_QUESTIONS: usize = 100;
/// Records that one decision may look up.
pub const MOST_RECORDS: usize = 32;
/// How long one call decides before it lets others run.
const SLICE: Duration = Duration::from_millis(1);

/// The policy a deployment may ask.
pub struct Granted {
    /// The document in force.
    pub policy: Arc<Policy>,
    /// Where `_()` looks records up: the deployment's key-value pairs.
    pub pairs: Arc<dyn KeyValue>,
    /// Tells the time.
    pub now: Now,
}

/// A verdict and the records it was made with.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What was decided.
    pub verdict: Verdict<'a>,
    /// Each record that was looked up, with its stored text.
    pub records: Vec<(String, Option<String>)>,
    /// Whether the store failed on the way; the verdict is a denial then.
    pub unavailable: bool,
}

/// Decides with the records that are stored in `pairs`.
pub fn decide<'a>(policy: &'a Policy, pairs: &dyn KeyValue, question: &'a Question<'a>) -> Decision<'a> {
    decide_with(policy, question, |name| pairs.get(name))
}

/// Decides with records that `look_up` brings as they are stored; where it fails, the question is denied.
pub fn decide_with<'a>(
    policy: &'a Policy,
    question: &'a Question<'a>,
    mut look_up: impl FnMut(&str) -> Result<Option<String>, Unavailable>,
) -> Decision<'a> {
    let (mut records, mut unavailable) = (Vec::<(String, Option<String>)>::new(), false);
    let verdict = policy.decide(question, |name| {
        if records.len() == MOST_RECORDS {
            return Fetched::Failed;
        }
        match look_up(name) {
            Ok(stored) => {
                let value = stored.as_deref().map(record);
                records.push((name.to_owned(), stored));
                value.map_or(Fetched::Nothing, |value| Fetched::Value(Arc::new(value)))
            }
            Err(Unavailable(cause)) => {
                unavailable = true;
                tracing::error!(error = cause, "a record that the policy asks for cannot be read");
                Fetched::Failed
            }
        }
    });
    Decision { verdict, records, unavailable }
}

/// What a stored text is to a rule: a map or a list if it is one in JSON, else the text itself.
#[must_use]
pub fn record(stored: &str) -> Json<'static> {
    let structured = stored.starts_with(['{', '[']).then(|| Json::parse(stored).ok()).flatten();
    structured.map_or_else(|| Json::Text(stored.to_owned().into()), Json::into_owned)
}

/// Whom a rule sees: an identity that was proven, with the JSON that the server keeps about it.
#[must_use]
pub fn user(id: &str, server_data: &str) -> User {
    let data = Json::parse(server_data).map_or(Json::Null, Json::into_owned);
    User::new(Json::Text(id.to_owned().into()), data)
}

/// The stable code of an outcome, `None` where it allows.
#[must_use]
pub const fn code(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Allowed => None,
        Outcome::Denied | Outcome::NotForAll(_) => Some("policy.denied"),
        Outcome::NoRule => Some("policy.no-rule"),
        Outcome::Failed(_) => Some("policy.failed"),
    }
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    proven: Option<&'a Proven>,
    trace: &'a mut Recorder,
}

/// What was asked: the action, the name, and the payload.
type Asked = (Action, String, Option<String>);

impl View<'_> {
    /// For each question the code of its denial, or nothing where it is allowed.
    async fn denials(
        &mut self,
        granted: &Granted,
        questions: Vec<wire::Question>,
    ) -> Result<Vec<Option<&'static str>>, wire::PolicyError> {
        let questions = self.admit(questions)?;
        let user = self.proven.map_or_else(|| Arc::new(User::anonymous()), Proven::user);
        let now = UnixMillis((granted.now)());
        // One count for all questions: every core counts references to the policy.
        let asker = Arc::new(TracedAsker { policy: Arc::clone(&granted.policy), user: Arc::clone(&user), now });
        let mut denials = Vec::with_capacity(questions.len());
        let mut since = Instant::now();
        for (action, name, payload) in questions {
            let carried = payload.as_deref().map_or(Payload::None, Payload::Json);
            let question = Question { action, name: &name, payload: carried, user: &user, now };
            let decision = decide(&granted.policy, granted.pairs.as_ref(), &question);
            let Decision { verdict, records, unavailable } = decision;
            let outcome = verdict.outcome().clone();
            denials.push(code(&outcome));
            let asker = Arc::clone(&asker);
            self.trace.question(TracedQuestion { asker, action, name, payload, records, outcome });
            if unavailable {
                return Err(wire::PolicyError::Unavailable("a record cannot be read".to_owned()));
            }
            if since.elapsed() > SLICE {
                tokio::task::yield_now().await;
                since = Instant::now();
            }
        }
        Ok(denials)
    }

    fn admit(&mut self, questions: Vec<wire::Question>) -> Result<Vec<Asked>, wire::PolicyError> {
        if !CallLimits::take(self.left) {
            return Err(wire::PolicyError::TooManyCalls);
        }
        if questions.len() > MOST_QUESTIONS {
            let most = format!("one call asks at most {MOST_QUESTIONS} questions");
            return Err(wire::PolicyError::Invalid(most));
        }
        let asked = |question: wire::Question| {
            let wire::Question { section: asked, action, name, payload } = question;
            let action = Action::named(section(asked), &action);
            let action = action.ok_or_else(|| wire::PolicyError::Invalid("the section has no such action".to_owned()));
            Ok((action?, name, payload))
        };
        questions.into_iter().map(asked).collect()
    }
}

impl wire::Host for View<'_> {
    async fn check(
        &mut self,
        questions: Vec<wire::Question>,
    ) -> wasmtime::Result<Result<Vec<wire::Answer>, wire::PolicyError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Policy))?;
        let began = Instant::now();
        let denials = self.denials(granted, questions).await;
        let outcome = match &denials {
            Ok(denials) => denials.iter().rev().find_map(|denial| *denial).unwrap_or(OK),
            Err(error) => error_code(error),
        };
        self.trace.ended((Capability::Policy, "check"), began, outcome);
        let answer = |denial: Option<_>| if denial.is_none() { wire::Answer::Allowed } else { wire::Answer::Denied };
        Ok(denials.map(|denials| denials.into_iter().map(answer).collect()))
    }
}

const fn section(section: wire::Section) -> Section {
    match section {
        wire::Section::Channel => Section::Channel,
        wire::Section::Group => Section::Group,
        wire::Section::Uuid => Section::Uuid,
        wire::Section::Record => Section::Record,
        wire::Section::Event => Section::Event,
        wire::Section::Rpc => Section::Rpc,
        wire::Section::Presence => Section::Presence,
    }
}

const fn error_code(error: &wire::PolicyError) -> &'static str {
    match error {
        wire::PolicyError::Invalid(_) => "policy.invalid-question",
        wire::PolicyError::Unavailable(_) => "policy.unavailable",
        wire::PolicyError::TooManyCalls => "policy.too-many-calls",
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Granted").field("paths", &self.policy.path_count()).finish_non_exhaustive()
    }
}

struct Policies;

impl HasData for Policies {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Policies>(linker, |state| View {
        granted: state.capabilities.policy.as_ref(),
        left: &mut state.calls.policy,
        proven: state.proven.as_ref(),
        trace: &mut state.recorder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(rule: &str, stored: impl FnMut(&str) -> Result<Option<String>, Unavailable>) -> (Outcome, usize, bool) {
        let policy = Policy::parse(&format!("channel: {{a: {{read: {rule:?}}}}}")).unwrap();
        let user = user("al", "{\"role\": \"editor\"}");
        let action = Action::named(Section::Channel, "read").unwrap();
        let question = Question { action, name: "a", payload: Payload::None, user: &user, now: UnixMillis(0) };
        let Decision { verdict, records, unavailable } = decide_with(&policy, &question, stored);
        (verdict.outcome().clone(), records.len(), unavailable)
    }

    #[test]
    fn a_record_is_json_if_it_looks_like_it_and_else_a_text() {
        for (stored, rule) in [
            (Some("{\"n\": 1}"), "_('r').n === 1"),
            (Some("[1, 2]"), "_('r').length === 2"),
            (Some("{no json"), "_('r') === '{no json'"),
            (Some("1"), "_('r') === '1'"),
            (Some("null"), "_('r') === 'null'"),
            (Some(""), "_('r') === ''"),
            (None, "_('r') === null"),
            (None, "user.id === 'al' && user.data.role === 'editor'"),
        ] {
            let (outcome, _, unavailable) = decided(rule, |_| Ok(stored.map(str::to_owned)));
            assert_eq!((outcome, unavailable), (Outcome::Allowed, false), "{rule} of {stored:?}");
        }
    }

    #[test]
    fn a_store_that_fails_denies_and_says_so() {
        let (outcome, records, unavailable) = decided("!_('r')", |_| Err(Unavailable("down".to_owned())));
        assert!(matches!(outcome, Outcome::Failed(_)) && records == 0 && unavailable);
    }

    #[test]
    fn a_decision_looks_up_so_many_records_and_no_more() {
        let asking = |count: usize| (0..count).map(|n| format!("_('{n}') === null")).collect::<Vec<_>>().join(" & ");
        let (outcome, records, unavailable) = decided(&asking(MOST_RECORDS), |_| Ok(None));
        assert_eq!((outcome, records, unavailable), (Outcome::Allowed, MOST_RECORDS, false));
        let (outcome, records, _) = decided(&asking(MOST_RECORDS + 1), |_| Ok(None));
        assert!(matches!(outcome, Outcome::Failed(_)) && records == MOST_RECORDS);
    }

    #[test]
    fn only_an_allowing_outcome_has_no_code() {
        assert_eq!(code(&Outcome::Allowed), None);
        assert!([Outcome::Denied, Outcome::NoRule].iter().all(|outcome| code(outcome).is_some()));
    }
}
