//! `POST /v1/policy/{deployment}/check`: one question to a deployment's policy or up to a hundred, by deepstream's words or the Access Manager's.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_policy::{Action, Fetched, Json, Payload, Question, Section, UnixMillis, User, Verdict};
use usher_runtime::capability::policy::{MOST_RECORDS, code, record};
use usher_runtime::{TracedAsker, TracedQuestion};

use super::seen::{Message, Seen};
use super::{Deepstream, LONGEST};
use crate::body::Bodies;
use crate::deployments::{Deployment, PolicyInForce};
use crate::kept::{Detail, Kept, KeptDecision, Road, clipped};
use crate::reply::{REQUEST_ID, Refusal, identify};

/// Questions in one call at the most.
const MOST: usize = 100;
/// The word for what is allowed.
const ALLOWED: &str = "allowed";
/// The word for an action that no rule decides.
const UNRULED: &str = "policy.unruled";
/// The word for a question that is to be asked again, with the records that its answer names.
const RECORDS_WANTED: &str = "policy.records-wanted";

/// What deepstream's clients send that no rule decides: taking back, answering, and actions that are asked about again in parts.
const PASSING: [(Section, &[&str]); 4] = [
    (
        Section::Record,
        &[
            "UNSUBSCRIBE",
            "UNLISTEN",
            "LISTEN_ACCEPT",
            "LISTEN_REJECT",
            "SUBSCRIBECREATEANDREAD",
            "SUBSCRIBECREATEANDUPDATE",
            "CREATEANDUPDATE",
            "CREATEANDPATCH",
        ],
    ),
    (Section::Event, &["UNSUBSCRIBE", "UNLISTEN", "LISTEN_ACCEPT", "LISTEN_REJECT"]),
    (Section::Rpc, &["UNPROVIDE", "ACCEPT", "REJECT", "RESPONSE", "REQUEST_ERROR"]),
    (Section::Presence, &["UNSUBSCRIBE", "UNSUBSCRIBE_ALL"]),
];

/// A question as it comes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    section: String,
    action: Word,
    name: String,
    /// The payload; left out where the message has none.
    data: Option<Present>,
    /// A payload that is no JSON.
    raw_data: Option<String>,
    /// Of a patch: where `data` goes; without `data`, what is there goes.
    path: Option<String>,
    /// Of several patches: objects with `path` and `data`.
    patches: Option<Vec<Value>>,
    user: Option<Who>,
    /// The record of the question's own name.
    old_data: Option<Present>,
    /// Other records; those that are left out are looked up among the deployment's pairs.
    #[serde(default)]
    records: BTreeMap<String, Value>,
    /// Records that are left out are named in the answer instead of looked up: the caller has them.
    #[serde(default)]
    ask_back: bool,
    /// Milliseconds since 1970-01-01 UTC; the server's time when it is left out.
    now: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    questions: Vec<Value>,
}

/// deepstream's word or number, or a permission.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(u8),
}

/// A value that is there, `null` included.
#[derive(Deserialize)]
#[serde(transparent)]
struct Present(Value);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    data: Value,
}

/// An answer as it is written.
#[derive(Serialize)]
struct Answered {
    allowed: bool,
    code: &'static str,
    /// The path that decided, and where its rule stands in the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<String>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    answered: Answered,
    policy: &'a str,
    decision_id: &'a str,
}

#[derive(Serialize)]
struct Many<'a> {
    answers: Vec<Answered>,
    policy: &'a str,
    decision_id: &'a str,
}

/// Answers with 200 whatever is decided; only a call that cannot be read, or a deployment without a policy, is an error.
pub(super) async fn answer(
    deepstream: &Deepstream,
    deployment: &str,
    request: Request<Body>,
    (bodies, id): (&Bodies, &str),
) -> Result<Response<Body>, Refusal> {
    let deployment = deepstream.deployments.named(deployment).map_err(|_| Refusal::NotFound)?;
    let policy = deployment.policy.clone().ok_or(Refusal::NotFound)?;
    let (kept, of) = (Arc::clone(&deepstream.kept), id.to_owned());
    let (parts, body) = request.into_parts();
    if !deepstream.knows(&deployment, &parts) {
        return Err(Refusal::UnknownCaller);
    }
    let body = bodies.read(&parts, body, LONGEST).await?;
    let now = UnixMillis(deepstream.clock.millis());
    // A rule may run for milliseconds: not on a thread that answers requests.
    let written = tokio::task::spawn_blocking(move || {
        let call = CheckCall { deployment: &deployment, policy: &policy, kept: &kept, now, id: &of };
        call.written(&body)
    });
    let written = written.await;
    let mut response = Response::new(Body::from(written.map_err(|_| Refusal::Unavailable)??));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    identify(response.headers_mut(), REQUEST_ID, id);
    Ok(response)
}

/// What all questions of one call share.
struct CheckCall<'a> {
    deployment: &'a Deployment,
    policy: &'a PolicyInForce,
    kept: &'a Kept,
    now: UnixMillis,
    id: &'a str,
}

impl CheckCall<'_> {
    fn written(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::Malformed("the body is not JSON"))?;
        let (digest, id) = (self.policy.digest.as_ref(), self.id);
        let written = if value.get("questions").is_some() {
            let batch: Batch = serde_json::from_value(value)
                .map_err(|_| Refusal::Malformed("`questions` is a list and stands alone"))?;
            if batch.questions.len() > MOST {
                return Err(Refusal::Malformed("more than 100 questions at once"));
            }
            let answers = batch.questions.into_iter().map(|one| asked(one).and_then(|asked| self.put(&asked)));
            serde_json::to_vec(&Many { answers: answers.collect::<Result<_, _>>()?, policy: digest, decision_id: id })
        } else {
            let answered = self.put(&asked(value)?)?;
            serde_json::to_vec(&One { answered, policy: digest, decision_id: id })
        };
        written.map_err(|_| Refusal::Unavailable)
    }

    /// Puts a question to the policy, and keeps what was decided.
    fn put(&self, asked: &Asked) -> Result<Answered, Refusal> {
        let (answered, detail) = asked.put_to(self.policy, self.now)?;
        if let Some(detail) = detail {
            let user = asked.user.as_ref().and_then(|who| who.id.as_str().map(clipped));
            self.kept.keep(KeptDecision {
                id: self.id.to_owned(),
                road: Road::Policy,
                subscribe_key: Some(self.deployment.id.subscribe_key.as_str().to_owned()),
                deployment: Some((self.deployment.id.name.as_str().to_owned(), self.deployment.version)),
                policy: Some(self.policy.digest.to_string()),
                user,
                asked: clipped(&format!("{} {} {}", asked.section, asked.action.text(), asked.name)),
                allowed: answered.allowed,
                code: answered.code,
                status: None,
                detail,
            });
        }
        Ok(answered)
    }
}

impl Word {
    fn text(&self) -> String {
        match self {
            Self::Text(word) => word.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

fn asked(value: Value) -> Result<Asked, Refusal> {
    let why = "a question has `section`, `action`, `name`, and may have `data` or `rawData`, `path`, `patches`, `user`, `oldData`, `records`, `askBack`, `now`";
    serde_json::from_value(value).map_err(|_| Refusal::Malformed(why))
}

impl Asked {
    /// The answer, and what led to it where a rule decided.
    fn put_to(&self, policy: &PolicyInForce, server_time: UnixMillis) -> Result<(Answered, Option<Detail>), Refusal> {
        let Some(action) = self.action()? else { return Ok((Answered::unruled(), None)) };
        let user = self.user.as_ref().map_or_else(User::anonymous, |who| User::new(json(&who.id), json(&who.data)));
        let user = Arc::new(user);
        let texts = self.texts();
        let now = self.now.map_or(server_time, UnixMillis);
        let question = Question { action, name: &self.name, payload: texts.payload(), user: &user, now };
        let (mut looked_up, mut seen, mut wanted) = (0, Seen::new(texts.message()), Vec::new());
        let verdict = policy.policy.decide(&question, |name| {
            looked_up += 1;
            if looked_up > MOST_RECORDS {
                return Fetched::Failed;
            }
            match self.sent(name, &mut seen) {
                Some(record) => record,
                None if self.ask_back => {
                    wanted.push(name.to_owned());
                    Fetched::Failed
                }
                None => stored(policy, name, &mut seen),
            }
        });
        if !wanted.is_empty() {
            return Ok((Answered::wanting(wanted), None));
        }
        let detail = seen.detail(&verdict, |payload, records| TracedQuestion {
            asker: Arc::new(TracedAsker { policy: Arc::clone(&policy.policy), user: Arc::clone(&user), now }),
            action,
            name: self.name.clone(),
            payload,
            records,
            outcome: verdict.outcome().clone(),
        });
        Ok((Answered::of(&verdict), Some(detail)))
    }

    /// Nothing where no rule decides.
    fn action(&self) -> Result<Option<Action>, Refusal> {
        let section = Section::named(&self.section).ok_or(Refusal::Malformed("there is no such section"))?;
        let word = self.action.text();
        let passes = || PASSING.iter().any(|(of, words)| *of == section && words.contains(&word.as_str()));
        match Action::named(section, &word) {
            Some(action) => Ok(Some(action)),
            None if passes() => Ok(None),
            None => Err(Refusal::Malformed("the section has no such action")),
        }
    }

    /// The record as it came with the question, if it did.
    fn sent(&self, name: &str, seen: &mut Seen) -> Option<Fetched> {
        let own = self.old_data.as_ref().filter(|_| name == self.name).map(|Present(value)| value);
        let value = own.or_else(|| self.records.get(name))?;
        seen.sent(name, value);
        Some(if value.is_null() { Fetched::Nothing } else { Fetched::Value(Arc::new(json(value))) })
    }

    fn texts(&self) -> Texts {
        let data = self.data.as_ref().map(|Present(value)| value.to_string());
        let patches = self.patches.as_ref().map(|list| Value::from(list.clone()).to_string());
        Texts { data: self.raw_data.clone().or(data), path: self.path.clone(), patches }
    }
}

/// A record among the deployment's pairs.
fn stored(policy: &PolicyInForce, name: &str, seen: &mut Seen) -> Fetched {
    let Ok(stored) = policy.pairs.get(name) else { return Fetched::Failed };
    let value = stored.as_deref().map_or(Fetched::Nothing, |stored| Fetched::Value(Arc::new(record(stored))));
    seen.stored(name, stored);
    value
}

/// A message's payload as a policy reads it.
struct Texts {
    data: Option<String>,
    path: Option<String>,
    patches: Option<String>,
}

impl Texts {
    fn message(&self) -> Message {
        match (&self.patches, &self.path) {
            (None, None) => Message::Whole(self.data.clone()),
            (Some(_), _) | (None, Some(_)) => Message::Unwritten,
        }
    }

    fn payload(&self) -> Payload<'_> {
        match (&self.patches, &self.path, &self.data) {
            (Some(patches), _, _) => Payload::Patches(patches),
            (None, Some(path), data) => Payload::Patch { path, value: data.as_deref() },
            (None, None, Some(data)) => Payload::Json(data),
            (None, None, None) => Payload::None,
        }
    }
}

fn json(value: &Value) -> Json<'static> {
    Json::parse(&value.to_string()).map_or(Json::Null, Json::into_owned)
}

impl Answered {
    fn of(verdict: &Verdict<'_>) -> Self {
        let at = verdict.position();
        Self {
            allowed: verdict.is_allowed(),
            code: code(verdict.outcome()).unwrap_or(ALLOWED),
            path: verdict.path().map(str::to_owned),
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            wanted: Vec::new(),
        }
    }

    const fn unruled() -> Self {
        Self { allowed: true, code: UNRULED, path: None, line: None, column: None, wanted: Vec::new() }
    }

    const fn wanting(wanted: Vec<String>) -> Self {
        Self { allowed: false, code: RECORDS_WANTED, path: None, line: None, column: None, wanted }
    }
}
