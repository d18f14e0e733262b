//! The original's eighteen weaknesses, each tried as it was shown to work there.

use serde_json::json;
use usher_sdk::fake::{Host, request};
use usher_sdk::{AccessError, IdentityError};

use crate::bed::{
    POSTS, READ, WRITE, about, chat, full, get, host, must, post, posted, private_chat, send, told, user, with,
};

#[test]
fn weakness_01_any_caller_was_any_uuid() {
    let host = host().with_identity("alice-key", "alice").with_identity("bob-key", "bob");
    for route in POSTS {
        let body = with(full("bob"), &json!({"authKey": "alice-key"}));
        assert_eq!(posted(&host, route, &body).0, 401, "{route}");
    }
    assert!(!host.allows_group("alice-key", "ns#bob#custom", READ));
    must(&host, "group", &user("bob"));
}

#[test]
fn weakness_02_grant_opened_any_channel_to_any_key() {
    let host = host();
    let channel = private_chat(&host);
    // What the caller says of the chat's privacy decides nothing.
    let mut body = about("mallory", channel);
    body["chat"]["private"] = json!(false);
    assert_eq!(posted(&host, "grant", &body).0, 403);
    assert!(!host.allows("mallory-key", channel, READ));
}

#[test]
fn weakness_03_join_was_a_read_grant() {
    let host = host();
    must(&host, "group", &user("mallory"));
    must(&host, "join", &about("mallory", "ns#user#bob#write.#direct"));
    assert!(!host.can_read("mallory-key", "ns#user#bob#write.#direct"));
}

#[test]
fn weakness_04_private_chats_were_open_and_invite_did_nothing() {
    let host = host();
    let channel = private_chat(&host);
    assert_eq!(posted(&host, "grant", &about("bob", channel)).0, 403);
    assert_eq!(posted(&host, "invite", &about("mallory", channel)).0, 403);
    must(&host, "invite", &about("alice", channel));
    must(&host, "grant", &about("bob", channel));
}

#[test]
fn weakness_05_feeds_were_writable_by_all() {
    let host = host();
    must(&host, "bootstrap", &user("mallory"));
    must(&host, "grant", &about("mallory", "ns#user#bob#read.#feed"));
    assert!(host.allows("mallory-key", "ns#user#bob#read.#feed", READ));
    assert!(!host.allows("mallory-key", "ns#user#bob#read.#feed", WRITE));
}

#[test]
fn weakness_06_delimiters_in_a_uuid_widened_the_grant() {
    let host = host();
    let body = with(user("x#me.*,ns#chat#private.*,y"), &json!({"authKey": "k"}));
    assert_eq!(posted(&host, "bootstrap", &body).0, 401);
    assert!(!host.allows("k", "ns#chat#private.#plans", READ));
}

#[test]
fn weakness_07_an_empty_key_granted_to_everybody() {
    let host = host();
    for route in ["bootstrap", "group", "grant", "connect"] {
        assert_eq!(posted(&host, route, &with(full("alice"), &json!({"authKey": ""}))).0, 401, "{route}");
    }
    assert!(host.granted().is_empty());
}

#[test]
fn weakness_08_presence_feeds_could_be_claimed_as_chats() {
    let host = host();
    let channel = private_chat(&host);
    assert_eq!(posted(&host, "grant", &about("mallory", &format!("{channel}-pnpres"))).0, 401);
    assert!(!host.allows("mallory-key", &format!("{channel}-pnpres"), READ));
    // By name no grant writes to a presence feed.
    for route in ["bootstrap", "group", "grant", "connect"] {
        must(&host, route, &full("alice"));
    }
    for proposal in host.granted().iter().flatten().filter(|proposal| proposal.permissions.contains(WRITE)) {
        assert!(proposal.target.channels.iter().all(|channel| !channel.ends_with("-pnpres")), "{proposal:?}");
    }
}

#[test]
fn weakness_08_presence_feeds_of_public_chats_are_read_and_never_written() {
    for route in ["bootstrap", "grant", "connect"] {
        let host = host();
        must(&host, route, &full("alice"));
        assert!(host.allows("alice-key", "ns#chat#public.#lobby-pnpres", READ), "{route}");
        assert!(!host.allows("alice-key", "ns#chat#public.#lobby-pnpres", WRITE), "{route}");
    }
}

#[test]
fn weakness_09_a_namespace_could_be_anything() {
    let host = host();
    for name in ["ns#user#bob#me.#sync", "*", "other", "ns,other", "ns-pnpres"] {
        for dialect in ["global", "namespace"] {
            let body = json!({"uuid": "alice", "authKey": "k", dialect: name});
            assert!(matches!(posted(&host, "bootstrap", &body).0, 400 | 401), "{name}");
        }
    }
    assert!(host.granted().is_empty());
}

#[test]
fn weakness_10_the_length_check_was_dead() {
    let body = with(user("alice"), &json!({"uuid": "u".repeat(90)}));
    assert_eq!(posted(&host(), "group", &body).0, 401);
}

#[test]
fn weakness_11_anybody_overwrote_anybodys_state() {
    let host = host().with_identity("alice-key", "alice").with_identity("mallory-key", "mallory");
    must(&host, "user_state", &with(user("alice"), &json!({"channel": "ns", "data": {"mine": true}})));
    let forged = json!({"uuid": "alice", "channel": "ns", "data": {"mine": false}});
    assert_eq!(posted(&host, "user_state", &forged).0, 401);
    assert_eq!(posted(&host, "user_state", &with(user("mallory"), &forged)).0, 401);
    assert_eq!(host.value("state:alice#ns").as_deref(), Some(r#"{"mine":true}"#));
}

#[test]
fn weakness_12_anybody_rewrote_a_private_chats_record() {
    let host = host();
    let channel = private_chat(&host);
    assert_eq!(posted(&host, "chat", &about("mallory", channel)).0, 403);
    assert_eq!(send(&host, &get("chat", &with(user("mallory"), &json!({"channel": channel})))).status, 403);
}

#[test]
fn weakness_13_exceptions_leaked_or_left_no_answer() {
    for body in ["", "{", "null", "[]"] {
        let request = request("POST", "chat-engine/bootstrap").with_body(body);
        assert_eq!(told(&host(), &request), (400, "Body must be a JSON object".to_owned()));
    }
    let host = host();
    host.fail_access(AccessError::TooManyCalls);
    assert_eq!(posted(&host, "bootstrap", &user("alice")), (500, "Internal error".to_owned()));
}

#[test]
fn weakness_14_preflights_were_not_found() {
    assert_eq!(send(&host(), &request("OPTIONS", "chat-engine-server").with_query("route", "grant")).status, 204);
}

#[test]
fn weakness_15_some_grants_were_everybodys() {
    let host = host();
    for route in ["user_read", "user_write"] {
        assert_eq!(posted(&host, route, &user("alice")), (200, "200".to_owned()));
    }
    assert!(host.granted().is_empty());
    for route in ["bootstrap", "group", "grant", "connect"] {
        must(&host, route, &full("alice"));
    }
    for proposal in host.granted().iter().flatten() {
        assert_eq!(proposal.target.auth_keys.len(), 1);
        assert!(proposal.ttl > 0 && proposal.ttl <= 1440);
        assert!(!proposal.target.channels.is_empty() || !proposal.target.groups.is_empty());
    }
}

#[test]
fn weakness_16_leaving_was_for_others_and_kept_the_grant() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "join", &about("alice", channel));
    must(&host, "leave", &about("bob", channel));
    assert_eq!(host.group("ns#alice#custom"), [channel]);
    must(&host, "leave", &about("alice", channel));
    assert!(host.group("ns#alice#custom").is_empty());
    assert!(!host.allows("alice-key", channel, READ));
    assert!(!host.allows("alice-key", &format!("{channel}-pnpres"), READ));
}

#[test]
fn weakness_17_keys_ended_in_logs() {
    let host = host();
    host.fail_access(AccessError::Refused("no".to_owned()));
    posted(&host, "bootstrap", &user("alice"));
    assert!(host.logged().iter().all(|(_, line)| !line.contains("alice-key")));
}

#[test]
fn weakness_18_nothing_was_limited_and_names_could_be_guessed() {
    let limited = host().with_failing_identity(IdentityError::RateLimited(3));
    let response = send(&limited, &post("grant", &full("alice")));
    assert_eq!((response.status, response.header("retry-after")), (429, Some("3")));
    let host = host();
    let owned = private_chat(&host);
    assert_eq!(asked(&host, owned), asked(&host, "ns#chat#private.#never-was"));
}

/// What a stranger is told about a chat, however it asks.
fn asked(host: &Host, channel: &str) -> Vec<(u16, String)> {
    let posts = ["join", "invite", "chat"].map(|route| posted(host, route, &about("mallory", channel)));
    let connect = posted(host, "connect", &with(user("mallory"), &json!({"chats": [chat(channel)]})));
    posts.into_iter().chain([connect]).collect()
}
