//! A keyset whose grants and groups are kept by a remote origin: signed calls, and no grant unless the origin confirms it.

use serde_json::{Value, json};
use usher_access::PublishKey;
use usher_access::signature::{SignatureForm, SignedRequest, SigningRequest, sign_v2, verify};
use usher_server::FunctionFiles;
use usher_tests::{Bed, Call, Received, Webhook, every_capability, failed_with, guest};

const GRANTED: &str = r#"{"status": 200, "message": "Success", "service": "Access Manager", "payload": {}}"#;
const GROUPED: &str = r#"{"status": 200, "message": "OK", "service": "channel-registry", "error": false}"#;
const CEILING: &str = r#"
[[ceiling.allow]]
channels = ["room.*", "lobby"]
auth = "any"
permissions = ["read", "write"]
[[ceiling.allow]]
channels = ["room.*", "lobby"]
groups = ["ns#a", "g"]
auth = "everyone"
permissions = ["read"]
"#;

/// A server whose keyset `sub-c-far` is kept at `origin`, with the guest `every-capability` deployed in it.
async fn bed_at(origin: &str) -> Bed {
    let bed = Bed::start().await;
    let keys = json!({ "subscribe_key": "sub-c-far", "publish_key": "pub-c-far", "secret_key": "sec-c-far", "origin": origin });
    bed.admin().post("/v1/keysets", &keys).await.expect("a remote keyset");
    let manifest = every_capability("every", "", &format!("[limits]\ntime = \"1s\"\n{CEILING}"));
    let files = FunctionFiles { manifest, policy: None, component: guest("every-capability") };
    bed.admin().deploy("sub-c-far", &files).await.expect("a deployment");
    bed
}

async fn step(bed: &Bed, step: &[&str]) -> Value {
    let url = format!("http://{}/v1/blocks/sub-key/sub-c-far/every", bed.addresses().data_plane);
    let answer = bed.send(bed.http().post(url).body(json!([step]).to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()[0].clone()
}

/// The query's parameters, decoded, without the ones that change.
fn parameters(call: &Received) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://origin{}", call.target)).unwrap();
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    pairs.filter(|(name, _)| !["signature", "pnsdk", "timestamp", "uuid"].contains(&name.as_str())).collect()
}

fn assert_signed(call: &Received) {
    let (path, query) = call.target.split_once('?').unwrap();
    let keys = ("sub-c-far".parse().unwrap(), "pub-c-far".parse().unwrap());
    let request = SignedRequest {
        subscribe_key: &keys.0,
        publish_key: &keys.1,
        method: &call.method,
        path,
        query,
        body: call.body.as_bytes(),
    };
    assert_eq!(verify(&request, [b"sec-c-far".as_slice()]), Ok(SignatureForm::V2), "{}", call.target);
    assert!(query.contains("timestamp=1800000000"), "{query}");
    assert!(!call.target.contains("sec-c-far"));
}

#[tokio::test]
async fn a_grant_is_one_signed_call() {
    let origin = Webhook::answering(200, GRANTED).await;
    let bed = bed_at(&origin.url("")).await;

    assert_eq!(step(&bed, &["access.grant", "k1", "60", "room.1"]).await, Value::Null);

    let calls = origin.received();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_signed(call);
    assert!(call.target.starts_with("/v2/auth/grant/sub-key/sub-c-far?"), "{}", call.target);
    let expected = [
        ("auth", "k1"),
        ("channel", "room.1"),
        ("d", "0"),
        ("g", "0"),
        ("j", "0"),
        ("m", "0"),
        ("r", "1"),
        ("ttl", "60"),
        ("u", "0"),
        ("w", "1"),
    ];
    assert_eq!(parameters(call), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_grant_beyond_the_ceiling_never_reaches_the_origin() {
    let origin = Webhook::answering(200, GRANTED).await;
    let bed = bed_at(&origin.url("")).await;
    for asked in [
        ["access.grant", "k1", "60", "elsewhere"],
        ["access.grant", "", "60", "lobby"],
        ["access.grant", "k1", "0", "lobby"],
    ] {
        let outcome = step(&bed, &asked).await;
        assert!(failed_with(&outcome, "BeyondCeiling"), "{asked:?}: {outcome}");
    }
    assert_eq!(origin.received(), []);
}

#[tokio::test]
async fn revocation_and_audit_are_signed_calls_too() {
    let audited = json!({
        "status": 200, "message": "Success", "service": "Access Manager",
        "payload": { "level": "user", "channel": "lobby", "auths": { "k1": { "r": 1, "w": 0, "m": 0, "ttl": 7 } } },
    });
    let origin = Webhook::start(move |call| {
        let body = if call.target.starts_with("/v2/auth/audit/") { audited.to_string() } else { GRANTED.to_owned() };
        Some(Webhook::reply(200, &body))
    })
    .await;
    let bed = bed_at(&origin.url("")).await;

    assert_eq!(step(&bed, &["access.revoke", "lobby", "k1"]).await, Value::Null);
    assert_eq!(step(&bed, &["access.audit", "lobby", "k1"]).await, json!([["channel", "lobby", "k1", ["READ"], 7]]));

    let calls = origin.received();
    calls.iter().for_each(assert_signed);
    let revoked = parameters(&calls[0]);
    assert!(
        revoked.iter().all(|(name, value)| ["auth", "channel"].contains(&name.as_str()) || value == "0"),
        "{revoked:?}"
    );
}

#[tokio::test]
async fn an_origin_that_does_not_confirm_grants_nothing() {
    let (origin, tell) = Webhook::told().await;
    let bed = bed_at(&origin.url("")).await;
    for (status, body, expected) in [
        (403, r#"{"status": 403, "message": "Forbidden", "error": true}"#, "Refused"),
        (400, "<html></html>", "Refused"),
        (500, GRANTED, "Unavailable"),
        (302, GRANTED, "Unavailable"),
        (204, "", "Unavailable"),
        (200, "", "Unavailable"),
        (200, "{}", "Unavailable"),
        (200, "garbage", "Unavailable"),
        (200, r#"{"status": 403, "message": "Success"}"#, "Unavailable"),
        (200, r#"{"status": 200, "message": "Success", "warning": true}"#, "Unavailable"),
        (200, r#"{"status": 200, "message": "Success", "error": true}"#, "Unavailable"),
        (200, r#"{"status": 200, "message": "Insufficient"}"#, "Unavailable"),
    ] {
        tell.send_replace(Webhook::reply(status, body));
        let outcome = step(&bed, &["access.grant", "k1", "60", "lobby"]).await;
        assert!(failed_with(&outcome, expected), "{status} {body}: {outcome}");
        let last = origin.received().pop().unwrap();
        assert!(
            last.target.contains("&r=0&"),
            "the failed grant is taken back, since it may have had an effect: {}",
            last.target
        );
    }
}

#[tokio::test]
async fn an_origin_that_is_down_or_slow_is_an_error_within_the_functions_time() {
    let silent = Webhook::silent().await;
    for origin in [format!("http://{}", Webhook::nobody().await), silent.url("")] {
        let bed = bed_at(&origin).await;
        for asked in [
            &["access.grant", "k1", "60", "lobby"][..],
            &["groups.add", "g", "lobby"],
            &["access.audit", "lobby", "k1"],
        ] {
            let outcome = step(&bed, asked).await;
            assert!(failed_with(&outcome, "Unavailable"), "{origin} {asked:?}: {outcome}");
        }
    }
}

#[tokio::test]
async fn of_several_grants_a_failure_takes_back_those_before_it() {
    let origin = Webhook::start(|call| {
        let refused = call.target.contains("channel=room.2") && call.target.contains("&r=1&");
        Some(if refused { Webhook::reply(403, "{}") } else { Webhook::reply(200, GRANTED) })
    })
    .await;
    let bed = bed_at(&origin.url("")).await;

    let outcome = step(&bed, &["access.grant", "k1", "60", "room.1", "room.2", "room.3"]).await;

    assert!(failed_with(&outcome, "Refused"), "{outcome}");
    let calls: Vec<(String, bool)> = origin
        .received()
        .iter()
        .map(|call| {
            let parameters = parameters(call);
            let channel = parameters.iter().find(|(name, _)| name == "channel").unwrap();
            (channel.1.clone(), parameters.contains(&("r".to_owned(), "1".to_owned())))
        })
        .collect();
    let expected = [("room.1", true), ("room.2", true), ("room.1", false), ("room.2", false)];
    assert_eq!(calls, expected.map(|(channel, granted)| (channel.to_owned(), granted)));
}

#[tokio::test]
async fn a_grant_that_is_confirmed_too_late_is_taken_back() {
    let origin = Webhook::holding(200, GRANTED).await;
    let bed = bed_at(&origin.url("")).await;

    let outcome = step(&bed, &["access.grant", "k1", "60", "lobby"]).await;
    assert!(failed_with(&outcome, "no answer in time"), "{outcome}");
    origin.release();

    origin.until_received(2).await;
    let calls = origin.received();
    assert!(calls[0].target.contains("&r=1&") && calls[1].target.contains("&r=0&"), "{calls:?}");
    calls.iter().for_each(assert_signed);
}

#[tokio::test]
async fn groups_are_changed_and_listed_at_the_origin() {
    let listed =
        json!({ "status": 200, "error": false, "payload": { "group": "ns#a", "channels": ["lobby", "room.1"] } });
    let origin = Webhook::start(move |call| {
        let changes = call.target.contains("add=") || call.target.contains("remove=");
        Some(Webhook::reply(200, &if changes { GROUPED.to_owned() } else { listed.to_string() }))
    })
    .await;
    let bed = bed_at(&origin.url("")).await;

    assert_eq!(step(&bed, &["groups.add", "ns#a", "lobby", "room.1"]).await, Value::Null);
    assert_eq!(step(&bed, &["groups.remove", "ns#a", "lobby"]).await, Value::Null);
    assert_eq!(step(&bed, &["groups.list", "ns#a"]).await, json!(["lobby", "room.1"]));

    let calls = origin.received();
    calls.iter().for_each(assert_signed);
    let sent = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let asked: Vec<_> = calls.iter().map(parameters).collect();
    assert_eq!(asked, [sent("add", "lobby,room.1"), sent("remove", "lobby"), Vec::new()]);
    for call in &calls {
        assert!(
            call.target.starts_with("/v1/channel-registration/sub-key/sub-c-far/channel-group/ns%23a?"),
            "{}",
            call.target
        );
    }
}

#[tokio::test]
async fn an_origin_that_redirects_elsewhere_is_not_followed() {
    let elsewhere = Webhook::answering(200, GRANTED).await;
    let location = elsewhere.url("/v2/auth/grant/sub-key/sub-c-far");
    let origin = Webhook::start(move |_| Some(Webhook::redirect(302, &location))).await;
    let bed = bed_at(&origin.url("")).await;
    let outcome = step(&bed, &["access.grant", "k1", "60", "lobby"]).await;
    assert!(failed_with(&outcome, "Unavailable"), "{outcome}");
    assert_eq!(elsewhere.received(), []);
}

#[tokio::test]
async fn the_grants_of_a_remote_keyset_are_listed_at_its_origin() {
    let bed = bed_at("http://127.0.0.1:1").await;
    let error = bed.admin().get("/v1/keysets/sub-c-far/grants", &[]).await.unwrap_err().to_string();
    assert!(error.contains("kept by its remote origin"), "{error}");
}

/// A call that the root of `sub-c-far` signs.
fn signed(method: &'static str, path: &str, body: &str) -> Call {
    let publish_key: PublishKey = "pub-c-far".parse().unwrap();
    let query = "timestamp=1800000000";
    let request = SigningRequest { method, publish_key: &publish_key, path, query, body: body.as_bytes() };
    let signature = sign_v2(&request, b"sec-c-far");
    Call::new(method, format!("{path}?{query}&signature={signature}")).body(body)
}

#[tokio::test]
async fn the_access_manager_of_a_remote_keyset_is_not_here() {
    let origin = Webhook::answering(200, GRANTED).await;
    let bed = bed_at(&origin.url("")).await;
    let body = json!({ "ttl": 1, "permissions": { "resources": { "channels": { "a": 1 } } } }).to_string();
    for (call, message) in [
        (signed("POST", "/v3/pam/sub-c-far/grant", &body), "/error/details/0/message"),
        (signed("DELETE", "/v3/pam/sub-c-far/grant/token", ""), "/error/details/0/message"),
        (signed("GET", "/v2/auth/audit/sub-key/sub-c-far", ""), "/message"),
    ] {
        let target = call.target.clone();
        let answer = bed.call(call).await;
        let said = answer.json();
        let text = said.pointer(message).and_then(Value::as_str).unwrap_or_default();
        assert!(answer.status == 400 && text.contains("at another origin"), "{target}: {}", answer.body);
    }
    assert_eq!(origin.received(), []);
}
