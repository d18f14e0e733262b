//! nginx's `auth_request`: the original request in headers, the decision as a status.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::{DECISION_ID, Decider, REASON, code, split};
use crate::authorize::RawRequest;
use crate::reply::{Refusal, identify};

/// `$request_uri`: the target as the client sent it.
const URI: HeaderName = HeaderName::from_static("x-original-uri");
/// `$request_method`
const METHOD: HeaderName = HeaderName::from_static("x-original-method");

/// 200 to let the request through, 403 to refuse it: nginx knows no other refusal but 401.
pub(super) fn answer(decider: &Decider, headers: &HeaderMap, id: &str) -> Response<Body> {
    let outcome = original(headers).and_then(|(method, target)| {
        let (path, query) = split(target)?;
        decider.decide(&RawRequest { method, path, query, body: &[] })
    });
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
