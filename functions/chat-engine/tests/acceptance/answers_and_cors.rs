//! Routes by both forms of URL, methods, and the headers that every answer has.

use usher_sdk::fake::request;
use usher_sdk::{IdentityError, Request, Response};

use crate::bed::{GETS, POSTS, answer, full, full_get, host, post, send, told, user};

const CORS: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "Origin, X-Requested-With, Content-Type, Accept"),
    ("access-control-allow-methods", "GET, POST, OPTIONS, PUT, DELETE"),
    ("access-control-expose-headers", "X-Request-Id, Retry-After"),
];

#[test]
fn a_route_is_named_by_the_query_or_by_the_path() {
    let cases = [
        ("chat-engine-server", Some("bootstrap"), 200),
        ("chat-engine/bootstrap", None, 200),
        ("chat-engine/bootstrap", Some(""), 200),
        ("deeper/chat-engine/bootstrap", None, 200),
        ("chat-engine/nowhere", Some("bootstrap"), 200),
        ("chat-engine/bootstrap", Some("nowhere"), 404),
        ("chat-engine/bootstrap/", None, 404),
        ("chat-engine/", None, 404),
        ("chat-engine-server", None, 404),
        ("chat-engine-server", Some(""), 404),
        ("bootstrap", None, 404),
        ("", None, 404),
    ];
    for (path, route, status) in cases {
        let start = request("POST", path).with_body(user("alice").to_string());
        let request = route.map_or_else(|| start.clone(), |route| start.clone().with_query("route", route));
        assert_eq!(send(&host(), &request).status, status, "{path} {route:?}");
    }
}

#[test]
fn unknown_routes_and_methods_are_not_found() {
    let cases = [
        ("POST", "nowhere", "Invalid route"),
        ("POST", "__proto__", "Invalid route"),
        ("POST", "constructor", "Invalid route"),
        ("POST", "Bootstrap", "Invalid route"),
        ("POST", " bootstrap", "Invalid route"),
        ("POST", "bootstrap\0", "Invalid route"),
        ("GET", "bootstrap", "Invalid method"),
        ("GET", "connect", "Invalid method"),
        ("PUT", "bootstrap", "Invalid method"),
        ("DELETE", "chat", "Invalid method"),
        ("HEAD", "chat", "Invalid method"),
        ("", "chat", "Invalid method"),
        ("post", "chat", "Invalid method"),
    ];
    for (method, route, text) in cases {
        let request = request(method, "chat-engine-server").with_query("route", route).with_body("{}");
        assert_eq!(told(&host(), &request), answer(404, text), "{method} {route}");
    }
}

#[test]
fn a_repeated_parameter_is_refused() {
    let twice = post("bootstrap", &user("alice")).with_query("route", "group");
    assert_eq!(told(&host(), &twice), answer(400, "Duplicate parameter `route`"));
    for name in ["uuid", "authKey", "namespace", "channel", "user"] {
        let request = full_get("user_state", "alice").with_query(name, "bob");
        assert_eq!(told(&host(), &request), answer(400, &format!("Duplicate parameter `{name}`")));
    }
}

#[test]
fn a_preflight_of_any_path_is_answered_without_a_body() {
    for path in ["chat-engine-server", "chat-engine/bootstrap", "chat-engine/nowhere", ""] {
        let response = send(&host(), &request("OPTIONS", path));
        assert_eq!((response.status, response.body.len()), (204, 0));
        assert_open(&response);
    }
}

#[test]
fn every_answer_is_open_to_every_origin() {
    for request in samples() {
        assert_open(&send(&host(), &request));
        assert_open(&send(&host().with_failing_identity(IdentityError::Denied), &request));
        assert_open(&send(&host().with_config_list("namespaces", &[]), &request));
    }
}

#[test]
fn bodies_have_the_content_type_of_the_original() {
    let cases = [
        ("bootstrap", "text/plain; charset=utf-8", "200"),
        ("grant", "text/plain; charset=utf-8", "200"),
        ("invite", "text/plain; charset=utf-8", ""),
        ("leave", "text/plain; charset=utf-8", ""),
        ("chat", "text/plain; charset=utf-8", ""),
        (
            "join",
            "application/json; charset=utf-8",
            r#"{"status":200,"message":"OK","service":"channel-registry","error":false}"#,
        ),
    ];
    for (route, content_type, body) in cases {
        let response = send(&host(), &post(route, &full("alice")));
        assert_eq!((response.status, response.header("content-type")), (200, Some(content_type)), "{route}");
        assert_eq!(response.body, body.as_bytes(), "{route}");
    }
}

fn samples() -> Vec<Request> {
    let mut samples = vec![
        request("POST", "chat-engine-server"),
        request("PATCH", "chat-engine/chat"),
        post("bootstrap", &serde_json::json!(null)),
        post("nowhere", &full("alice")),
        post("bootstrap", &user("alice")).with_query("route", "group"),
    ];
    samples.extend(POSTS.map(|route| post(route, &full("alice"))));
    samples.extend(GETS.map(|route| full_get(route, "alice")));
    samples
}

fn assert_open(response: &Response) {
    for (name, value) in CORS {
        assert_eq!(response.header(name), Some(value), "{name} of {response:?}");
        assert_eq!(response.headers.iter().filter(|(key, _)| key == name).count(), 1);
    }
}
