//! CORS: the endpoint belongs to every origin, since a caller proves itself by its auth key and never by a cookie.

use usher_sdk::Response;

const HEADERS: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "Origin, X-Requested-With, Content-Type, Accept"),
    ("access-control-allow-methods", "GET, POST, OPTIONS, PUT, DELETE"),
    ("access-control-expose-headers", "X-Request-Id, Retry-After"),
];

/// The answer to a preflight of any route.
pub(crate) fn preflight() -> Response {
    open(Response::empty(204))
}

/// The answer with the headers that let a browser read it.
pub(crate) fn open(response: Response) -> Response {
    HEADERS.iter().fold(response, |response, (name, value)| response.with_header(name, *value))
}
