//! Who is let in by the validator, and what happens when it says anything but yes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use usher_sdk::fake::{Host, request};
use usher_sdk::{AccessError, HttpError, OutboundResponse, Permissions, Request, Response, VaultError};
use validate_by_webhook::handle;

const READ_WRITE: Permissions = Permissions::READ.union(Permissions::WRITE);

#[test]
fn an_allowed_caller_gets_the_rooms_and_its_own_channel() {
    let host = answering(200, r#"{"allowed":true,"name":"Alice"}"#);
    let response = asked(&host, &alice());
    assert_eq!((response.status, text(&response)), (200, r#"{"channels":["room.*","user.alice"],"ttl":60}"#));
    for channel in ["room.tea", "room.tea.table", "user.alice"] {
        assert!(host.allows("k", channel, READ_WRITE), "{channel}");
        assert!(!host.allows("other", channel, Permissions::READ), "{channel}");
    }
    assert!(!host.allows("k", "user.bob", Permissions::READ));
}

#[test]
fn the_validator_is_sent_the_caller_and_the_secret() {
    let host = answering(200, r#"{"allowed":true}"#);
    asked(&host, &alice());
    let sent = host.sent();
    let [request] = sent.as_slice() else { panic!("one call: {sent:?}") };
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "http://validator.test/validate"));
    assert_eq!(request.body, br#"{"uuid":"alice","authKey":"k"}"#);
    assert!(request.headers.contains(&("authorization".to_owned(), "Bearer s3cret".to_owned())));
}

#[test]
fn any_other_answer_grants_nothing() {
    let cases = [
        (200, r#"{"allowed":false}"#),
        (200, r#"{"allowed":"true"}"#),
        (200, r#"{"allowed":1}"#),
        (200, "{}"),
        (200, ""),
        (200, "true"),
        (200, r#"[{"allowed":true}]"#),
        (200, r#"{"allowed":true"#),
        (302, r#"{"allowed":true}"#),
        (401, r#"{"allowed":true}"#),
        (500, r#"{"allowed":true}"#),
    ];
    for (status, body) in cases {
        let host = answering(status, body);
        let response = asked(&host, &alice());
        assert_eq!((response.status, text(&response)), (403, "refused"), "{status} {body}");
        assert!(host.granted().is_empty(), "{status} {body}");
    }
}

#[test]
fn a_validator_that_does_not_answer_lets_nobody_in() {
    let failures = [
        HttpError::TimedOut,
        HttpError::Unreachable("refused".to_owned()),
        HttpError::NotAllowed("elsewhere".to_owned()),
        HttpError::TooLarge,
        HttpError::TooManyCalls,
    ];
    for failure in failures {
        let host = configured().with_outbound(Err(failure.clone()));
        assert_eq!(asked(&host, &alice()).status, 503, "{failure:?}");
        assert!(host.granted().is_empty(), "{failure:?}");
        assert!(host.logged().iter().all(|(_, line)| !line.contains("s3cret")), "{failure:?}");
    }
}

#[test]
fn a_caller_that_cannot_be_read_is_not_asked_about() {
    let long = "a".repeat(129);
    let too_long = format!(r#"{{"uuid":"{long}","authKey":"k"}}"#);
    let deep = "[".repeat(50_000);
    let bodies = [
        "",
        "null",
        "{",
        "{}",
        r#"{"uuid":"alice"}"#,
        r#"{"uuid":7,"authKey":"k"}"#,
        r#"{"uuid":"","authKey":"k"}"#,
        r#"{"uuid":"alice","authKey":""}"#,
        r#"{"uuid":"a.*","authKey":"k"}"#,
        r#"{"uuid":"alice,room","authKey":"k"}"#,
        r#"{"uuid":"alice","authKey":"k,l"}"#,
        too_long.as_str(),
        deep.as_str(),
    ];
    for body in bodies {
        let host = answering(200, r#"{"allowed":true}"#);
        assert_eq!(asked(&host, &alice().with_body(body)).status, 400, "{body:.40}");
        assert!(host.sent().is_empty() && host.granted().is_empty(), "{body:.40}");
    }
    assert_eq!(asked(&configured(), &request("GET", "authorize")).status, 405);
}

#[test]
fn what_the_host_refuses_is_an_error_and_no_answer() {
    let without_secret = Host::new().with_config("validator", "http://validator.test/validate");
    let error = handle(&alice(), &without_secret).unwrap_err();
    assert_eq!(error, VaultError::NotListed.into());
    let host = answering(200, r#"{"allowed":true}"#);
    host.fail_access(AccessError::BeyondCeiling("room.*".to_owned()));
    assert!(handle(&alice(), &host).is_err());
}

fn configured() -> Host {
    Host::new()
        .with_config("validator", "http://validator.test/validate")
        .with_config_list("rooms", &["room.*"])
        .with_secret("webhook-token", b"s3cret")
}

fn answering(status: u16, body: &str) -> Host {
    configured().with_outbound(Ok(OutboundResponse { status, headers: Vec::new(), body: body.into() }))
}

fn alice() -> Request {
    request("POST", "authorize").with_body(r#"{"uuid":"alice","authKey":"k"}"#)
}

fn asked(host: &Host, request: &Request) -> Response {
    handle(request, host).expect("an answer")
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}
