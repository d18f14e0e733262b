//! One kept decision: as it was made, and as the admin API tells it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use usher_access::{Recognised, Wants, recognise};
use usher_policy::{Json, Outcome};
use usher_runtime::{Trace, TracedCall, TracedIdentity, TracedQuestion};

use super::Key;
use crate::reply::next_step;

/// The longest text that is kept of what a client sent, in characters.
const LONGEST_TEXT: usize = 200;
/// With what the paths of services begin.
const SERVICES: [&str; 18] = [
    "v1",
    "v2",
    "v3",
    "publish",
    "signal",
    "subscribe",
    "presence",
    "auth",
    "pam",
    "objects",
    "history",
    "files",
    "push",
    "blocks",
    "channel-registration",
    "message-actions",
    "sub-key",
    "time",
];
/// Findings and questions that are told of one decision.
const MOST_TOLD: usize = 50;

/// A decision with what led to it. It holds no auth key, token or secret.
#[derive(Debug)]
pub(crate) struct KeptDecision {
    /// What the client got as `X-Request-Id` or `decision_id`.
    pub(crate) id: String,
    pub(crate) road: Road,
    pub(crate) subscribe_key: Option<String>,
    /// Name and version.
    pub(crate) deployment: Option<(String, u32)>,
    /// The digest of the policy in force.
    pub(crate) policy: Option<String>,
    /// Who it turned out to be, else who it said it was.
    pub(crate) user: Option<String>,
    /// What was wanted: an operation with its names, a function's path.
    pub(crate) asked: String,
    pub(crate) allowed: bool,
    /// The stable code.
    pub(crate) code: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) detail: Detail,
}

/// What led to a decision.
#[derive(Debug)]
pub(crate) enum Detail {
    /// A function ran; a fault is told in words.
    Invocation { trace: Box<Trace>, fault: Option<String> },
    /// Sentences about grants and tokens.
    Findings(Vec<String>),
}

/// Where it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    Function,
    Gateway,
    AccessManager,
    Decisions,
    Deepstream,
    Policy,
}

impl Road {
    const fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Gateway => "gateway",
            Self::AccessManager => "access-manager",
            Self::Decisions => "decisions",
            Self::Deepstream => "deepstream",
            Self::Policy => "policy",
        }
    }
}

/// Keyset, user and words for what a request on the data plane wants. Never its query or its path, which carry auth keys, tokens
/// and messages.
pub(crate) fn asked_of(method: &str, path: &str, query: &str) -> (Option<String>, Option<String>, String) {
    let Ok(recognised) = recognise(method, path, query) else {
        return (None, None, format!("{} {}", clipped(method), known_beginning(path)));
    };
    let Recognised { subscribe_key, uuid, wants, .. } = &recognised;
    let names = match wants {
        Wants::Ready(intent) => {
            intent.resources().iter().take(10).map(|wanted| wanted.name.as_str().to_owned()).collect()
        }
        Wants::Body(_) => Vec::new(),
    };
    let asked = format!("{} {}", recognised.operation().word(), names.join(", "));
    let key = subscribe_key.as_ref().map(|key| key.as_str().to_owned());
    (key, uuid.as_deref().map(clipped), clipped(asked.trim_end()))
}

/// The segments that services begin with; of anything else nothing is kept.
fn known_beginning(path: &str) -> String {
    let known = path.split('/').skip(1).take_while(|segment| SERVICES.contains(segment));
    known.fold(String::from("/"), |beginning, segment| format!("{beginning}{segment}/")) + "…"
}

/// What a value takes as a tree.
fn weight_of(value: &Json<'_>) -> usize {
    let own = size_of::<Json<'_>>();
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => own,
        Json::Text(text) => own + text.len(),
        Json::Array(items) => own + items.iter().map(weight_of).sum::<usize>(),
        Json::Object(fields) => {
            own + fields.iter().map(|(name, value)| 64 + name.len() + weight_of(value)).sum::<usize>()
        }
    }
}

/// What of a client's text is kept.
pub(crate) fn clipped(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_TEXT).collect()
}

impl KeptDecision {
    pub(super) fn questions(&self) -> &[TracedQuestion] {
        match &self.detail {
            Detail::Invocation { trace, .. } => &trace.questions,
            Detail::Findings(_) => &[],
        }
    }

    /// About what it takes in memory.
    pub(super) fn weight(&self) -> usize {
        let texts = self.id.len() + self.asked.len() + self.user.as_ref().map_or(0, String::len) + 600;
        let of_question = |question: &TracedQuestion| {
            let records: usize =
                question.records.iter().map(|(name, text)| name.len() + text.as_ref().map_or(0, String::len)).sum();
            200 + question.name.len() + question.payload.as_ref().map_or(0, String::len) + records
        };
        let questions: usize = self.questions().iter().map(of_question).sum();
        // The questions of a call share who asked.
        let askers = self.questions().iter().map(|question| &question.asker);
        let mut last = None;
        let users: usize = askers
            .filter(|asker| last.replace(Arc::as_ptr(asker)) != Some(Arc::as_ptr(asker)))
            .map(|asker| 200 + weight_of(asker.user.id()) + weight_of(asker.user.data()))
            .sum();
        let detail = match &self.detail {
            Detail::Invocation { trace, fault } => {
                let fault = fault.as_ref().map_or(0, String::len);
                let of_identity = |identity: &TracedIdentity| {
                    identity.claimed.len()
                        + identity.id.as_ref().map_or(0, String::len)
                        + identity.server_data.len()
                        + 200
                };
                let identity = trace.identity.as_ref().map_or(0, of_identity);
                fault + identity + trace.calls.len() * size_of::<TracedCall>()
            }
            Detail::Findings(findings) => findings.iter().map(String::len).sum(),
        };
        texts + questions + users + detail
    }

    /// As the admin API tells it.
    pub(super) fn json(&self, key: Key) -> Value {
        let mut told = Map::new();
        let mut tell = |name: &str, value: Value| drop(told.insert(name.into(), value));
        tell("id", self.id.clone().into());
        tell("at", key.millis().into());
        tell("key", key.to_string().into());
        tell("road", self.road.word().into());
        tell("subscribe_key", self.subscribe_key.clone().into());
        tell("function", self.deployment.as_ref().map(|(name, _)| name.clone()).into());
        tell("version", self.deployment.as_ref().map(|(_, version)| *version).into());
        tell("policy", self.policy.clone().into());
        tell("user", self.user.clone().into());
        tell("asked", self.asked.clone().into());
        tell("allowed", self.allowed.into());
        tell("code", self.code.into());
        tell("status", self.status.into());
        if !self.allowed {
            tell("next", next_step(self.code).into());
        }
        match &self.detail {
            Detail::Findings(findings) => tell("findings", findings.iter().take(MOST_TOLD).cloned().collect()),
            Detail::Invocation { trace, fault } => {
                tell("fault", fault.clone().into());
                tell("identity", told_identity(trace));
                tell("calls", trace.calls.iter().map(told_call).collect());
                tell("more_calls", trace.more_calls.into());
                tell("questions", trace.questions.iter().take(MOST_TOLD).map(told_question).collect());
                let more = trace.questions.len().saturating_sub(MOST_TOLD) + trace.more_questions as usize;
                tell("more_questions", more.into());
                tell("took_us", micros(trace.took).into());
            }
        }
        Value::Object(told)
    }
}

fn told_identity(trace: &Trace) -> Value {
    let Some(identity) = &trace.identity else { return Value::Null };
    let data: Value = serde_json::from_str(&identity.server_data).unwrap_or_default();
    json!({ "claimed": identity.claimed, "id": identity.id, "server_data": data })
}

fn told_call(call: &TracedCall) -> Value {
    json!({
        "call": format!("{}.{}", call.capability.word(), call.call),
        "outcome": call.outcome,
        "at_us": micros(call.at),
        "took_us": micros(call.took),
    })
}

/// With the rule and the part of it that decided.
fn told_question(question: &TracedQuestion) -> Value {
    let mut told = question.with_verdict(|verdict| {
        let deciding = verdict.deciding().map(|deciding| {
            let parts: Vec<Value> =
                deciding.parts.iter().map(|(words, value)| json!({ "expression": words, "value": value })).collect();
            json!({ "expression": deciding.expression, "value": deciding.value, "parts": parts })
        });
        let position = verdict.position();
        json!({
            "path": verdict.path(),
            "rule": verdict.rule(),
            "line": position.map(|at| at.line),
            "column": position.map(|at| at.column),
            "deciding": deciding,
        })
    });
    if let Some(fields) = told.as_object_mut() {
        fields.insert("section".into(), question.action.section().name().into());
        fields.insert("action".into(), question.action.word().into());
        fields.insert("name".into(), question.name.clone().into());
        fields.insert("allowed".into(), (question.outcome == Outcome::Allowed).into());
        fields.insert("outcome".into(), outcome(&question.outcome).into());
    }
    told
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Allowed => "allowed".into(),
        Outcome::Denied => "the rule says no".into(),
        Outcome::NoRule => "no path that matches has such a rule".into(),
        Outcome::NotForAll(obstacle) => obstacle.to_string(),
        Outcome::Failed(failure) => failure.to_string(),
    }
}

/// What makes two questions the same to an admin who compares policies.
pub(super) fn identity_of(question: &TracedQuestion) -> (&'static str, &'static str, String, String) {
    let user = question.asker.user.id().to_string();
    (question.action.section().name(), question.action.word(), question.name.clone(), user)
}

/// A question with all that it was decided by, to be asked again of another policy. The payload is a text, as it arrived.
pub(super) fn recorded(question: &TracedQuestion, id: &str, key: Key) -> Value {
    let json = |value: &Json<'_>| serde_json::from_str::<Value>(&value.to_string()).unwrap_or_default();
    let records: Map<String, Value> =
        question.records.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect();
    json!({
        "id": id,
        "at": key.millis(),
        "section": question.action.section().name(),
        "action": question.action.word(),
        "name": question.name,
        "payload": question.payload,
        "user": { "id": json(question.asker.user.id()), "data": json(question.asker.user.data()) },
        "records": records,
        "allowed": question.outcome == Outcome::Allowed,
    })
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl KeptDecision {
    /// Something that was allowed, of nobody in particular.
    pub(super) fn sample(detail: Detail) -> Self {
        Self {
            id: "1".into(),
            road: Road::Gateway,
            subscribe_key: None,
            deployment: None,
            policy: None,
            user: None,
            asked: String::new(),
            allowed: true,
            code: "allowed",
            status: None,
            detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use usher_policy::{Action, Outcome, Policy, Section, UnixMillis};
    use usher_runtime::{Trace, TracedAsker, TracedQuestion};

    use super::{Detail, KeptDecision, asked_of, clipped};

    #[test]
    fn what_was_asked_shows_names_and_neither_paths_nor_queries() {
        for (method, path, query, expected) in [
            (
                "GET",
                "/v2/subscribe/sub-c-1/room-1/0",
                "auth=tops3cret&uuid=alice",
                (Some("sub-c-1"), Some("alice"), "subscribe room-1"),
            ),
            (
                "GET",
                "/publish/pub-c-1/sub-c-1/0/a/0/%22hush%22",
                "auth=tops3cret",
                (Some("sub-c-1"), None, "publish a"),
            ),
            ("DELETE", "/v3/pam/sub-c-1/grant/qEF2tops3cret", "", (None, None, "DELETE /v3/pam/…")),
            ("GET", "/nothing", "auth=tops3cret", (None, None, "GET /…")),
        ] {
            let (key, user, asked) = asked_of(method, path, query);
            assert_eq!((key.as_deref(), user.as_deref(), asked.as_str()), expected);
        }
    }

    #[test]
    fn a_text_is_kept_in_part_and_without_control_characters() {
        assert_eq!(clipped("a\u{1b}[31mb\n"), "a[31mb");
        assert_eq!(clipped(&"ä".repeat(1_000)).chars().count(), 200);
    }

    #[test]
    fn a_user_with_much_data_weighs_as_much() {
        let policy = Arc::new(Policy::parse("channel: { a: { read: true } }").unwrap());
        let user = Arc::new(usher_runtime::capability::policy::user("al", &format!("[\"{}\"]", "x".repeat(100_000))));
        let asker = Arc::new(TracedAsker { policy, user, now: UnixMillis(0) });
        let action = Action::named(Section::Channel, "read").unwrap();
        let question = || TracedQuestion {
            asker: Arc::clone(&asker),
            action,
            name: "a".into(),
            payload: None,
            records: Vec::new(),
            outcome: Outcome::Allowed,
        };
        let mut trace = Box::new(Trace::default());
        trace.questions.extend([question(), question()]);
        let decision = KeptDecision::sample(Detail::Invocation { trace, fault: None });
        assert!((100_000..110_000).contains(&decision.weight()), "{}", decision.weight());
    }
}
