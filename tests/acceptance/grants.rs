//! Grants over time: in force at once, over at their minute, there again after a restart, and forgotten when they are over.

use std::time::Duration;

use serde_json::{Value, json};
use usher_tests::Bed;

const CEILING: &str = r#"
[[ceiling.allow]]
channels = ["room.*", "lobby", "a.b.*", "*"]
groups = ["team"]
auth = "any"
permissions = ["read", "write"]
longest_ttl = "for ever"
[[ceiling.allow]]
channels = ["open"]
auth = "everyone"
permissions = ["read", "write"]
[[ceiling.allow]]
keyset = true
permissions = ["read"]
"#;

const MINUTE: Duration = Duration::from_mins(1);

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_every("", CEILING).await;
    bed
}

#[tokio::test]
async fn grants_and_revocations_survive_a_restart() {
    let bed = bed().await;
    bed.steps(&[
        &["access.grant", "k1", "60", "lobby", "room.*"],
        &["access.grant", "k1", "0", "room.9"],
        &["access.grant", "k2", "60", "lobby"],
        &["access.grant", "", "60", "open"],
        &["access.grant-group", "k1", "60", "team"],
        &["access.revoke", "lobby", "k2"],
    ])
    .await;
    let before = bed.grants().await;
    let bed = bed.restart().await;
    assert_eq!(bed.grants().await, before);
    assert_eq!(before.len(), 5);
    for (key, channel, allowed) in [
        ("k1", "lobby", true),
        ("k1", "room.1", true),
        ("k2", "lobby", false),
        ("", "open", true),
        ("k9", "open", true),
    ] {
        assert_eq!(bed.allows(key, "read", channel).await, allowed, "{key} {channel}");
    }
}

#[tokio::test]
async fn a_grant_is_over_at_its_minute_whether_it_was_swept_or_not() {
    for restarts in [false, true] {
        let bed = bed().await;
        bed.steps(&[
            &["access.grant", "k1", "1", "lobby"],
            &["access.grant", "k1", "2", "room.1"],
            &["access.grant", "k1", "0", "room.2"],
        ])
        .await;
        bed.advance(MINUTE - Duration::from_secs(1));
        assert!(bed.allows("k1", "read", "lobby").await);
        bed.advance(Duration::from_secs(1));
        let bed = if restarts { bed.restart().await } else { bed };
        for (channel, allowed) in [("lobby", false), ("room.1", true), ("room.2", true)] {
            assert_eq!(bed.allows("k1", "read", channel).await, allowed, "{channel}");
        }
        assert_eq!(bed.grants().await.len(), 2);
        bed.advance(Duration::from_hours(24 * 365 * 10));
        assert!(bed.allows("k1", "read", "room.2").await, "0 minutes are for ever");
        assert!(!bed.allows("k1", "read", "room.1").await);
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_by_and_by() {
    let bed = bed().await;
    bed.steps(&[
        &["access.grant", "k1", "1", "lobby"],
        &["access.grant", "k1", "9", "room.1"],
        &["kv.set", "k", "v", "1"],
    ])
    .await;
    bed.advance(2 * MINUTE);
    // Read only: moving the clock back shows what is still there.
    assert!(!bed.allows("k1", "read", "lobby").await);
    bed.rewind(2 * MINUTE);
    assert!(bed.allows("k1", "read", "lobby").await);
    assert_eq!(bed.step(&["kv.get", "k"]).await, "v");

    bed.advance(2 * MINUTE);
    bed.tidy().await;
    bed.rewind(2 * MINUTE);

    assert!(!bed.allows("k1", "read", "lobby").await);
    assert!(bed.allows("k1", "read", "room.1").await);
    assert_eq!(bed.step(&["kv.get", "k"]).await, Value::Null);
    let bed = bed.restart().await;
    assert!(!bed.allows("k1", "read", "lobby").await);
    assert_eq!(bed.grants().await.len(), 1);
}

#[tokio::test]
async fn a_wildcard_is_one_level_deep() {
    let bed = bed().await;
    bed.steps(&[
        &["access.grant", "k1", "60", "room.*"],
        &["access.grant", "k2", "60", "a.b.*"],
        &["access.grant", "k3", "60", "*"],
    ])
    .await;
    for (key, channel, allowed) in [
        ("k1", "room.1", true),
        ("k1", "room.1.2", true),
        ("k1", "room.", true),
        ("k1", "room", false),
        ("k1", "rooms.1", false),
        ("k1", "room.*", true),
        ("k2", "a.b.c", false),
        ("k2", "a.b.*", true),
        ("k3", "anything", false),
        ("k3", "*", true),
    ] {
        assert_eq!(bed.allows(key, "read", channel).await, allowed, "{key} {channel}");
    }
}

#[tokio::test]
async fn a_list_shows_every_level_and_can_be_narrowed() {
    let bed = bed().await;
    bed.steps(&[
        &["access.grant", "k1", "60", "lobby"],
        &["access.grant", "k2", "0", "lobby"],
        &["access.grant", "", "60", "open"],
        &["access.grant-group", "k1", "60", "team"],
        &["access.grant-keyset", "60"],
    ])
    .await;
    let path = "/v1/keysets/sub-c-test/grants";
    let expires = 1_800_000_000_u64 + 3_600;
    let lobby = |auth: &str, ttl: u32, expires: Value| json!({ "level": "channel", "name": "lobby", "auth": auth, "permissions": ["read", "write"], "ttl": ttl, "expires": expires });
    for (query, expected) in [
        (vec![("name", "lobby"), ("auth", "k1")], vec![lobby("k1", 60, json!(expires))]),
        (vec![("auth", "k2")], vec![lobby("k2", 0, Value::Null)]),
        (vec![("name", "nowhere")], vec![]),
    ] {
        assert_eq!(bed.admin().get(path, &query).await.unwrap()["grants"], json!(expected), "{query:?}");
    }
    let levels: Vec<Value> = bed.grants().await.iter().map(|grant| grant["level"].clone()).collect();
    assert_eq!(levels.len(), 5);
    for level in ["subkey", "channel", "channel-group"] {
        assert!(levels.contains(&json!(level)), "{level}: {levels:?}");
    }
}

#[tokio::test]
async fn the_default_functions_grants_are_in_force_when_it_answers() {
    let bed = Bed::start().await;
    bed.deploy_chat_engine().await;
    let call = |route: &str, uuid: &str, key: &str| {
        let chat = json!({ "channel": "demo#chat#public.#tea", "group": "custom", "private": false, "meta": {} });
        let body = json!({ "uuid": uuid, "namespace": "demo", "authKey": key, "chat": chat });
        let (path, body) = (format!("chat-engine/{route}"), body.to_string());
        let bed = &bed;
        async move { assert_eq!(bed.post(&path, body).await.status, 200, "{path}") }
    };
    call("connect", "alice", "k1").await;
    for (key, permission, channel, allowed) in [
        ("k1", "write", "demo#chat#public.#global", true),
        ("k1", "write", "demo#user#alice#write.#direct", true),
        ("k1", "write", "demo#user#bob#write.#direct", false),
        ("k2", "read", "demo#chat#public.#global", false),
    ] {
        assert_eq!(bed.allows(key, permission, channel).await, allowed, "{key} {permission} {channel}");
    }
    bed.advance(Duration::from_hours(24));
    assert!(!bed.allows("k1", "read", "demo#chat#public.#global").await);
    call("bootstrap", "alice", "k1").await;
    assert!(bed.allows("k1", "read", "demo#chat#public.#global").await, "connecting again renews");
}
