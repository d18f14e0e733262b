//! Private chats: claimed by the first caller, opened by invitation, left again.

use serde_json::json;
use usher_sdk::Permissions;

use crate::bed::{READ, WRITE, about, answer, full, get, host, must, posted, private_chat, told, user, with};

const YEAR: u64 = 365 * 24 * 60;

#[test]
fn the_first_caller_owns_the_chat() {
    let host = host();
    let channel = private_chat(&host);
    assert!(host.allows("alice-key", channel, READ | WRITE));
    assert!(host.allows("alice-key", &format!("{channel}-pnpres"), READ));
    for route in ["grant", "join", "chat", "invite"] {
        assert_eq!(posted(&host, route, &about("mallory", channel)), answer(403, "Forbidden"), "{route}");
    }
    assert!(!host.can_read("mallory-key", channel));
}

#[test]
fn an_invited_user_gets_in_and_may_invite() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "invite", &with(about("alice", channel), &json!({"to": "bob"})));
    for route in ["grant", "join", "chat"] {
        must(&host, route, &about("bob", channel));
    }
    assert!(host.allows("bob-key", channel, READ | WRITE));
    must(&host, "invite", &with(about("bob", channel), &json!({"to": "carol"})));
    must(&host, "grant", &about("carol", channel));
}

#[test]
fn only_a_grant_claims() {
    let channel = "ns#chat#private.#unclaimed";
    for route in ["join", "invite", "chat"] {
        let host = host();
        assert_eq!(posted(&host, route, &about("alice", channel)), answer(403, "Forbidden"), "{route}");
        assert!(host.keys().is_empty(), "{route}");
    }
}

#[test]
fn of_two_claims_at_the_same_time_one_wins() {
    for (rival, status) in [("00ff bob", 403), ("00ff alice", 200)] {
        let host = host().with_config("claims", "1");
        host.race("owner:ns#chat#private.#plans", rival);
        assert_eq!(posted(&host, "grant", &about("alice", "ns#chat#private.#plans")).0, status, "{rival}");
        assert_eq!(host.granted().len(), usize::from(status == 200), "{rival}");
        must(&host, "grant", &about("alice", "ns#chat#private.#other"));
    }
}

#[test]
fn claims_are_bounded_per_user() {
    let host = host().with_config("claims", "3");
    let claim = |uuid: &str, name: &str| posted(&host, "grant", &about(uuid, &format!("ns#chat#private.#{name}"))).0;
    assert_eq!(["a", "b", "c", "d", "e"].map(|name| claim("alice", name)), [200, 200, 200, 403, 403]);
    assert_eq!(claim("alice", "a"), 200);
    assert_eq!(claim("bob", "d"), 200);
    assert_eq!(claim("bob", "a"), 403, "a refused claim counts for nothing");
    assert_eq!(["f", "g", "h"].map(|name| claim("bob", name)), [200, 200, 403]);
}

#[test]
fn membership_lives_a_year_and_is_renewed_by_use() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "invite", &with(about("alice", channel), &json!({"to": "bob"})));
    host.advance(YEAR - 1);
    must(&host, "grant", &about("bob", channel));
    host.advance(YEAR - 1);
    must(&host, "grant", &about("bob", channel));
    assert_eq!(posted(&host, "grant", &about("mallory", channel)).0, 403);
    assert_eq!(
        host.value(&format!("owner:{channel}")).as_deref().map(|owner| owner.ends_with(" alice")),
        Some(true),
        "the member renewed the ownership"
    );
    host.advance(YEAR);
    must(&host, "grant", &about("mallory", channel));
}

#[test]
fn a_lapsed_ownership_empties_the_chat() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "invite", &about("alice", channel));
    assert!(host.value(&format!("member:bob#{channel}")).is_some());
    usher_sdk::Host::kv_remove(&host, &format!("owner:{channel}")).unwrap();
    must(&host, "grant", &about("carol", channel));
    for former in ["alice", "bob"] {
        for route in ["grant", "join", "invite", "chat"] {
            assert_eq!(posted(&host, route, &about(former, channel)), answer(403, "Forbidden"), "{former} {route}");
        }
    }
}

#[test]
fn an_invitation_renews_the_ownership() {
    let host = host();
    let channel = private_chat(&host);
    host.advance(YEAR - 1);
    must(&host, "invite", &about("alice", channel));
    host.advance(2);
    must(&host, "grant", &about("bob", channel));
    assert_eq!(posted(&host, "grant", &about("mallory", channel)).0, 403);
}

#[test]
fn a_leave_that_fails_half_way_has_ended_the_membership() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "invite", &about("alice", channel));
    must(&host, "grant", &about("bob", channel));
    host.fail_groups(usher_sdk::GroupsError::Unavailable("down".to_owned()));
    assert_eq!(posted(&host, "leave", &about("bob", channel)).0, 503);
    assert!(!host.allows("bob-key", channel, READ));
    assert_eq!(posted(&host, "grant", &about("bob", channel)).0, 403);
    let order = host.calls();
    let at = |call: &str| order.iter().rposition(|made| *made == call);
    assert!(at("kv.remove") < at("access.revoke") && at("access.revoke") < at("groups.remove-channels"), "{order:?}");
}

#[test]
fn a_membership_that_ends_during_the_request_is_taken_back() {
    for route in ["grant", "join", "connect"] {
        let host = host();
        let channel = private_chat(&host);
        must(&host, "invite", &about("alice", channel));
        must(&host, "group", &user("bob"));
        must(&host, "grant", &about("bob", channel));
        host.lapse(&format!("member:bob#{channel}"));
        let body = with(about("bob", channel), &json!({"chats": [crate::bed::chat(channel)]}));
        assert_eq!(posted(&host, route, &body), answer(403, "Forbidden"), "{route}");
        assert!(!host.can_read("bob-key", channel), "{route}");
    }
}

#[test]
fn who_leaves_loses_the_rights_the_groups_and_the_membership() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "invite", &with(about("alice", channel), &json!({"to": "bob"})));
    for route in ["bootstrap", "group", "grant"] {
        must(&host, route, &about("bob", channel));
    }
    for group in ["rooms", "system", "custom"] {
        let mut body = about("bob", channel);
        body["chat"]["group"] = json!(group);
        must(&host, "join", &body);
    }
    assert!(host.can_read("bob-key", channel));
    assert_eq!(posted(&host, "leave", &about("bob", channel)), answer(200, ""));
    assert!(!host.can_read("bob-key", channel));
    assert!(!host.allows("bob-key", &format!("{channel}-pnpres"), READ));
    assert!(!host.allows("bob-key", channel, WRITE));
    assert_eq!(posted(&host, "grant", &about("bob", channel)).0, 403);
    assert_eq!(posted(&host, "leave", &about("bob", channel)).0, 200, "leaving twice is no error");
}

#[test]
fn an_owner_that_leaves_may_come_back() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "leave", &about("alice", channel));
    assert!(!host.can_read("alice-key", channel));
    assert_eq!(posted(&host, "grant", &about("mallory", channel)).0, 403);
    must(&host, "grant", &about("alice", channel));
}

#[test]
fn leaving_touches_the_callers_groups_and_grants_only() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "join", &about("alice", channel));
    must(&host, "leave", &about("mallory", channel));
    assert_eq!(host.group("ns#alice#custom"), [channel]);
    assert!(host.allows("alice-key", channel, READ | WRITE));
}

#[test]
fn joining_follows_the_right_to_read() {
    let cases = [
        ("ns#chat#public.#lobby", 200, true),
        ("ns", 200, true),
        ("ns#user#alice#me.#sync", 200, true),
        ("ns#user#alice#read.#feed", 200, true),
        ("ns#user#alice#write.#direct", 200, true),
        ("ns#user#bob#read.#feed", 200, true),
        ("ns#user#bob#write.#direct", 200, false),
        ("ns#user#bob#me.#sync", 403, false),
        ("ns#chat#private.#plans", 403, false),
        ("ns#bob#custom", 403, false),
        ("other#chat#public.#lobby", 403, false),
    ];
    for (channel, status, added) in cases {
        let host = host();
        assert_eq!(posted(&host, "join", &about("alice", channel)).0, status, "{channel}");
        assert_eq!(host.group("ns#alice#custom").contains(&channel.to_owned()), added, "{channel}");
    }
}

#[test]
fn inviting_needs_a_chat_that_the_caller_may_use() {
    let cases = [
        ("ns#chat#public.#lobby", 200),
        ("ns#user#bob#write.#direct", 200),
        ("ns#user#bob#me.#sync", 403),
        ("other#chat#private.#x", 403),
    ];
    for (channel, status) in cases {
        let host = host();
        assert_eq!(posted(&host, "invite", &about("alice", channel)).0, status, "{channel}");
        assert!(host.keys().is_empty(), "{channel}");
    }
}

#[test]
fn a_foreign_chat_and_one_that_never_was_look_the_same() {
    let host = host();
    let channel = private_chat(&host);
    let params = |channel: &str| with(user("mallory"), &json!({"channel": channel, "user": "alice"}));
    for route in ["chat", "user_state"] {
        let foreign = told(&host, &get(route, &params(channel)));
        assert_eq!(foreign, told(&host, &get(route, &params("ns#chat#private.#absent"))), "{route}");
        assert_eq!(foreign, answer(403, "Forbidden"));
    }
}

#[test]
fn a_grant_is_as_wide_as_the_name_says() {
    let cases = [
        ("ns#chat#public.#lobby", READ | WRITE, true),
        ("ns", READ | WRITE, true),
        ("ns#user#alice#me.#sync", READ | WRITE, true),
        ("ns#user#alice#read.#feed", READ | WRITE, true),
        ("ns#user#alice#write.#direct", READ | WRITE, true),
        ("ns#user#bob#read.#feed", READ, true),
        ("ns#user#bob#write.#direct", WRITE, false),
    ];
    for (channel, permissions, presence) in cases {
        let host = host();
        must(&host, "grant", &about("alice", channel));
        let (key, feed) = ("alice-key", format!("{channel}-pnpres"));
        let has = |channel: &str, permission: Permissions| host.allows(key, channel, permission);
        assert_eq!(
            (has(channel, READ), has(channel, WRITE)),
            (permissions.contains(READ), permissions.contains(WRITE))
        );
        assert_eq!((has(&feed, READ), has(&feed, WRITE)), (presence, false), "{channel}");
    }
    for channel in
        ["ns#user#bob#me.#sync", "ns#alice#custom", "other", "other#chat#public.#x", "ns#user:bob#read.#feed"]
    {
        let host = host();
        assert_eq!(posted(&host, "grant", &full_about(channel)), answer(403, "Forbidden"), "{channel}");
        assert!(host.granted().is_empty(), "{channel}");
    }
}

fn full_about(channel: &str) -> serde_json::Value {
    with(full("alice"), &json!({"chat": crate::bed::chat(channel)}))
}
