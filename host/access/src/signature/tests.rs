//! Signatures against recorded requests of real SDKs and against published and golden values.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Requests captured from the npm and PyPI SDKs.
const RECORDED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/signed_requests.json"));

fn keys(name: &str) -> (SubscribeKey, PublishKey, String) {
    let key = |kind: &str| format!("{kind}-c-{name}");
    (key("sub").parse().unwrap(), key("pub").parse().unwrap(), key("sec"))
}

#[test]
fn recorded_requests_verify() {
    let recorded: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    assert_eq!(recorded.len(), 28);
    for entry in &recorded {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (target, scheme) = (text(&entry["target"]), text(&entry["scheme"]));
        let (path, query) = target.split_once('?').unwrap();
        let subscribe_key = text(&entry["keys"]["subscribe"]).parse().unwrap();
        let publish_key = text(&entry["keys"]["publish"]).parse().unwrap();
        let (method, body) = (text(&entry["method"]), text(&entry["body"]));
        let request = SignedRequest {
            subscribe_key: &subscribe_key,
            publish_key: &publish_key,
            method: &method,
            path,
            query,
            body: body.as_bytes(),
        };
        let expected = match scheme.as_str() {
            "v2" => Ok(SignatureForm::V2),
            "v1" => Ok(SignatureForm::V1),
            _ => Err(SignatureError::Mismatch),
        };
        let secret = text(&entry["keys"]["secret"]);
        let outcome = verify(&request, [b"rotated".as_slice(), secret.as_bytes()]);
        assert_eq!(outcome, expected, "{target}");
        if expected.is_err() {
            assert!(verify(&request, [b"sec-c-wrong".as_slice()]).is_ok(), "{target}");
        }
    }
}

#[test]
fn v2_golden_values_hold() {
    let body = r#"{"ttl":15,"permissions":{"resources":{"channels":{"room-1":3}},"patterns":{},"meta":{}}}"#;
    for (name, secret, method, target, body, expected) in [
        (
            "example",
            "sec-c-example-secret",
            "POST",
            "/v3/pam/sub-c-example/grant?uuid=server/%C5%BB&timestamp=1700000000&note=a%20b~*'!()",
            body,
            "v2.FbVl-vVbRY0jWiraXfNaSXu1I51c8oBMBHcyQXl1TXc",
        ),
        (
            "example",
            "sec-c-example-secret",
            "get",
            "/v2/auth/grant/sub-key/sub-c-example?channel=a.*&auth=key1,key2&r=1&w=0&ttl=60&timestamp=1700000000",
            "not covered",
            "v2.o8NhhtRZNX3N8t7aQXGjpWk6KfGY-3raRktQugzcsnc",
        ),
        (
            "stub",
            "sec-c-stub",
            "GET",
            "/v2/auth/grant/sub-key/sub-c-stub?auth=k1&channel=ns%2Cns%23chat%23public.%2A&m=0&pnsdk=edge%2F1&r=1&timestamp=1700000000&ttl=10080&uuid=srv&w=1",
            "",
            "v2.goqM1BzfzlaOgKhU-oSVin3VL0S9VPdUWB8mKQdB8Bc",
        ),
    ] {
        let (_, publish_key, _) = keys(name);
        let (path, query) = target.split_once('?').unwrap();
        let request = SigningRequest { method, publish_key: &publish_key, path, query, body: body.as_bytes() };
        assert_eq!(sign_v2(&request, secret.as_bytes()), expected, "{target}");
    }
}

#[test]
fn v1_golden_values_hold() {
    for (name, secret, target, expected) in [
        (
            "example",
            "sec-c-example-secret",
            "/publish/pub-c-example/sub-c-example/0/room-1/0?uuid=server-1&timestamp=1700000000",
            "DNP0e3R-lsabOjsqVDog0Q2Byt95W_0HENqwiNetemQ=",
        ),
        (
            "stub",
            "sec-c-stub",
            "/v2/auth/grant/sub-key/sub-c-stub?auth=k1&channel=ns%2Cns%23chat%23public.%2A&m=0&pnsdk=edge%2F1&r=1&timestamp=1700000000&ttl=10080&uuid=srv&w=1",
            "t6GxAGyyLWV0sOsV2_BbCAvJCmPBX2bnrRjSaJKoRJI=",
        ),
    ] {
        let (subscribe_key, publish_key, _) = keys(name);
        let (path, query) = target.split_once('?').unwrap();
        let request = SigningRequestV1 { subscribe_key: &subscribe_key, publish_key: &publish_key, path, query };
        assert_eq!(sign_v1(&request, secret.as_bytes()), expected, "{target}");
    }
}

#[test]
fn a_secret_of_any_length_signs() {
    // RFC 4231, test case 6: a key longer than the hash's block.
    let digest = hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(digest[..4], [0x60, 0xe4, 0x31, 0x59]);
    assert_eq!(hmac_sha256(b"", b"").len(), 32);
}

fn outcome(method: &str, path: &str, query: &str, body: &[u8]) -> Result<SignatureForm, SignatureError> {
    let (subscribe_key, publish_key, secret) = keys("example");
    let request = SignedRequest { subscribe_key: &subscribe_key, publish_key: &publish_key, method, path, query, body };
    verify(&request, [secret.as_bytes()])
}

fn signed_v1(path: &str) -> String {
    let (subscribe_key, publish_key, secret) = keys("example");
    let (subscribe_key, publish_key) = (&subscribe_key, &publish_key);
    let request = SigningRequestV1 { subscribe_key, publish_key, path, query: "a=1" };
    format!("a=1&signature={}", sign_v1(&request, secret.as_bytes()))
}

fn signed_v2(method: &str, path: &str, body: &[u8]) -> String {
    let (_, publish_key, secret) = keys("example");
    let request = SigningRequest { method, publish_key: &publish_key, path, query: "a=1", body };
    format!("a=1&signature={}", sign_v2(&request, secret.as_bytes()))
}

#[test]
fn odd_forms_are_accepted_only_where_clients_need_them() {
    let not_accepted = Err(SignatureError::FormNotAccepted);
    for (method, path, signed_path, expected) in [
        ("POST", "/publish/p/s/0/a/0", "/publish/p/s/0/a/0", Ok(SignatureForm::V1)),
        ("GET", "/publish/p/s/0/a/0/1", "/publish/p/s/0/a/0/1", not_accepted),
        ("POST", "/publish/p/s/0/a/0/1", "/publish/p/s/0/a/0/1", not_accepted),
        ("POST", "/publish/p/s/0/a/0/", "/publish/p/s/0/a/0/", not_accepted),
        ("POST", "/v2/publish/p/s/0/a/0", "/v2/publish/p/s/0/a/0", not_accepted),
        ("POST", "/v3/pam/s/grant", "/v3/pam/s/grant", not_accepted),
        ("GET", "/v2/auth/grant/sub-key/s", "/v2/auth/grant/sub-key/s", Ok(SignatureForm::V1)),
        ("GET", "/v1/auth/grant/sub-key/s", "/v1/auth/grant/sub-key/s", Ok(SignatureForm::V1)),
        ("GET", "/v1/auth/grant/sub-key/s", "grant", Ok(SignatureForm::V1BareWord)),
        ("GET", "/v1/auth/audit/sub-key/s", "audit", Ok(SignatureForm::V1BareWord)),
        ("GET", "/v1/auth/audit/sub-key/s", "grant", Err(SignatureError::Mismatch)),
        ("GET", "/v2/auth/grant/sub-key/s", "grant", Err(SignatureError::Mismatch)),
    ] {
        let query = signed_v1(signed_path);
        assert_eq!(outcome(method, path, &query, b"1"), expected, "{method} {path}");
        let unpadded = query.trim_end_matches('=');
        assert_eq!(outcome(method, path, unpadded, b"1"), expected, "{method} {path}");
    }
    let path = "/publish/p/s/0/a/0";
    for (path, expected) in [
        (path, Ok(SignatureForm::V2AsGet)),
        ("/publish/p/s/0/a/0/1", Err(SignatureError::Mismatch)),
        ("/v2/publish/p/s/0/a/0", Err(SignatureError::Mismatch)),
        ("/v3/pam/s/grant", Err(SignatureError::Mismatch)),
    ] {
        assert_eq!(outcome("POST", path, &signed_v2("GET", path, b""), b"1"), expected, "{path}");
    }
}

#[test]
fn a_signature_that_is_not_one_is_refused() {
    let good = signed_v2("GET", "/time/0", b"");
    assert_eq!(outcome("GET", "/time/0", &good, b""), Ok(SignatureForm::V2));
    for (query, expected) in [
        ("a=1".to_owned(), SignatureError::Absent),
        (format!("{good}&signature=v2.x"), SignatureError::Repeated),
        ("signature=v2.".to_owned(), SignatureError::Malformed),
        ("signature=v2.AAAA".to_owned(), SignatureError::Malformed),
        ("signature=v2.%FF%00".to_owned(), SignatureError::Malformed),
        (format!("{good}&b=1"), SignatureError::Mismatch),
        (good.replace("a=1", "a=2"), SignatureError::Mismatch),
    ] {
        assert_eq!(outcome("GET", "/time/0", &query, b""), Err(expected), "{query}");
    }
    assert_eq!(outcome("DELETE", "/time/0", &good, b""), Err(SignatureError::Mismatch));
    assert_eq!(outcome("GET", "/time/0/", &good, b""), Err(SignatureError::Mismatch));
}

#[test]
fn a_request_is_shown_without_what_it_carries() {
    let (subscribe_key, publish_key, _) = keys("example");
    let (subscribe_key, publish_key) = (&subscribe_key, &publish_key);
    let (method, path, query, body) = ("POST", "/s3cret", "auth=s3cret", b"s3cret".as_slice());
    for shown in [
        format!("{:?}", SigningRequest { method, publish_key, path, query, body }),
        format!("{:?}", SigningRequestV1 { subscribe_key, publish_key, path, query }),
        format!("{:?}", SignedRequest { subscribe_key, publish_key, method, path, query, body }),
    ] {
        assert!(shown.contains("-c-example") && !shown.contains("s3cret"), "{shown}");
        assert!(!shown.contains(&format!("{body:?}")), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_request_makes_verification_panic(path in "\\PC{0,30}", query in "\\PC{0,60}", body: Vec<u8>) {
        let _ = outcome("POST", &path, &query, &body);
        let signed = format!("signature={query}");
        prop_assert!(outcome("POST", &path, &signed, &body).is_err());
    }
}
