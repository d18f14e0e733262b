//! Answers in the exact form of PubNub's services: the envelopes of Access Manager v2 and v3, and the 403s of all of them.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use usher_access::{Denied, InvalidToken, Reason, ResourceKind, Service, Verdict};

use super::{REQUEST_ID, identify, open_to_browsers};

/// Clients parse an answer only when its type says `javascript` or `json`.
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=UTF-8");
/// Who answers, as every body says.
const ACCESS_MANAGER: &str = "Access Manager";
/// The header that tells causes of a 403 apart.
const CAUSE: HeaderName = HeaderName::from_static("x-pn-cause");
/// Of a permission that is missing.
const FORBIDDEN: &str = "9999";
/// Resources whose finding is kept for the operator.
const MOST_FINDINGS: usize = 20;
/// Of a token that was revoked.
const REVOKED: &str = "4001";

/// A status and a JSON body that a PubNub client understands.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServiceAnswer {
    pub(crate) status: StatusCode,
    pub(crate) cause: Option<&'static str>,
    pub(crate) body: Value,
    /// What led to it, for the operator; the client does not read it.
    pub(crate) findings: Vec<String>,
}

/// What is wrong with a v3 call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallFault {
    pub(crate) status: StatusCode,
    /// `grant` or `revoke`.
    pub(crate) source: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) place: Place,
}

/// Where in a v3 call something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Body(String),
    Query(&'static str),
    Path(&'static str),
}

impl ServiceAnswer {
    /// HTTP 200 with this body.
    pub(crate) const fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, cause: None, body, findings: Vec::new() }
    }

    /// Success of a v3 call; `data` is what it says besides its message.
    pub(crate) fn v3_success(mut data: Map<String, Value>) -> Self {
        data.insert("message".into(), "Success".into());
        Self::ok(json!({ "data": data, "service": ACCESS_MANAGER, "status": 200 }))
    }

    /// The flat error of v2 and of the data plane.
    pub(crate) fn flat(status: StatusCode, message: &str) -> Self {
        let body = json!({ "message": message, "error": true, "service": ACCESS_MANAGER, "status": status.as_u16() });
        Self { status, cause: None, body, findings: Vec::new() }
    }

    /// The 403 for a request that `denied` says no to.
    pub(crate) fn denied(denied: &Denied, service: Service) -> Self {
        let findings = std::iter::once(Verdict::Deny(denied.clone()).to_string())
            .chain(denied.rulings.iter().take(MOST_FINDINGS).map(ToString::to_string));
        Self { findings: findings.collect(), ..Self::of_reason(denied, service) }
    }

    fn of_reason(denied: &Denied, service: Service) -> Self {
        match denied.reason {
            Reason::TokenRevoked(_) | Reason::TokenInvalid(InvalidToken::EpochOver) => {
                Self::forbidden("Token is revoked").because(REVOKED)
            }
            Reason::TokenExpired { .. } => Self::forbidden("Token is expired."),
            Reason::TokenInvalid(_) => Self::forbidden("Invalid token"),
            Reason::GrantMissing
            | Reason::GrantLacks { .. }
            | Reason::GrantExpired { .. }
            | Reason::TokenLacks { .. }
            | Reason::TokenOtherUser
            | Reason::PresenceReadOnly
            | Reason::CredentialMissing => Self::lacking(denied, service).because(FORBIDDEN),
        }
    }

    fn lacking(denied: &Denied, service: Service) -> Self {
        let source = match service {
            Service::Objects => "objects",
            Service::Actions => "actions",
            Service::Flat => {
                let mut answer = Self::forbidden("Forbidden");
                if let Some(body) = answer.body.as_object_mut() {
                    body.insert("payload".into(), payload(denied).into());
                }
                return answer;
            }
        };
        let message = "Supplied authorization key does not have the permissions required to perform this operation.";
        let body = json!({ "status": 403, "error": { "message": message, "source": source } });
        Self { status: StatusCode::FORBIDDEN, cause: None, body, findings: Vec::new() }
    }

    fn forbidden(message: &str) -> Self {
        Self::flat(StatusCode::FORBIDDEN, message)
    }

    fn because(self, cause: &'static str) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The text that tells a person what is wrong.
    pub(crate) fn message(&self) -> &str {
        let at = |pointer| self.body.pointer(pointer).and_then(Value::as_str);
        at("/error/details/0/message").or_else(|| at("/error/message")).or_else(|| at("/message")).unwrap_or_default()
    }

    /// The headers besides length and date.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let fixed = [
            (header::CONTENT_TYPE, SCRIPT),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate")),
        ];
        let cause = self.cause.map(|cause| (CAUSE, HeaderValue::from_static(cause)));
        fixed.into_iter().chain(cause)
    }

    /// The answer over HTTP, readable from any page.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let headers = self.headers();
        let mut response = Response::new(Body::empty());
        response.headers_mut().extend(headers);
        *response.status_mut() = self.status;
        *response.body_mut() = Body::from(self.body.to_string());
        let headers = response.headers_mut();
        open_to_browsers(headers);
        identify(headers, REQUEST_ID, request_id);
        response
    }
}

impl fmt::Debug for ServiceAnswer {
    /// Without the body, which may be a token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, cause, body: _, findings: _ } = self;
        out.debug_struct("ServiceAnswer").field("status", status).field("cause", cause).finish_non_exhaustive()
    }
}

impl From<CallFault> for ServiceAnswer {
    fn from(fault: CallFault) -> Self {
        let CallFault { status, source, title, detail, place } = fault;
        let (location, location_type) = match &place {
            Place::Body(location) => (location.as_str(), "body"),
            Place::Query(location) => (*location, "query"),
            Place::Path(location) => (*location, "path"),
        };
        let details = json!([{ "message": detail, "location": location, "locationType": location_type }]);
        let body = json!({
            "error": { "message": title, "source": source, "details": details },
            "service": ACCESS_MANAGER,
            "status": status.as_u16(),
        });
        Self { status, cause: None, body, findings: Vec::new() }
    }
}

/// The denied names by kind; a group's has a colon before it.
fn payload(denied: &Denied) -> Map<String, Value> {
    let mut payload = Map::new();
    for (kind, key, sign) in [
        (ResourceKind::Channel, "channels", ""),
        (ResourceKind::Group, "channel-groups", ":"),
        (ResourceKind::Uuid, "uuids", ""),
    ] {
        let names = denied.names(kind);
        let names: Vec<Value> = names.iter().map(|name| format!("{sign}{}", name.as_str()).into()).collect();
        if !names.is_empty() {
            payload.insert(key.into(), names.into());
        }
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_without_its_body() {
        let granted = ServiceAnswer::v3_success(Map::from_iter([("token".to_owned(), "s3cret".into())]));
        assert_eq!(format!("{granted:?}"), "ServiceAnswer { status: 200, cause: None, .. }");
    }
}
