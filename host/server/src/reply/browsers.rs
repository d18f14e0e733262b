//! What lets a browser send requests from any page and read the answers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// For functions, for Access Manager and for networks alike.
const CORS: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "Origin, X-Requested-With, Content-Type, Accept, If-Match"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS, PUT, DELETE, PATCH"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "X-Request-Id, X-Pn-Cause, ETag, Retry-After"),
];

/// Lets a browser read an answer, whichever page asked.
pub(crate) fn open_to_browsers(headers: &mut HeaderMap) {
    for (name, value) in CORS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Lets a browser read more headers of an answer than it could already.
pub(crate) fn let_read(headers: &mut HeaderMap, names: &'static str) {
    let known = headers.get(header::ACCESS_CONTROL_EXPOSE_HEADERS).and_then(|known| known.to_str().ok());
    let all = known.map_or_else(|| names.to_owned(), |known| format!("{known}, {names}"));
    if let Ok(all) = HeaderValue::from_str(&all) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, all);
    }
}

/// The answer to a preflight: what is asked then is decided then, and a refusal of it can be read.
pub(crate) fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    open_to_browsers(response.headers_mut());
    response
}
