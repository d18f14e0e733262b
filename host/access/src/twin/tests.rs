//! Twins: what one says, who can verify it, and that it follows the RFCs.

use proptest::prelude::*;

use super::*;
use crate::token::{Epoch, KeyNumber, TokenGrant, TokenKey};

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

fn audience() -> SubscribeKey {
    "sub-c-1".parse().unwrap()
}

fn twin(key: &TwinKey) -> (String, MintedToken) {
    let body = json!({ "ttl": 15, "permissions": {
        "resources": { "channels": { "room-1": 3, "odd": 16 } },
        "patterns": { "groups": { "^a$": 5 } },
        "categories": { "channels": 32 },
        "meta": { "k": [1] },
        "uuid": "u",
    } });
    let grant = TokenGrant::parse(body.to_string().as_bytes()).unwrap();
    let minted = grant.mint(&TokenKey::new(KeyNumber::new(1), [1; 32]), Epoch::default(), NOW).unwrap();
    (key.sign(&minted, &audience()), minted)
}

#[test]
fn a_twin_says_in_words_what_its_token_says_in_bits() {
    let key = TwinKey::from_seed(&[1; 32]);
    let (text, minted) = twin(&key);
    let expected = json!({
        "iss": "usher", "aud": "sub-c-1", "iat": NOW.get(), "exp": NOW.get() + 900, "jti": minted.id().to_string(), "sub": "u",
        "res": { "channels": { "room-1": ["read", "write"], "odd": [] } },
        "pat": { "groups": { "^a$": ["read", "manage"] } },
        "cat": { "channels": ["get"], "uuids": [] },
        "meta": { "k": [1] },
    });
    assert_eq!(key.public().verify(&text, &audience(), NOW).map(Value::Object), Ok(expected));
    assert_eq!(TwinPublicKey::named_in(&text).as_deref(), Some(key.public().id()));
}

#[test]
fn a_twin_counts_for_one_key_one_keyset_and_its_time() {
    let key = TwinKey::from_seed(&[1; 32]);
    let (text, minted) = twin(&key);
    let end = minted.expires().instant().unwrap();
    let other = TwinKey::from_seed(&[2; 32]);
    assert_eq!(other.public().verify(&text, &audience(), NOW), Err(InvalidTwin::AnotherKey));
    let elsewhere = "sub-c-2".parse().unwrap();
    assert_eq!(key.public().verify(&text, &elsewhere, NOW), Err(InvalidTwin::Audience));
    assert_eq!(key.public().verify(&text, &audience(), end), Err(InvalidTwin::Expired { at: end }));
}

#[test]
fn a_header_that_says_anything_else_is_not_believed() {
    let key = TwinKey::from_seed(&[1; 32]);
    let id = key.public().id();
    for header in [
        json!({ "alg": "none", "kid": id, "typ": TYPE }),
        json!({ "alg": "HS256", "kid": id, "typ": TYPE }),
        json!({ "alg": "EdDSA", "kid": id, "typ": "JWT" }),
        json!({ "alg": "EdDSA", "typ": TYPE }),
        json!({ "alg": "EdDSA", "kid": id, "typ": TYPE, "crit": ["b64"], "b64": false }),
    ] {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": "usher", "aud": "sub-c-1", "exp": u64::MAX }).to_string());
        let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(key.signing.sign(signed.as_bytes()).to_bytes());
        let text = format!("{signed}.{signature}");
        assert_eq!(key.public().verify(&text, &audience(), NOW), Err(InvalidTwin::AnotherKey), "{header}");
    }
}

/// What another implementation signed, and what it refuses.
#[test]
fn the_vectors_of_the_documentation_are_read_alike() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/twins.json")).unwrap();
    let key = TwinPublicKey::from_jwk(&vectors["jwks"]["keys"][0]).unwrap();
    let expected = [
        ("a twin that counts", None),
        ("the same when it is over", Some(InvalidTwin::Expired { at: UnixSeconds::new(1_700_000_900) })),
        ("the same for another keyset", Some(InvalidTwin::Audience)),
        ("claims that were changed", Some(InvalidTwin::Signature)),
        ("a signature that was changed", Some(InvalidTwin::Signature)),
        ("another type of JWT, well signed", Some(InvalidTwin::AnotherKey)),
        ("no signature at all", Some(InvalidTwin::AnotherKey)),
    ];
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), expected.len());
    for (case, (name, error)) in cases.iter().zip(expected) {
        let or_common = |name: &str| case.get(name).unwrap_or(&vectors[name]);
        let audience = or_common("subscribe_key").as_str().unwrap().parse().unwrap();
        let now = UnixSeconds::new(or_common("now").as_u64().unwrap());
        let verified = key.verify(case["twin"].as_str().unwrap(), &audience, now);
        assert_eq!(case["name"], name);
        assert_eq!(verified.as_ref().err(), error.as_ref(), "{name}");
        assert_eq!(verified.ok().map(Value::Object).as_ref(), case.get("claims"), "{name}");
    }
}

/// RFC 8037, appendices A.1 to A.3: key pair and thumbprint.
#[test]
fn a_key_has_the_name_that_the_rfc_gives_it() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = TwinKey::from_seed(&seed.try_into().unwrap());
    let jwk = key.public().jwk();
    assert_eq!(jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(jwk["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(TwinPublicKey::from_jwk(&jwk).as_ref(), Ok(key.public()));
    assert_eq!(format!("{key:?}"), "TwinKey(kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k, redacted)");
    for (member, value) in [("kty", "EC"), ("crv", "X25519"), ("x", "AA"), ("x", "!")] {
        let mut jwk = jwk.clone();
        jwk[member] = value.into();
        assert_eq!(TwinPublicKey::from_jwk(&jwk), Err(MalformedTwinKey), "{member} = {value}");
    }
}

proptest! {
    #[test]
    fn any_other_text_is_refused(at: prop::sample::Index, to in "[A-Za-z0-9._-]", text in "[A-Za-z0-9._-]{0,80}") {
        let key = TwinKey::from_seed(&[1; 32]);
        let (mut signed, _) = twin(&key);
        let at = at.index(signed.len());
        prop_assume!(signed.get(at..=at) != Some(&*to));
        signed.replace_range(at..=at, &to);
        prop_assert!(key.public().verify(&signed, &audience(), NOW).is_err());
        prop_assert!(key.public().verify(&text, &audience(), NOW).is_err());
    }
}
