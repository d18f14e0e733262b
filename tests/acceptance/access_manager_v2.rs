//! Version 2 over HTTP: grants and audits of whoever signs, in both forms, with the flat errors of old.

use serde_json::{Value, json};
use usher_access::signature::{SigningRequestV1, sign_v1};
use usher_tests::{Bed, Call};

fn target(word: &str, query: &str) -> String {
    format!("/v2/auth/{word}/sub-key/sub-c-test?{query}")
}

fn refusal(status: u16, message: &str) -> Value {
    json!({ "message": message, "error": true, "service": "Access Manager", "status": status })
}

/// A call in the form of version 1; the oldest clients sign a bare word in place of the path.
fn signed_v1(target: &str, (path, query): (&str, &str)) -> Call {
    let (subscribe_key, publish_key) = ("sub-c-test".parse().unwrap(), "pub-c-test".parse().unwrap());
    let request = SigningRequestV1 { subscribe_key: &subscribe_key, publish_key: &publish_key, path, query };
    Call::get(format!("{target}?{query}&signature={}", sign_v1(&request, b"sec-c-test").replace('=', "%3D")))
}

#[tokio::test]
async fn a_grant_is_in_force_when_it_is_answered_and_shown_by_an_audit() {
    let bed = Bed::start().await;
    let flags = |read: u8| json!({ "r": read, "w": 0, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0 });
    let granted = bed.call_as_root(Call::get(target("grant", "channel=room-1&auth=k1&r=1&ttl=60"))).await;
    let payload = json!({ "level": "user", "subscribe_key": "sub-c-test", "ttl": 60, "channel": "room-1", "auths": { "k1": flags(1) } });
    let success = |payload: Value| json!({ "message": "Success", "payload": payload, "service": "Access Manager", "status": 200 });
    assert_eq!((granted.status, granted.json()), (200, success(payload)));
    assert_eq!(granted.header("content-type"), Some("text/javascript; charset=UTF-8"));
    assert!(bed.allows("k1", "read", "room-1").await);
    assert!(!bed.allows("k1", "write", "room-1").await);

    let audited = bed.call_as_root(Call::get(target("audit", "channel=room-1&auth=k1"))).await;
    assert_eq!(audited.status, 200, "{}", audited.body);
    assert_eq!(audited.json()["payload"]["auths"]["k1"]["r"], 1);
    assert_eq!(audited.json()["payload"]["auths"]["k1"]["ttl"], 60);

    let revoked = bed.call_as_root(Call::get(target("grant", "channel=room-1&auth=k1&r=0&ttl=60"))).await;
    let payload = json!({ "level": "user", "subscribe_key": "sub-c-test", "ttl": 1, "channel": "room-1", "auths": { "k1": flags(0) } });
    assert_eq!(revoked.json(), success(payload));
    assert!(!bed.allows("k1", "read", "room-1").await);
}

#[tokio::test]
async fn a_call_that_is_not_signed_now_or_makes_no_sense_changes_nothing() {
    let bed = Bed::start().await;
    let now = bed.seconds();
    let grant = || Call::get(target("grant", "channel=room-1&auth=k1&r=1&ttl=60"));
    let timed = Call::get(target("grant", &format!("channel=room-1&auth=k1&r=1&timestamp={now}")));
    let signed = |query: &str| Call::get(target("grant", query)).signed_with("sec-c-test", now);
    for (call, status, message) in [
        (grant(), 400, "Invalid Timestamp"),
        (grant().signed_with("sec-c-test", now - 61), 400, "Invalid Timestamp"),
        (timed, 403, "Signature does not match"),
        (grant().signed_with("sec-c-other", now), 403, "Signature does not match"),
        (signed("auth=k1&r=1"), 400, "Auth-only grants are reserved for future use"),
        (Call::get("/v2/auth/grant/sub-key/sub-c-none"), 400, "Invalid Subscribe Key"),
        (Call::get("/v2/auth/audit/sub-key/sub%2Dc%2Dtest"), 400, "Invalid Subscribe Key"),
    ] {
        let target = call.target.clone();
        let answer = bed.call(call).await;
        assert_eq!((answer.status, answer.json()), (status, refusal(status, message)), "{target}");
    }
    assert!(!bed.allows("k1", "read", "room-1").await);
}

#[tokio::test]
async fn the_oldest_clients_sign_without_method_and_some_without_path() {
    let bed = Bed::start().await;
    let query = |channel: &str| format!("auth=k1&channel={channel}&r=1&timestamp={}", bed.seconds());
    for (path, signed, channel) in [
        ("/v1/auth/grant/sub-key/sub-c-test", "grant", "bare"),
        ("/v1/auth/grant/sub-key/sub-c-test", "/v1/auth/grant/sub-key/sub-c-test", "whole"),
        ("/v2/auth/grant/sub-key/sub-c-test", "/v2/auth/grant/sub-key/sub-c-test", "newer"),
    ] {
        let answer = bed.call(signed_v1(path, (signed, &query(channel)))).await;
        assert_eq!(answer.status, 200, "{channel}: {}", answer.body);
        assert!(bed.allows("k1", "read", channel).await, "{channel}");
    }
    let path = "/v2/auth/grant/sub-key/sub-c-test";
    assert_eq!(bed.call(signed_v1(path, ("grant", &query("no")))).await.status, 403);
    let v3 = signed_v1("/v3/pam/sub-c-test/grant", ("/v3/pam/sub-c-test/grant", &query("no")));
    assert_eq!(bed.call(Call { method: "POST", ..v3 }).await.status, 403, "version 1 does not cover a body");
}
