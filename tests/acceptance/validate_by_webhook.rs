//! The seed's story, as the example tells it: a function reads a secret, asks a server with it, and grants or refuses.

use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Webhook, function};

const ALICE: &str = r#"{"uuid": "alice", "authKey": "alices-key"}"#;

/// The example as it ships, but for its validator's address.
async fn bed_with(validator: std::net::SocketAddr) -> Bed {
    let bed = Bed::start().await;
    bed.set_secret("webhook-token", "a-token-of-the-vault").await;
    let manifest = include_str!("../../functions/examples/validate-by-webhook/function.toml");
    let manifest = manifest.replace("127.0.0.1:9000", &validator.to_string());
    bed.deploy(&manifest, function("examples/validate-by-webhook")).await.unwrap_or_else(|error| panic!("{error}"));
    bed
}

#[tokio::test]
async fn whom_the_validator_allows_is_granted_rooms_and_an_own_channel() {
    let validator = Webhook::answering(200, r#"{"allowed": true}"#).await;
    let bed = bed_with(validator.address()).await;

    let answer = bed.post("authorize", ALICE).await;

    assert_eq!((answer.status, answer.json()), (200, json!({ "channels": ["room.*", "user.alice"], "ttl": 60 })));
    let asked = validator.received();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/validate"));
    assert_eq!(asked.header("authorization"), Some("Bearer a-token-of-the-vault"));
    let sent: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(sent, json!({ "uuid": "alice", "authKey": "alices-key" }));
    for (key, permission, channel, allowed) in [
        ("alices-key", "read", "room.1", true),
        ("alices-key", "write", "room.1", true),
        ("alices-key", "write", "user.alice", true),
        ("alices-key", "manage", "room.1", false),
        ("alices-key", "read", "user.bob", false),
        ("another-key", "read", "room.1", false),
        ("", "read", "room.1", false),
    ] {
        assert_eq!(bed.allows(key, permission, channel).await, allowed, "{key} {permission} {channel}");
    }
}

#[tokio::test]
async fn whom_the_validator_does_not_allow_is_refused_and_granted_nothing() {
    let (validator, tell) = Webhook::told().await;
    let bed = bed_with(validator.address()).await;
    for (raw, expected) in [
        (Webhook::reply(200, r#"{"allowed": false}"#), 403),
        (Webhook::reply(200, r#"{"allowed": "true"}"#), 403),
        (Webhook::reply(200, "{}"), 403),
        (Webhook::reply(200, "<html>welcome</html>"), 403),
        (Webhook::reply(200, ""), 403),
        (Webhook::reply(401, r#"{"allowed": true}"#), 403),
        (Webhook::reply(500, r#"{"allowed": true}"#), 403),
        (Webhook::redirect(302, "http://127.0.0.2:1/validate"), 503),
        ("HTTP/1.1 nonsense\r\n\r\n".to_owned(), 503),
    ] {
        tell.send_replace(raw.clone());
        let answer = bed.post("authorize", ALICE).await;
        assert_eq!(answer.status, expected, "{raw}: {}", answer.body);
        assert!(!answer.body.contains("a-token-of-the-vault"), "{raw}");
        assert!(bed.grants().await.is_empty(), "{raw}");
    }
}

#[tokio::test]
async fn a_validator_that_is_down_or_silent_lets_nobody_in() {
    let refused =
        |answer: Answer| assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{}", answer.body);
    let bed = bed_with(Webhook::nobody().await).await;
    refused(bed.post("authorize", ALICE).await);
    assert!(bed.grants().await.is_empty());

    let silent = Webhook::silent().await;
    let bed = bed_with(silent.address()).await;
    refused(bed.post("authorize", ALICE).await);
    assert!(bed.grants().await.is_empty());
}

#[tokio::test]
async fn a_caller_that_would_widen_a_grant_is_not_even_asked_about() {
    let validator = Webhook::answering(200, r#"{"allowed": true}"#).await;
    let bed = bed_with(validator.address()).await;
    for body in [
        r#"{"uuid": "*", "authKey": "k"}"#,
        r#"{"uuid": "a,b", "authKey": "k"}"#,
        r#"{"uuid": "a.b", "authKey": "k"}"#,
        r#"{"uuid": "alice", "authKey": ""}"#,
        r#"{"uuid": "alice"}"#,
        "[]",
        "",
    ] {
        assert_eq!(bed.post("authorize", body).await.status, 400, "{body}");
    }
    assert_eq!(bed.get("authorize").await.status, 405);
    assert_eq!(validator.received(), []);
    assert!(bed.grants().await.is_empty());
}

#[tokio::test]
async fn without_its_secret_the_example_is_not_deployed() {
    let bed = Bed::start().await;
    let manifest = include_str!("../../functions/examples/validate-by-webhook/function.toml");
    let error = bed.deploy(manifest, function("examples/validate-by-webhook")).await.unwrap_err().to_string();
    assert!(error.contains("usher secret set webhook-token"), "{error}");
}
