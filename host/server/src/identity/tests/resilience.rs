//! What happens while a webhook is down: it is left alone, asked by few, and believed only about those it knew lately.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use usher_runtime::capability::http::OutboundError;
use usher_runtime::capability::identity::{Authenticate, Claim, Context, IdentityError};

use super::{Bed, status};

fn webhook(more: &str) -> String {
    format!(
        "[[authentication]]\nkind = \"http\"\nurl = \"http://localhost/who\"\ncache = \"0s\"\nnegative_cache = \"0s\"\n{more}\n"
    )
}

fn user(name: &str) -> Value {
    json!({ "username": name, "password": "secret" })
}

const GRACE: &str = "when_unavailable = \"grace\"\ngrace = \"5m\"";
const DOWN: Result<String, IdentityError> = Err(IdentityError::Unavailable);

#[tokio::test]
async fn a_webhook_that_fails_in_a_row_is_left_alone_and_then_tried_by_one() {
    let bed = Bed::new(&webhook("breaker = {failures = 3, pause = \"10s\"}"));
    bed.validator.says(Err(OutboundError::TimedOut));
    for _ in 0..6 {
        assert_eq!(bed.id(user("chris")).await, DOWN);
    }
    assert_eq!(bed.validator.calls(), 3, "the breaker is open");
    bed.advance(Duration::from_secs(10));
    assert_eq!(bed.id(user("chris")).await, DOWN);
    assert_eq!(bed.id(user("chris")).await, DOWN);
    assert_eq!(bed.validator.calls(), 4, "one tries, fails, and the pause begins again");
    bed.validator.says(status(200, "\"chris\""));
    assert_eq!(bed.id(user("chris")).await, DOWN);
    bed.advance(Duration::from_secs(10));
    for _ in 0..3 {
        assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
    }
    assert_eq!(bed.validator.calls(), 7);
}

#[tokio::test]
async fn a_no_is_an_answer_and_opens_no_breaker() {
    let bed = Bed::new(&webhook("breaker = {failures = 1, pause = \"10s\"}"));
    bed.validator.says(status(403, ""));
    for calls in 1..5 {
        assert_eq!(bed.id(user("chris")).await, Err(IdentityError::Denied));
        assert_eq!(bed.validator.calls(), calls);
    }
}

#[tokio::test]
async fn answers_that_a_caller_can_bring_about_do_not_have_it_left_alone() {
    for odd in [status(500, ""), status(200, "{}"), status(200, ""), status(302, ""), Err(OutboundError::TooLarge)] {
        let bed = Bed::new(&webhook("breaker = {failures = 2, pause = \"10s\"}"));
        bed.validator.says(odd);
        for _ in 0..5 {
            assert_eq!(bed.id(user("attacker")).await, DOWN);
        }
        bed.validator.says(status(200, "\"chris\""));
        assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
    }
}

#[tokio::test]
async fn without_a_rule_nobody_is_believed_while_the_webhook_is_down() {
    let bed = Bed::new(&webhook(""));
    bed.validator.says(status(200, "\"chris\""));
    assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
    bed.validator.says(status(503, ""));
    assert_eq!(bed.id(user("chris")).await, DOWN);
}

#[tokio::test]
async fn grace_is_for_those_who_were_proven_lately_with_the_same_credential() {
    let bed = Bed::new(&webhook(GRACE));
    bed.validator.says(status(200, "{\"id\": \"chris\", \"clientData\": 1, \"serverData\": 2}"));
    let proven = bed.login(user("chris")).await.unwrap();
    for down in [status(503, ""), Err(OutboundError::Unreachable("x".into())), Err(OutboundError::TimedOut)] {
        bed.validator.says(down);
        assert_eq!(bed.login(user("chris")).await, Ok(proven.clone()));
    }
    for stranger in [
        user("max"),
        json!({ "username": "chris", "password": "other" }),
        json!({ "username": "chris" }),
        json!({ "username": "chris", "password": "secret", "as": "admin" }),
    ] {
        assert_eq!(bed.id(stranger.clone()).await, DOWN, "{stranger}");
    }
    bed.advance(Duration::from_secs(299));
    assert_eq!(bed.login(user("chris")).await, Ok(proven));
    bed.advance(Duration::from_secs(1));
    assert_eq!(bed.id(user("chris")).await, DOWN, "the grace is over, and being believed does not lengthen it");
}

#[tokio::test]
async fn what_a_caller_can_bring_about_is_no_reason_to_believe_it_nor_to_leave_the_webhook_alone() {
    let (full, short) = (Duration::from_secs(5), Duration::from_millis(400));
    for (answer, time) in [
        (status(200, "<html>"), full),
        (status(500, ""), full),
        (status(408, ""), full),
        (status(429, ""), full),
        (Err(OutboundError::TooLarge), full),
        (Err(OutboundError::InvalidRequest("x".into())), full),
        (Err(OutboundError::TimedOut), short),
        (status(504, ""), short),
        // No time to ask at all.
        (status(200, "\"chris\""), Duration::from_millis(15)),
    ] {
        let bed = Bed::new(&webhook(&format!("{GRACE}\nbreaker = {{failures = 2, pause = \"1m\"}}")));
        bed.validator.says(status(200, "\"chris\""));
        assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
        bed.validator.says(answer.clone());
        for _ in 0..4 {
            let login = bed.login_within(time, user("chris"), json!({})).await;
            assert_eq!(login, Err(IdentityError::Unavailable), "{answer:?}");
        }
        bed.validator.says(status(200, "\"max\""));
        assert_eq!(bed.id(user("max")).await, Ok("max".into()), "{answer:?}");
    }
}

#[tokio::test]
async fn a_full_queue_is_no_reason_to_believe_anybody() {
    let bed = Arc::new(Bed::new(&webhook(&format!("{GRACE}\nqueue = {{calls = 1, waiting = 0}}"))));
    bed.validator.says(status(200, "\"chris\""));
    assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
    let held = bed.validator.hold().await;
    let of_max = Arc::clone(&bed);
    let max = tokio::spawn(async move { of_max.id(user("max")).await });
    bed.validator.until_called(2).await;
    assert_eq!(bed.id(user("chris")).await, DOWN);
    drop(held);
    assert!(max.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_silence_that_waiting_in_the_queue_cut_short_is_no_failure() {
    let limits = "timeout = \"200ms\"\nbreaker = {failures = 1, pause = \"1m\"}\nqueue = {calls = 1, waiting = 1}";
    let bed = Arc::new(Bed::new(&webhook(limits)));
    bed.validator.says(status(200, "\"chris\""));
    let held = bed.validator.hold().await;
    let of_chris = Arc::clone(&bed);
    let chris = tokio::spawn(async move { of_chris.id(user("chris")).await });
    bed.validator.until_called(1).await;
    bed.validator.says(Err(OutboundError::TimedOut));
    let (max, ()) = tokio::join!(bed.login_within(Duration::from_millis(300), user("max"), json!({})), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(held);
    });
    assert_eq!(max, Err(IdentityError::Unavailable));
    assert!(chris.await.unwrap().is_ok());
    bed.validator.says(status(200, "\"chris\""));
    assert_eq!(bed.id(user("chris")).await, Ok("chris".into()), "it is not left alone");
}

#[tokio::test]
async fn an_attempt_without_a_call_neither_forgets_failures_nor_ends_a_pause() {
    let bed = Bed::new(&webhook("breaker = {failures = 2, pause = \"10s\"}"));
    bed.validator.says(status(503, ""));
    let without_time = || bed.login_within(Duration::from_millis(15), user("chris"), json!({}));
    assert_eq!(bed.id(user("chris")).await, DOWN);
    assert!(without_time().await.is_err());
    assert_eq!(bed.id(user("chris")).await, DOWN);
    assert_eq!((bed.id(user("chris")).await, bed.validator.calls()), (DOWN, 2), "two failures in a row");
    bed.advance(Duration::from_secs(10));
    assert!(without_time().await.is_err());
    for _ in 0..3 {
        assert_eq!((bed.id(user("chris")).await, bed.validator.calls()), (DOWN, 3), "one tries");
    }
}

#[tokio::test]
async fn a_strangers_no_ends_no_grace_of_those_whom_only_their_headers_tell_apart() {
    for name in ["cookie", "authorization", "sec-websocket-protocol"] {
        let bed = Bed::new(&webhook(GRACE));
        let with = |value: &str| json!({ "headers": { name: value } });
        bed.validator.does(|request| match String::from_utf8_lossy(&request.body).contains("stranger") {
            true => status(403, ""),
            false => status(200, "\"somebody\""),
        });
        let users: Vec<String> = (0..20).map(|number| format!("session {number}")).collect();
        for user in &users {
            bed.login_from(json!({}), with(user)).await.unwrap();
        }
        assert_eq!(bed.login_from(json!({}), with("stranger")).await, Err(IdentityError::Denied));
        bed.validator.says(status(503, ""));
        for user in &users {
            assert!(bed.login_from(json!({}), with(user)).await.is_ok(), "{name}: {user}");
        }
        assert_eq!(bed.login_from(json!({}), with("stranger")).await, Err(IdentityError::Unavailable), "{name}");
    }
}

#[tokio::test]
async fn grace_ends_with_a_no_also_to_another_question_about_the_same_credential() {
    for no in [status(403, ""), status(200, r#"{"isValid": false}"#)] {
        let bed = Bed::new(&webhook(GRACE));
        bed.validator.says(status(200, "\"chris\""));
        let from = |page: &str| json!({ "headers": { "origin": page } });
        bed.login_from(user("chris"), from("a")).await.unwrap();
        bed.login_from(user("chris"), from("b")).await.unwrap();
        bed.validator.says(no);
        assert_eq!(bed.login_from(user("chris"), from("b")).await, Err(IdentityError::Denied));
        bed.validator.says(status(503, ""));
        for page in ["a", "b"] {
            assert_eq!(bed.login_from(user("chris"), from(page)).await, Err(IdentityError::Unavailable), "{page}");
        }
    }
}

#[tokio::test]
async fn grace_also_holds_while_the_webhook_is_left_alone() {
    let bed = Bed::new(&webhook(&format!("{GRACE}\nbreaker = {{failures = 1, pause = \"1m\"}}")));
    bed.validator.says(status(200, "\"chris\""));
    assert_eq!(bed.id(user("chris")).await, Ok("chris".into()));
    bed.validator.says(status(503, ""));
    assert_eq!(bed.id(user("max")).await, DOWN);
    assert_eq!((bed.id(user("chris")).await, bed.validator.calls()), (Ok("chris".into()), 2));
}

#[tokio::test]
async fn a_claim_is_given_grace_for_the_same_question_only() {
    let bed = Bed::new(&webhook(GRACE));
    let context = Context {
        request_id: "test".into(),
        headers: Vec::new(),
        client_ip: None,
        deadline: std::time::Instant::now() + Duration::from_secs(5),
    };
    let claim = |uuid: &str, auth_key: &str, namespace: &str| Claim {
        uuid: uuid.into(),
        auth_key: auth_key.into(),
        namespace: namespace.into(),
        route: "connect".into(),
    };
    bed.validator.says(status(200, ""));
    bed.authenticators.authenticate(&claim("alice", "k1", "demo"), &context).await.unwrap();
    bed.validator.says(status(503, ""));
    for (asked, expected) in [
        (claim("alice", "k1", "demo"), true),
        (claim("alice", "k2", "demo"), false),
        (claim("bob", "k1", "demo"), false),
        (claim("alice", "k1", "other"), false),
    ] {
        assert_eq!(bed.authenticators.authenticate(&asked, &context).await.is_ok(), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn beyond_the_queue_nobody_waits() {
    let bed = Arc::new(Bed::new(&webhook("queue = {calls = 1, waiting = 2}")));
    bed.validator.says(status(200, "\"chris\""));
    let logins: Vec<_> = (0..10)
        .map(|number| {
            let bed = Arc::clone(&bed);
            async move { bed.id(user(&format!("user {number}"))).await }
        })
        .collect();
    // On one thread every login gets as far as the queue before the first call is answered.
    let all = logins.into_iter().map(tokio::spawn).collect::<Vec<_>>();
    let mut let_in = 0;
    for login in all {
        match login.await.unwrap() {
            Ok(_) => let_in += 1,
            Err(error) => assert_eq!(error, IdentityError::Unavailable),
        }
    }
    assert_eq!((let_in, bed.validator.calls()), (3, 3));
}

#[tokio::test]
async fn a_login_is_answered_by_its_deadline() {
    let bed = Bed::new(&webhook(
        "timeout = \"30s\"\nretry_attempts = 5\nretry_interval = \"40ms\"\nretry_status_codes = [504]",
    ));
    bed.validator.says(status(504, ""));
    let began = std::time::Instant::now();
    let login = super::Login {
        auth_data: user("chris"),
        connection_data: json!({}),
        deadline: began + Duration::from_millis(100),
    };
    assert_eq!(bed.authenticators.login(&login).await, Err(IdentityError::Unavailable));
    assert!(began.elapsed() < Duration::from_millis(1_000), "{:?}", began.elapsed());
    assert!(bed.validator.seen().iter().all(|call| call.timeout <= Duration::from_millis(100)));
}
