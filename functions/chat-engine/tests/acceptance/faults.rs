//! A host that fails: every failure is a refusal with a fixed text, and the operator reads the cause.

use usher_sdk::fake::Host;
use usher_sdk::{AccessError, GroupsError, KvError, Level};

use crate::bed::{about, answer, full, full_get, host, posted, told};

const CAUSE: &str = "disk 7 of host 10.0.0.9";

#[test]
fn a_failing_grant_is_a_refusal() {
    let cause = || CAUSE.to_owned();
    let cases = [
        (AccessError::BeyondCeiling(cause()), 403, "Invalid Grant", Level::Warn),
        (AccessError::Invalid(cause()), 403, "Invalid Grant", Level::Warn),
        (AccessError::Refused(cause()), 403, "Invalid Grant", Level::Warn),
        (AccessError::Unavailable(cause()), 503, "Grant unavailable", Level::Error),
        (AccessError::TooManyCalls, 500, "Internal error", Level::Error),
    ];
    for (error, status, text, level) in cases {
        for route in ["bootstrap", "group", "grant", "connect"] {
            let host = host();
            host.fail_access(error.clone());
            assert_eq!(posted(&host, route, &full("alice")), answer(status, text), "{route} {error:?}");
            assert_logged(&host, level, &error.to_string());
        }
    }
}

#[test]
fn failing_groups_are_a_refusal() {
    let leave = r#"{"status":503,"message":"Service Unavailable","service":"channel-registry","error":true}"#;
    for error in
        [GroupsError::Unavailable(CAUSE.to_owned()), GroupsError::Refused(CAUSE.to_owned()), GroupsError::TooManyCalls]
    {
        for (route, text) in [("join", "join request"), ("leave", leave)] {
            let host = host();
            host.fail_groups(error.clone());
            assert_eq!(posted(&host, route, &full("alice")), answer(503, text), "{route}");
            assert_logged(&host, Level::Error, &error.to_string());
        }
    }
}

#[test]
fn failing_storage_is_a_refusal_and_opens_no_private_chat() {
    for (error, status, text) in [
        (KvError::Unavailable(CAUSE.to_owned()), 503, "Storage unavailable"),
        (KvError::Invalid(CAUSE.to_owned()), 500, "Internal error"),
        (KvError::TooManyCalls, 500, "Internal error"),
    ] {
        let host = host();
        host.fail_kv(error.clone());
        for route in ["grant", "join", "invite", "chat", "leave"] {
            let told = posted(&host, route, &about("alice", "ns#chat#private.#plans"));
            assert_eq!(told, answer(status, text), "{route}");
        }
        for route in ["chat", "user_state"] {
            assert_eq!(told(&host, &full_get(route, "alice")), answer(status, text), "{route}");
        }
        assert!(host.granted().is_empty());
        assert_logged(&host, Level::Error, &error.to_string());
    }
}

#[test]
fn no_auth_key_reaches_the_log() {
    let host = host();
    host.fail_access(AccessError::Unavailable(CAUSE.to_owned()));
    host.fail_groups(GroupsError::Unavailable(CAUSE.to_owned()));
    host.fail_kv(KvError::Unavailable(CAUSE.to_owned()));
    for route in crate::bed::POSTS {
        posted(&host, route, &full("alice"));
    }
    assert!(!host.logged().is_empty());
    assert!(host.logged().iter().all(|(_, line)| !line.contains("alice-key")));
}

fn assert_logged(host: &Host, level: Level, cause: &str) {
    assert!(host.logged().iter().any(|(at, line)| *at == level && line.contains(cause)), "{:?}", host.logged());
}
