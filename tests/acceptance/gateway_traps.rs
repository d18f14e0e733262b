//! What a backend could read otherwise than Usher does is refused before it gets there; so is what is no operation.

use serde_json::json;
use usher_tests::{Bed, Call, Log, Origin};

#[tokio::test]
async fn nothing_ambiguous_or_unknown_reaches_the_network() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    let token = bed
        .token(&json!({ "patterns": { "channels": { ".": 255 }, "groups": { ".": 255 }, "uuids": { ".": 255 } } }))
        .await;
    let many = (0..2_001).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    for (method, target, status) in [
        ("GET", "/v2/subscribe/sub-c-test/a%2Cb/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a%00b/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a%0Ab/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/%ff/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/../0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/%2e%2E/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/./0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a,,b/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?auth=other", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?%61uth=other", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?uuid=a&uuid=b", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?channel-group=g&channel-group=h", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?signature=a&signature=b", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?timestamp=1&timestamp=2", 400),
        ("GET", "/v1/channel-registration/sub-key/sub-c-test/channel-group/g?add=a&add=b", 400),
        ("GET", "/v1/push/sub-key/sub-c-test/devices/d?remove=a&remove=b", 400),
        ("GET", &format!("/v2/subscribe/sub-c-test/{many}/0?x"), 400),
        ("GET", "/publish/pub-c-other/sub-c-test/0/a/0/1?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a%5Cb/0?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a\\b/0?x", 400),
        ("GET", "/publish/pub-c-test/sub-c-test/0/a/0/m\\n?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?Auth=other", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?+uuid=a", 400),
        ("GET", "/v2/subscribe/sub-c-test/a/0?channel-group[]=g", 400),
        ("GET", "/v2/subscribe/sub-c-test/..;/0?x", 400),
        ("GET", "/publish/pub-c-test/sub-c-test/0/a/0/x%2F..%2F..%2F..%2Fsecret%2F0%2F1?x", 400),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/secret%2Fuuid/leave?x", 400),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/a%2Cb,,/leave?x", 400),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/,?x", 400),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/,/uuid/u/data?x", 400),
        ("GET", "/v2/subscribe/sub-c-test/,/0?x", 400),
        ("PUT", "/v2/subscribe/sub-c-test/a/0?x", 404),
        ("HEAD", "/v2/subscribe/sub-c-test/a/0?x", 404),
        ("POST", "/v2/subscribe/sub-c-test/a/0?x", 404),
        ("GET", "/v9/subscribe/sub-c-test/a/0?x", 404),
        ("GET", "/v2/subscribe/sub-c-test/a?x", 404),
        ("GET", "//v2/subscribe/sub-c-test/a/0?x", 404),
        ("GET", "/V2/subscribe/sub-c-test/a/0?x", 404),
        ("GET", "/v2%2Fsubscribe/sub-c-test/a/0?x", 404),
        ("DELETE", "/publish/pub-c-test/sub-c-test/0/a/0/1?x", 404),
        ("PATCH", "/v2/objects/sub-c-test/channels/a/more/b?x", 404),
    ] {
        let answer = bed.call(Call::new(method, format!("{target}&auth={token}"))).await;
        assert_eq!(answer.status, status, "{method} {target:.80}: {}", answer.body);
    }
    assert_eq!(origin.received(), []);
    assert_eq!(Log::lines_with(&token), Vec::<String>::new(), "a token never reaches the log");
}

#[tokio::test]
async fn a_request_that_could_be_another_one_further_on_is_refused() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    let token = bed.token(&json!({ "patterns": { "channels": { ".": 255 }, "uuids": { ".": 255 } } })).await;
    let subscribe = || Call::get(format!("/v2/subscribe/sub-c-test/a/0?auth={token}"));
    for name in [
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x_original_url",
    ] {
        assert_eq!(bed.call(subscribe().header(name, "/")).await.status, 400, "{name}");
    }
    let delete = || Call::new("DELETE", format!("/v3/history/sub-key/sub-c-test/channel/a?auth={token}"));
    let smuggled = "GET /v2/objects/sub-c-test/uuids HTTP/1.1\r\nhost: x\r\n\r\n";
    for call in [subscribe(), delete(), subscribe().signed_with("sec-c-test", bed.seconds())] {
        let answer = bed.call(call.body(smuggled)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert_eq!(origin.received(), []);
    assert_eq!(bed.call(delete()).await.status, 200);
}

/// Each is sent on a connection of its own; which requests arrive is all that counts, besides the first answer's status.
#[tokio::test]
async fn what_is_framed_in_two_ways_brings_nothing_undecided_to_the_network() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    bed.call_as_root(Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=open&r=1&w=1")).await;
    let poll = "/v2/subscribe/sub-c-test/open/0";
    let publish = "/publish/pub-c-test/sub-c-test/0/open/0";
    let inner = "GET /v2/subscribe/sub-c-test/secret/0 HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = inner.len();
    for (what, first, rest, status, arrives) in [
        ("plain", format!("GET {poll} HTTP/1.1"), String::from("\r\n"), 200, 1),
        (
            "GET with a length",
            format!("GET {poll} HTTP/1.1"),
            format!("content-length: {length}\r\n\r\n{inner}"),
            400,
            0,
        ),
        ("GET with a length of 0", format!("GET {poll} HTTP/1.1"), format!("content-length: 0\r\n\r\n{inner}"), 200, 1),
        (
            "GET in chunks",
            format!("GET {poll} HTTP/1.1"),
            format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"),
            400,
            0,
        ),
        (
            "GET of no chunk",
            format!("GET {poll} HTTP/1.1"),
            format!("transfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
            400,
            0,
        ),
        (
            "length and chunks",
            format!("POST {publish} HTTP/1.1"),
            format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
            200,
            1,
        ),
        (
            "two lengths",
            format!("POST {publish} HTTP/1.1"),
            format!("content-length: 0\r\ncontent-length: {length}\r\n\r\n{inner}"),
            400,
            0,
        ),
        (
            "an unknown coding",
            format!("POST {publish} HTTP/1.1"),
            format!("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
            400,
            0,
        ),
        ("HTTP/1.0", format!("GET {poll} HTTP/1.0"), String::from("\r\n"), 200, 1),
        (
            "HTTP/1.0 in chunks",
            format!("POST {publish} HTTP/1.0"),
            format!("transfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
            400,
            0,
        ),
        ("absolute form", format!("GET http://elsewhere{poll} HTTP/1.1"), String::from("\r\n"), 200, 1),
        ("authority form", "CONNECT elsewhere:80 HTTP/1.1".into(), format!("\r\n{inner}"), 404, 0),
        ("CONNECT", format!("CONNECT {poll} HTTP/1.1"), format!("\r\n{inner}"), 404, 0),
        ("asterisk form", "GET * HTTP/1.1".into(), String::from("\r\n"), 404, 0),
        (
            "upgrade",
            format!("GET {poll} HTTP/1.1"),
            format!("upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n{inner}"),
            200,
            1,
        ),
        (
            "a header of the connection",
            format!("GET {poll} HTTP/1.1"),
            String::from("x-own: 1\r\nconnection: x-own\r\n\r\n"),
            200,
            1,
        ),
        (
            "expectation",
            format!("POST {publish} HTTP/1.1"),
            String::from("expect: 100-continue\r\ncontent-length: 1\r\n\r\n1"),
            100,
            1,
        ),
        (
            "a folded header",
            format!("GET {poll} HTTP/1.1"),
            String::from("x-own: 1\r\n content-length: 5\r\n\r\n"),
            400,
            0,
        ),
        (
            "a blank before the colon",
            format!("GET {poll} HTTP/1.1"),
            format!("content-length : {length}\r\n\r\n{inner}"),
            400,
            0,
        ),
    ] {
        let before = origin.received().len();
        let bytes = format!("{first}\r\nhost: x\r\nconnection: close\r\n{rest}");
        let answer = bed.raw(bytes.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) || answer.starts_with(&format!("HTTP/1.0 {status}")),
            "{what}: {answer}"
        );
        let received = origin.received().split_off(before);
        assert_eq!(received.len(), arrives, "{what}: {received:?}");
        for request in received {
            assert!([poll, publish].contains(&&*request.target), "{what}: {request:?}");
            for name in ["x-own", "upgrade", "http2-settings", "expect", "connection"] {
                assert_eq!(request.header(name), None, "{what}: {request:?}");
            }
            assert!(!(request.header("content-length").is_some() && request.header("transfer-encoding").is_some()));
        }
    }
}

#[tokio::test]
async fn a_token_of_one_keyset_opens_nothing_in_another() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    let keys = json!({ "subscribe_key": "sub-c-second", "publish_key": "pub-c-second", "network": origin.url() });
    bed.admin().post("/v1/keysets", &keys).await.unwrap();
    let token = bed.token(&json!({ "patterns": { "channels": { ".": 255 } } })).await;
    let answer = bed.call(Call::get(format!("/v2/subscribe/sub-c-second/a/0?auth={token}"))).await;
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Invalid token")));
    let signed = Call::get("/v2/subscribe/sub-c-second/a/0").signed_with("sec-c-test", bed.seconds());
    assert_eq!(bed.call(signed).await.status, 403);
    assert_eq!(origin.received(), []);
}

#[tokio::test]
async fn an_oversize_token_is_no_token() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    let token = format!("p0F2AkF0{}", "A".repeat(16_384));
    let answer = bed.call(Call::get(format!("/v2/subscribe/sub-c-test/a/0?auth={token}"))).await;
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("Invalid token")), "{}", answer.body);
    assert_eq!(origin.received(), []);
}
