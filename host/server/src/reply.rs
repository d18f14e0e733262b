//! The only place where outcomes become status codes: what the client reads on one side, what the operator reads on the other.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use usher_runtime::{Blame, Fault, FaultKind};

pub(crate) mod access_manager;
mod browsers;
mod next;

pub(crate) use access_manager::ServiceAnswer;
pub(crate) use browsers::{let_read, open_to_browsers, preflight};
pub(crate) use next::{explain_refusal, next_step};

/// The request's id, as client and operator both see it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why the data plane answers a request itself instead of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request's target, a header or the body's framing is malformed.
    Malformed(&'static str),
    /// Nothing answers to this path.
    NotFound,
    /// The body is longer than the deployment takes.
    BodyTooLarge { longest: usize },
    /// The client stopped sending.
    BodyTimedOut,
    /// Too many requests from this address.
    RateLimited { retry_after: u64 },
    /// The function gave no answer.
    Fault(Fault),
    /// Access Manager says no, in the form that its clients know.
    Service { code: &'static str, answer: ServiceAnswer },
    /// A method and path that are no row of the operation table.
    UnknownOperation,
    /// Whoever asks for a deepstream server does not show the deployment's password.
    UnknownCaller,
    /// The keyset names no network that could answer.
    NoNetwork,
    /// The network did not answer.
    Network(NetworkFault),
    /// What is needed to decide cannot be read.
    Unavailable,
    /// Too many bodies are kept already.
    Busy,
}

/// Why a network did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworkFault {
    Unreachable,
    TimedOut,
}

impl Refusal {
    /// A stable word for clients, metrics and logs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "request.malformed",
            Self::NotFound => "function.not-found",
            Self::BodyTooLarge { .. } => "request.too-large",
            Self::BodyTimedOut => "request.timed-out",
            Self::RateLimited { .. } => "request.rate-limited",
            Self::Service { code, .. } => code,
            Self::UnknownOperation => "operation.unknown",
            Self::UnknownCaller => "webhook.unauthorized",
            Self::NoNetwork => "keyset.no-network",
            Self::Network(NetworkFault::Unreachable) => "network.unreachable",
            Self::Network(NetworkFault::TimedOut) => "network.timed-out",
            Self::Unavailable => "server.failed",
            Self::Busy => "server.overloaded",
            Self::Fault(fault) => match fault.kind {
                FaultKind::TimedOut(_) => "function.timed-out",
                FaultKind::Overloaded => "server.overloaded",
                FaultKind::NoSandbox(_) => "server.failed",
                FaultKind::OutOfMemory(_)
                | FaultKind::TableTooLarge(_)
                | FaultKind::StackExhausted
                | FaultKind::Trapped(_)
                | FaultKind::Failed(_)
                | FaultKind::BadReply(_)
                | FaultKind::ReplyTooLarge { .. } => "function.failed",
            },
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotFound | Self::UnknownOperation | Self::NoNetwork => StatusCode::NOT_FOUND,
            Self::UnknownCaller => StatusCode::FORBIDDEN,
            Self::Service { answer, .. } => answer.status,
            Self::Network(NetworkFault::Unreachable) => StatusCode::BAD_GATEWAY,
            Self::Network(NetworkFault::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault(fault) => match (&fault.kind, fault.blame) {
                (FaultKind::TimedOut(_), _) => StatusCode::GATEWAY_TIMEOUT,
                (FaultKind::Overloaded, _) | (_, Blame::Host) => StatusCode::SERVICE_UNAVAILABLE,
                (_, Blame::Guest) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// The fixed text for the client; nothing of the cause is in it.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Service { answer, .. } => answer.message().to_owned(),
            Self::UnknownOperation => "no operation has this method and path".into(),
            Self::UnknownCaller => "the caller has to show the password that the manifest names".into(),
            Self::NoNetwork => "this keyset has no network behind Usher".into(),
            Self::Network(NetworkFault::Unreachable) => "the network did not answer; try again".into(),
            Self::Network(NetworkFault::TimedOut) => "the network did not answer in time; try again".into(),
            Self::Unavailable => "the server could not decide; try again".into(),
            Self::Busy => "the server is busy; wait as long as Retry-After says".into(),
            Self::Malformed(what) => format!("the request is malformed: {what}"),
            Self::NotFound => "nothing is deployed at this path; check the subscribe key and the path".into(),
            Self::BodyTooLarge { longest } => format!("the body is longer than {longest} bytes"),
            Self::BodyTimedOut => "the body did not arrive in time".into(),
            Self::RateLimited { .. } => "too many requests; wait as long as Retry-After says".into(),
            Self::Fault(fault) => match fault.kind {
                FaultKind::TimedOut(_) => "the function did not answer in time; try again".into(),
                FaultKind::Overloaded => "the server is busy; wait as long as Retry-After says".into(),
                FaultKind::NoSandbox(_) => "the server could not run the function; try again".into(),
                FaultKind::OutOfMemory(_)
                | FaultKind::TableTooLarge(_)
                | FaultKind::StackExhausted
                | FaultKind::Trapped(_)
                | FaultKind::Failed(_)
                | FaultKind::BadReply(_)
                | FaultKind::ReplyTooLarge { .. } => "the function failed; tell the operator the decision id".into(),
            },
        }
    }

    /// What led to it, for the operator.
    pub(crate) fn findings(&self) -> Vec<String> {
        if let Self::Service { answer, .. } = self
            && !answer.findings.is_empty()
        {
            return answer.findings.clone();
        }
        vec![self.detail()]
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Fault(Fault { kind: FaultKind::Overloaded, .. }) => Some(1),
            Self::Network(_) | Self::Unavailable | Self::Busy => Some(1),
            Self::Malformed(_)
            | Self::NotFound
            | Self::BodyTooLarge { .. }
            | Self::BodyTimedOut
            | Self::Fault(_)
            | Self::Service { .. }
            | Self::UnknownOperation
            | Self::UnknownCaller
            | Self::NoNetwork => None,
        }
    }

    /// The refusal as the client sees it: RFC 9457 with `code` and `decision_id`, readable from any page.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let retry_after = self.retry_after();
        let code = self.code();
        let mut response = if let Self::Service { answer, .. } = self {
            answer.into_response(request_id)
        } else {
            let mut body = fields(self.status(), code, &self.detail(), request_id);
            if let Some(body) = body.as_object_mut() {
                body.insert("next".into(), next_step(code).into());
            }
            let mut response = of_fields(self.status(), &body, request_id);
            open_to_browsers(response.headers_mut());
            response
        };
        let headers = response.headers_mut();
        explain_refusal(headers, code, request_id);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Names a request or a decision in an answer, once.
pub(crate) fn identify(headers: &mut HeaderMap, name: HeaderName, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(name, id);
    }
}

/// An error on one of our own APIs (RFC 9457).
pub(crate) fn problem(status: StatusCode, code: &str, detail: &str, request_id: &str) -> Response<Body> {
    of_fields(status, &fields(status, code, detail, request_id), request_id)
}

fn fields(status: StatusCode, code: &str, detail: &str, request_id: &str) -> Value {
    json!({
        "type": format!("urn:usher:{code}"),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
        "decision_id": request_id,
    })
}

fn of_fields(status: StatusCode, body: &Value, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    identify(headers, REQUEST_ID, request_id);
    response
}

/// A function's answer as HTTP; an invalid header is the function's fault.
pub(crate) fn answer(reply: usher_runtime::Response, request_id: &str) -> Result<Response<Body>, Fault> {
    let usher_runtime::Response { status, headers, body } = reply;
    let bad = |what: String| Fault { blame: Blame::Guest, kind: FaultKind::BadReply(what) };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| bad(format!("status {status}")))?;
    for (name, value) in headers {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !is_framing(name));
        let (Some(name), Ok(value)) = (parsed, HeaderValue::from_str(&value)) else {
            return Err(bad(format!("header `{}`", name.escape_debug().take(80).collect::<String>())));
        };
        if next::is_ours(&name) {
            continue;
        }
        response.headers_mut().append(name, value);
    }
    identify(response.headers_mut(), REQUEST_ID, request_id);
    Ok(response)
}

/// Headers that belong to the connection, not to a function.
fn is_framing(name: &HeaderName) -> bool {
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE, header::TRAILER]
        .contains(name)
}
