//! `identity`, authenticator `http`: what a webhook is asked, and what each of its answers means.

use serde_json::{Value, json};
use usher_tests::{Bed, Webhook, failed_with};

/// A deployment that asks `webhook`, with more of its `[[authentication]]`.
async fn asking(webhook: &str, more: &str) -> Bed {
    let bed = Bed::start().await;
    bed.set_secret("bearer", "a-bearer").await;
    bed.deploy_every("", &format!("[[authentication]]\nkind = \"http\"\nurl = \"{webhook}\"\n{more}")).await;
    bed
}

#[tokio::test]
async fn a_webhook_lets_in_by_what_it_answers_and_by_nothing_else() {
    let (webhook, tell) = Webhook::told().await;
    let bed = asking(&webhook.url("/who"), "cache = \"0s\"\nnegative_cache = \"0s\"").await;
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(70_000));
    for (status, body, expected) in [
        (200, "", Ok(json!(["alice", "null", "null"]))),
        (204, "", Ok(json!(["alice", "null", "null"]))),
        (200, r#"{"clientData": true}"#, Ok(json!(["alice", "true", "null"]))),
        (200, "\"bob\"", Ok(json!(["bob", "null", "null"]))),
        (200, r#"{"id": "bob", "clientData": {"a": 1}, "serverData": [2]}"#, Ok(json!(["bob", "{\"a\":1}", "[2]"]))),
        (200, r#"{"isValid": true, "id": null}"#, Ok(json!(["alice", "null", "null"]))),
        (200, r#"{"isValid": false, "id": "alice"}"#, Err("Denied")),
        (200, r#"{"isValid": "true"}"#, Err("Denied")),
        (400, "", Err("Denied")),
        (401, "{}", Err("Denied")),
        (403, "\"alice\"", Err("Denied")),
        (404, "", Err("Denied")),
        (408, "", Err("Unavailable")),
        (429, "", Err("Unavailable")),
        (500, "{}", Err("Unavailable")),
        (503, "", Err("Unavailable")),
        (300, "{}", Err("Unavailable")),
        (200, "<!doctype html><p>Please log in", Err("Unavailable")),
        (200, "alice", Err("Unavailable")),
        (200, "true", Err("Unavailable")),
        (200, "[]", Err("Unavailable")),
        (200, "{}", Err("Unavailable")),
        (200, r#"{"error": "no such user"}"#, Err("Unavailable")),
        (200, "null", Err("Unavailable")),
        (200, "7", Err("Unavailable")),
        (200, r#"{"id": 7}"#, Err("Unavailable")),
        (200, r#"{"id": "alice""#, Err("Unavailable")),
        (200, &long, Err("Unavailable")),
    ] {
        tell.send_replace(Webhook::reply(status, body));
        let outcome = bed.step(&["identity.authenticate", "alice", "k1"]).await;
        let shown: String = body.chars().take(80).collect();
        match expected {
            Ok(proven) => assert_eq!(outcome, proven, "{status} {shown}"),
            Err(error) => assert!(failed_with(&outcome, error), "{status} {shown}: {outcome}"),
        }
    }
}

#[tokio::test]
async fn a_webhook_that_is_down_silent_or_redirecting_lets_nobody_in() {
    let silent = Webhook::silent().await;
    let nobody = format!("http://{}/", Webhook::nobody().await);
    let welcome = Webhook::answering(200, "").await;
    let elsewhere = welcome.url("/");
    let outward = Webhook::start(move |_| Some(Webhook::redirect(307, &elsewhere))).await;
    let inward = Webhook::start(|call| {
        Some(if call.target == "/" { Webhook::redirect(302, "/login") } else { Webhook::reply(200, "") })
    })
    .await;
    for (url, more) in [
        (silent.url("/"), "timeout = \"100ms\""),
        (silent.url("/"), "timeout = \"30s\""),
        (nobody, ""),
        (outward.url("/"), ""),
        (inward.url("/"), ""),
    ] {
        let outcome = asking(&url, more).await.step(&["identity.authenticate", "alice", "k1"]).await;
        assert!(failed_with(&outcome, "Unavailable"), "{url} {more}: {outcome}");
    }
    assert_eq!((welcome.received().len(), inward.received().len()), (0, 1));
}

#[tokio::test]
async fn a_webhook_is_shown_the_claim_its_bearer_and_the_headers_it_asked_for() {
    let webhook = Webhook::answering(200, "").await;
    let bed = Bed::start().await;
    bed.set_secret("bearer", "a-bearer").await;
    let url = webhook.url("/who?tenant=1");
    bed.deploy_every(
        "",
        &format!(
            "[[authentication]]\nkind = \"http\"\nurl = \"{url}\"\nbearer_secret = \"bearer\"\nheaders = [\"X-Tenant\"]"
        ),
    )
    .await;

    for tenant in ["blue", "green", "blue"] {
        let request = bed.http().post(bed.url("every")).header("x-tenant", tenant).header("x-other", "unseen");
        bed.send(request.body(r#"[["identity.authenticate", "alice", "k1"]]"#)).await;
    }

    let asked = webhook.received();
    assert_eq!(asked.len(), 2, "an answer holds for what the webhook has seen");
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("POST", "/who?tenant=1"));
    assert_eq!(asked[0].header("authorization"), Some("Bearer a-bearer"));
    let shown: Value = serde_json::from_str(&asked[0].body).unwrap();
    let expected = json!({
        "connectionData": { "remoteAddress": "127.0.0.1", "headers": { "x-tenant": "blue" } },
        "authData": { "uuid": "alice", "authKey": "k1", "namespace": "", "route": "test" },
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn an_authenticator_that_fails_is_a_refusal_with_nothing_granted() {
    for (status, expected) in [(200, 200), (403, 401), (500, 503)] {
        let webhook = Webhook::answering(status, "").await;
        let bed = Bed::start().await;
        let shipped = include_str!("../../../functions/chat-engine/function.toml");
        let manifest = shipped.replace("kind = \"none\"", &format!("kind = \"http\"\nurl = \"{}\"", webhook.url("/")));
        let policy = Some(include_str!("../../../functions/chat-engine/policy.yaml"));
        bed.deploy_with_policy(&manifest, policy, usher_tests::function("chat-engine")).await.unwrap();
        let body = r#"{"uuid": "alice", "namespace": "demo", "authKey": "k1"}"#;
        let answer = bed.post("chat-engine-server?route=connect", body).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (expected, Some("*")),
            "{}",
            answer.body
        );
        assert_eq!(bed.grants().await.is_empty(), expected != 200);
    }
}
