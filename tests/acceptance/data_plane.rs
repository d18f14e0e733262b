//! Bad input on the data plane: a clear answer with the right status, readable by a browser, and nothing changed.

use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Settings, guest};

const CORS: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "Origin, X-Requested-With, Content-Type, Accept"),
    ("access-control-allow-methods", "GET, POST, OPTIONS, PUT, DELETE"),
];

const ROUTES: [&str; 10] =
    ["bootstrap", "user_read", "user_write", "group", "grant", "join", "leave", "invite", "chat", "connect"];

async fn bed() -> Bed {
    let config = "[limits]\nper_address = 0\nper_user = 0\n".to_owned();
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    bed.deploy_chat_engine().await;
    bed
}

/// What every route of the default function finds in a body.
fn full(changes: &Value) -> String {
    let mut body = json!({
        "uuid": "alice", "namespace": "demo", "authKey": "k1", "to": "bob",
        "chat": { "channel": "demo#chat#public.#tea", "group": "custom", "private": false, "meta": {} },
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body.to_string()
}

/// An answer of this status, with a text that has `part`, that a page of any origin can read.
fn check(answer: &Answer, (status, part): (u16, &str), about: &str) {
    let shown: String = about.chars().take(120).collect();
    assert_eq!(answer.status, status, "{shown}: {}", answer.body);
    assert!(answer.body.contains(part), "{shown}: {}", answer.body);
    for (name, value) in CORS {
        assert!(answer.header(name).is_some_and(|allowed| allowed.starts_with(value)), "{shown}");
    }
    assert!(answer.header("x-request-id").is_some_and(|id| id.len() >= 8), "{shown}");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_on_every_route() {
    let bed = bed().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{\"uuid\":",
        b"<xml/>",
        b"{\"uuid\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for route in ROUTES {
        for target in [format!("chat-engine-server?route={route}"), format!("chat-engine/{route}")] {
            for body in bodies {
                let answer = bed.post(&target, body).await;
                check(
                    &answer,
                    (400, "Body must be a JSON object"),
                    &format!("{target} {}", String::from_utf8_lossy(body)),
                );
            }
        }
    }
    assert!(bed.grants().await.is_empty());
}

#[tokio::test]
async fn an_oversize_body_is_refused_however_it_is_framed() {
    let bed = bed().await;
    let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(64 * 1_024 - 8));
    assert_eq!(fits.len(), 64 * 1_024);
    check(&bed.post("chat-engine/bootstrap", fits.clone()).await, (401, "Bad global channel"), "64 KiB");
    check(
        &bed.post("chat-engine/bootstrap", format!("{fits} ")).await,
        (413, "longer than 65536 bytes"),
        "a byte more",
    );

    let path = "/v1/blocks/sub-key/sub-c-test/chat-engine/bootstrap";
    let head = format!("POST {path} HTTP/1.1\r\nhost: usher\r\nconnection: close\r\n");
    let chunk = format!("{:x}\r\n{}\r\n", 30_000, "x".repeat(30_000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}0\r\n\r\n");
    let announced = format!("{head}content-length: 10000000000\r\n\r\n");
    for request in [chunked, announced] {
        let answer = bed.raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("access-control-allow-origin: *"), "{answer}");
    }
}

#[tokio::test]
async fn what_nobody_answers_to_is_not_found() {
    let bed = bed().await;
    let base = bed.url("").replace("sub-c-test/", "");
    for (method, url, expected) in [
        ("POST", bed.url("chat-engine-server?route=nothing"), (404, "Invalid route")),
        ("POST", bed.url("chat-engine-server?route=__proto__"), (404, "Invalid route")),
        ("POST", bed.url("chat-engine-server"), (404, "Invalid route")),
        ("POST", bed.url("chat-engine/nothing"), (404, "Invalid route")),
        ("POST", bed.url("chat-engine/bootstrap/"), (404, "Invalid route")),
        ("GET", bed.url("chat-engine/bootstrap"), (404, "Invalid method")),
        ("DELETE", bed.url("chat-engine/chat"), (404, "Invalid method")),
        ("POST", bed.url("chat-engine"), (404, "function.not-found")),
        ("POST", bed.url("chat-engine-server/"), (404, "function.not-found")),
        ("POST", bed.url("elsewhere"), (404, "function.not-found")),
        ("POST", format!("{base}sub-c-other/chat-engine/bootstrap"), (404, "function.not-found")),
        ("POST", format!("{base}sub-c-test"), (404, "function.not-found")),
        ("POST", format!("{base}sub-c%2Dtest/chat-engine/bootstrap"), (404, "function.not-found")),
        ("GET", format!("{base}%00/x"), (404, "function.not-found")),
        ("GET", base.replace("/v1/blocks/sub-key/", "/"), (404, "function.not-found")),
        ("GET", base.replace("/v1/blocks/sub-key/", "/v2/auth/revoke/sub-key/sub-c-test"), (404, "function.not-found")),
        ("POST", bed.url("chat-engine/%ff"), (400, "the path is not UTF-8")),
        ("POST", bed.url("chat-engine-server?route=%ff"), (400, "the query is not UTF-8")),
        ("POST", bed.url("chat-engine-server?route=grant&route=join"), (400, "Duplicate parameter `route`")),
        (
            "GET",
            bed.url("chat-engine/chat?channel=a&channel=b&uuid=alice&namespace=demo&authKey=k1"),
            (400, "Duplicate parameter `channel`"),
        ),
    ] {
        let request = bed.http().request(method.parse().unwrap(), &url).body(full(&Value::Null));
        check(&bed.send(request).await, expected, &format!("{method} {url}"));
    }
}

#[tokio::test]
async fn names_that_would_reach_further_are_refused_on_every_route() {
    let bed = bed().await;
    let long = "k".repeat(10_000);
    let uuids =
        ["", ",", "*", "a,b", "a#b", "a/b", "a b", "a\nb", "a\u{0}b", &long].map(|uuid| json!({ "uuid": uuid }));
    let keys =
        ["", ",", "*", "a,b", "a#b", "a/b", "a b", "a\r\nb", "a\u{0}b", &long].map(|key| json!({ "authKey": key }));
    let others =
        [json!({ "uuid": 7 }), json!({ "uuid": null }), json!({ "authKey": true }), json!({ "authKey": ["k1"] })];
    for route in ROUTES {
        for changes in uuids.iter().chain(&keys).chain(&others) {
            let answer = bed.post(&format!("chat-engine/{route}"), full(changes)).await;
            check(&answer, (401, ""), &format!("{route} {changes}"));
        }
    }
    assert!(bed.grants().await.is_empty());
}

#[tokio::test]
async fn channels_that_list_match_or_alias_are_refused() {
    let bed = bed().await;
    let chat =
        |channel: &str| json!({ "chat": { "channel": channel, "group": "custom", "private": false, "meta": {} } });
    for (channel, expected) in [
        ("demo#chat#public.#a,demo#chat#public.#b", (401, "Channel contains illegal characters")),
        ("demo#chat#public.*", (401, "Channel contains illegal characters")),
        ("demo#chat#public.#a\nb", (401, "Channel contains illegal characters")),
        ("demo#chat#public.#tea-pnpres", (401, "Channel not supported")),
        ("", (401, "Channel not supplied")),
        (&"x".repeat(98), (401, "Channel too long")),
        ("demo#user#bob#me.#sync", (403, "Forbidden")),
        ("other#chat#public.#tea", (403, "Forbidden")),
    ] {
        for route in ["grant", "join", "leave", "chat"] {
            let answer = bed.post(&format!("chat-engine/{route}"), full(&chat(channel))).await;
            check(&answer, expected, &format!("{route} {channel}"));
        }
    }
    assert!(bed.grants().await.is_empty());
}

#[tokio::test]
async fn a_namespace_is_refused_in_the_clients_own_dialect() {
    let bed = bed().await;
    for (namespace, global, expected) in [
        (json!("other"), Value::Null, (400, "Illegal ChatEngine `namespace`: other initialized.")),
        (json!("demo,other"), Value::Null, (400, "Illegal ChatEngine `namespace`")),
        (json!("*"), Value::Null, (400, "Illegal ChatEngine `namespace`")),
        (json!(7), Value::Null, (400, "Illegal ChatEngine `namespace`: undefined initialized.")),
        (Value::Null, json!("demo#chat#public"), (401, "Bad global channel")),
        (Value::Null, json!("other"), (401, "Bad global channel")),
        (Value::Null, Value::Null, (401, "Bad global channel")),
    ] {
        let mut body: Value = serde_json::from_str(&full(&Value::Null)).unwrap();
        body.as_object_mut().unwrap().remove("namespace");
        for (name, value) in
            [("namespace", &namespace), ("global", &global)].into_iter().filter(|(_, value)| !value.is_null())
        {
            body[name] = value.clone();
        }
        check(&bed.post("chat-engine/bootstrap", body.to_string()).await, expected, &body.to_string());
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_every_route() {
    let bed = bed().await;
    for target in
        ROUTES.iter().flat_map(|route| [format!("chat-engine-server?route={route}"), format!("chat-engine/{route}")])
    {
        let request = bed.http().request(reqwest::Method::OPTIONS, bed.url(&target));
        let request = request.header("origin", "https://example.com").header("access-control-request-method", "POST");
        check(&bed.send(request).await, (204, ""), &target);
    }
}

#[tokio::test]
async fn what_succeeds_is_readable_by_a_browser_too() {
    let bed = bed().await;
    for route in
        ["bootstrap", "user_read", "user_write", "group", "grant", "join", "chat", "invite", "leave", "connect"]
    {
        let chats = if route == "connect" { json!({ "chats": [] }) } else { Value::Null };
        check(&bed.post(&format!("chat-engine/{route}"), full(&chats)).await, (200, ""), route);
    }
    assert!(!bed.grants().await.is_empty());
}

#[tokio::test]
async fn a_request_id_is_taken_over_if_it_is_plain_and_made_otherwise() {
    let bed = bed().await;
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    let long = "x".repeat(65);
    for (given, taken) in [
        (Some("0123456789abcdef-_XYZ"), true),
        (Some("short-1"), false),
        (Some(long.as_str()), false),
        (Some("has a space in it"), false),
        (Some("has\"quotes\"in-it"), false),
        (Some(""), false),
        (None, false),
    ] {
        let request =
            given.into_iter().fold(bed.http().get(bed.url("echo")), |request, id| request.header("x-request-id", id));
        let answer = bed.send(request).await;
        let shown = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(Some(shown.as_str()) == given, taken, "{given:?}");
        assert_eq!(answer.json()["id"], shown, "the function reads the same id");
    }
    let (one, two) = (bed.get("echo").await, bed.get("echo").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}
