//! A held poll ends when what allowed it does: with the exact 403 while its head was not sent, else in the middle.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Call, Conduct, Origin};

/// No poll of these tests is held longer.
const PATIENCE: Duration = Duration::from_secs(10);

async fn bed() -> (Bed, Origin) {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    (bed, origin)
}

/// Tokens that differ: two of the same contents and second are one.
async fn token(bed: &Bed) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let meta = json!({ "number": COUNT.fetch_add(1, Ordering::Relaxed) });
    bed.token(&json!({ "resources": { "channels": { "a": 1 } }, "uuid": "alice", "meta": meta })).await
}

fn poll(auth: &str) -> Call {
    Call::get(format!("/v2/subscribe/sub-c-test/a/0?tt=1&auth={auth}&uuid=alice"))
}

/// Polls until `end` has ended it.
async fn held((bed, origin): (&Bed, &Origin), poll: Call, end: impl Future<Output = ()>) -> Answer {
    origin.conduct(Conduct::Hold);
    let arrived = origin.received().len() + 1;
    let ends = async {
        origin.until_received(arrived).await;
        end.await;
    };
    let both = async { tokio::join!(bed.call(poll), ends).0 };
    tokio::time::timeout(PATIENCE, both).await.expect("an answer to the poll")
}

/// Polls twice until `end` has ended the brief one, upon which the origin answers the other.
async fn outliving(
    (bed, origin): (&Bed, &Origin),
    (auth, brief): (&str, &str),
    end: impl Future<Output = ()>,
) -> Answer {
    origin.conduct(Conduct::Hold);
    let arrived = origin.received().len() + 2;
    let ends = async {
        origin.until_received(arrived).await;
        end.await;
    };
    let ended = async {
        assert_eq!(bed.call(poll(brief)).await.status, 403);
        origin.conduct(Conduct::Echo);
    };
    let all = async { tokio::join!(bed.call(poll(auth)), ended, ends).0 };
    tokio::time::timeout(PATIENCE, all).await.expect("an answer to both polls")
}

#[tokio::test]
async fn a_poll_ends_with_what_allowed_it() {
    let (bed, origin) = bed().await;
    let admin = |path: &'static str, body: Value| {
        let bed = &bed;
        async move { drop(bed.admin().post(&format!("/v1/keysets/sub-c-test/{path}"), &body).await.unwrap()) }
    };
    let at = (&bed, &origin);

    let one = token(&bed).await;
    let revoke = admin("tokens/revoke", json!({ "token": one }));
    let answer = held(at, poll(&one), revoke).await;
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Token is revoked")));

    let two = token(&bed).await;
    let answer = held(at, poll(&two), admin("tokens/revoke", json!({ "uuid": "alice" }))).await;
    assert_eq!(answer.json()["message"], "Token is revoked");

    let three = token(&bed).await;
    let answer = held(at, poll(&three), admin("tokens/revoke", json!({ "all": true }))).await;
    assert_eq!(answer.json()["message"], "Token is revoked");

    bed.advance(Duration::from_secs(1));
    let late = token(&bed).await;
    let answer = held(at, poll(&late), admin("tokens/revoke", json!({ "before": bed.seconds() }))).await;
    assert_eq!(answer.json()["message"], "Token is revoked");

    bed.advance(Duration::from_secs(1));
    let grant = |bits: u8| Call::get(format!("/v2/auth/grant/sub-key/sub-c-test?channel=a&auth=k1&r={bits}&ttl=60"));
    bed.call_as_root(grant(1)).await;
    let answer = held(at, poll("k1"), async { drop(bed.call_as_root(grant(0)).await) }).await;
    assert_eq!((answer.status, &answer.json()["payload"]), (403, &json!({ "channels": ["a"] })));

    let four = token(&bed).await;
    let answer = held(at, poll(&four), async { bed.advance(Duration::from_mins(61)) }).await;
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Token is expired.")));
    origin.until_left(6).await;
}

#[tokio::test]
async fn a_poll_goes_on_when_something_else_ends_or_is_given_again() {
    let (bed, origin) = bed().await;
    let (mine, other) = (token(&bed).await, token(&bed).await);
    let answer = outliving((&bed, &origin), (&mine, &other), async {
        bed.advance(Duration::from_mins(59));
        bed.admin().post("/v1/keysets/sub-c-test/tokens/revoke", &json!({ "token": other })).await.unwrap();
    });
    assert_eq!(answer.await.status, 200);

    let grant = |key| Call::get(format!("/v2/auth/grant/sub-key/sub-c-test?channel=a&auth={key}&r=1&ttl=1"));
    bed.call_as_root(grant("renewed")).await;
    bed.call_as_root(grant("left")).await;
    let answer = outliving((&bed, &origin), ("renewed", "left"), async {
        bed.advance(Duration::from_secs(50));
        bed.call_as_root(grant("renewed")).await;
        bed.advance(Duration::from_secs(50));
    });
    assert_eq!(answer.await.status, 200);
}

/// The body of the answer to a poll, the `arrives`th request, that the origin begins with `chunk`.
async fn begun((bed, origin): (&Bed, &Origin), auth: &str, (arrives, chunk): (usize, &str)) -> Incoming {
    let says = async {
        origin.until_received(arrives).await;
        origin.say(chunk);
    };
    tokio::join!(bed.begin(poll(auth)), says).0.into_body()
}

#[tokio::test]
async fn a_poll_of_which_only_the_head_has_come_is_refused() {
    let (bed, origin) = bed().await;
    let revoked = token(&bed).await;
    origin.conduct(Conduct::Stream);
    let ends = async {
        origin.until_begun(1).await;
        bed.admin().post("/v1/keysets/sub-c-test/tokens/revoke", &json!({ "token": revoked })).await.unwrap();
    };
    let (answer, ()) = tokio::join!(bed.call(poll(&revoked)), ends);
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Token is revoked")));
    origin.until_left(1).await;
}

#[tokio::test]
async fn an_answer_that_has_begun_breaks_off() {
    let (bed, origin) = bed().await;
    let revoked = token(&bed).await;
    origin.conduct(Conduct::Stream);
    let mut body = begun((&bed, &origin), &revoked, (1, "one")).await;
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    bed.admin().post("/v1/keysets/sub-c-test/tokens/revoke", &json!({ "token": revoked })).await.unwrap();
    assert!(body.frame().await.unwrap().is_err(), "it breaks off instead of ending");
    origin.until_left(1).await;

    bed.advance(Duration::from_secs(1));
    let brief = token(&bed).await;
    let mut body = begun((&bed, &origin), &brief, (2, "two")).await;
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
    bed.advance(Duration::from_mins(60));
    assert!(body.frame().await.unwrap().is_err(), "and so with its token");
    origin.until_left(2).await;
}

#[tokio::test]
async fn a_signed_poll_ends_with_the_secret_key() {
    let (bed, origin) = bed().await;
    let signed = || Call::get("/v2/subscribe/sub-c-test/a/0?tt=1").signed_with("sec-c-test", bed.seconds());
    let keys = "/v1/keysets/sub-c-test/keys";
    bed.admin().post(&format!("{keys}/rotate"), &json!({ "until": "30s", "force": true })).await.unwrap();
    let answer = held((&bed, &origin), signed(), async { bed.advance(Duration::from_secs(30)) }).await;
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Signature does not match")));
}

#[tokio::test]
async fn a_poll_of_a_key_that_retires_ends_with_the_key() {
    let (bed, origin) = bed().await;
    let token = token(&bed).await;
    let rotated = json!({ "until": "30s", "force": true });
    bed.admin().post("/v1/keysets/sub-c-test/keys/rotate", &rotated).await.unwrap();
    let answer = held((&bed, &origin), poll(&token), async { bed.advance(Duration::from_secs(30)) }).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
}
