//! nginx's `auth_request`: the original request in headers, the decision as a status.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::{DECISION_ID, Decider, REASON, code, split};
use crate::authorize::{BODY_IN_VAIN, RawRequest, takes_body};
use crate::reply::{Refusal, identify};

/// `$request_uri`: the target as the client sent it.
const URI: HeaderName = HeaderName::from_static("x-original-uri");
/// `$request_method`
const METHOD: HeaderName = HeaderName::from_static("x-original-method");
/// `$content_length`: nothing, if the client sent none.
const LENGTH: HeaderName = HeaderName::from_static("x-original-content-length");
/// `$http_transfer_encoding`: nothing, if the client sent none.
const CODING: HeaderName = HeaderName::from_static("x-original-transfer-encoding");

/// 200 to let the request through, 403 to refuse it: nginx knows no other refusal but 401.
pub(super) fn answer(decider: &Decider, headers: &HeaderMap, id: &str) -> Response<Body> {
    let request = original(headers).and_then(|(method, target)| {
        if has_body(headers) && !takes_body(method) {
            return Err(BODY_IN_VAIN);
        }
        let (path, query) = split(target)?;
        Ok(RawRequest { method, path, query, body: &[] })
    });
    let outcome = decider.decide(request, id);
    let code = code(&outcome);
    decider.count("nginx", code);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = outcome.map_or(StatusCode::FORBIDDEN, |()| StatusCode::OK);
    response.headers_mut().insert(REASON, HeaderValue::from_static(code));
    identify(response.headers_mut(), DECISION_ID, id);
    response
}

/// Method and target; each exactly once, or a client could have added its own.
fn original(headers: &HeaderMap) -> Result<(&str, &str), Refusal> {
    let only = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let found = only(&METHOD).zip(only(&URI));
    found.ok_or(Refusal::Malformed("X-Original-Method and X-Original-URI have to be there once"))
}

/// Whether the client sent a body, which nginx keeps to itself.
fn has_body(headers: &HeaderMap) -> bool {
    let is_empty = |value: &HeaderValue| value.is_empty() || value == "0";
    headers.contains_key(CODING) || !headers.get_all(LENGTH).iter().all(is_empty)
}
