//! `POST /v1/decisions`: one decision or up to a hundred, by an operation and its names or by a method and its target.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use usher_access::{Denied, Names, Operation, ResourceKind, ResourceName, SubscribeKey, Verdict};

use super::{ALLOWED, Decider, split};
use crate::authorize::{Authorizer, Case, Credential, RawRequest, unknown_keyset};
use crate::body::Bodies;
use crate::reply::{self, REQUEST_ID, Refusal, identify};

/// The longest body, in bytes.
const LONGEST: usize = 1 << 20;
/// Decisions in one call at the most.
const MOST: usize = 100;
/// Names in all decisions of one call at the most.
const MOST_NAMES: usize = 2_000;
/// A body of more bytes than this is decided beside the threads that answer requests: about ten decisions.
const QUICK: usize = 2_048;

/// What may be asked. Either `decisions`, or `operation` with names, or `method` with `target`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[serde(borrow)]
    subscribe_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    auth: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    channels: Vec<Cow<'a, str>>,
    #[serde(default, borrow)]
    groups: Vec<Cow<'a, str>>,
    #[serde(default, borrow)]
    uuids: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(default)]
    explain: bool,
    #[serde(borrow)]
    decisions: Option<Vec<Self>>,
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
        serde_json::error::Category::Data => "a field is unknown, doubled or of a wrong type",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            "this is not JSON"
        }
    };
    let detail = format!("line {}, column {}: {what}", error.line(), error.column());
    reply::problem(StatusCode::BAD_REQUEST, "request.malformed", &detail, id)
}

impl Decider {
    fn call(&self, body: &[u8], id: &str) -> Result<Response<Body>, Refusal> {
        let asked: Asked<'_> = match serde_json::from_slice(body) {
            Ok(asked) => asked,
            Err(error) => return Ok(unreadable(&error, id)),
        };
        let written = match &asked.decisions {
            None => {
                let decided = self.decided(self.question(&asked), &asked);
                serde_json::to_vec(&One { decided, decision_id: id })
            }
            Some(_) if asked.says_something() => return Err(Refusal::Malformed("`decisions` stands alone")),
            Some(list) if list.len() > MOST => return Err(Refusal::Malformed("more than 100 decisions at once")),
            Some(list) => serde_json::to_vec(&Many { decisions: self.all(list)?, decision_id: id }),
        };
        let mut response = Response::new(Body::from(written.map_err(|_| Refusal::Unavailable)?));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        identify(headers, REQUEST_ID, id);
        Ok(response)
    }

    /// Decides nothing if all together is too much: the length of a list does not tell how much work it is.
    fn all(&self, list: &[Asked<'_>]) -> Result<Vec<Decided>, Refusal> {
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
        Ok(questions.into_iter().zip(list).map(|(question, asked)| self.decided(question, asked)).collect())
    }

    fn decided(&self, question: Result<Question, Refusal>, asked: &Asked<'_>) -> Decided {
        let decided = question.and_then(|question| match question {
            Question::Free => Ok(Decided::free()),
            Question::Case(case) => self.judge(&case, asked),
        });
        let decided = decided.unwrap_or_else(|refusal| Decided::refused(&refusal));
        self.count("json", decided.code);
        decided
    }

    fn judge(&self, case: &Case, asked: &Asked<'_>) -> Result<Decided, Refusal> {
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

    fn question(&self, asked: &Asked<'_>) -> Result<Question, Refusal> {
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

    fn named(&self, asked: &Asked<'_>, operation: &str) -> Result<Case, Refusal> {
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

impl Asked<'_> {
    fn names_something(&self) -> bool {
        let texts = [&self.subscribe_key, &self.auth, &self.uuid];
        let lists = [&self.channels, &self.groups, &self.uuids];
        texts.into_iter().any(Option::is_some) || lists.into_iter().any(|list| !list.is_empty())
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

fn names(list: &[Cow<'_, str>]) -> Result<Vec<ResourceName>, Refusal> {
    list.iter().map(|name| name.parse().map_err(|_| Refusal::Malformed("a name is malformed"))).collect()
}
