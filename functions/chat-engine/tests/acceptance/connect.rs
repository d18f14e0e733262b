//! The handshake in one request.

use serde_json::{Value, json};
use usher_sdk::{GroupsError, Host as _};

use crate::bed::{READ, WRITE, answer, chat, host, must, post, posted, private_chat, send, user, with};

#[test]
fn one_request_gives_what_the_handshake_gives() {
    for (dialect, global_chat, group) in [("namespace", "ns#chat#public.#global", "custom"), ("global", "ns", "system")]
    {
        let host = host();
        must(&host, "connect", &json!({"uuid": "alice", "authKey": "k", dialect: "ns"}));
        let (feed, direct) = ("ns#user#alice#read.#feed", "ns#user#alice#write.#direct");
        for channel in ["ns", global_chat, "ns#chat#public.#x", "ns#user#alice#me.#sync", feed, direct] {
            assert!(host.allows("k", channel, READ | WRITE), "{dialect} {channel}");
        }
        assert!(host.allows("k", &format!("{global_chat}-pnpres"), READ));
        assert!(!host.allows("k", "ns#chat#private.#x", READ) && !host.allows("k", "ns#user#bob#me.#sync", READ));
        for name in ["rooms", "system", "custom"] {
            assert!(host.allows_group("k", &format!("ns#alice#{name}"), READ));
            assert!(host.allows_group("k", &format!("ns#alice#{name}-pnpres"), READ));
        }
        assert!(host.group(&format!("ns#alice#{group}")).contains(&global_chat.to_owned()), "{dialect}");
        let system = host.group("ns#alice#system");
        assert!(system.contains(&feed.to_owned()) && system.contains(&direct.to_owned()), "{dialect}");
    }
}

#[test]
fn it_costs_one_question_one_grant_a_look_into_each_group_and_a_call_for_each_that_is_joined() {
    for (dialect, joined) in [("namespace", 2), ("global", 1)] {
        let host = host();
        must(&host, "connect", &json!({"uuid": "alice", "authKey": "k", dialect: "ns"}));
        let mut calls = vec!["identity.authenticate"];
        calls.extend(["groups.list-channels"; 3]);
        calls.extend(["policy.check", "access.grant"]);
        calls.extend(vec!["groups.add-channels"; joined]);
        assert_eq!(host.calls(), calls, "{dialect}");
    }
}

#[test]
fn the_answer_says_what_was_granted_and_until_when() {
    let host = host().with_config("ttl", "60").with_client_data(r#"{"name":"Alice"}"#);
    let response = send(&host, &post("connect", &user("alice")));
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    let told: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!((&told["uuid"], &told["namespace"]), (&json!("alice"), &json!("ns")));
    assert_eq!(told["expires"], json!(1_700_000_000 + 3_600));
    assert_eq!(told["clientData"], json!({"name": "Alice"}));
    let granted = host.granted();
    assert_eq!(told["grants"].as_array().unwrap().len(), granted[0].len());
    assert_eq!(told["grants"][0]["permissions"], json!(["read", "write"]));
    assert_eq!(told["grants"][0]["channels"], json!(granted[0][0].target.channels));
    assert_eq!(told["grants"][1]["groups"], json!(granted[0][1].target.groups));
}

#[test]
fn a_uuid_with_a_dot_has_its_own_channels_by_name() {
    let host = host();
    must(&host, "connect", &with(user("alice@example.org"), &json!({"authKey": "k"})));
    for name in ["read.#feed", "write.#direct", "me.#sync"] {
        let channel = format!("ns#user#alice@example.org#{name}");
        assert!(host.allows("k", &channel, READ | WRITE), "{name}");
        assert!(host.allows("k", &format!("{channel}-pnpres"), READ), "{name}");
    }
}

#[test]
fn more_chats_are_opened_as_far_as_the_caller_may() {
    let host = host();
    let private = private_chat(&host);
    let chats =
        [chat("ns#chat#public.#tea"), chat(private), chat("ns#user#bob#read.#feed"), chat("ns#user#bob#write.#direct")];
    must(&host, "connect", &with(user("alice"), &json!({"chats": chats})));
    assert!(host.allows("alice-key", private, READ | WRITE));
    assert!(host.allows("alice-key", "ns#user#bob#read.#feed", READ));
    assert!(!host.allows("alice-key", "ns#user#bob#read.#feed", WRITE));
    assert!(host.allows("alice-key", "ns#user#bob#write.#direct", WRITE));
    let custom = host.group("ns#alice#custom");
    assert!(custom.contains(&private.to_owned()) && custom.contains(&"ns#chat#public.#tea".to_owned()));
    assert!(!custom.contains(&"ns#user#bob#write.#direct".to_owned()));
}

#[test]
fn it_renews_the_memberships_of_its_chats_and_claims_none() {
    const YEAR: u64 = 365 * 24 * 60;
    let host = host();
    let private = private_chat(&host);
    must(&host, "invite", &crate::bed::about("alice", private));
    for _ in 0..3 {
        host.advance(YEAR - 1);
        must(&host, "connect", &with(user("bob"), &json!({"chats": [chat(private)]})));
    }
    must(&host, "connect", &with(user("alice"), &json!({"chats": [chat(private)]})));
    assert_eq!(posted(&host, "connect", &with(user("carol"), &json!({"chats": [chat(private)]}))).0, 403);
    let unclaimed = with(user("alice"), &json!({"chats": [chat("ns#chat#private.#new")]}));
    assert_eq!(posted(&host, "connect", &unclaimed), answer(403, "Forbidden"));
    assert!(host.value("owner:ns#chat#private.#new").is_none());
}

#[test]
fn what_it_says_of_the_end_is_never_too_late() {
    let host = host().with_config("ttl", "60");
    host.slow_grants(2);
    let response = send(&host, &post("connect", &user("alice")));
    let told: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(told["expires"], json!(1_700_000_000 + 3_600), "counted from the request's beginning");
}

#[test]
fn five_private_chats_fit_into_the_calls_of_one_request() {
    const MOST_KV_CALLS: usize = 32;
    let host = host();
    let chats: Vec<Value> = (0..5).map(|number| chat(&format!("ns#chat#private.#{number}"))).collect();
    for one in &chats {
        let body = with(user("alice"), &json!({"chat": one, "to": "bob"}));
        must(&host, "grant", &body);
        must(&host, "invite", &body);
    }
    let before = host.calls().len();
    must(&host, "connect", &with(user("bob"), &json!({"chats": chats})));
    let kv = host.calls().iter().skip(before).filter(|call| call.starts_with("kv.")).count();
    assert!(kv <= MOST_KV_CALLS, "{kv}");
}

#[test]
fn at_worst_it_takes_everything_back_within_the_calls_of_one_request() {
    const MOST_ACCESS_CALLS: usize = 16;
    const GROUPS: [&str; 3] = ["rooms", "system", "custom"];
    let channels: Vec<_> = (0..5).map(|number| format!("ns#chat#private.#{number}")).collect();
    for room in ["200", "0"] {
        let host = host().with_config("group_channels", room);
        let mut chats = Vec::new();
        for (channel, group) in channels.iter().zip(GROUPS.into_iter().cycle()) {
            let one = with(chat(channel), &json!({"group": group}));
            must(&host, "grant", &with(user("alice"), &json!({"chat": one})));
            must(&host, "invite", &with(user("alice"), &json!({"chat": one, "to": "bob"})));
            chats.push(one);
        }
        for group in GROUPS {
            host.add_channels(&format!("ns#bob#{group}"), &["ns#chat#private.#past".to_owned()]).unwrap();
        }
        channels.iter().for_each(|channel| host.lapse(&format!("member:bob#{channel}")));
        let before = host.calls().len();
        assert_eq!(posted(&host, "connect", &with(user("bob"), &json!({"chats": chats}))), answer(403, "Forbidden"));
        let access = |call: &&&str| call.starts_with("access.") || call.starts_with("groups.");
        let calls = host.calls().iter().skip(before).filter(access).count();
        assert!(calls <= MOST_ACCESS_CALLS, "{calls}");
        for channel in &channels {
            assert!(!host.can_read("bob-key", channel) && !host.allows("bob-key", channel, WRITE), "{channel}");
        }
    }
}

#[test]
fn one_chat_too_many_or_too_private_refuses_all() {
    let six: Vec<Value> = (0..6).map(|number| chat(&format!("ns#chat#public.#{number}"))).collect();
    let cases = [
        (json!([chat("ns#chat#private.#plans")]), 403, "Forbidden"),
        (json!([chat("ns"), chat("ns#user#bob#me.#sync")]), 403, "Forbidden"),
        (json!([chat("ns#chat#private.*")]), 401, "Channel contains illegal characters"),
        (json!([null]), 401, "Must supply a chat."),
        (json!([7]), 401, "Must supply a chat isPrivate value."),
        (json!(six), 401, "Too many chats"),
        (json!("lobby"), 401, "Chats must be a list"),
    ];
    for (chats, status, text) in cases {
        let host = host();
        let body = with(user("mallory"), &json!({"chats": chats}));
        assert_eq!(posted(&host, "connect", &body), answer(status, text), "{chats}");
        assert!(host.granted().is_empty() && host.keys().is_empty(), "{chats}");
    }
}

#[test]
fn a_namespace_within_the_word_global_connects_to_the_bare_global_chat() {
    let own = ["g", "g-pnpres", "g#chat#public.*", "g#user#alice#me.*", "g#user#alice#read.*", "g#user#alice#write.*"];
    let groups = ["rooms", "system", "custom"].map(|name| format!("g#alice#{name}"));
    let feeds = groups.each_ref().map(|group| format!("{group}-pnpres"));
    let ceiling: Vec<&str> = own.into_iter().chain(groups.iter().chain(&feeds).map(String::as_str)).collect();
    for (more, status) in [(vec!["global", "global-pnpres"], 200), (vec!["global"], 403), (vec![], 403)] {
        let host =
            host().with_config_list("namespaces", &["g"]).with_ceiling(&[ceiling.clone(), more.clone()].concat());
        let connected = posted(&host, "connect", &json!({"uuid": "alice", "authKey": "k", "namespace": "g"}));
        assert_eq!(connected.0, status, "{more:?}: {}", connected.1);
        assert_eq!(host.allows("k", "global", READ | WRITE), status == 200, "{more:?}");
        assert_eq!(host.allows("k", "global-pnpres", READ), status == 200, "{more:?}");
        assert_eq!(host.group("g#alice#custom").contains(&"global".to_owned()), status == 200, "{more:?}");
    }
}

#[test]
fn groups_that_cannot_be_changed_refuse_the_connect() {
    let host = host();
    host.fail_groups(GroupsError::Unavailable("down".to_owned()));
    assert_eq!(posted(&host, "connect", &user("alice")), answer(503, "join request"));
}
