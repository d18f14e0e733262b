//! `jwt`: the tokens that prove somebody, and everything that only looks like one.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use usher_runtime::capability::identity::{Identity, IdentityError};

use super::issuer::{Issuer, SECRET, good, unsigned, with};
use super::{Bed, START, mistakes};
use crate::manifest::Manifest;

const NOW: u64 = START / 1_000;
const DENIED: Result<String, IdentityError> = Err(IdentityError::Denied);

fn shared(more: &str) -> String {
    format!("[[authentication]]\nkind = \"jwt\"\nsecret = \"shared\"\n{more}\n")
}

fn public(issuer: &Issuer, more: &str) -> String {
    format!("[[authentication]]\nkind = \"jwt\"\npublic_key = '''\n{}'''\n{more}\n", issuer.pem())
}

async fn id(bed: &Bed, token: &str) -> Result<String, IdentityError> {
    bed.id(json!({ "token": token })).await
}

#[tokio::test]
async fn every_algorithm_is_taken_with_its_own_key_and_no_other() {
    let algorithms = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];
    let stranger = Issuer::new(Algorithm::RS256);
    for algorithm in algorithms {
        let issuer = Issuer::new(algorithm);
        for more in [String::new(), format!("algorithms = [\"{algorithm:?}\"]")] {
            let bed = Bed::new(&public(&issuer, &more));
            assert_eq!(id(&bed, &issuer.token(&good())).await, Ok("chris".into()), "{algorithm:?} {more}");
            assert_eq!(id(&bed, &stranger.token(&good())).await, DENIED, "{algorithm:?} {more}");
            assert_eq!(id(&bed, &Issuer::new(algorithm).token(&good())).await, DENIED, "{algorithm:?} {more}");
        }
    }
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(id(&Bed::new(&shared("")), &Issuer::new(algorithm).token(&good())).await, Ok("chris".into()));
    }
    let bed = Bed::new(&shared("algorithms = [\"HS512\"]"));
    assert_eq!(id(&bed, &Issuer::new(Algorithm::HS256).token(&good())).await, DENIED);
}

#[tokio::test]
async fn a_token_without_a_true_signature_proves_nobody() {
    let (rsa, hmac) = (Issuer::new(Algorithm::RS256), Issuer::new(Algorithm::HS256));
    let signed = hmac.token(&good());
    let (message, signature) = signed.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    // The public key as if it were a shared secret: the classic confusion of algorithms.
    let confused = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &good(),
        &jsonwebtoken::EncodingKey::from_secret(rsa.pem().as_bytes()),
    )
    .unwrap();
    let other_claims = unsigned(&json!({}), &with(&json!({ "sub": "admin" })), "");
    let other_claims = other_claims.split('.').nth(1).unwrap();
    let embedded = Header { jwk: serde_json::from_value(rsa.jwk("mine")).unwrap(), ..Header::new(Algorithm::RS256) };
    let fetched = Header {
        jku: Some("http://attacker/".into()),
        x5u: Some("http://attacker/".into()),
        ..Header::new(Algorithm::RS256)
    };
    let mut tokens = vec![
        confused,
        rsa.token_under(&embedded, &good()),
        rsa.token_under(&fetched, &good()),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{other_claims}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{signed}A"),
        format!(" {signed}"),
        format!("{signed}\n"),
        format!("..{signature}"),
        "..".into(),
        ".".into(),
        String::new(),
        "not a token".into(),
        format!("{header}.{claims}.{}", "A".repeat(9_000)),
        "ü.ü.ü".into(),
    ];
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS1", "hs256"] {
        for signature in ["", signature] {
            tokens.push(unsigned(&json!({ "alg": algorithm, "typ": "JWT" }), &good(), signature));
        }
    }
    tokens.push(unsigned(&json!({ "typ": "JWT" }), &good(), signature));
    tokens.push(unsigned(&json!({ "alg": null }), &good(), signature));
    tokens.push(unsigned(&json!([]), &good(), signature));
    for tables in [shared(""), public(&Issuer::new(Algorithm::RS256), ""), public(&Issuer::new(Algorithm::EdDSA), "")] {
        let bed = Bed::new(&tables);
        for token in &tokens {
            assert_eq!(id(&bed, token).await, DENIED, "{token}");
        }
        assert_eq!(bed.validator.calls(), 0, "what a token names is never fetched");
    }
}

#[tokio::test]
async fn a_token_that_is_too_long_or_asks_for_more_is_not_looked_at() {
    let (bed, issuer) = (Bed::new(&shared("")), Issuer::new(Algorithm::HS256));
    let long = issuer.token(&with(&json!({ "padding": "x".repeat(8_000) })));
    let huge = issuer.token_under(&Header { kid: Some("x".repeat(100_000)), ..Header::new(Algorithm::HS256) }, &good());
    let critical = Header { crit: Some(vec!["exp".into()]), ..Header::new(Algorithm::HS256) };
    for token in [long, huge, issuer.token_under(&critical, &good())] {
        assert_eq!(id(&bed, &token).await, DENIED);
    }
}

#[tokio::test]
async fn claims_are_needed_and_needed_in_their_form() {
    let issuer = Issuer::new(Algorithm::HS256);
    let bed = Bed::new(&shared("issuer = \"https://id\"\naudience = [\"chat\", \"web\"]\nleeway = \"0s\""));
    let whole = json!({ "iss": "https://id", "aud": "chat" });
    for (others, expected) in [
        (json!({}), Ok("chris")),
        (json!({ "aud": ["other", "web"] }), Ok("chris")),
        (json!({ "exp": NOW + 1 }), Ok("chris")),
        (json!({ "exp": NOW as f64 + 0.5 }), Ok("chris")),
        (json!({ "nbf": NOW }), Ok("chris")),
        (json!({ "iat": NOW + 100 }), Ok("chris")),
        (json!({ "exp": NOW }), Err(IdentityError::Expired)),
        (json!({ "exp": 0 }), Err(IdentityError::Expired)),
        (json!({ "exp": -5 }), Err(IdentityError::Expired)),
        (json!({ "exp": null }), Err(IdentityError::Denied)),
        (json!({ "exp": (NOW + 60).to_string() }), Err(IdentityError::Denied)),
        (json!({ "exp": true }), Err(IdentityError::Denied)),
        (json!({ "exp": [NOW + 60] }), Err(IdentityError::Denied)),
        (json!({ "nbf": NOW + 1 }), Err(IdentityError::Denied)),
        (json!({ "nbf": "now" }), Err(IdentityError::Denied)),
        (json!({ "sub": null }), Err(IdentityError::Denied)),
        (json!({ "sub": "" }), Err(IdentityError::Denied)),
        (json!({ "sub": 5 }), Err(IdentityError::Denied)),
        (json!({ "sub": "x".repeat(300) }), Err(IdentityError::Denied)),
        (json!({ "sub": "open" }), Err(IdentityError::Denied)),
        (json!({ "iss": null }), Err(IdentityError::Denied)),
        (json!({ "iss": "https://other" }), Err(IdentityError::Denied)),
        (json!({ "iss": ["https://id"] }), Err(IdentityError::Denied)),
        (json!({ "aud": null }), Err(IdentityError::Denied)),
        (json!({ "aud": "other" }), Err(IdentityError::Denied)),
        (json!({ "aud": [] }), Err(IdentityError::Denied)),
        (json!({ "aud": { "chat": true } }), Err(IdentityError::Denied)),
        // What is wrong otherwise is not told as expired.
        (json!({ "exp": 0, "aud": "other" }), Err(IdentityError::Denied)),
    ] {
        let mut claims = whole.clone();
        for (name, value) in others.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let found = id(&bed, &issuer.token(&with(&claims))).await;
        assert_eq!(found, expected.map(str::to_owned), "{others}");
    }
}

#[tokio::test]
async fn an_audience_that_nobody_configured_is_somebody_else() {
    let (bed, issuer) = (Bed::new(&shared("")), Issuer::new(Algorithm::HS256));
    assert_eq!(id(&bed, &issuer.token(&with(&json!({ "iss": "whoever" })))).await, Ok("chris".into()));
    assert_eq!(id(&bed, &issuer.token(&with(&json!({ "aud": "payments" })))).await, DENIED);
}

#[tokio::test]
async fn a_token_expires_by_the_servers_clock_and_its_leeway() {
    let (bed, issuer) = (Bed::new(&shared("leeway = \"5s\"")), Issuer::new(Algorithm::HS256));
    let token = issuer.token(&good());
    for (step, expected) in [(0, Ok("chris".into())), (64, Ok("chris".into())), (1, Err(IdentityError::Expired))] {
        bed.advance(Duration::from_secs(step));
        assert_eq!(id(&bed, &token).await, expected, "{step}");
    }
}

#[tokio::test]
async fn claims_become_id_client_data_and_server_data_by_name_or_pointer() {
    let issuer = Issuer::new(Algorithm::HS256);
    let claims = with(&json!({
        "user": { "name": "max", "roles": ["admin"] },
        "https://example.com/color": "blue",
    }));
    for (names, expected) in [
        ("", ("chris", "null", "null".to_owned())),
        (
            "claims = {id = \"/user/name\", client_data = \"https://example.com/color\", server_data = \"/user/roles/0\"}",
            ("max", "\"blue\"", "\"admin\"".to_owned()),
        ),
        ("claims = {server_data = \"*\"}", ("chris", "null", claims.to_string())),
        ("claims = {client_data = \"missing\", server_data = \"/user/missing\"}", ("chris", "null", "null".to_owned())),
    ] {
        let bed = Bed::new(&shared(names));
        let (id, client_data, server_data) = expected;
        let proven = bed.login(json!({ "jwt": issuer.token(&claims) })).await.unwrap();
        assert_eq!(proven, Identity { id: id.into(), client_data: client_data.into(), server_data }, "{names}");
    }
}

#[tokio::test]
async fn a_login_may_bring_its_token_in_four_places() {
    let (bed, issuer) = (Bed::new(&shared("cookie = \"session\"")), Issuer::new(Algorithm::HS256));
    let token = issuer.token(&good());
    let headers = |name: &str, value: String| json!({ "headers": { name: value } });
    for (sent, around, expected) in [
        (json!({ "token": token }), json!({}), true),
        (json!({ "jwt": token }), json!({}), true),
        (json!({}), headers("authorization", format!("Bearer {token}")), true),
        (json!({}), headers("authorization", format!("bearer {token}")), true),
        (json!({}), headers("cookie", format!("a=b; session={token}; c=d")), true),
        (json!({}), headers("cookie", format!("session=\"{token}\"")), true),
        (json!({}), headers("cookie", format!("sessions={token}")), false),
        (json!({}), headers("authorization", format!("Basic {token}")), false),
        (json!({}), headers("x-token", token.clone()), false),
        (json!({ "token": "wrong" }), headers("authorization", format!("Bearer {token}")), false),
        (json!({ "token": [token] }), json!({}), false),
        (json!([token]), json!({}), false),
    ] {
        let found = bed.login_from(sent.clone(), around.clone()).await;
        assert_eq!(found.is_ok(), expected, "{sent} {around}");
    }
    let unnamed = Bed::new(&shared(""));
    let around: Value = headers("cookie", format!("session={token}"));
    assert!(unnamed.login_from(json!({}), around).await.is_err());
}

#[tokio::test]
async fn another_issuers_token_is_left_to_the_next_and_an_expired_one_is_not() {
    let (first, second) = (Issuer::new(Algorithm::EdDSA), Issuer::new(Algorithm::HS256));
    let bed = Bed::new(&(public(&first, "") + &shared("claims = {id = \"name\"}")));
    let named = with(&json!({ "name": "second" }));
    assert_eq!(id(&bed, &first.token(&good())).await, Ok("chris".into()));
    assert_eq!(id(&bed, &second.token(&named)).await, Ok("second".into()));
    assert_eq!(id(&bed, &first.token(&with(&json!({ "exp": 1 })))).await, Err(IdentityError::Expired));
    assert_eq!(id(&bed, &second.token(&good())).await, DENIED);
}

#[test]
fn what_lets_in_more_than_it_seems_to_is_told() {
    for (more, expected) in [
        ("secret = \"shared\"", vec![]),
        ("secret = \"shared\"\ncookie = \"session\"", vec!["SameSite"]),
        ("jwks_url = \"http://localhost/keys\"", vec!["for whatever service"]),
        ("jwks_url = \"http://[::1]:8/keys\"\nissuer = \"id\"", vec![]),
        ("jwks_url = \"https://id/keys\"\nissuer = \"id\"", vec![]),
        ("jwks_url = \"http://id/keys\"\nissuer = \"id\"", vec!["`jwks_url` is plain HTTP"]),
        ("jwks_url = \"http://10.0.0.1/keys\"\nissuer = \"id\"", vec!["`jwks_url` is plain HTTP"]),
        ("jwks_url = \"http://localhost/keys\"\ncookie = \"session\"", vec!["for whatever service", "SameSite"]),
    ] {
        let manifest = format!("name = \"test\"\n[[authentication]]\nkind = \"jwt\"\n{more}\n");
        let manifest = Manifest::parse("test", &manifest).unwrap_or_else(|problems| panic!("{problems}"));
        let told: Vec<&str> = manifest.warnings().collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(told.iter().zip(expected).all(|(told, expected)| told.contains(expected)), "{told:?}");
    }
}

#[test]
fn keys_and_algorithms_that_do_not_fit_are_mistakes() {
    let pem = |issuer: &Issuer| format!("public_key = '''\n{}'''", issuer.pem());
    let (ec, rsa) = (pem(&Issuer::new(Algorithm::ES256)), pem(&Issuer::new(Algorithm::RS256)));
    let private = rsa.replace("PUBLIC KEY", "PRIVATE KEY");
    for (more, expected) in [
        ("", "`authentication.secret` is missing"),
        ("secret = \"shared\"\njwks_url = \"https://id/keys\"", "not several"),
        (&format!("secret = \"shared\"\n{ec}"), "not several"),
        ("secret = \"shared\"\nalgorithms = []", "one at least"),
        ("secret = \"shared\"\nalgorithms = [\"none\"]", "`none` is none of"),
        ("secret = \"shared\"\nalgorithms = [\"RS256\"]", "`RS256` is not for this kind of key"),
        (&format!("{ec}\nalgorithms = [\"HS256\"]"), "`HS256` is not for this kind of key"),
        (&format!("{ec}\nalgorithms = [\"ES384\"]"), "`ES384` is not for this kind of key"),
        (&format!("{rsa}\nalgorithms = [\"RS256\", \"ES256\"]"), "`ES256` is not for this kind of key"),
        ("jwks_url = \"https://id/keys\"\nalgorithms = [\"HS256\"]", "`HS256` is not for this kind of key"),
        ("jwks_url = \"ftp://id/keys\"", "no host"),
        ("jwks_url = \"https://user:pass@id/keys\"", "with a user in it"),
        (&private, "make a new pair"),
        ("public_key = \"nonsense\"", "no public key in PEM"),
        ("secret = \"shared\"\nleeway = \"1h\"", "5m at the most"),
        ("secret = \"shared\"\nclaims = {id = \"*\"}", "one claim"),
        ("secret = \"shared\"\nclaims = {name = \"sub\"}", "unknown key"),
    ] {
        let told = mistakes(&format!("[[authentication]]\nkind = \"jwt\"\n{more}"));
        assert!(told.contains(expected), "{more}: {told}");
    }
}

#[test]
#[should_panic(expected = "fewer than 32 bytes")]
fn a_secret_that_can_be_guessed_is_not_deployed() {
    assert!(SECRET.len() >= 32);
    Bed::new("[[authentication]]\nkind = \"jwt\"\nsecret = \"short\"");
}
