//! Bodies that are no JSON object, or too much of one.

use serde_json::{Value, json};
use usher_sdk::fake::request;

use crate::bed::{POSTS, answer, full, get, host, post, posted, told, user, with};

const REFUSAL: &str = "Body must be a JSON object";

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let unclosed = r#"{"a":"#.repeat(10_000);
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"7",
        b"\"text\"",
        b"[]",
        b"[{}]",
        b"{",
        b"{\"uuid\":",
        b"{'uuid':'alice'}",
        b"{} {}",
        b"{\"uuid\":\"\xff\xfe\"}",
        deep.as_bytes(),
        deep_objects.as_bytes(),
        unclosed.as_bytes(),
    ];
    for route in POSTS {
        for body in bodies {
            let request = request("POST", "chat-engine-server").with_query("route", route).with_body(body);
            assert_eq!(told(&host(), &request), answer(400, REFUSAL), "{route} {}", String::from_utf8_lossy(body));
        }
    }
}

#[test]
fn nesting_within_the_bound_is_accepted() {
    let meta: Value = serde_json::from_str(&format!("{}{}", "[".repeat(60), "]".repeat(60))).unwrap();
    let mut body = full("alice");
    body["chat"]["meta"] = meta;
    assert_eq!(posted(&host(), "chat", &body).0, 200);
}

#[test]
fn members_nobody_asked_for_change_nothing() {
    let more =
        json!({"__proto__": {"uuid": "bob"}, "constructor": null, "authData": {"a": [1, 2]}, "ttl": 0, "auth": ""});
    assert_eq!(posted(&host(), "bootstrap", &with(user("alice"), &more)).0, 200);
}

#[test]
fn of_a_repeated_member_the_last_counts() {
    let body = r#"{"uuid":"bob","authKey":"k","namespace":"ns","uuid":"alice"}"#;
    let host = host();
    assert_eq!(told(&host, &post("bootstrap", &json!({})).with_body(body)).0, 200);
    assert_eq!(host.claims()[0].uuid, "alice");
}

#[test]
fn half_a_surrogate_pair_is_no_string() {
    let body = r#"{"uuid":"\ud800","authKey":"k","namespace":"ns"}"#;
    assert_eq!(told(&host(), &post("bootstrap", &json!({})).with_body(body)), answer(401, "UUID must be a string"));
}

#[test]
fn a_get_needs_no_body_and_reads_none() {
    let request = get("chat", &with(user("alice"), &json!({"channel": "ns#chat#public.#lobby"})));
    for body in ["", "null", "{", r#"{"uuid":"bob"}"#] {
        assert_eq!(told(&host(), &request.clone().with_body(body)).0, 200, "{body}");
    }
}
