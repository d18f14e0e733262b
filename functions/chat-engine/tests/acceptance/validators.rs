//! The original's validators: their order and their texts.

use serde_json::{Value, json};

use crate::bed::{about, answer, chat, full, get, host, posted, told, user, with, without};

#[test]
fn each_field_is_refused_with_its_text() {
    let long = "x".repeat(98);
    let cases = [
        ("bootstrap", without(user("alice"), "authKey"), "authKey must be a string"),
        ("bootstrap", without(user("alice"), "uuid"), "UUID must be a string"),
        ("user_read", with(user("alice"), &json!({"uuid": 7})), "UUID must be a string"),
        ("user_write", with(user("alice"), &json!({"uuid": null})), "UUID must be a string"),
        ("group", with(user("alice"), &json!({"authKey": ["k"]})), "authKey must be a string"),
        ("grant", with(user("alice"), &json!({"chat": null})), "Must supply a chat."),
        ("grant", with(user("alice"), &json!({"chat": 0})), "Must supply a chat."),
        ("grant", with(user("alice"), &json!({"chat": -0.0})), "Must supply a chat."),
        ("grant", with(user("alice"), &json!({"chat": 10})), "Must supply a chat isPrivate value."),
        ("grant", with(user("alice"), &json!({"chat": 0.5})), "Must supply a chat isPrivate value."),
        ("grant", with(user("alice"), &json!({"chat": false})), "Must supply a chat."),
        ("grant", with(user("alice"), &json!({"chat": ""})), "Must supply a chat."),
        ("grant", user("alice"), "Must supply a chat isPrivate value."),
        ("join", with(user("alice"), &json!({"chat": {}})), "Must supply a chat isPrivate value."),
        ("join", with(user("alice"), &json!({"chat": "lobby"})), "Must supply a chat isPrivate value."),
        ("leave", with(user("alice"), &json!({"chat": [1]})), "Must supply a chat isPrivate value."),
        ("chat", altered(&json!({"private": "no"})), "Must supply a chat isPrivate value."),
        ("invite", altered(&json!({"group": "kitchen"})), "Must supply a chat group."),
        ("grant", altered(&json!({"group": null})), "Must supply a chat group."),
        ("grant", altered(&json!({"channel": 7})), "Chat channel must be a string"),
        ("grant", altered(&json!({"channel": null})), "Chat channel must be a string"),
        ("grant", altered(&json!({"channel": ""})), "Channel not supplied"),
        ("grant", altered(&json!({"channel": long})), "Channel too long"),
        ("grant", altered(&json!({"meta": "none"})), "Invalid meta object supplied."),
        ("grant", altered(&json!({"meta": 7})), "Invalid meta object supplied."),
    ];
    for (route, body, text) in cases {
        assert_eq!(posted(&host(), route, &body), answer(401, text), "{route} {body}");
    }
}

#[test]
fn the_first_failure_wins() {
    let nothing = json!({});
    let bad_chat = json!({"private": 1, "group": 1, "channel": 1});
    let cases = [
        ("bootstrap", nothing.clone(), "Bad global channel"),
        ("bootstrap", json!({"global": "ns"}), "authKey must be a string"),
        ("bootstrap", json!({"global": "ns", "authKey": "k"}), "UUID must be a string"),
        ("user_read", nothing.clone(), "Bad global channel"),
        ("user_read", json!({"global": "ns"}), "UUID must be a string"),
        ("group", json!({"global": "ns"}), "UUID must be a string"),
        ("group", json!({"global": "ns", "uuid": "alice"}), "authKey must be a string"),
        ("grant", nothing, "Must supply a chat isPrivate value."),
        ("grant", json!({"chat": bad_chat}), "Must supply a chat isPrivate value."),
        ("join", json!({"chat": chat("ns")}), "Bad global channel"),
        ("join", json!({"chat": chat("ns"), "global": "ns"}), "UUID must be a string"),
        ("leave", json!({"chat": chat("ns"), "global": "ns", "uuid": "a"}), "authKey must be a string"),
        ("invite", json!({"chat": chat("ns"), "global": "ns", "uuid": "a", "authKey": "k"}), "UUID must be a string"),
    ];
    for (route, body, text) in cases {
        assert_eq!(posted(&host(), route, &body), answer(401, text), "{route} {body}");
    }
}

#[test]
fn what_the_original_let_pass_still_passes() {
    for meta in [json!(null), json!([]), json!({"topic": "tea"})] {
        let body = altered(&json!({"meta": meta}));
        for route in ["grant", "join", "chat", "leave"] {
            assert_eq!(posted(&host(), route, &body).0, 200, "{route} {body}");
        }
    }
    let longest = format!("ns#chat#public.#{}", "é".repeat(97 - 16));
    assert_eq!(posted(&host(), "grant", &about("alice", &longest)).0, 200);
}

#[test]
fn a_read_names_its_channel_and_user() {
    let cases = [
        ("chat", user("alice"), 401, "Chat channel must be a string"),
        ("chat", with(user("alice"), &json!({"channel": ""})), 401, "Channel not supplied"),
        ("user_state", user("alice"), 401, "UUID must be a string"),
        ("user_state", with(user("alice"), &json!({"user": "bob", "channel": ""})), 401, "Channel not supplied"),
    ];
    for (route, params, status, text) in cases {
        assert_eq!(told(&host(), &get(route, &params)), answer(status, text), "{route}");
    }
}

/// A body whose chat differs in some members.
fn altered(members: &Value) -> Value {
    let mut body = full("alice");
    body["chat"] = with(body["chat"].clone(), members);
    body
}
