//! `access`: for whom a function may grant is a matter of what this invocation has proven, never of what it says.

use usher_tests::{Bed, failed_with};

const CEILING: &str = r#"
[config]
rooms = ["blue", "green"]
[[ceiling.allow]]
channels = ["${room}.${uuid}"]
permissions = ["read", "write"]
[[ceiling.allow]]
channels = ["open"]
auth = "everyone"
permissions = ["read", "write"]
"#;

async fn check(steps: &[&[&str]], error: Option<&str>) {
    let bed = Bed::start().await;
    bed.deploy_every("", CEILING).await;
    let outcomes = bed.steps(steps).await;
    let last = outcomes.last().unwrap();
    match error {
        None => assert!(last.is_null(), "{steps:?}: {last}"),
        Some(error) => assert!(failed_with(last, error), "{steps:?}: {last}"),
    }
    assert_eq!(bed.grants().await.is_empty(), error.is_some(), "{steps:?}");
}

#[tokio::test]
async fn a_grant_goes_to_the_key_and_uuid_that_were_proven() {
    let alice: &[&str] = &["identity.authenticate", "alice", "k1"];
    for (steps, error) in [
        ([alice, &["access.grant", "k1", "60", "blue.alice"]], None),
        ([alice, &["access.grant", "k1", "60", "green.alice"]], None),
        ([alice, &["access.grant", "k1", "60", "red.alice"]], Some("BeyondCeiling")),
        ([alice, &["access.grant", "k1", "60", "blue.bob"]], Some("BeyondCeiling")),
        ([alice, &["access.grant", "k2", "60", "blue.alice"]], Some("BeyondCeiling")),
        ([alice, &["access.grant", "", "60", "blue.alice"]], Some("BeyondCeiling")),
        ([&["clock.now"], &["access.grant", "k1", "60", "blue.alice"]], Some("BeyondCeiling")),
        ([&["identity.authenticate", "", "k1"], &["access.grant", "k1", "60", "blue.alice"]], Some("BeyondCeiling")),
    ] {
        check(&steps, error).await;
    }
}

#[tokio::test]
async fn what_an_earlier_claim_proved_does_not_outlive_a_later_one() {
    let (alice, bob): (&[&str], &[&str]) =
        (&["identity.authenticate", "alice", "k1"], &["identity.authenticate", "bob", "k2"]);
    check(&[alice, bob, &["access.grant", "k2", "60", "blue.bob"]], None).await;
    check(&[alice, bob, &["access.grant", "k1", "60", "blue.alice"]], Some("BeyondCeiling")).await;
    check(
        &[alice, &["identity.authenticate", "bob", ""], &["access.grant", "k1", "60", "blue.alice"]],
        Some("BeyondCeiling"),
    )
    .await;
}

#[tokio::test]
async fn what_was_proven_in_one_tenant_says_nothing_about_another() {
    let bed = Bed::start().await;
    let allow = "[[ceiling.allow]]\nchannels = [\"${namespace}.${uuid}\"]\npermissions = [\"read\", \"write\"]";
    bed.deploy_every("", &format!("[config]\nnamespaces = [\"blue\", \"green\"]\n{allow}")).await;
    for (namespace, channel, granted) in [
        ("blue", "blue.alice", true),
        ("blue", "green.alice", false),
        ("red", "red.alice", false),
        ("red", "blue.alice", false),
        ("", "green.alice", true),
    ] {
        let claim: &[&str] = &["identity.authenticate", "alice", "k1", namespace];
        let outcomes = bed.steps(&[claim, &["access.grant", "k1", "60", channel]]).await;
        assert_eq!(failed_with(&outcomes[1], "BeyondCeiling"), !granted, "{namespace} {channel}: {outcomes:?}");
    }
}

#[tokio::test]
async fn an_id_with_a_delimiter_reaches_into_nobodys_names() {
    let bed = Bed::start().await;
    bed.deploy_every("", CEILING).await;
    for id in ["a#b", "*", "a*", "a/b", "a,b", "alice#me.*"] {
        let channel = format!("blue.{id}");
        let outcomes =
            bed.steps(&[&["identity.authenticate", id, "k1"], &["access.grant", "k1", "60", &channel]]).await;
        assert!(outcomes[1]["error"].is_string(), "{id}: {outcomes:?}");
        assert!(bed.grants().await.is_empty(), "{id}");
    }
}

#[tokio::test]
async fn a_grant_to_everyone_has_to_be_allowed_as_such() {
    check(&[&["access.grant", "", "60", "open"]], None).await;
    check(&[&["access.grant", "k1", "60", "open"]], Some("BeyondCeiling")).await;
    check(&[&["identity.authenticate", "alice", "k1"], &["access.grant", "k1", "60", "open"]], Some("BeyondCeiling"))
        .await;
}
