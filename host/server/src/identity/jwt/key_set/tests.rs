//! Published keys: when they are fetched, when they are not, and which of them are used.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use usher_runtime::capability::http::{OutboundError, OutboundResponse};
use usher_runtime::capability::identity::IdentityError;

use crate::identity::tests::issuer::{Issuer, good, with};
use crate::identity::tests::{Bed, status};

const DENIED: Result<String, IdentityError> = Err(IdentityError::Denied);
const DOWN: Result<String, IdentityError> = Err(IdentityError::Unavailable);

fn bed(more: &str) -> Bed {
    let times = "refresh = \"10m\"\ncooldown = \"10s\"\nnegative_cache = \"1m\"\nstale_if_error = \"1h\"\n";
    Bed::new(&format!("[[authentication]]\nkind = \"jwt\"\njwks_url = \"http://localhost/keys\"\n{times}{more}\n"))
}

fn set(keys: &[Value]) -> Result<OutboundResponse, OutboundError> {
    status(200, &json!({ "keys": keys }).to_string())
}

async fn id(bed: &Bed, token: &str) -> Result<String, IdentityError> {
    bed.id(json!({ "token": token })).await
}

/// Good for longer than any test lasts.
fn lasting() -> Value {
    with(&json!({ "exp": 4_000_000_000_u64 }))
}

#[tokio::test]
async fn keys_are_fetched_once_and_found_by_id_and_kind() {
    let (ec, ed, rsa) = (Issuer::new(Algorithm::ES256), Issuer::new(Algorithm::EdDSA), Issuer::new(Algorithm::RS256));
    let bed = bed("");
    bed.validator.says(set(&[ec.jwk("one"), ed.jwk("two"), rsa.jwk("three")]));
    for (token, expected) in [
        (ec.token_by("one", &good()), Ok("chris".to_owned())),
        (ed.token_by("two", &good()), Ok("chris".to_owned())),
        (rsa.token_by("three", &good()), Ok("chris".to_owned())),
        // Without an id, the only key of that kind.
        (ec.token(&good()), Ok("chris".to_owned())),
        (ec.token_by("two", &good()), DENIED),
        (Issuer::new(Algorithm::ES256).token_by("one", &good()), DENIED),
        (Issuer::new(Algorithm::HS256).token_by("one", &good()), DENIED),
        (ec.token_by(&"x".repeat(600), &good()), DENIED),
    ] {
        assert_eq!(id(&bed, &token).await, expected, "{token}");
    }
    assert_eq!(bed.validator.calls(), 1);
    bed.advance(Duration::from_secs(599));
    assert_eq!(id(&bed, &ec.token_by("one", &lasting())).await, Ok("chris".into()));
    assert_eq!(bed.validator.calls(), 1);
}

#[tokio::test]
async fn an_unknown_id_is_worth_one_fetch_in_a_while_however_many_ask() {
    let (known, new) = (Issuer::new(Algorithm::EdDSA), Issuer::new(Algorithm::EdDSA));
    let bed = bed("");
    bed.validator.says(set(&[known.jwk("known")]));
    assert_eq!(id(&bed, &known.token_by("known", &lasting())).await, Ok("chris".into()));
    for number in 0..50 {
        assert_eq!(id(&bed, &known.token_by(&format!("made up {number}"), &lasting())).await, DENIED);
    }
    assert_eq!(bed.validator.calls(), 1, "cooling down after the first fetch");
    bed.advance(Duration::from_secs(10));
    for _ in 0..5 {
        assert_eq!(id(&bed, &known.token_by("made up 0", &lasting())).await, DENIED);
    }
    assert_eq!(bed.validator.calls(), 2, "worth one fetch, for it was not sought before");
    assert_eq!(id(&bed, &new.token_by("new", &lasting())).await, DENIED, "cooling down");
    bed.advance(Duration::from_secs(10));
    for _ in 0..5 {
        assert_eq!(id(&bed, &known.token_by("made up 0", &lasting())).await, DENIED);
    }
    assert_eq!(bed.validator.calls(), 2, "known not to be there");
    bed.validator.says(set(&[known.jwk("known"), new.jwk("new")]));
    assert_eq!(id(&bed, &new.token_by("new", &lasting())).await, Ok("chris".into()), "a new key is found");
    assert_eq!(bed.validator.calls(), 3);
}

#[tokio::test]
async fn old_keys_serve_while_no_new_ones_can_be_fetched_but_not_for_ever() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let token = issuer.token_by("one", &lasting());
    let bed = bed("");
    bed.validator.says(set(&[issuer.jwk("one")]));
    assert_eq!(id(&bed, &token).await, Ok("chris".into()));
    for down in [status(503, ""), status(200, "<html>"), status(200, "{}"), Err(OutboundError::TimedOut)] {
        bed.validator.says(down);
        bed.advance(Duration::from_mins(11));
        let before = bed.validator.calls();
        for _ in 0..3 {
            assert_eq!(id(&bed, &token).await, Ok("chris".into()));
        }
        assert_eq!(bed.validator.calls(), before + 1, "tried once, and again when it has cooled down");
    }
    assert_eq!(id(&bed, &issuer.token_by("other", &lasting())).await, DOWN, "it may be there by now");
    bed.advance(Duration::from_mins(30));
    assert_eq!(id(&bed, &token).await, DOWN, "too old to be believed");
    bed.validator.says(set(&[issuer.jwk("one")]));
    assert_eq!(id(&bed, &token).await, DOWN, "still cooling down");
    bed.advance(Duration::from_secs(10));
    assert_eq!(id(&bed, &token).await, Ok("chris".into()));
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_believed_no_longer_than_the_set() {
    let (old, new) = (Issuer::new(Algorithm::EdDSA), Issuer::new(Algorithm::EdDSA));
    let bed = bed("");
    bed.validator.says(set(&[old.jwk("one")]));
    assert_eq!(id(&bed, &old.token_by("one", &lasting())).await, Ok("chris".into()));
    bed.validator.says(set(&[new.jwk("two")]));
    bed.advance(Duration::from_mins(10));
    assert_eq!(id(&bed, &old.token_by("one", &lasting())).await, DENIED);
    assert_eq!(id(&bed, &new.token_by("two", &lasting())).await, Ok("chris".into()));
}

#[tokio::test]
async fn without_keys_nobody_is_let_in_and_the_issuer_is_not_overrun() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let bed = bed("");
    bed.validator.says(Err(OutboundError::Unreachable("x".into())));
    for _ in 0..20 {
        assert_eq!(id(&bed, &issuer.token_by("one", &good())).await, DOWN);
    }
    assert_eq!(bed.validator.calls(), 1);
}

#[tokio::test]
async fn many_who_need_the_keys_at_once_wait_for_one_fetch() {
    let issuer = Issuer::new(Algorithm::EdDSA);
    let bed = std::sync::Arc::new(bed(""));
    bed.validator.says(set(&[issuer.jwk("one")]));
    let token = issuer.token_by("one", &good());
    let logins = (0..20).map(|_| {
        let (bed, token) = (std::sync::Arc::clone(&bed), token.clone());
        tokio::spawn(async move { id(&bed, &token).await })
    });
    for login in logins.collect::<Vec<_>>() {
        assert_eq!(login.await.unwrap(), Ok("chris".into()));
    }
    assert_eq!(bed.validator.calls(), 1);
}

#[tokio::test]
async fn whoever_comes_while_the_keys_are_fetched_waits_for_them() {
    let (old, new) = (Issuer::new(Algorithm::EdDSA), Issuer::new(Algorithm::EdDSA));
    let bed = std::sync::Arc::new(bed(""));
    let login = |token: String| {
        let bed = std::sync::Arc::clone(&bed);
        tokio::spawn(async move { id(&bed, &token).await })
    };
    bed.validator.says(set(&[old.jwk("one")]));
    for (token, calls) in [(old.token_by("one", &lasting()), 1), (new.token_by("two", &lasting()), 2)] {
        let held = bed.validator.hold().await;
        let first = login(token.clone());
        bed.validator.until_called(calls).await;
        let late: Vec<_> = (0..5).map(|_| login(token.clone())).collect();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert!(late.iter().all(|login| !login.is_finished()), "they wait");
        drop(held);
        for login in late.into_iter().chain([first]) {
            assert_eq!(login.await.unwrap(), Ok("chris".into()));
        }
        assert_eq!(bed.validator.calls(), calls);
        bed.validator.says(set(&[old.jwk("one"), new.jwk("two")]));
        bed.advance(Duration::from_secs(10));
    }
}

#[tokio::test]
async fn keys_for_other_purposes_and_published_secrets_are_not_used() {
    let issuer = Issuer::new(Algorithm::ES256);
    let hmac = Issuer::new(Algorithm::HS256);
    let changed = |name: &str, value: Value| {
        let mut jwk = issuer.jwk("one");
        jwk[name] = value;
        jwk
    };
    let token = issuer.token_by("one", &good());
    for (keys, token, expected) in [
        (vec![changed("use", json!("sig"))], &token, Ok("chris".to_owned())),
        (vec![changed("key_ops", json!(["verify"]))], &token, Ok("chris".to_owned())),
        (vec![json!({ "kty": "odd" }), json!(5), issuer.jwk("one")], &token, Ok("chris".to_owned())),
        (vec![changed("use", json!("enc"))], &token, DENIED),
        (vec![changed("key_ops", json!(["encrypt"]))], &token, DENIED),
        (vec![changed("alg", json!("ES384"))], &token, DENIED),
        (vec![changed("alg", json!("odd"))], &token, DENIED),
        (vec![changed("crv", json!("P-384"))], &token, DENIED),
        (vec![changed("x", json!("nonsense!"))], &token, DENIED),
        (vec![], &token, DENIED),
        (vec![hmac.jwk("one")], &hmac.token_by("one", &good()), DENIED),
        (vec![issuer.jwk("one"), Issuer::new(Algorithm::ES256).jwk("two")], &issuer.token(&good()), DENIED),
    ] {
        let bed = bed("");
        bed.validator.says(set(&keys));
        assert_eq!(id(&bed, token).await, expected, "{keys:?}");
    }
}
