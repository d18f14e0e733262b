//! The decisions port: whoever stands in front of another server asks it in JSON, as nginx or as Envoy, and gets one verdict.

use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Call, Log, Origin};

/// A keyset without a network, a grant for `k1` to read `a`, and a token to write `room-…`.
async fn bed() -> (Bed, String) {
    let bed = Bed::start().await;
    let grant = Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=a&auth=k1&r=1&ttl=60");
    assert_eq!(bed.call_as_root(grant).await.status, 200);
    let token = bed.token(&json!({ "patterns": { "channels": { "^room-": 2 } }, "uuid": "alice" })).await;
    (bed, token)
}

async fn decide(bed: &Bed, asked: &Value) -> Answer {
    bed.ask(Call::new("POST", "/v1/decisions").body(asked)).await
}

/// An operation on channels.
fn operation(name: &str, channels: &[&str], auth: &str) -> Value {
    json!({ "subscribe_key": "sub-c-test", "auth": auth, "uuid": "alice", "operation": name, "channels": channels })
}

#[tokio::test]
async fn an_operation_is_decided_by_its_names() {
    let (bed, token) = bed().await;
    let until = bed.seconds() + 3_600;
    let denied =
        |code: &str, channel: &str| json!({ "allowed": false, "code": code, "denied": { "channels": [channel] } });
    for (asked, expected) in [
        (operation("subscribe", &["a"], "k1"), json!({ "allowed": true, "code": "allowed", "until": until })),
        (operation("publish", &["room-1"], &token), json!({ "allowed": true, "code": "allowed", "until": until })),
        (operation("leave", &[], "k1"), json!({ "allowed": true, "code": "allowed" })),
        (operation("subscribe", &["a", "b"], "k1"), denied("grant.missing", "b")),
        (operation("publish", &["a"], "k1"), denied("grant.lacks", "a")),
        (operation("subscribe", &["room-1"], &token), denied("token.lacks", "room-1")),
        (operation("subscribe", &["a"], ""), denied("credential.missing", "a")),
    ] {
        let answer = decide(&bed, &asked).await;
        let mut said = answer.json();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(said["decision_id"].as_str(), answer.header("x-request-id"));
        assert_eq!(said["reason"].is_string(), said["allowed"] == false, "{said}");
        said.as_object_mut().unwrap().retain(|key, _| key != "decision_id" && key != "reason");
        assert_eq!(said, expected, "{}", asked["operation"]);
    }
    assert_eq!(Log::lines_with(&token), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_is_decided_as_the_gateway_would() {
    let (bed, token) = bed().await;
    let members = "{\"set\":[{\"channel\":{\"id\":\"room-1\"}}]}";
    let forged = Call::get("/v2/subscribe/sub-c-test/b/0").signed_with("sec-c-other", bed.seconds()).target;
    let signed = Call::get("/v2/subscribe/sub-c-test/b/0").signed_with("sec-c-test", bed.seconds()).target;
    let target = |rest: &str| format!("{rest}&auth={token}&uuid=alice");
    for (method, target, code) in [
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1".to_owned(), "allowed"),
        ("GET", "/v2/subscribe/sub-c-test/b/0?auth=k1".into(), "grant.missing"),
        ("GET", target("/publish/pub-c-test/sub-c-test/0/room-1/0/1?x"), "allowed"),
        ("GET", target("/publish/pub-c-test/sub-c-test/0/other/0/1?x"), "token.lacks"),
        ("GET", signed, "allowed"),
        ("GET", forged, "signature.invalid"),
        ("GET", "/v2/subscribe/sub-c-test/a%2Cb/0".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-none/a/0".into(), "keyset.unknown"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1#x".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1&x= y".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1&x=\\".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1&x=\u{1}".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1&x=\u{fc}".into(), "request.malformed"),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1&x=[a,b]|^{}\"'~*".into(), "allowed"),
        ("GET", "/time/0?x".into(), "allowed"),
        ("POST", "/time/0".into(), "operation.unknown"),
        ("OPTIONS", "/v2/subscribe/sub-c-test/a/0".into(), "allowed"),
        ("OPTIONS", "/v2/subscribe/sub-c-test/a/0#".into(), "request.malformed"),
        ("GET", "/anything/else".into(), "operation.unknown"),
        ("BREW", "/v2/subscribe/sub-c-test/a/0".into(), "operation.unknown"),
        ("PATCH", target("/v2/objects/sub-c-test/uuids/alice/channels?x"), "token.lacks"),
    ] {
        let body = if method == "PATCH" { json!(members) } else { Value::Null };
        let asked = json!({ "method": method, "target": target, "body": body });
        let said = decide(&bed, &asked).await.json();
        assert_eq!((&said["code"], &said["allowed"]), (&json!(code), &json!(code == "allowed")), "{method} {target}");
    }
}

#[tokio::test]
async fn up_to_a_hundred_are_decided_at_once_and_in_order() {
    let (bed, _) = bed().await;
    let one = |channel: &str| operation("subscribe", &[channel], "k1");
    let answer = decide(&bed, &json!({ "decisions": [one("a"), one("b"), {}, one("a")] })).await.json();
    let codes: Vec<&str> =
        answer["decisions"].as_array().unwrap().iter().map(|said| said["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["allowed", "grant.missing", "request.malformed", "allowed"]);
    assert!(answer["decision_id"].is_string());
    assert_eq!(decide(&bed, &json!({ "decisions": vec![one("a"); 100] })).await.status, 200);
    assert_eq!(decide(&bed, &json!({ "decisions": vec![one("a"); 101] })).await.status, 400);
    let endless = format!("{{\"decisions\":[{}", "{},".repeat(200_000));
    let cut = bed.ask(Call::new("POST", "/v1/decisions").body(&endless)).await;
    assert!(cut.status == 400 && cut.body.contains("line 1, column 31"), "not read to its end: {}", cut.body);
    let nested = json!({ "decisions": [{ "decisions": vec![one("a"); 1_000] }, one("a")] });
    let said = decide(&bed, &nested).await.json();
    assert_eq!(
        (&said["decisions"][0]["code"], &said["decisions"][1]["code"]),
        (&json!("request.malformed"), &json!("allowed"))
    );
    let hundred = operation("subscribe", &["a"; 100], "k1");
    let read =
        json!({ "method": "GET", "target": format!("/v2/subscribe/sub-c-test/{}/0?auth=k1", ["a"; 100].join(",")) });
    for asked in [hundred, read] {
        for (count, status) in [(20, 200), (21, 400)] {
            let answer = decide(&bed, &json!({ "decisions": vec![&asked; count] })).await;
            assert_eq!(answer.status, status, "{count} times a hundred names: {:.300}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_shows_nothing_of_it() {
    let (bed, _) = bed().await;
    for body in [
        "",
        "[",
        "[]",
        "{\"auth\":\"s3cret-key\"",
        "{\"auht\":\"s3cret-key\"}",
        "{\"auth\":[\"s3cret-key\"]}",
        "{\"auth\":\"s3cret-key\",\"auth\":\"x\"}",
        "{\"decisions\":[],\"auth\":\"s3cret-key\"}",
    ] {
        let answer = bed.ask(Call::new("POST", "/v1/decisions").body(body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/problem+json")), "{body}");
        assert_eq!(answer.json()["code"], "request.malformed");
        assert!(!answer.body.contains("s3cret-key"), "{}", answer.body);
    }
    for asked in [
        json!({}),
        json!({ "operation": "publish" }),
        json!({ "operation": "publish", "method": "GET", "target": "/" }),
        json!({ "method": "GET" }),
        json!({ "method": "GET", "target": "/v2/subscribe/sub-c-test/a/0", "auth": "k1" }),
        operation("fly", &["a"], "k1"),
        operation("publish", &[], "k1"),
        operation("publish", &["a,b"], "k1"),
    ] {
        let said = decide(&bed, &asked).await.json();
        assert_eq!(said["allowed"], false, "{asked}: {said}");
        assert!(said["reason"].is_string(), "{said}");
    }
    assert_eq!(Log::lines_with("s3cret-key"), Vec::<String>::new());
}

#[tokio::test]
async fn a_verdict_can_be_explained() {
    let (bed, token) = bed().await;
    let mut asked = operation("subscribe", &["a", "b"], "k1");
    asked["explain"] = json!(true);
    let said = decide(&bed, &asked).await.json();
    let findings: Vec<&str> = said["findings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(findings.len(), 2, "{said}");
    assert!(findings[0].contains('a') && findings[1].contains('b'), "{findings:?}");

    let rotated = json!({ "until": "30s", "force": true });
    bed.admin().post("/v1/keysets/sub-c-test/keys/rotate", &rotated).await.unwrap();
    let mut of_token = operation("publish", &["room-1"], &token);
    for explain in [false, true] {
        of_token["explain"] = json!(explain);
        let said = decide(&bed, &of_token).await.json();
        assert_eq!(said["until"], json!(bed.seconds() + 30), "the key ends before the token: {said}");
    }
    assert!(!said.to_string().contains(&token) && !said.to_string().contains("k1"), "{said}");
}

#[tokio::test]
async fn nginx_asks_with_two_headers_and_reads_the_status() {
    let (bed, token) = bed().await;
    let asked = |target: &str| {
        Call::get("/v1/decisions/nginx").header("x-original-method", "GET").header("x-original-uri", target)
    };
    let write = format!("/publish/pub-c-test/sub-c-test/0/room-1/0/1?auth={token}&uuid=alice");
    let doubled = asked("/v2/subscribe/sub-c-test/a/0?auth=k1").header("x-original-uri", "/time/0");
    for (call, status, reason) in [
        (asked("/v2/subscribe/sub-c-test/a/0?auth=k1"), 200, "allowed"),
        (asked(&write), 200, "allowed"),
        (asked("/v2/subscribe/sub-c-test/a/0?auth=k1#x"), 403, "request.malformed"),
        (asked("/v2/subscribe/sub-c-test/a/0?auth=k1&x=\\"), 403, "request.malformed"),
        (asked("/time/0"), 200, "allowed"),
        (asked("/time/0").header("x-original-content-length", "0"), 200, "allowed"),
        (asked("/time/0").header("x-original-content-length", "1"), 403, "request.malformed"),
        (asked("/time/0").header("x-original-transfer-encoding", "chunked"), 403, "request.malformed"),
        (asked("/v2/subscribe/sub-c-test/a/0").header("x-request-id", "of-the-client"), 403, "credential.missing"),
        (asked("/v2/subscribe/sub-c-test/b/0?auth=k1"), 403, "grant.missing"),
        (asked("/v2/subscribe/sub-c-test/a/0"), 403, "credential.missing"),
        (asked("/elsewhere"), 403, "operation.unknown"),
        (asked("/v2/subscribe/sub-c-test/../0?auth=k1"), 403, "request.malformed"),
        (Call::get("/v1/decisions/nginx"), 403, "request.malformed"),
        (doubled, 403, "request.malformed"),
    ] {
        let answer = bed.ask(call).await;
        assert_eq!((answer.status, answer.header("x-usher-reason")), (status, Some(reason)));
        assert!(answer.header("x-usher-decision-id").is_some_and(|id| id != "of-the-client"));
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn envoy_asks_over_http_with_the_request_behind_a_prefix() {
    let (bed, _) = bed().await;
    let origin = Origin::start().await;
    bed.set_network(&origin.url()).await;
    for (method, target, reason) in [
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=k1", "allowed"),
        ("GET", "/v2/subscribe/sub-c-test/b/0?auth=k1&uuid=u", "grant.missing"),
        ("DELETE", "/v2/objects/sub-c-test/uuids/u?auth=k1&uuid=u", "grant.missing"),
        ("GET", "/v2/subscribe/sub-c-test/b%2Cc/0?auth=k1", "request.malformed"),
        ("GET", "/time/0", "allowed"),
    ] {
        let answer = bed.ask(Call::new(method, format!("/v1/decisions/envoy{target}"))).await;
        assert_eq!(answer.header("x-usher-reason"), Some(reason), "{target}");
        assert!(answer.header("x-usher-decision-id").is_some());
        let overridden = Call::new(method, format!("/v1/decisions/envoy{target}")).header("x-original-url", "/time/0");
        assert_eq!(bed.ask(overridden).await.status, 400, "{target}");
        let of_gateway = bed.call(Call::new(method, target)).await;
        assert_eq!(answer.status, of_gateway.status);
        if reason != "allowed" {
            assert_eq!(
                (&answer.body, answer.header("x-pn-cause")),
                (&of_gateway.body, of_gateway.header("x-pn-cause"))
            );
        }
    }
}

#[tokio::test]
async fn the_port_does_nothing_else() {
    let (bed, _) = bed().await;
    assert_eq!(bed.ask(Call::get("/livez")).await.body, "ok\n");
    for (method, target) in [("GET", "/v1/decisions"), ("GET", "/"), ("GET", "/v1/keysets"), ("POST", "/livez")] {
        assert_eq!(bed.ask(Call::new(method, target)).await.status, 404, "{method} {target}");
    }
    let counted = decide(&bed, &operation("subscribe", &["a"], "k1")).await;
    assert_eq!(counted.status, 200);
    let metrics = bed.metrics().await;
    assert!(metrics.contains("usher_decisions_total{form=\"json\",code=\"allowed\"} 1"), "{metrics}");
}
