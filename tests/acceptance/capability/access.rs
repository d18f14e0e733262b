//! `access`: grants within the deployment's ceiling, all or none, in force when the call returns.

use std::time::Duration;

use serde_json::{Value, json};
use usher_tests::{Bed, failed_with};

const CEILING: &str = r#"
[ceiling]
longest_ttl = "1h"
[[ceiling.allow]]
channels = ["room.*", "lobby"]
groups = ["team-*"]
auth = "any"
permissions = ["read", "write"]
[[ceiling.allow]]
channels = ["all"]
auth = "any"
permissions = ["read", "write", "manage", "delete", "get", "update", "join"]
longest_ttl = "for ever"
[[ceiling.allow]]
uuids = ["u-*"]
auth = "any"
permissions = ["get", "update"]
"#;

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_every("", CEILING).await;
    bed
}

#[tokio::test]
async fn a_grant_within_the_ceiling_is_in_force_when_the_call_returns() {
    let bed = bed().await;
    assert_eq!(bed.step(&["access.grant", "k1", "60", "room.1", "lobby"]).await, Value::Null);
    for (key, permission, channel, allowed) in [
        ("k1", "read", "room.1", true),
        ("k1", "write", "lobby", true),
        ("k1", "manage", "lobby", false),
        ("k1", "read", "room.2", false),
        ("k2", "read", "lobby", false),
        ("", "read", "lobby", false),
    ] {
        assert_eq!(bed.allows(key, permission, channel).await, allowed, "{key} {permission} {channel}");
    }
}

#[tokio::test]
async fn a_grant_beyond_the_ceiling_grants_nothing_at_all() {
    let bed = bed().await;
    for step in [
        ["access.grant", "k1", "60", "elsewhere"].as_slice(),
        &["access.grant", "k1", "60", "lobby", "elsewhere"],
        &["access.grant", "k1", "60", "lobby.*"],
        &["access.grant", "k1", "60", "*"],
        &["access.grant", "k1", "61", "lobby"],
        &["access.grant", "k1", "0", "lobby"],
        &["access.grant", "", "60", "lobby"],
        &["access.grant-more", "k1", "60", "lobby"],
        &["access.grant-group", "k1", "60", "lobby"],
        &["access.grant-uuid", "k1", "60", "somebody"],
        &["access.grant-keyset", "60"],
        &["access.revoke", "elsewhere", "k1"],
        &["access.audit", "elsewhere", "k1"],
    ] {
        let outcome = bed.step(step).await;
        assert!(failed_with(&outcome, "BeyondCeiling"), "{step:?}: {outcome}");
    }
    assert_eq!(bed.grants().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_malformed_grant_is_an_error_of_its_own() {
    let bed = bed().await;
    let long = "x".repeat(2_049);
    for step in [
        ["access.grant", "a,b", "60", "lobby"],
        ["access.grant", "a b", "60", "lobby"],
        ["access.grant", "a\nb", "60", "lobby"],
        ["access.grant", &long, "60", "lobby"],
        ["access.grant", "k1", "60", "lobby,elsewhere"],
        ["access.grant", "k1", "60", "lob\0by"],
        ["access.grant", "k1", "60", ""],
        ["access.grant", "k1", "525601", "all"],
        ["access.grant-nothing", "k1", "60", "lobby"],
    ] {
        let outcome = bed.step(&step).await;
        assert!(failed_with(&outcome, "Invalid"), "{step:?}: {outcome}");
    }
    assert_eq!(bed.grants().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_revocation_takes_back_exactly_its_target() {
    let bed = bed().await;
    bed.steps(&[&["access.grant", "k1", "60", "lobby", "room.1"], &["access.grant", "k2", "60", "lobby"]]).await;
    for step in [["access.revoke", "lobby", "k1"], ["access.revoke", "lobby", "k1"], ["access.revoke", "room.9", "k9"]]
    {
        assert_eq!(bed.step(&step).await, Value::Null, "{step:?}");
    }
    for (key, channel, allowed) in [("k1", "lobby", false), ("k1", "room.1", true), ("k2", "lobby", true)] {
        assert_eq!(bed.allows(key, "read", channel).await, allowed, "{key} {channel}");
    }
}

#[tokio::test]
async fn a_later_grant_replaces_an_earlier_one_of_the_same_target() {
    let bed = bed().await;
    bed.step(&["access.grant-more", "k1", "0", "all"]).await;
    assert!(bed.allows("k1", "delete", "all").await);
    bed.step(&["access.grant", "k1", "5", "all"]).await;
    assert!(bed.allows("k1", "read", "all").await && !bed.allows("k1", "delete", "all").await);
    assert_eq!(bed.step(&["access.audit", "all", "k1"]).await, json!([["channel", "all", "k1", ["READ", "WRITE"], 5]]));
}

#[tokio::test]
async fn an_audit_shows_live_grants_with_the_minutes_left() {
    let bed = bed().await;
    bed.steps(&[
        &["access.grant", "k1", "60", "lobby"],
        &["access.grant", "k2", "1", "lobby"],
        &["access.grant-more", "k1", "0", "all"],
    ])
    .await;
    bed.advance(Duration::from_secs(90));
    let every = ["READ", "WRITE", "MANAGE", "DELETE", "GET", "UPDATE", "JOIN"];
    for (channel, key, expected) in [
        ("lobby", "k1", json!([["channel", "lobby", "k1", ["READ", "WRITE"], 59]])),
        ("lobby", "k2", json!([])),
        ("room.1", "k1", json!([])),
        ("all", "k1", json!([["channel", "all", "k1", every, 0]])),
    ] {
        assert_eq!(bed.step(&["access.audit", channel, key]).await, expected, "{channel} {key}");
    }
}

#[tokio::test]
async fn groups_and_uuids_are_granted_at_their_own_levels() {
    let bed = bed().await;
    bed.steps(&[&["access.grant-group", "k1", "60", "team-a"], &["access.grant-uuid", "k1", "60", "u-1"]]).await;
    let listed = bed.grants().await;
    let seen: Vec<Value> = listed
        .iter()
        .map(|grant| json!([grant["level"], grant["name"], grant["auth"], grant["permissions"]]))
        .collect();
    assert_eq!(
        seen,
        [json!(["channel-group", "team-a", "k1", ["read"]]), json!(["uuid", "u-1", "k1", ["get", "update"]])]
    );
}
