//! A chat's meta: written and read by those who may.

use serde_json::{Value, json};
use usher_sdk::fake::Host;

use crate::bed::{about, answer, get, host, must, posted, private_chat, send, user, with};

const ABSENT: &str = r#"{"found":false,"chat":null}"#;

#[test]
fn what_was_stored_is_found() {
    let host = host();
    assert_eq!(read(&host, "alice", "ns#chat#public.#lobby"), answer(200, ABSENT));
    must(&host, "chat", &described("alice", "ns#chat#public.#lobby", &json!({"topic": "tea"})));
    let (status, text) = read(&host, "bob", "ns#chat#public.#lobby");
    let expected = json!({"found": true, "chat": {"channel": "ns#chat#public.#lobby", "private": false, "meta": {"topic": "tea"}}});
    assert_eq!((status, serde_json::from_str::<Value>(&text).unwrap()), (200, expected));
}

#[test]
fn only_meta_is_stored() {
    let host = host();
    let channel = private_chat(&host);
    let mut body = described("alice", channel, &json!({"a": 1}));
    body["chat"]["private"] = json!(false);
    body["chat"]["secret"] = json!("x");
    must(&host, "chat", &body);
    assert_eq!(host.value(&format!("meta:{channel}")).as_deref(), Some(r#"{"a":1}"#));
    let (_, text) = read(&host, "alice", channel);
    assert!(text.contains(r#""private":true"#), "{text}");
}

#[test]
fn the_uninvited_neither_read_nor_write_a_private_chats_meta() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "chat", &described("alice", channel, &json!({"topic": "plans"})));
    assert_eq!(posted(&host, "chat", &described("mallory", channel, &json!({}))), answer(403, "Forbidden"));
    assert_eq!(read(&host, "mallory", channel), answer(403, "Forbidden"));
    assert!(read(&host, "alice", channel).1.contains("plans"));
}

#[test]
fn a_client_that_opens_anothers_channel_is_answered_without_effect() {
    for (channel, seen) in [("ns#user#bob#read.#feed", true), ("ns#user#bob#write.#direct", false)] {
        let host = host();
        must(&host, "chat", &described("bob", channel, &json!({"by": "bob"})));
        assert_eq!(posted(&host, "chat", &described("alice", channel, &json!({"by": "alice"}))), answer(200, ""));
        let (status, text) = read(&host, "alice", channel);
        assert_eq!((status, text.contains(r#""by":"bob""#)), (200, seen), "{channel} {text}");
    }
}

#[test]
fn meta_is_bounded() {
    for (length, status) in [(31_990, 200), (31_991, 413)] {
        let host = host();
        let meta = json!({"text": "x".repeat(length - 1)});
        assert_eq!(meta.to_string().len(), length + 10);
        assert_eq!(posted(&host, "chat", &described("alice", "ns", &meta)).0, status, "{length}");
        assert_eq!(host.keys().len(), usize::from(status == 200));
    }
}

#[test]
fn stored_text_that_is_no_json_is_a_fault_and_not_an_answer() {
    let host = host();
    usher_sdk::Host::kv_set(&host, "meta:ns", "{broken", None).unwrap();
    assert_eq!(read(&host, "alice", "ns"), answer(500, "Internal error"));
}

fn described(uuid: &str, channel: &str, meta: &Value) -> Value {
    let mut body = about(uuid, channel);
    body["chat"]["meta"] = meta.clone();
    body
}

fn read(host: &Host, uuid: &str, channel: &str) -> (u16, String) {
    let response = send(host, &get("chat", &with(user(uuid), &json!({"channel": channel}))));
    (response.status, String::from_utf8(response.body).unwrap())
}
