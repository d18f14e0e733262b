//! The gateway: what is allowed is forwarded byte for byte, what is not is answered here with the body that clients know.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use usher_tests::{Bed, Call, Certificate, Conduct, Origin, Settings, Webhook};

async fn bed() -> (Bed, Origin) {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    (bed, origin)
}

fn forbidden(payload: &Value) -> Value {
    json!({ "message": "Forbidden", "payload": payload, "error": true, "service": "Access Manager", "status": 403 })
}

#[tokio::test]
async fn an_allowed_request_reaches_the_network_as_it_was_sent() {
    let (bed, origin) = bed().await;
    let token = bed.token(&json!({ "patterns": { "channels": { "^room": 3 } } })).await;
    let subscribe = format!(
        "/v2/subscribe/sub-c-test/room%2d1,room-%C3%BC/0?tt=1&filter-expr=a+b%20c!~*'()&&x&auth={token}&uuid=%7Ea~%7ea"
    );
    let publish =
        format!("/publish/pub-c-test/sub-c-test/0/room-1/0/%22a%2Fb%3F,~%7E%22?meta=%7B%7D&auth={token}&store=0");
    for (call, body) in [
        (Call::get(&subscribe), ""),
        (Call::get(&publish), ""),
        (
            Call::new("POST", format!("/publish/pub-c-test/sub-c-test/0/room-1/0?auth={token}"))
                .body("{ \"a\" : 1 }")
                .header("content-encoding", "identity"),
            "{ \"a\" : 1 }",
        ),
    ] {
        let (method, target) = (call.method, call.target.clone());
        let call = call.header("x-own", "1").header("te", "trailers").header("x-request-id", "of-the-client");
        let call = call.header("x-forwarded-for", "192.0.2.1").header("forwarded", "for=192.0.2.1");
        let answer = bed.call(call.header("x-forwarded-host", "x").header("x-real-ip", "192.0.2.1")).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        assert_eq!(answer.json(), json!({ "method": method, "target": target, "body": body }));
        assert_eq!(answer.header("x-of-origin"), Some("yes"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("keep-alive"), None, "a header of one connection");
        let received = origin.received().pop().unwrap();
        assert_eq!(received.header("host"), Some(origin.url().trim_start_matches("http://")));
        assert_eq!(received.header("x-own"), Some("1"));
        assert_eq!(received.header("te"), None);
        for name in ["forwarded", "x-forwarded-host", "x-real-ip"] {
            assert_eq!(received.header(name), None, "{name} is what the client claims");
        }
        for (name, value) in [("x-forwarded-for", "127.0.0.1"), ("x-request-id", "of-the-client")] {
            assert_eq!(received.headers.iter().filter(|(known, _)| known == name).count(), 1, "{name}");
            assert_eq!(received.header(name), Some(value));
        }
        let named: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "x-request-id").collect();
        assert_eq!(named, [&("x-request-id".to_owned(), "of-the-client".to_owned())], "once");
    }
}

#[tokio::test]
async fn a_denied_request_is_answered_here_and_names_what_was_denied() {
    let (bed, origin) = bed().await;
    let token = bed
        .token(&json!({ "resources": { "channels": { "a": 1 }, "groups": { "g": 1 }, "uuids": { "u": 32 } } }))
        .await;
    let objects = |source: &str| {
        let message = "Supplied authorization key does not have the permissions required to perform this operation.";
        json!({ "status": 403, "error": { "message": message, "source": source } })
    };
    for (method, path, expected) in [
        (
            "GET",
            "/v2/subscribe/sub-c-test/a,b,c/0?channel-group=g,h",
            forbidden(&json!({ "channels": ["b", "c"], "channel-groups": [":h"] })),
        ),
        ("GET", "/publish/pub-c-test/sub-c-test/0/a/0/1?x", forbidden(&json!({ "channels": ["a"] }))),
        (
            "GET",
            "/v1/channel-registration/sub-key/sub-c-test/channel-group/g?add=a",
            forbidden(&json!({ "channel-groups": [":g"] })),
        ),
        ("GET", "/v2/presence/sub-key/sub-c-test/channel/a-pnpres?x", forbidden(&json!({ "channels": ["a-pnpres"] }))),
        ("DELETE", "/v2/objects/sub-c-test/uuids/u?x", objects("objects")),
        ("POST", "/v1/message-actions/sub-c-test/channel/a/message/1?x", objects("actions")),
    ] {
        let answer = bed.call(Call::new(method, format!("{path}&auth={token}&uuid=u"))).await;
        assert_eq!((answer.status, answer.json()), (403, expected), "{path}");
        assert_eq!(answer.header("x-pn-cause"), Some("9999"));
        assert_eq!(answer.header("content-type"), Some("text/javascript; charset=UTF-8"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let anonymous = bed.call(Call::get("/v2/subscribe/sub-c-test/a/0")).await;
    assert_eq!(anonymous.json(), forbidden(&json!({ "channels": ["a"] })));
    assert_eq!(origin.received(), []);
}

#[tokio::test]
async fn a_token_that_does_not_count_is_refused_in_its_own_words() {
    let (bed, origin) = bed().await;
    let permissions = json!({ "resources": { "channels": { "a": 1 } } });
    let (token, bound) = (bed.token(&permissions).await, {
        bed.token(&json!({ "resources": { "channels": { "a": 1 } }, "uuid": "alice" })).await
    });
    let flat = |message: &str| json!({ "message": message, "error": true, "service": "Access Manager", "status": 403 });
    let subscribe =
        |token: &str, uuid: &str| Call::get(format!("/v2/subscribe/sub-c-test/a/0?auth={token}&uuid={uuid}"));
    assert_eq!(bed.call(subscribe(&bound, "alice")).await.status, 200);
    assert_eq!(bed.call(subscribe(&token, "bob")).await.status, 200);
    let other = bed.call(subscribe(&bound, "bob")).await;
    assert_eq!((other.status, &other.json()["message"]), (403, &json!("Forbidden")));
    let forged = format!("{token:.*}AAAA", token.len() - 4);
    let forged = bed.call(subscribe(&forged, "bob")).await;
    assert_eq!((forged.status, forged.json()), (403, flat("Invalid token")));

    let revoke = Call::new("DELETE", format!("/v3/pam/sub-c-test/grant/{}", bound.replace('=', "%3D")));
    assert_eq!(bed.call_as_root(revoke).await.status, 200);
    let revoked = bed.call(subscribe(&bound, "alice")).await;
    assert_eq!((revoked.json(), revoked.header("x-pn-cause")), (flat("Token is revoked"), Some("4001")));
    assert_eq!(bed.call(subscribe(&token, "bob")).await.status, 200);

    bed.advance(std::time::Duration::from_mins(60));
    let expired = bed.call(subscribe(&token, "bob")).await;
    assert_eq!((expired.status, expired.json()), (403, flat("Token is expired.")));
    assert_eq!(origin.received().len(), 3);
}

#[tokio::test]
async fn whoever_signs_is_root_and_a_wrong_signature_is_nobody() {
    let (bed, origin) = bed().await;
    let now = bed.seconds();
    let publish = || Call::new("POST", "/v2/publish/pub-c-test/sub-c-test/0/a/0").body("{\"text\":\"hi\"}");
    let signed = publish().signed_with("sec-c-test", now);
    let target = signed.target.clone();
    assert_eq!(bed.call(signed).await.json()["target"], json!(target), "the signature is handed on");
    let as_get = Call::get("/publish/pub-c-test/sub-c-test/0/a/0").signed_with("sec-c-test", now);
    let as_get = Call { method: "POST", ..as_get }.body("1");
    assert_eq!(bed.call(as_get).await.status, 200, "`POST /publish` is signed as a GET by some");
    let mut tampered = publish().signed_with("sec-c-test", now);
    tampered.body = "{\"text\":\"ha\"}".into();
    let elsewhere = publish().signed_with("sec-c-test", now);
    let elsewhere = Call { target: elsewhere.target.replace("/0/a/0", "/0/b/0"), ..elsewhere };
    for (call, status, message) in [
        (tampered, 403, "Signature does not match"),
        (elsewhere, 403, "Signature does not match"),
        (publish().signed_with("sec-c-other", now), 403, "Signature does not match"),
        (publish().signed_with("sec-c-test", now - 61), 400, "Invalid Timestamp"),
    ] {
        let answer = bed.call(call).await;
        assert_eq!((answer.status, &answer.json()["message"]), (status, &json!(message)));
    }
    assert_eq!(origin.received().len(), 2);
}

#[tokio::test]
async fn a_change_of_members_is_decided_by_its_body() {
    let (bed, origin) = bed().await;
    let token = bed.token(&json!({ "resources": { "channels": { "a": 128 }, "uuids": { "u": 64 } } })).await;
    let path = format!("/v2/objects/sub-c-test/uuids/u/channels?auth={token}&uuid=u");
    let channel = |id: &str| json!({ "channel": { "id": id } });
    for (body, status) in [
        (json!({ "set": [channel("a")], "delete": [] }).to_string(), 200),
        (json!({ "set": [channel("a")], "delete": [channel("b")] }).to_string(), 403),
        (json!({ "set": [channel("b")] }).to_string(), 403),
        ("{\"set\":[{\"channel\":{\"id\":\"a\"}}],\"set\":[{\"channel\":{\"id\":\"b\"}}]}".into(), 400),
        ("{".into(), 400),
        (String::new(), 400),
        (format!("{{\"set\":[],\"x\":\"{}\"}}", "x".repeat(1 << 20)), 413),
    ] {
        let answer = bed.call(Call::new("PATCH", &path).body(&body)).await;
        assert_eq!(answer.status, status, "{body:.200}: {}", answer.body);
    }
    let received = origin.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, json!({ "set": [channel("a")], "delete": [] }).to_string());
}

/// What is streamed is forwarded whole or not begun: a length that is cut to the limit would make a shorter message.
#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_begun() {
    let (bed, origin) = bed().await;
    bed.call_as_root(Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=open&w=1")).await;
    let publish =
        |length: usize| Call::new("POST", "/publish/pub-c-test/sub-c-test/0/open/0").body(&"1".repeat(length));
    for (length, status, arrives) in [(2 << 20, 200, 1), ((2 << 20) + 1, 413, 1)] {
        let answer = bed.call(publish(length)).await;
        assert_eq!(answer.status, status, "{length}");
        assert_eq!(origin.received().len(), arrives, "{length}");
    }
}

/// Bodies under signatures that nobody has verified yet, as many as are kept of them.
#[tokio::test]
async fn what_strangers_send_leaves_others_their_room() {
    let (bed, _origin) = bed().await;
    bed.call_as_root(Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=open&w=1")).await;
    let (length, now) = (256 << 10, bed.seconds());
    let target = format!("/v3/pam/sub-c-test/grant?timestamp={now}&signature=v2.{}", "A".repeat(43));
    let head = format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    let mut strangers = Vec::new();
    for _ in 0..64 {
        let mut stranger = TcpStream::connect(bed.addresses().data_plane).await.unwrap();
        stranger.write_all(format!("{head}{}", "x".repeat(length - 1)).as_bytes()).await.unwrap();
        strangers.push(stranger);
    }
    let grant = json!({ "ttl": 1, "permissions": { "resources": { "channels": { "a": 1 } }, "meta": { "m": "m".repeat(99) } } });
    let grant = || bed.call_as_root(Call::new("POST", "/v3/pam/sub-c-test/grant").body(&grant));
    let mut refused = grant().await;
    for _ in 0..100 {
        if refused.status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        refused = grant().await;
    }
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("server.overloaded")));
    let publish = "/publish/pub-c-test/sub-c-test/0/open/0";
    let proxied = Call::new("POST", format!("/v1/decisions/envoy{publish}")).body("1");
    assert_eq!(bed.ask(proxied).await.status, 200, "the decisions port has room of its own");
    assert_eq!(bed.call(Call::new("POST", publish).body("1")).await.status, 200, "and so has who needs no signature");
    drop(strangers);
    for _ in 0..100 {
        if grant().await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("what is not kept any more makes no room");
}

#[tokio::test]
async fn answers_and_bodies_stream() {
    let (bed, origin) = bed().await;
    origin.conduct(Conduct::Stream);
    let now = bed.seconds();
    let call = || Call::get("/v2/subscribe/sub-c-test/a/0").signed_with("sec-c-test", now);
    let says = async |begun, chunk| {
        origin.until_begun(begun).await;
        origin.say(chunk);
    };
    let (answer, ()) = tokio::join!(bed.call(call()), says(1, ""));
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let (answer, ()) = tokio::join!(bed.begin(call()), says(2, "one"));
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    for (chunk, next) in [("one", "two"), ("two", "")] {
        let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), chunk, "each chunk arrives before the next is sent");
        origin.say(next);
    }
    assert!(http_body_util::BodyExt::frame(&mut body).await.is_none());

    origin.conduct(Conduct::Echo);
    let head = "POST /publish/pub-c-test/sub-c-test/0/open/0 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    bed.call_as_root(Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=open&w=1")).await;
    let answer = bed.raw(format!("{head}3\r\n123\r\n2\r\n45\r\n0\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let received = origin.received().pop().unwrap();
    assert_eq!((received.body.as_str(), received.header("transfer-encoding")), ("12345", Some("chunked")));
}

#[tokio::test]
async fn a_body_is_not_awaited_where_it_could_change_nothing() {
    let (bed, origin) = bed().await;
    let bad = format!("signature=v2.short&timestamp={}", bed.seconds());
    let stale = format!("signature=v2.{}&timestamp={}", "A".repeat(43), bed.seconds() - 61);
    let token = bed.token(&json!({ "resources": { "channels": { "a": 128 }, "uuids": { "v": 64 } } })).await;
    let (publish, grant) = ("/v2/publish/pub-c-test/sub-c-test/0/a/0", "/v3/pam/sub-c-test/grant");
    let members = "/v2/objects/sub-c-test/uuids/u/channels";
    for (method, target, status) in [
        ("POST", format!("{publish}?{bad}"), 403),
        ("POST", format!("{publish}?{stale}"), 400),
        ("POST", publish.replace("sub-c-test", "sub-c-none"), 400),
        ("POST", format!("{grant}?{bad}"), 403),
        ("POST", format!("{grant}?{stale}"), 400),
        ("POST", grant.to_owned(), 400),
        ("PATCH", format!("{members}?{bad}"), 403),
        ("PATCH", members.to_owned(), 403),
        ("PATCH", format!("{members}?auth={token}x"), 403),
        ("PATCH", format!("{members}?auth={token}"), 403),
    ] {
        let head =
            format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{{");
        let answer = bed.raw(head.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {target}: {answer}");
    }
    assert_eq!(origin.received(), []);
}

#[tokio::test]
async fn a_body_that_dribbles_in_does_not_keep_the_network_waiting() {
    let (bed, origin) = (
        Bed::with(Settings { config: "body_time = \"200ms\"\n".into(), ..Settings::default() }).await,
        Origin::start().await,
    );
    bed.set_network(&origin.url()).await;
    bed.call_as_root(Call::get("/v2/auth/grant/sub-key/sub-c-test?channel=open&w=1")).await;
    let head = "POST /publish/pub-c-test/sub-c-test/0/open/0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    for framing in ["content-length: 10\r\n\r\n123", "transfer-encoding: chunked\r\n\r\n3\r\n123\r\n"] {
        let answer = bed.raw(format!("{head}{framing}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert_eq!(origin.received(), [], "no whole request");
}

#[tokio::test]
async fn a_client_that_leaves_is_not_waited_for() {
    let (bed, origin) = bed().await;
    origin.conduct(Conduct::Hold);
    let now = bed.seconds();
    let call = Call::get("/v2/subscribe/sub-c-test/a/0").signed_with("sec-c-test", now);
    let gone = tokio::time::timeout(std::time::Duration::from_millis(300), bed.call(call)).await;
    assert!(gone.is_err());
    origin.until_left(1).await;
}

#[tokio::test]
async fn without_a_network_or_its_answer_there_is_an_error_of_our_own() {
    let bed = Bed::start().await;
    let signed = || Call::get("/v2/subscribe/sub-c-test/a/0").signed_with("sec-c-test", bed.seconds());
    let none = bed.call(signed()).await;
    assert_eq!((none.status, &none.json()["code"]), (404, &json!("keyset.no-network")));
    let nobody = Webhook::nobody().await;
    bed.set_network(&format!("http://{nobody}")).await;
    let unreachable = bed.call(signed()).await;
    assert_eq!((unreachable.status, &unreachable.json()["code"]), (502, &json!("network.unreachable")));
    assert_eq!(unreachable.header("retry-after"), Some("1"));
    let origin = Origin::start().await;
    bed.set_network(&origin.url()).await;
    for conduct in [Conduct::Switch, Conduct::Break] {
        origin.conduct(conduct);
        let answer = bed.call(signed()).await;
        assert_eq!((answer.status, &answer.json()["code"]), (502, &json!("network.unreachable")), "{conduct:?}");
    }
    let unknown = bed.call(Call::get("/v2/subscribe/sub-c-none/a/0")).await;
    assert_eq!((unknown.status, &unknown.json()["message"]), (400, &json!("Invalid Subscribe Key")));
}

#[tokio::test]
async fn a_network_is_reached_over_tls_only_with_a_certificate_that_is_trusted() {
    let certificate = Certificate::of(&["127.0.0.1"]);
    for (roots, status) in [(vec![certificate.pem().as_bytes().to_vec()], 200), (Vec::new(), 502)] {
        let bed = Bed::with(Settings { roots, ..Settings::default() }).await;
        let network = Webhook::secure(&certificate, |_| Some(Webhook::reply(200, "[]"))).await;
        bed.set_network(&format!("https://{}", network.address())).await;
        let call = Call::get("/v2/subscribe/sub-c-test/a/0").signed_with("sec-c-test", bed.seconds());
        let answer = bed.call(call).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_whatever_it_asks() {
    let bed = Bed::with(Settings { config: "[limits]\nper_address = 1\n".into(), ..Settings::default() }).await;
    for target in ["/time/0", "/v3/pam/sub-c-test/grant", "/v2/subscribe/sub-c-test/a/0"] {
        let mut status = 0;
        for _ in 0..12 {
            status = bed.call(Call::get(target)).await.status;
        }
        assert_eq!(status, 429, "{target}");
    }
}
