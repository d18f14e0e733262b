//! Secret keys over time: rotated without a gap, retired when nothing hangs on them or when that is meant, gone at their end.

use std::time::Duration;

use serde_json::{Value, json};
use usher_access::signature::{SignatureForm, SignedRequest, verify};
use usher_server::CallError;
use usher_tests::{Bed, Call, Received, Webhook};

const KEYSET: &str = "/v1/keysets/sub-c-test";
const NOW: u64 = 1_800_000_000;
const MINUTE: Duration = Duration::from_mins(1);

async fn post(bed: &Bed, path: &str, body: Value) -> Result<Value, CallError> {
    bed.admin().post(&format!("{KEYSET}/{path}"), &body).await
}

/// A token for a user, granted under a secret key or the primary one.
async fn mint(bed: &Bed, (key, minutes, uuid): (Option<u32>, u32, &str)) -> Result<String, CallError> {
    let permissions = json!({ "resources": { "channels": { "room-1": 3 } }, "uuid": uuid });
    let query = key.map(|number| format!("?key={number}")).unwrap_or_default();
    let minted = post(bed, &format!("tokens{query}"), json!({ "ttl": minutes, "permissions": permissions })).await?;
    Ok(minted["token"].as_str().unwrap().to_owned())
}

async fn standing(bed: &Bed, token: &str) -> String {
    let standing = post(bed, "tokens/verify", json!({ "token": token })).await.unwrap();
    standing["code"].as_str().unwrap().to_owned()
}

/// Number, state and live tokens of every secret key.
async fn plan(bed: &Bed) -> Vec<String> {
    let plan = bed.admin().get(&format!("{KEYSET}/keys"), &[]).await.unwrap();
    let key = |key: &Value| format!("{} {} {}", key["number"], key["state"].as_str().unwrap(), key["live"]);
    plan["keys"].as_array().unwrap().iter().map(key).collect()
}

fn code<T: std::fmt::Debug>(refused: Result<T, CallError>) -> (u16, String) {
    match refused {
        Err(CallError::Refused { status, code, .. }) => (status, code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tokens_under_the_former_key_count_after_a_rotation() {
    let bed = Bed::start().await;
    let before = mint(&bed, (None, 60, "alice")).await.unwrap();
    let rotated = post(&bed, "keys/rotate", json!({ "secret_key": "sec-c-second" })).await.unwrap();
    assert_eq!(rotated, json!({ "number": 2, "state": "primary" }), "a key that is given is not repeated");
    let after = mint(&bed, (None, 60, "bob")).await.unwrap();
    let under_the_former = mint(&bed, (Some(1), 30, "carol")).await.unwrap();
    let bed = bed.restart().await;
    for token in [&before, &after, &under_the_former] {
        assert_eq!(standing(&bed, token).await, "token.valid");
    }
    assert_eq!(plan(&bed).await, ["2 primary 1", "1 active 2"]);
    let plan = bed.admin().get(&format!("{KEYSET}/keys"), &[]).await.unwrap();
    let expected = json!({
        "number": 1, "state": "active", "until": null,
        "live": 2, "last_expiry": NOW + 3_600, "uuids": ["alice", "carol"], "for_anyone": 0,
    });
    assert_eq!(plan["keys"][1], expected);
    assert_eq!(plan["epoch"], 0);
}

#[tokio::test]
async fn a_secret_key_that_is_not_given_is_made_and_shown_once() {
    let bed = Bed::start().await;
    let rotated = post(&bed, "keys/rotate", json!({})).await.unwrap();
    let made = rotated["secret_key"].as_str().unwrap();
    assert!(made.starts_with("sec-c-") && made.len() == 70, "{made}");
    let plan = bed.admin().get(&format!("{KEYSET}/keys"), &[]).await.unwrap();
    assert!(!plan.to_string().contains(made));
}

#[tokio::test]
async fn a_key_with_live_tokens_is_dropped_only_if_that_is_meant() {
    let bed = Bed::start().await;
    let token = mint(&bed, (None, 10, "alice")).await.unwrap();
    post(&bed, "keys/rotate", json!({})).await.unwrap();
    for asked in [json!({}), json!({ "until": "9m" })] {
        let refused = post(&bed, "keys/1/retire", asked.clone()).await;
        let Err(CallError::Refused { detail, .. }) = &refused else { panic!("{refused:?}") };
        assert!(detail.starts_with("1 live token granted") && detail.contains("10 minutes;"), "{detail}");
        assert_eq!(code(refused), (409, "key.has-live-tokens".into()), "{asked}");
    }
    assert_eq!(standing(&bed, &token).await, "token.valid");
    assert_eq!(plan(&bed).await, ["2 primary 0", "1 active 1"]);

    let retired = post(&bed, "keys/1/retire", json!({ "force": true })).await.unwrap();
    assert_eq!((&retired["state"], &retired["cut"]["live"]), (&json!("retired"), &json!(1)));
    assert_eq!(standing(&bed, &token).await, "token.invalid");
    assert_eq!(plan(&bed).await, ["2 primary 0"]);
    let secrets = bed.admin().get("/v1/secrets", &[]).await.unwrap().to_string();
    assert!(!secrets.contains("secret-key/1\""), "{secrets}");
    let bed = bed.restart().await;
    assert_eq!(standing(&bed, &token).await, "token.invalid");
    assert_eq!(code(mint(&bed, (Some(1), 10, "alice")).await), (404, "key.not-found".into()));
}

#[tokio::test]
async fn a_key_without_live_tokens_is_dropped_at_once() {
    let bed = Bed::start().await;
    mint(&bed, (None, 10, "alice")).await.unwrap();
    let revoked = mint(&bed, (None, 90, "alice")).await.unwrap();
    post(&bed, "tokens/revoke", json!({ "token": revoked })).await.unwrap();
    post(&bed, "keys/rotate", json!({})).await.unwrap();
    bed.advance(10 * MINUTE);
    assert_eq!(plan(&bed).await, ["2 primary 0", "1 active 0"]);
    post(&bed, "keys/1/retire", json!({})).await.unwrap();
    assert_eq!(plan(&bed).await, ["2 primary 0"]);
}

#[tokio::test]
async fn a_check_counts_a_token_no_longer_than_its_key() {
    let bed = Bed::start().await;
    let (brief, long) =
        (mint(&bed, (None, 10, "alice")).await.unwrap(), mint(&bed, (None, 600, "alice")).await.unwrap());
    let until = async |token: &str| {
        let asked = json!({ "auth": token, "uuid": "alice", "operation": "subscribe", "channels": ["room-1"] });
        post(&bed, "grants/check", asked).await.unwrap()["until"].as_u64().unwrap()
    };
    assert_eq!((until(&brief).await, until(&long).await), (NOW + 600, NOW + 36_000));
    post(&bed, "keys/rotate", json!({ "until": "1h", "force": true })).await.unwrap();
    assert_eq!((until(&brief).await, until(&long).await), (NOW + 600, NOW + 3_600));
}

#[tokio::test]
async fn a_key_that_retires_counts_until_its_end() {
    for (swept, restarts) in [(false, false), (true, false), (false, true)] {
        let bed = Bed::start().await;
        let long = mint(&bed, (None, 600, "alice")).await.unwrap();
        let rotated = post(&bed, "keys/rotate", json!({ "until": "1h", "force": true })).await.unwrap();
        assert_eq!(rotated["cut"]["live"], 1);
        assert_eq!(plan(&bed).await, ["2 primary 0", "1 retiring 1"]);
        bed.advance(60 * MINUTE - Duration::from_secs(1));
        assert_eq!(standing(&bed, &long).await, "token.valid");
        bed.advance(Duration::from_secs(1));
        if swept {
            bed.tidy().await;
        }
        let bed = if restarts { bed.restart().await } else { bed };
        assert_eq!(standing(&bed, &long).await, "token.invalid", "swept: {swept}, restarted: {restarts}");
        assert_eq!(plan(&bed).await, ["2 primary 0"]);
        for asked in [json!({ "until": "1h" }), json!({ "until": "1h", "force": true }), json!({ "force": true })] {
            let revived = post(&bed, "keys/1/retire", asked.clone()).await;
            assert_eq!(code(revived), (404, "key.not-found".into()), "an end that has come stays: {asked}");
        }
        assert_eq!(code(mint(&bed, (Some(1), 10, "alice")).await), (404, "key.not-found".into()));
    }
}

#[tokio::test]
async fn a_rotation_cuts_tokens_off_only_if_that_is_meant() {
    for (until, force, cut) in
        [("9m", false, None), ("10m", false, Some(0)), ("9m", true, Some(1)), ("0s", true, Some(1))]
    {
        let bed = Bed::start().await;
        let token = mint(&bed, (None, 10, "alice")).await.unwrap();
        let rotated = post(&bed, "keys/rotate", json!({ "until": until, "force": force })).await;
        match cut {
            None => {
                assert_eq!(code(rotated), (409, "key.has-live-tokens".into()), "{until}");
                assert_eq!(plan(&bed).await, ["1 primary 1"], "nothing was changed");
            }
            Some(cut) => assert_eq!(rotated.unwrap()["cut"]["live"], cut, "{until}, forced: {force}"),
        }
        let expected = if until == "0s" { "token.invalid" } else { "token.valid" };
        assert_eq!(standing(&bed, &token).await, expected, "{until}, forced: {force}");
    }
}

#[tokio::test]
async fn no_token_is_granted_under_a_key_that_ends_before_it() {
    let bed = Bed::start().await;
    post(&bed, "keys/rotate", json!({ "secret_key": "sec-c-second", "until": "1h" })).await.unwrap();
    mint(&bed, (Some(1), 60, "alice")).await.unwrap();
    assert_eq!(code(mint(&bed, (Some(1), 61, "alice")).await), (409, "key.ends-first".into()));
    for (secret_key, minutes, under) in
        [("sec-c-test", 60, 1), ("sec-c-test", 61, 2), ("sec-c-second", 60, 2), ("sec-c-second", 61, 2)]
    {
        let permissions = json!({ "resources": { "channels": { "room-2": 3 } }, "meta": { "by": secret_key } });
        let call = Call::new("POST", "/v3/pam/sub-c-test/grant?twin=ed25519");
        let call = call.body(&json!({ "ttl": minutes, "permissions": permissions }));
        let granted = bed.call(call.signed_with(secret_key, bed.seconds())).await.json();
        let token = post(&bed, "tokens/parse", json!({ "token": granted["data"]["token"] })).await.unwrap();
        assert_eq!(token["key"], under, "signed with {secret_key} for {minutes} minutes");
        let twin = post(&bed, "tokens/verify", json!({ "token": granted["data"]["twin"] })).await.unwrap();
        assert_eq!(twin["valid"], true, "{twin}");
    }
    assert_eq!(plan(&bed).await, ["2 primary 3", "1 retiring 2"]);
}

/// The names of all secrets.
async fn secrets(bed: &Bed) -> Vec<String> {
    let listed = bed.admin().get("/v1/secrets", &[]).await.unwrap();
    listed["secrets"].as_array().unwrap().iter().map(|secret| secret["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_secret_that_no_key_names_leaves_the_vault() {
    let bed = Bed::start().await;
    post(&bed, "keys/rotate", json!({ "until": "1h" })).await.unwrap();
    bed.advance(60 * MINUTE);
    // The ended key leaves the record here, its secret with the next sweep.
    post(&bed, "keys/rotate", json!({})).await.unwrap();
    for name in ["keyset/sub-c-test/secret-key", "keyset/sub-c-test/secret-key/9", "keyset/sub-c-none/secret-key/9"] {
        bed.set_secret(name, "sec-c-left").await;
    }
    assert_eq!(secrets(&bed).await.len(), 6);
    bed.tidy().await;
    let kept = ["keyset/sub-c-none/secret-key/9", "keyset/sub-c-test/secret-key/2", "keyset/sub-c-test/secret-key/3"];
    assert_eq!(secrets(&bed).await, kept);
    let bed = bed.restart().await;
    assert_eq!(plan(&bed).await, ["3 primary 0", "2 active 0"]);
}

#[tokio::test]
async fn there_are_five_secret_keys_at_the_most_and_always_a_primary_one() {
    let bed = Bed::start().await;
    for _ in 1..5 {
        post(&bed, "keys/rotate", json!({})).await.unwrap();
    }
    for (path, body, expected) in [
        ("keys/rotate", json!({}), (409, "key.too-many")),
        ("keys/5/retire", json!({ "force": true }), (409, "key.primary")),
        ("keys/6/retire", json!({}), (404, "key.not-found")),
        ("keys/1/retire", json!({ "until": "soon" }), (400, "admin.bad-request")),
        ("keys/rotate", json!({ "secret_key": "" }), (400, "admin.bad-request")),
        ("keys/rotate", json!({ "until": "soon" }), (400, "admin.bad-request")),
    ] {
        assert_eq!(code(post(&bed, path, body.clone()).await), (expected.0, expected.1.into()), "{path} {body}");
    }
    post(&bed, "keys/2/retire", json!({})).await.unwrap();
    post(&bed, "keys/rotate", json!({})).await.unwrap();
    let numbers = ["6 primary 0", "5 active 0", "4 active 0", "3 active 0", "1 active 0"];
    assert_eq!(plan(&bed).await, numbers);
}

#[tokio::test]
async fn a_token_of_another_keyset_does_not_count() {
    let bed = Bed::start().await;
    bed.admin().post("/v1/keysets", &json!({ "subscribe_key": "sub-c-other" })).await.unwrap();
    let token = mint(&bed, (None, 60, "alice")).await.unwrap();
    let asked = json!({ "token": token });
    let elsewhere = bed.admin().post("/v1/keysets/sub-c-other/tokens/verify", &asked).await.unwrap();
    assert_eq!((&elsewhere["valid"], &elsewhere["code"]), (&json!(false), &json!("token.invalid")));
    let revoked = bed.admin().post("/v1/keysets/sub-c-other/tokens/revoke", &asked).await;
    assert_eq!(code(revoked), (400, "token.invalid".into()));
}

#[tokio::test]
async fn a_twin_counts_for_whoever_has_the_public_key_and_no_longer_than_its_token() {
    let bed = Bed::start().await;
    let permissions = json!({ "resources": { "channels": { "room-1": 3 } } });
    let asked = json!({ "ttl": 10, "permissions": permissions });
    let minted = post(&bed, "tokens?twin=ed25519", asked).await.unwrap();
    let twin = json!({ "token": minted["twin"] });
    let verified = post(&bed, "tokens/verify", twin.clone()).await.unwrap();
    assert_eq!(verified["valid"], true, "{verified}");
    assert_eq!(verified["claims"]["jti"], minted["id"]);
    let public_keys = async || {
        let set = bed.call(Call::get("/.well-known/usher/keys/sub-c-test").header("x-request-id", "asked-by-me")).await;
        assert_eq!(set.header("x-request-id"), Some("asked-by-me"));
        set.json()["keys"].as_array().unwrap().clone()
    };
    let one = public_keys().await;
    post(&bed, "keys/rotate", json!({})).await.unwrap();
    let two = public_keys().await;
    assert_eq!((one.len(), two.len(), &two[1]), (1, 2, &one[0]), "the new primary key's first");
    assert_eq!(post(&bed, "tokens/verify", twin.clone()).await.unwrap()["valid"], true, "keys overlap");
    bed.advance(10 * MINUTE);
    assert_eq!(post(&bed, "tokens/verify", twin).await.unwrap()["valid"], false);
}

/// Whether a call to an origin was signed with this secret key.
fn is_signed_with(call: &Received, secret_key: &str) -> bool {
    let (path, query) = call.target.split_once('?').unwrap();
    let request = SignedRequest {
        subscribe_key: &"sub-c-far".parse().unwrap(),
        publish_key: &"pub-c-far".parse().unwrap(),
        method: &call.method,
        path,
        query,
        body: call.body.as_bytes(),
    };
    verify(&request, [secret_key.as_bytes()]) == Ok(SignatureForm::V2)
}

#[tokio::test]
async fn a_remote_origin_is_called_with_the_primary_key() {
    let granted = r#"{"status": 200, "message": "Success", "service": "Access Manager", "payload": {}}"#;
    let origin = Webhook::answering(200, granted).await;
    let bed = Bed::start().await;
    let keys = json!({
        "subscribe_key": "sub-c-far", "publish_key": "pub-c-far", "secret_key": "sec-c-first", "origin": origin.url(""),
    });
    bed.admin().post("/v1/keysets", &keys).await.unwrap();
    let grants = "/v1/keysets/sub-c-far/grants";
    let grant = json!({ "channels": ["room-1"], "auth": ["k1"], "permissions": ["read"] });
    bed.admin().post(grants, &grant).await.unwrap();
    let second = json!({ "secret_key": "sec-c-second" });
    bed.admin().post("/v1/keysets/sub-c-far/keys/rotate", &second).await.unwrap();
    bed.admin().post(grants, &grant).await.unwrap();
    bed.admin().post("/v1/keysets/sub-c-far/keys/1/retire", &json!({})).await.unwrap();
    let bed = bed.restart().await;
    bed.admin().post(grants, &grant).await.unwrap();
    let calls = origin.received();
    let expected = ["sec-c-first", "sec-c-second", "sec-c-second"];
    assert_eq!(calls.len(), expected.len());
    for (call, secret_key) in calls.iter().zip(expected) {
        assert!(is_signed_with(call, secret_key), "{secret_key}: {}", call.target);
    }
}
