//! `identity`: authenticators in order, answers believed for a while, one call for many, and nobody let in for an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_tests::{Bed, Settings, Webhook, failed_with};

/// A deployment that asks `webhook`, with more of its `[[authentication]]`.
async fn asking(webhook: &Webhook, more: &str) -> Bed {
    let bed = Bed::start().await;
    let url = webhook.url("/who");
    bed.deploy_every("", &format!("[[authentication]]\nkind = \"http\"\nurl = \"{url}\"\n{more}")).await;
    bed
}

async fn authenticate(bed: &Bed, uuid: &str, key: &str) -> Value {
    bed.step(&["identity.authenticate", uuid, key]).await
}

#[tokio::test]
async fn none_believes_every_claim_that_has_a_uuid_and_a_bounded_key() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    let (fits, long, nobody) = ("k".repeat(2_048), "k".repeat(2_049), "x".repeat(261));
    for (uuid, key, expected) in [
        ("alice", "k1", Ok(json!(["alice", "null", "null"]))),
        ("alice", &fits, Ok(json!(["alice", "null", "null"]))),
        ("alice", &long, Err("Denied")),
        ("alice", "", Err("Denied")),
        ("alice", "a,b", Err("Denied")),
        (&nobody, "k1", Err("Denied")),
        ("", "k1", Err("Denied")),
    ] {
        let outcome = authenticate(&bed, uuid, key).await;
        match expected {
            Ok(proven) => assert_eq!(outcome, proven),
            Err(error) => assert!(failed_with(&outcome, error), "{outcome}"),
        }
    }
}

#[tokio::test]
async fn a_yes_is_believed_for_its_time_and_for_the_same_question_only() {
    for (cache, questions, calls) in [
        ("1m", vec![("alice", "k1"); 3], 1),
        ("0s", vec![("alice", "k1"); 3], 3),
        ("1m", vec![("alice", "k1"), ("alice", "k2"), ("bob", "k1"), ("alic", "ek1")], 4),
    ] {
        let webhook = Webhook::answering(200, "").await;
        let bed = asking(&webhook, &format!("cache = \"{cache}\"")).await;
        for (uuid, key) in &questions {
            assert_eq!(authenticate(&bed, uuid, key).await, json!([uuid, "null", "null"]));
        }
        assert_eq!(webhook.received().len(), calls, "{cache} {questions:?}");
    }
}

#[tokio::test]
async fn a_no_is_believed_for_a_time_of_its_own() {
    for (negative, calls) in [("1m", 1), ("0s", 3)] {
        let webhook = Webhook::answering(401, "").await;
        let bed = asking(&webhook, &format!("cache = \"5m\"\nnegative_cache = \"{negative}\"")).await;
        for _ in 0..3 {
            let outcome = authenticate(&bed, "alice", "k1").await;
            assert!(failed_with(&outcome, "Denied"), "{outcome}");
        }
        assert_eq!(webhook.received().len(), calls, "{negative}");
    }
}

#[tokio::test]
async fn a_failed_call_is_not_remembered() {
    let calls = AtomicUsize::new(0);
    let webhook = Webhook::start(move |_| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        Some(Webhook::reply(if first { 500 } else { 200 }, ""))
    })
    .await;
    let bed = asking(&webhook, "cache = \"5m\"").await;
    let outcome = authenticate(&bed, "alice", "k1").await;
    assert!(failed_with(&outcome, "Unavailable"), "{outcome}");
    assert_eq!(authenticate(&bed, "alice", "k1").await, json!(["alice", "null", "null"]));
}

#[tokio::test]
async fn many_who_ask_the_same_at_once_wait_for_one_call() {
    let webhook = Webhook::holding(200, "").await;
    let bed = Arc::new(asking(&webhook, "timeout = \"30s\"\n[limits]\ntime = \"30s\"").await);
    let asked: JoinSet<Value> = (0..20)
        .map(|_| {
            let bed = Arc::clone(&bed);
            async move { authenticate(&bed, "alice", "k1").await }
        })
        .collect();
    while !bed.metrics().await.contains("usher_invocations_running 20") {
        tokio::task::yield_now().await;
    }
    webhook.release();
    assert_eq!(asked.join_all().await, vec![json!(["alice", "null", "null"]); 20]);
    assert_eq!(webhook.received().len(), 1);
}

#[tokio::test]
async fn the_first_authenticator_that_knows_the_caller_answers_and_an_error_ends_the_search() {
    let authenticators = |first: &Webhook, second: &Webhook| {
        let one = |webhook: &Webhook| format!("[[authentication]]\nkind = \"http\"\nurl = \"{}\"\n", webhook.url("/"));
        one(first) + &one(second)
    };
    for (first, expected) in [(200, Ok("first")), (404, Ok("second")), (500, Err("Unavailable"))] {
        let (one, two) = (Webhook::answering(first, "\"first\"").await, Webhook::answering(200, "\"second\"").await);
        let bed = Bed::start().await;
        bed.deploy_every("", &authenticators(&one, &two)).await;
        let outcome = authenticate(&bed, "alice", "k1").await;
        match expected {
            Ok(id) => assert_eq!(outcome[0], id),
            Err(error) => assert!(failed_with(&outcome, error), "{outcome}"),
        }
        assert_eq!(two.received().is_empty(), expected != Ok("second"));
    }
}

#[tokio::test]
async fn a_user_who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    let config = "[limits]\nper_user = 1\nper_address = 0\n".to_owned();
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    bed.deploy_chat_engine().await;
    let bootstrap = |uuid: &str| {
        let body = json!({ "uuid": uuid, "namespace": "demo", "authKey": "k1" });
        bed.post("chat-engine-server?route=bootstrap", body.to_string())
    };
    let mut answer = bootstrap("alice").await;
    for _ in 0..100 {
        if answer.status != 200 {
            break;
        }
        answer = bootstrap("alice").await;
    }
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (429, Some("*")), "{}", answer.body);
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(bootstrap("bob").await.status, 200);
}

#[tokio::test]
async fn a_manifest_without_authenticators_cannot_use_identity() {
    let bed = Bed::start().await;
    let manifest = usher_tests::every_capability("every", "", "").replace("[[authentication]]\nkind = \"none\"\n", "");
    let error = bed.deploy(&manifest, usher_tests::guest("every-capability")).await.unwrap_err().to_string();
    assert!(error.contains("needs at least one `[[authentication]]`"), "{error}");
}
