//! Version 3: tokens are granted to whoever signs, revoked once and for all, and every error has its exact body.

use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Call};

const GRANT: &str = "/v3/pam/sub-c-test/grant";

fn permissions(resources: &Value, patterns: &Value) -> Value {
    json!({ "ttl": 15, "permissions": { "resources": resources, "patterns": patterns, "meta": {} } })
}

fn room(bits: i64) -> Value {
    permissions(&json!({ "channels": { "room-1": bits } }), &json!({}))
}

async fn grant(bed: &Bed, body: &Value) -> Answer {
    bed.call_as_root(Call::new("POST", GRANT).body(body)).await
}

/// Body and headers of an answer of Access Manager.
#[track_caller]
fn check(answer: &Answer, status: u16, body: &Value) {
    assert_eq!((answer.status, &answer.json()), (status, body), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/javascript; charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.header("x-request-id").is_some());
}

fn error(status: u16, (source, title): (&str, &str), (message, location, kind): (&str, &str, &str)) -> Value {
    let details = json!([{ "message": message, "location": location, "locationType": kind }]);
    json!({ "error": { "message": title, "source": source, "details": details }, "service": "Access Manager", "status": status })
}

#[tokio::test]
async fn a_grant_answers_a_token_and_nothing_else() {
    let bed = Bed::start().await;
    let answer = grant(&bed, &room(3)).await;
    let token = answer.json()["data"]["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("p0F2AkF0") || token.starts_with("qEF2AkF0"), "{token}");
    check(
        &answer,
        200,
        &json!({ "data": { "message": "Success", "token": token }, "service": "Access Manager", "status": 200 }),
    );
}

#[tokio::test]
async fn a_grant_that_makes_no_sense_is_refused_in_the_words_of_the_hosted_service() {
    let bed = Bed::start().await;
    let uuids = |patterns: bool, name: &str, bits: i64| {
        let (some, none) = (json!({ "uuids": { name: bits } }), json!({}));
        if patterns { permissions(&none, &some) } else { permissions(&some, &none) }
    };
    let ttl = |minutes: i64| json!({ "ttl": minutes, "permissions": room(1)["permissions"] });
    let range = "Range should be 1 to 43200 minute(s).";
    let positive = "Unexpected value: `permissions.resources.uuids.uuid-1` must be positive and non-zero.";
    let capturing = "Only non-capturing groups are allowed. Try replacing `(` with `(?:`.";
    for (body, title, detail, location) in [
        (ttl(0), "Invalid ttl", range, "ttl"),
        (ttl(43_201), "Invalid ttl", range, "ttl"),
        (uuids(false, "uuid-1", 0), "Invalid permissions", positive, "permissions.resources.uuids.uuid-1"),
        (
            uuids(true, "!<[^>]+>++", 8),
            "Invalid RegExp",
            "Syntax error: multiple repeat.",
            "permissions.patterns.uuids.!<[^>]+>++",
        ),
        (uuids(true, "(!<[^>]+>)+", 8), "Invalid RegExp", capturing, "permissions.patterns.uuids.(!<[^>]+>)+"),
        (
            permissions(&json!({}), &json!({})),
            "This grant contains no permissions",
            "What are you granting?",
            "permissions",
        ),
    ] {
        let answer = grant(&bed, &body).await;
        check(&answer, 400, &error(400, ("grant", title), (detail, location, "body")));
    }
    let broken = bed.call_as_root(Call::new("POST", GRANT).body("{")).await;
    assert_eq!((broken.status, &broken.json()["error"]["message"]), (400, &json!("Could Not Parse Request")));
}

#[tokio::test]
async fn a_grant_needs_the_signature_of_a_secret_key_and_the_time_of_now() {
    let bed = Bed::start().await;
    let now = bed.seconds();
    let call = || Call::new("POST", GRANT).body(&room(3));
    let mismatch = "Client and server produced different signatures for the same inputs.";
    let unsigned = error(403, ("grant", "Invalid signature"), (mismatch, "signature", "query"));
    let timed = || Call { target: format!("{GRANT}?timestamp={now}"), ..call() };
    let mut tampered = call().signed_with("sec-c-test", now);
    tampered.body = room(239).to_string().into();
    for call in [timed(), call().signed_with("sec-c-other", now), tampered] {
        check(&bed.call(call).await, 403, &unsigned);
    }
    let window = "The timestamp has to be within 60 seconds of the server's clock.";
    let stale = error(400, ("grant", "Invalid timestamp"), (window, "timestamp", "query"));
    for call in [call(), call().signed_with("sec-c-test", now - 61), call().signed_with("sec-c-test", now + 61)] {
        check(&bed.call(call).await, 400, &stale);
    }
    for timestamp in [now - 60, now + 60] {
        assert_eq!(bed.call(call().signed_with("sec-c-test", timestamp)).await.status, 200);
    }
    let unknown =
        json!({ "message": "Invalid Subscribe Key", "error": true, "service": "Access Manager", "status": 400 });
    check(&bed.call(Call::new("POST", "/v3/pam/sub-c-none/grant").body(&room(3))).await, 400, &unknown);
}

#[tokio::test]
async fn a_token_is_revoked_by_its_encoded_path_as_often_as_one_likes() {
    let bed = Bed::start().await;
    let token = bed.token(&json!({ "resources": { "channels": { "room-1": 3 } } })).await;
    let revoke = |token: &str| Call::new("DELETE", format!("{GRANT}/{}", token.replace('=', "%3D")));
    let success = json!({ "data": { "message": "Success" }, "service": "Access Manager", "status": 200 });
    for _ in 0..2 {
        check(&bed.call_as_root(revoke(&token)).await, 200, &success);
    }
    let mismatch = "Client and server produced different signatures for the same inputs.";
    let unsigned = error(403, ("revoke", "Invalid signature"), (mismatch, "signature", "query"));
    check(&bed.call(revoke(&token).signed_with("sec-c-other", bed.seconds())).await, 403, &unsigned);
}

#[tokio::test]
async fn what_cannot_be_revoked_is_said_so() {
    let bed = Bed::start().await;
    let path = |rest: &str| Call::new("DELETE", format!("{GRANT}/{rest}"));
    let odd = "unescaped-_.ABCabc123%20escaped%3B%2C%2F%3F%3A%40%26%3D%2B%24%23";
    for rest in ["garbage", odd, "p0F2AkF0%3D", "%ff"] {
        let answer = bed.call_as_root(path(rest)).await;
        let body = answer.json();
        let detail = body["error"]["details"][0]["message"].as_str().unwrap().to_owned();
        assert!(!detail.is_empty());
        check(&answer, 400, &error(400, ("revoke", "Invalid token"), (&detail, "token", "path")));
    }
    let token = bed.token(&json!({ "resources": { "channels": { "room-1": 3 } } })).await;
    bed.admin().patch("/v1/keysets/sub-c-test", &json!({ "revocation": "off" })).await.unwrap();
    let disabled = ("Token revocation is disabled.", "subscribe-key", "path");
    let answer = bed.call_as_root(path(&token.replace('=', "%3D"))).await;
    check(&answer, 400, &error(400, ("revoke", "Feature disabled"), disabled));
    bed.admin().patch("/v1/keysets/sub-c-test", &json!({ "revocation": "on" })).await.unwrap();
    bed.advance(std::time::Duration::from_mins(60));
    let expired = ("Token is expired.", "token", "path");
    let answer = bed.call_as_root(path(&token.replace('=', "%3D"))).await;
    check(&answer, 400, &error(400, ("revoke", "Invalid token"), expired));
}

#[tokio::test]
async fn a_twin_is_signed_by_a_key_that_everybody_can_read() {
    let bed = Bed::start().await;
    let call = Call::new("POST", format!("{GRANT}?twin=ed25519")).body(&room(3));
    let twin = bed.call_as_root(call).await.json()["data"]["twin"].as_str().unwrap().to_owned();
    let named = usher_access::TwinPublicKey::named_in(&twin).unwrap();
    for path in ["/.well-known/usher/keys", "/.well-known/usher/keys/sub-c-test"] {
        let set = bed.call(Call::get(path)).await;
        assert_eq!(set.status, 200);
        assert_eq!(set.header("content-type"), Some("application/jwk-set+json"));
        assert_eq!(set.header("access-control-allow-origin"), Some("*"));
        let keys = set.json()["keys"].as_array().unwrap().clone();
        let jwk = keys.iter().find(|key| key["kid"] == json!(named)).unwrap();
        let key = usher_access::TwinPublicKey::from_jwk(jwk).unwrap();
        let now = usher_access::UnixSeconds::new(bed.seconds());
        let claims = key.verify(&twin, &"sub-c-test".parse().unwrap(), now).unwrap();
        assert_eq!(claims.get("aud"), Some(&json!("sub-c-test")));
        assert!(key.verify(&twin, &"sub-c-other".parse().unwrap(), now).is_err());
    }
    let odd = bed.call_as_root(Call::new("POST", format!("{GRANT}?twin=rsa")).body(&room(3))).await;
    assert_eq!((odd.status, &odd.json()["error"]["message"]), (400, &json!("Invalid twin")));
    assert_eq!(bed.call(Call::get("/.well-known/usher/keys/sub-c-none")).await.status, 400);
}

#[tokio::test]
async fn a_browser_may_read_every_answer() {
    let bed = Bed::start().await;
    for target in [GRANT, "/v2/subscribe/sub-c-test/a/0", "/v2/objects/sub-c-test/uuids/u"] {
        let answer = bed.call(Call::new("OPTIONS", target)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{target}");
        assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
    }
}

#[tokio::test]
async fn the_time_is_told_here_in_17_digits() {
    let bed = Bed::start().await;
    let answer = bed.call(Call::get("/time/0?pnsdk=x&signature=v2.whatever")).await;
    assert_eq!(answer.json(), json!([bed.seconds() * 10_000_000]));
    assert_eq!(answer.body.trim_matches(['[', ']']).len(), 17);
}
