//! `http`: what a login's webhook is asked, and what each option makes of its answers.

use serde_json::{Value, json};
use usher_runtime::capability::http::{OutboundError, OutboundRequest};
use usher_runtime::capability::identity::{Authenticate, Claim, Identity, IdentityError};

use super::{Bed, mistakes, status};
use crate::manifest::Manifest;

fn webhook(more: &str) -> String {
    format!(
        "[[authentication]]\nkind = \"http\"\nurl = \"http://localhost/who\"\ncache = \"0s\"\nnegative_cache = \"0s\"\n{more}\n"
    )
}

fn chris() -> Value {
    json!({ "username": "chris", "password": "secret" })
}

fn header<'a>(request: &'a OutboundRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn an_answer_of_an_odd_form_never_lets_a_login_in() {
    let bed = Bed::new(&webhook("breaker = {failures = 1000}"));
    let named = |id: &str, client: &str, server: &str| {
        Ok(Identity { id: id.into(), client_data: client.into(), server_data: server.into() })
    };
    for (code, body, expected) in [
        (200, r#"{"id": "chris", "clientData": {"a": 1}, "serverData": [2]}"#, named("chris", "{\"a\":1}", "[2]")),
        (200, r#"{"id": "chris", "clientData": "text", "serverData": "text"}"#, named("chris", "\"text\"", "\"text\"")),
        (200, "\"chris\"", named("chris", "null", "null")),
        (200, r#"{"id": "chris", "token": "t"}"#, named("chris", "null", "null")),
        // Whoever is let in has a name, and it is not deepstream's for nobody.
        (200, "", Err(IdentityError::Unavailable)),
        (204, "", Err(IdentityError::Unavailable)),
        (200, "{}", Err(IdentityError::Unavailable)),
        (200, "true", Err(IdentityError::Unavailable)),
        (200, "null", Err(IdentityError::Unavailable)),
        (200, "5", Err(IdentityError::Unavailable)),
        (200, "[]", Err(IdentityError::Unavailable)),
        (200, "chris", Err(IdentityError::Unavailable)),
        (200, r#"{"id": "chris""#, Err(IdentityError::Unavailable)),
        (200, r#"{"username": "chris"}"#, Err(IdentityError::Unavailable)),
        (200, r#"{"id": ""}"#, Err(IdentityError::Unavailable)),
        (200, r#"{"id": 5}"#, Err(IdentityError::Unavailable)),
        (200, r#"{"id": {"a": 1}}"#, Err(IdentityError::Unavailable)),
        (200, r#"{"clientData": {}}"#, Err(IdentityError::Unavailable)),
        (200, r#"{"id": "OPEN"}"#, Err(IdentityError::Denied)),
        (200, r#""open""#, Err(IdentityError::Denied)),
        (200, r#"{"isValid": false, "id": "chris", "clientData": "no"}"#, Err(IdentityError::Denied)),
        (200, r#"{"isValid": "true", "id": "chris"}"#, Err(IdentityError::Denied)),
        (200, r#"{"isValid": null, "id": "chris"}"#, Err(IdentityError::Denied)),
        (401, r#"{"isValid": true, "id": "chris"}"#, Err(IdentityError::Denied)),
        (403, "\"chris\"", Err(IdentityError::Denied)),
        (302, r#"{"id": "chris"}"#, Err(IdentityError::Unavailable)),
        (503, r#"{"isValid": true, "id": "chris"}"#, Err(IdentityError::Unavailable)),
        (100, r#"{"id": "chris"}"#, Err(IdentityError::Unavailable)),
    ] {
        bed.validator.says(status(code, body));
        assert_eq!(bed.login(chris()).await, expected, "{code} {body}");
    }
    for error in [OutboundError::TimedOut, OutboundError::TooLarge, OutboundError::Unreachable("x".into())] {
        bed.validator.says(Err(error.clone()));
        assert_eq!(bed.login(chris()).await, Err(IdentityError::Unavailable), "{error}");
    }
    bed.validator.says(Ok(usher_runtime::capability::http::OutboundResponse {
        status: 200,
        headers: Vec::new(),
        body: vec![b'"', 0xff, b'"'],
    }));
    assert_eq!(bed.login(chris()).await, Err(IdentityError::Unavailable));
}

#[tokio::test]
async fn a_webhook_is_handed_both_objects_as_they_are_and_the_promoted_headers() {
    let bed = Bed::new(&webhook(
        "promote_to_header = [\"token\", \"Nr\", \"no\", \"zero\", \"deep\", \"bad\"]\nbearer_secret = \"bearer\"",
    ));
    bed.validator.says(status(200, "\"chris\""));
    let sent = json!({
        "token": "abc", "Nr": 5, "no": false, "zero": 0, "deep": {"a": [null, "ü"]}, "bad": "a\r\nx: y", "other": "unseen",
    });
    let around =
        json!({ "remoteAddress": "1.2.3.4, 5.6.7.8", "headers": { "cookie": "a=b", "origin": "x" }, "referer": "" });
    bed.login_from(sent.clone(), around.clone()).await.unwrap();
    let [request] = &bed.validator.seen()[..] else { panic!("one call") };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({ "connectionData": around, "authData": sent }));
    for (name, expected) in [
        ("token", Some("abc")),
        ("nr", Some("5")),
        ("no", None),
        ("zero", None),
        ("deep", None),
        ("bad", None),
        ("other", None),
        ("content-type", Some("application/json")),
        ("authorization", Some("Bearer a-bearer")),
    ] {
        assert_eq!(header(request, name), expected, "{name}");
    }
}

#[tokio::test]
async fn only_permitted_statuses_let_in() {
    for (listed, code, expected) in [
        ("", 200, Ok("chris")),
        ("", 299, Ok("chris")),
        ("permitted_status_codes = [201, 202]", 201, Ok("chris")),
        ("permitted_status_codes = [201, 202]", 200, Err(IdentityError::Unavailable)),
        ("permitted_status_codes = [200]\nretry_status_codes = [200]", 200, Err(IdentityError::Unavailable)),
    ] {
        let bed = Bed::new(&webhook(listed));
        bed.validator.says(status(code, "\"chris\""));
        assert_eq!(bed.id(chris()).await, expected.map(str::to_owned), "{listed} {code}");
    }
}

#[tokio::test]
async fn what_is_worth_another_attempt_is_asked_again_so_often_and_no_more() {
    let retrying = "retry_status_codes = [404, 504]\nretry_attempts = 2\nretry_interval = \"1ms\"";
    for (answer, expected, calls) in [
        (status(404, ""), Err(IdentityError::Unavailable), 3),
        (status(504, ""), Err(IdentityError::Unavailable), 3),
        (Err(OutboundError::TimedOut), Err(IdentityError::Unavailable), 3),
        (Err(OutboundError::Unreachable("x".into())), Err(IdentityError::Unavailable), 3),
        (Err(OutboundError::TooLarge), Err(IdentityError::Unavailable), 1),
        (status(500, ""), Err(IdentityError::Unavailable), 1),
        (status(403, ""), Err(IdentityError::Denied), 1),
        (status(200, "\"chris\""), Ok("chris".to_owned()), 1),
    ] {
        let bed = Bed::new(&webhook(retrying));
        bed.validator.says(answer.clone());
        assert_eq!(bed.id(chris()).await, expected, "{answer:?}");
        assert_eq!(bed.validator.calls(), calls, "{answer:?}");
    }
    let bed = Bed::new(&webhook(retrying));
    let left = std::sync::atomic::AtomicUsize::new(2);
    bed.validator.does(move |_| match left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) {
        0 => status(200, "\"chris\""),
        _ => status(504, ""),
    });
    assert_eq!(bed.id(chris()).await, Ok("chris".into()));
}

#[tokio::test]
async fn no_attempt_is_made_that_nobody_would_wait_for() {
    let bed = Bed::new(&webhook("retry_status_codes = [504]\nretry_attempts = 10\nretry_interval = \"10s\""));
    bed.validator.says(status(504, ""));
    let began = std::time::Instant::now();
    assert_eq!(bed.id(chris()).await, Err(IdentityError::Unavailable));
    assert_eq!(bed.validator.calls(), 1);
    assert!(began.elapsed() < std::time::Duration::from_secs(4));
}

#[tokio::test]
async fn a_refusal_ends_the_search_where_it_is_reported() {
    for (first, answer, expected) in [
        ("", status(403, ""), Ok("second".to_owned())),
        ("report_invalid_parameters = false", status(403, ""), Ok("second".to_owned())),
        ("report_invalid_parameters = true", status(403, ""), Err(IdentityError::Denied)),
        ("", status(200, r#"{"isValid": false}"#), Err(IdentityError::Denied)),
        ("", status(500, ""), Err(IdentityError::Unavailable)),
    ] {
        let second = webhook("").replace("/who", "/second");
        let bed = Bed::new(&(webhook(first) + &second));
        let of_first = answer.clone();
        bed.validator.does(move |request| match request.url.ends_with("/second") {
            true => status(200, "\"second\""),
            false => of_first.clone(),
        });
        assert_eq!(bed.id(chris()).await, expected, "{first} {answer:?}");
    }
}

#[tokio::test]
async fn a_login_is_remembered_for_all_that_its_answer_depends_on() {
    let bed = Bed::new(&webhook("").replace("cache = \"0s\"\nnegative_cache = \"0s\"", "cache = \"1m\""));
    bed.validator.says(status(200, "\"chris\""));
    let around = |name: &str, value: &str| json!({ "headers": { name: value } });
    for (sent, connection, calls) in [
        (chris(), around("cookie", "a=1"), 1),
        (chris(), around("cookie", "a=1"), 1),
        (chris(), around("cookie", "a=2"), 2),
        (json!({ "username": "chris", "password": "other" }), around("cookie", "a=1"), 3),
        (chris(), json!({ "headers": { "cookie": "a=1", "sec-websocket-key": "random" } }), 3),
        // A subprotocol may be a token.
        (chris(), json!({ "headers": { "cookie": "a=1", "sec-websocket-protocol": "one" } }), 4),
        (chris(), json!({ "headers": { "cookie": "a=1", "sec-websocket-protocol": "two" } }), 5),
    ] {
        bed.login_from(sent.clone(), connection.clone()).await.unwrap();
        assert_eq!(bed.validator.calls(), calls, "{sent} {connection}");
    }
}

#[tokio::test]
async fn a_claim_is_never_answered_with_deepstreams_word_for_nobody() {
    let context = usher_runtime::capability::identity::Context {
        request_id: "test".into(),
        headers: Vec::new(),
        client_ip: None,
        deadline: std::time::Instant::now() + std::time::Duration::from_secs(5),
    };
    let claim = |uuid: &str| Claim {
        uuid: uuid.into(),
        auth_key: "key".into(),
        namespace: String::new(),
        route: "connect".into(),
    };
    let trusting = Bed::new("[[authentication]]\nkind = \"none\"");
    let asking = Bed::new(&webhook(""));
    asking.validator.says(status(200, "\"open\""));
    for (bed, uuid) in [(&trusting, "open"), (&trusting, "OPEN"), (&asking, "chris")] {
        let answer = bed.authenticators.authenticate(&claim(uuid), &context).await;
        assert_eq!(answer, Err(IdentityError::Denied), "{uuid}");
    }
    assert!(trusting.authenticators.authenticate(&claim("chris"), &context).await.is_ok());
}

#[test]
fn a_webhook_on_the_open_road_is_warned_of() {
    for (url, expected) in
        [("http://127.0.0.1:7000/", 0), ("https://id.example.com/", 0), ("http://id.example.com/", 1)]
    {
        let manifest = format!("name = \"test\"\n[[authentication]]\nkind = \"http\"\nurl = \"{url}\"\n");
        let manifest = Manifest::parse("test", &manifest).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(manifest.warnings().filter(|told| told.contains("plain HTTP")).count(), expected, "{url}");
    }
}

#[test]
fn options_that_would_let_errors_in_are_mistakes() {
    for (more, expected) in [
        ("permitted_status_codes = [302]", "from 200 to 299"),
        ("permitted_status_codes = [404]", "from 200 to 299"),
        ("permitted_status_codes = [\"200\"]", "whole numbers"),
        ("retry_status_codes = [1000]", "from 100 to 599"),
        ("retry_attempts = 11", "from 0 to 10"),
        ("retry_interval = \"1h\"", "30s at the most"),
        ("promote_to_header = [\"host\"]", "not the caller's to set"),
        ("promote_to_header = [\"Content-Length\"]", "not the caller's to set"),
        ("promote_to_header = [\"authorization\"]\nbearer_secret = \"bearer\"", "not the caller's to set"),
        ("promote_to_header = [\"a b\"]", "no name of a header"),
        ("when_unavailable = \"allow\"", "neither \"deny\" nor \"grace\""),
        ("when_unavailable = \"grace\"", "`authentication.grace` is missing"),
        ("grace = \"5m\"", "needs `when_unavailable = \"grace\"`"),
        ("when_unavailable = \"grace\"\ngrace = \"2d\"", "24h at the most"),
        ("breaker = {failures = 0}", "from 1 to 1000"),
        ("breaker = {opens = 5}", "unknown key `authentication.breaker.opens`"),
        ("queue = {calls = 0}", "from 1 to 1000"),
        ("requestTimeout = 5", "unknown key"),
    ] {
        let told = mistakes(&webhook(more));
        assert!(told.contains(expected), "{more}: {told}");
    }
}
