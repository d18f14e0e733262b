//! `POST /v1/decisions`: one decision or up to a hundred, by an operation and its names or by a method and its target.

mod list;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use usher_access::{Denied, Names, Operation, ResourceKind, ResourceName, SubscribeKey, Verdict};

use super::{Decider, split};
use crate::authorize::{Authorizer, Case, Credential, RawRequest, unknown_keyset};
use crate::body::Bodies;
use crate::kept::{asked_of, clipped};
use crate::metrics::ALLOWED;
use crate::reply::{self, REQUEST_ID, Refusal, identify};
use list::AtMost;

/// The longest body, in bytes.
const LONGEST: usize = 1 << 20;
/// Decisions in one call at the most.
const MOST: usize = 100;
/// Names in all decisions of one call at the most.
const MOST_NAMES: usize = 2_000;
/// A body of more bytes than this is decided beside the threads that answer requests: about ten decisions.
const QUICK: usize = 2_048;

/// A whole call: one decision, or a list of them.
type Call<'a> = Asked<'a, AtMost<Single<'a>, MOST>>;

/// One of a list. What it holds as `decisions` is passed over, and refused when its turn comes.
type Single<'a> = Asked<'a, IgnoredAny>;

/// Some names; more than all decisions may have are not kept.
type NameList<'a> = AtMost<Cow<'a, str>, MOST_NAMES>;

/// What may be asked. Either `decisions`, or `operation` with names, or `method` with `target`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a, D> {
    #[serde(borrow)]
    subscribe_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    auth: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    channels: NameList<'a>,
    #[serde(default, borrow)]
    groups: NameList<'a>,
    #[serde(default, borrow)]
    uuids: NameList<'a>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(default)]
    explain: bool,
    decisions: Option<D>,
}

/// One decision as it is written.
#[derive(Serialize)]
struct Decided {
    allowed: bool,
    code: &'static str,
    /// The second from which on the answer may be another; absent when it stays until something is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<DeniedNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<String>>,
}

#[derive(Serialize)]
struct DeniedNames {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channels: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uuids: Vec<String>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    decided: Decided,
    decision_id: &'a str,
}

#[derive(Serialize)]
struct Many<'a> {
    decisions: Vec<Decided>,
    decision_id: &'a str,
}

/// What is to be decided: a case, or nothing because everyone may.
enum Question {
    Free,
    Case(Case),
}

/// Answers with 200 whatever the decisions are; only a call that cannot be read is an error.
pub(super) async fn answer(
    decider: &Arc<Decider>,
    request: Request<Body>,
    (bodies, id): (&Bodies, &str),
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = bodies.read(&parts, body, LONGEST).await?;
    if body.len() <= QUICK {
        return decider.call(&body, id);
    }
    let (decider, id) = (Arc::clone(decider), id.to_owned());
    let answered = tokio::task::spawn_blocking(move || decider.call(&body, &id)).await;
    answered.map_err(|_| Refusal::Unavailable)?
}

/// Where the JSON goes wrong, without its text: it holds auth keys.
fn unreadable(error: &serde_json::Error, id: &str) -> Response<Body> {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is unknown, doubled or of a wrong type, or a list is too long",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            "this is not JSON"
        }
    };
    let detail = format!("line {}, column {}: {what}", error.line(), error.column());
    reply::problem(StatusCode::BAD_REQUEST, "request.malformed", &detail, id)
}

impl Decider {
    fn call(&self, body: &[u8], id: &str) -> Result<Response<Body>, Refusal> {
        let asked: Call<'_> = match serde_json::from_slice(body) {
            Ok(asked) => asked,
            Err(error) => return Ok(unreadable(&error, id)),
        };
        let written = match &asked.decisions {
            None => {
                let decided = self.decided(self.question(&asked), &asked, id);
                serde_json::to_vec(&One { decided, decision_id: id })
            }
            Some(_) if asked.says_something() => return Err(Refusal::Malformed("`decisions` stands alone")),
            Some(AtMost(list)) => serde_json::to_vec(&Many { decisions: self.all(list, id)?, decision_id: id }),
        };
        let mut response = Response::new(Body::from(written.map_err(|_| Refusal::Unavailable)?));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        identify(headers, REQUEST_ID, id);
        Ok(response)
    }

    /// Decides nothing if all together is too much: the length of a list does not tell how much work it is.
    fn all(&self, list: &[Single<'_>], id: &str) -> Result<Vec<Decided>, Refusal> {
        let mut names = 0;
        let mut questions = Vec::with_capacity(list.len());
        for asked in list {
            let question = self.question(asked);
            names += question.as_ref().map_or(0, Question::names);
            if names > MOST_NAMES {
                return Err(Refusal::Malformed("more than 2000 names at once"));
            }
            questions.push(question);
        }
        Ok(questions.into_iter().zip(list).map(|(question, asked)| self.decided(question, asked, id)).collect())
    }

    fn decided<D>(&self, question: Result<Question, Refusal>, asked: &Asked<'_, D>, id: &str) -> Decided {
        let decided = question.and_then(|question| match question {
            Question::Free => Ok(Decided::free()),
            Question::Case(case) => self.judge(&case, asked),
        });
        let decided = decided.unwrap_or_else(|refusal| Decided::refused(&refusal));
        self.count("json", decided.code);
        if !decided.allowed {
            self.keep_denied(asked, &decided, id);
        }
        decided
    }

    fn keep_denied<D>(&self, asked: &Asked<'_, D>, decided: &Decided, id: &str) {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(clipped);
        let (subscribe_key, user, words) = match (&asked.method, &asked.target) {
            (Some(method), Some(target)) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                asked_of(method, path, query)
            }
            _ => {
                let names = asked.channels.0.iter().chain(&asked.groups.0).chain(&asked.uuids.0).take(10);
                let names: Vec<&str> = names.map(AsRef::as_ref).collect();
                let operation = asked.operation.as_deref().unwrap_or_default();
                (text(&asked.subscribe_key), text(&asked.uuid), clipped(&format!("{operation} {}", names.join(", "))))
            }
        };
        let findings = decided.reason.iter().cloned().collect();
        self.keep((subscribe_key, user, words), (decided.code, findings), id);
    }

    fn judge<D>(&self, case: &Case, asked: &Asked<'_, D>) -> Result<Decided, Refusal> {
        let now = self.authorizer.now();
        let (verdict, findings) = match asked.explain {
            false => (case.decide(now)?, None),
            true => case
                .explain(now, |all| all.rulings.iter().map(ToString::to_string).collect())
                .map(|(verdict, findings)| (verdict, Some(findings)))?,
        };
        let reason = (!verdict.is_allow() || asked.explain).then(|| verdict.to_string());
        Ok(match verdict {
            Verdict::Allow { until } => {
                let until = until.instant().map(usher_access::UnixSeconds::get);
                Decided { allowed: true, code: ALLOWED, until, reason, denied: None, findings }
            }
            Verdict::Deny(denied) => {
                let (code, names) = (denied.reason.code(), Some(DeniedNames::of(&denied)));
                Decided { allowed: false, code, until: None, reason, denied: names, findings }
            }
        })
    }

    fn question<D>(&self, asked: &Asked<'_, D>) -> Result<Question, Refusal> {
        if asked.decisions.is_some() {
            return Err(Refusal::Malformed("`decisions` hold no `decisions`"));
        }
        match (&asked.operation, &asked.method, &asked.target) {
            (Some(operation), None, None) if asked.body.is_none() => self.named(asked, operation).map(Question::Case),
            (None, Some(method), Some(target)) if !asked.names_something() => {
                let (path, query) = split(target)?;
                let body = asked.body.as_deref().unwrap_or_default().as_bytes();
                let request = RawRequest { method, path, query, body };
                if Authorizer::is_free(&request) {
                    return Ok(Question::Free);
                }
                let opened = self.authorizer.open(method, path, query)?;
                opened.case(&request, self.authorizer.now()).map(Question::Case)
            }
            _ => Err(Refusal::Malformed("either `operation` with names, or `method` with `target`, is to be given")),
        }
    }

    fn named<D>(&self, asked: &Asked<'_, D>, operation: &str) -> Result<Case, Refusal> {
        let key = asked.subscribe_key.as_deref().ok_or(Refusal::Malformed("`subscribe_key` is missing"))?;
        let key: Option<SubscribeKey> = key.parse().ok();
        let live = key.and_then(|key| self.authorizer.keyset(&key)).ok_or_else(unknown_keyset)?;
        let operation = Operation::named(operation).ok_or(Refusal::UnknownOperation)?;
        let [channels, groups, uuids] = [names(&asked.channels)?, names(&asked.groups)?, names(&asked.uuids)?];
        let intent = operation.intent(Names { channels, groups, uuids });
        let intent = intent.map_err(|_| Refusal::Malformed("these names do not fit the operation"))?;
        let auth = asked.auth.as_deref().filter(|auth| !auth.is_empty());
        let credential = auth.map_or(Credential::Nothing, |auth| Credential::Auth(auth.into()));
        Ok(Case { live, intent, credential, uuid: asked.uuid.as_deref().map(Box::from) })
    }
}

impl Question {
    fn names(&self) -> usize {
        match self {
            Self::Free => 0,
            Self::Case(case) => case.intent.resources().len(),
        }
    }
}

impl Decided {
    const fn free() -> Self {
        Self { allowed: true, code: ALLOWED, until: None, reason: None, denied: None, findings: None }
    }

    fn refused(refusal: &Refusal) -> Self {
        let reason = Some(refusal.detail());
        Self { allowed: false, code: refusal.code(), until: None, reason, denied: None, findings: None }
    }
}

impl<D> Asked<'_, D> {
    fn names_something(&self) -> bool {
        let texts = [&self.subscribe_key, &self.auth, &self.uuid];
        let lists = [&self.channels, &self.groups, &self.uuids];
        texts.into_iter().any(Option::is_some) || lists.into_iter().any(|AtMost(list)| !list.is_empty())
    }

    fn says_something(&self) -> bool {
        let texts = [&self.operation, &self.method, &self.target, &self.body];
        self.explain || self.names_something() || texts.into_iter().any(Option::is_some)
    }
}

impl DeniedNames {
    fn of(denied: &Denied) -> Self {
        let names = |kind| denied.names(kind).iter().map(|name| name.as_str().to_owned()).collect();
        let [channels, groups, uuids] = [ResourceKind::Channel, ResourceKind::Group, ResourceKind::Uuid].map(names);
        Self { channels, groups, uuids }
    }
}

fn names(AtMost(list): &NameList<'_>) -> Result<Vec<ResourceName>, Refusal> {
    list.iter().map(|name| name.parse().map_err(|_| Refusal::Malformed("a name is malformed"))).collect()
}
