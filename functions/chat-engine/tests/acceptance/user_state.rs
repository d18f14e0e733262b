//! A user's state: stored by a signed webhook or by the user, read by those who may read the chat.

use serde_json::{Value, json};
use usher_sdk::fake::{Host, request};
use usher_sdk::{Host as _, Request};

use crate::bed::{about, answer, get, host, must, post, posted, private_chat, told, user, with};

/// Seconds; the fake host's clock begins here.
const NOW: i64 = 1_700_000_000;
const LOBBY: &str = "ns#chat#public.#lobby";

#[test]
fn what_a_user_stored_is_read_by_others() {
    let host = host();
    assert_eq!(read(&host, "bob", "alice", Some(LOBBY)), answer(200, "{}"));
    must(&host, "user_state", &state("alice", LOBBY, &json!({"mood": "bright"})));
    assert_eq!(read(&host, "bob", "alice", Some(LOBBY)), answer(200, r#"{"mood":"bright"}"#));
    assert_eq!(read(&host, "bob", "alice", Some("ns")), answer(200, "{}"), "another chat");
    assert_eq!(read(&host, "bob", "bob", Some(LOBBY)), answer(200, "{}"), "another user");
}

#[test]
fn a_read_without_channel_is_of_the_bare_global_chat() {
    let host = host();
    must(&host, "user_state", &state("alice", "ns", &json!({"works": true})));
    assert_eq!(read(&host, "bob", "alice", None), answer(200, r#"{"works":true}"#));
}

#[test]
fn a_user_stores_its_own_state_in_chats_it_may_read() {
    let cases = [
        ("ns", 200),
        ("ns#user#bob#read.#feed", 200),
        ("ns#user#bob#write.#direct", 403),
        ("ns#user#bob#me.#sync", 403),
        ("ns#chat#private.#plans", 403),
        ("other", 403),
    ];
    for (channel, status) in cases {
        let host = host();
        private_chat(&host);
        assert_eq!(posted(&host, "user_state", &state("mallory", channel, &json!({}))).0, status, "{channel}");
        assert_eq!(read(&host, "mallory", "alice", Some(channel)).0, status, "{channel}");
    }
}

#[test]
fn the_channel_has_one_source() {
    let query = |channel: &str, body: &Value| post("user_state", body).with_query("channel", channel);
    let (body, bare) = (state("alice", LOBBY, &json!({})), with(user("alice"), &json!({"data": {}})));
    let host = host();
    assert_eq!(told(&host, &query(LOBBY, &body)), answer(200, ""));
    assert_eq!(told(&host, &query(LOBBY, &bare)), answer(200, ""));
    assert_eq!(told(&host, &query("ns", &body)), answer(400, "Conflicting channels"));
    assert_eq!(told(&host, &query(LOBBY, &body).with_query("channel", "ns")).0, 400);
    assert_eq!(told(&host, &post("user_state", &bare)), answer(401, "Chat channel must be a string"));
    assert_eq!(host.keys(), [format!("state:alice#{LOBBY}")]);
}

#[test]
fn a_state_is_an_object_of_bounded_size() {
    let cases = [
        (json!({}), 200, "", true),
        (json!(null), 200, "", false),
        (json!("{\"a\":1}"), 200, "", true),
        (json!([]), 401, "State must be an object", false),
        (json!(7), 401, "State must be an object", false),
        (json!("text"), 401, "State must be an object", false),
        (json!("[1]"), 401, "State must be an object", false),
        (json!("{\"a\":1} x"), 401, "State must be an object", false),
        (json!({"a": "x".repeat(31_992)}), 200, "", true),
        (json!({"a": "x".repeat(31_993)}), 413, "Too large", false),
    ];
    for (data, status, text, stored) in cases {
        let host = host();
        let told = posted(&host, "user_state", &state("alice", "ns", &data));
        assert_eq!((told, !host.keys().is_empty()), (answer(status, text), stored), "{:.40}", data.to_string());
    }
}

#[test]
fn a_signed_webhook_speaks_for_any_user_in_json_or_form() {
    let form =
        "action=state-change&uuid=alice&channel=ns%23chat%23public.%23lobby&data=%7B%22mood%22%3A%22bright%22%7D";
    let json =
        r#"{"action":"state-change","uuid":"alice","channel":"ns#chat#public.#lobby","state":{"mood":"bright"}}"#;
    for (content_type, body) in [("application/x-www-form-urlencoded; charset=UTF-8", form), ("application/json", json)]
    {
        let host = webhook_host();
        assert_eq!(told(&host, &signed(&host, &webhook(content_type, body))), answer(200, ""), "{body}");
        assert_eq!(read(&host, "bob", "alice", Some(LOBBY)), answer(200, r#"{"mood":"bright"}"#), "{body}");
        assert_eq!(host.claims().len(), 1, "the reader's");
    }
}

#[test]
fn a_webhooks_channel_is_the_signed_one() {
    let host = webhook_host();
    let event = webhook("application/json", r#"{"uuid":"alice","channel":"ns","data":{"a":1}}"#);
    let redirected = signed(&host, &event).with_query("channel", LOBBY);
    assert_eq!(told(&host, &redirected), answer(200, ""));
    assert_eq!(host.keys(), ["state:alice#ns"]);
    let unnamed = webhook("application/json", r#"{"uuid":"alice","data":{"a":1}}"#);
    let unnamed = signed(&host, &unnamed).with_query("channel", LOBBY);
    assert_eq!(told(&host, &unnamed), answer(401, "Chat channel must be a string"));
}

#[test]
fn a_webhooks_channel_lies_in_a_configured_namespace() {
    let cases = [
        ("ns", 200),
        (LOBBY, 200),
        ("ns#chat#private.#plans", 200),
        ("ns#user#alice#me.#sync", 200),
        ("other", 403),
        ("other#chat#public.#lobby", 403),
        ("global", 403),
        ("ns#alice#custom", 403),
    ];
    for (channel, status) in cases {
        let host = webhook_host();
        let body = json!({"uuid": "alice", "channel": channel, "data": {}}).to_string();
        assert_eq!(told(&host, &signed(&host, &webhook("application/json", &body))).0, status, "{channel}");
        assert_eq!(host.keys().len(), usize::from(status == 200), "{channel}");
    }
}

#[test]
fn a_webhooks_states_count_as_their_users() {
    let host = webhook_host().with_config("records", "1");
    let send = |uuid: &str, channel: &str| {
        let body = json!({"uuid": uuid, "channel": channel, "data": {}}).to_string();
        told(&host, &signed(&host, &webhook("application/json", &body))).0
    };
    assert_eq!(
        [send("alice", "ns"), send("alice", LOBBY), send("bob", LOBBY), send("alice", "ns")],
        [200, 403, 200, 200]
    );
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let event = webhook("application/json", r#"{"uuid":"alice","channel":"ns","data":{"a":1}}"#);
    for (offset, status) in [(0, 200), (-299, 200), (299, 200), (-300, 403), (300, 403), (-86_400, 403), (86_400, 403)]
    {
        let host = webhook_host();
        assert_eq!(told(&host, &signed_at(&host, &event, &(NOW + offset).to_string())).0, status, "{offset}");
    }
    for timestamp in ["", "now", "-1", "1.7e9", "99999999999999999999999", " 1700000000"] {
        let host = webhook_host();
        assert_eq!(told(&host, &signed_at(&host, &event, timestamp)), answer(403, "Forbidden"), "{timestamp}");
    }
    let host = webhook_host();
    let captured = signed(&host, &event);
    host.advance(5);
    assert_eq!(told(&host, &captured), answer(403, "Forbidden"));
    let redated = captured.headers.iter().filter(|(name, _)| name != "x-usher-timestamp").cloned().collect();
    let redated = Request { headers: redated, ..captured }.with_header("x-usher-timestamp", &(NOW + 300).to_string());
    assert_eq!(told(&host, &redated), answer(403, "Forbidden"), "the time is signed too");
}

#[test]
fn a_presence_event_without_state_stores_nothing() {
    let host = webhook_host();
    let event = webhook("application/x-www-form-urlencoded", "action=join&uuid=alice&channel=ns&occupancy=1");
    assert_eq!(told(&host, &signed(&host, &event)), answer(200, ""));
    assert!(host.keys().is_empty());
}

#[test]
fn a_wrong_signature_is_refused() {
    let host = webhook_host();
    let event = webhook("application/json", r#"{"uuid":"alice","channel":"ns","data":{"a":1}}"#);
    let other = signed(&host, &webhook("application/json", "{}"));
    let stolen = other.header("x-usher-signature").unwrap();
    let stamped = event.clone().with_header("x-usher-timestamp", &NOW.to_string());
    let header = |value: &str| stamped.clone().with_header("x-usher-signature", value);
    let forged = [
        header(""),
        header("sha256="),
        header("sha256=00"),
        header("sha256=zz"),
        header(stolen),
        header(&format!("sha256={}", "0".repeat(64))),
        stamped.clone(),
        stamped.clone().with_query("signature", stolen.trim_start_matches("sha256=")),
        event.clone().with_header("x-usher-signature", signed(&host, &event).header("x-usher-signature").unwrap()),
    ];
    for request in forged {
        assert_eq!(told(&host, &request), answer(403, "Forbidden"), "{request:?}");
    }
    assert!(host.keys().is_empty());
    let altered = signed(&host, &event).with_body(r#"{"uuid":"bob","channel":"ns","data":{"a":1}}"#);
    assert_eq!(told(&host, &altered).0, 403);
}

#[test]
fn without_a_configured_secret_no_webhook_is_believed() {
    let event = webhook("application/json", r#"{"uuid":"alice","channel":"ns","data":{"a":1}}"#);
    let event_signed = signed(&webhook_host(), &event);
    assert_eq!(told(&host(), &event_signed), answer(403, "Forbidden"));
    assert_eq!(
        told(&host().with_config("webhook_secret", "hook"), &event_signed).0,
        500,
        "configured, but not in the vault"
    );
    assert_eq!(told(&webhook_host(), &event), answer(401, "Bad global channel"), "unsigned, hence a client's");
}

#[test]
fn a_webhook_names_a_proper_user_and_channel() {
    let cases = [
        (r#"{"channel":"ns","data":{}}"#, "UUID must be a string"),
        (r#"{"uuid":"a#b","channel":"ns","data":{}}"#, "UUID contains illegal characters"),
        (r#"{"uuid":"alice","channel":"a,b","data":{}}"#, "Channel contains illegal characters"),
        (r#"{"uuid":"alice","data":{}}"#, "Chat channel must be a string"),
    ];
    for (body, text) in cases {
        let host = webhook_host();
        assert_eq!(told(&host, &signed(&host, &webhook("application/json", body))), answer(401, text), "{body}");
    }
}

#[test]
fn state_in_a_private_chat_is_for_its_members() {
    let host = host();
    let channel = private_chat(&host);
    must(&host, "user_state", &state("alice", channel, &json!({"seat": 7})));
    assert_eq!(read(&host, "mallory", "alice", Some(channel)), answer(403, "Forbidden"));
    must(&host, "invite", &about("alice", channel));
    assert_eq!(read(&host, "bob", "alice", Some(channel)), answer(200, r#"{"seat":7}"#));
}

fn webhook_host() -> Host {
    host().with_secret("hook", b"a webhook's secret").with_config("webhook_secret", "hook")
}

fn webhook(content_type: &str, body: &str) -> Request {
    let start = request("POST", "chat-engine-server").with_query("route", "user_state");
    start.with_header("content-type", content_type).with_body(body)
}

fn signed(host: &Host, request: &Request) -> Request {
    signed_at(host, request, &NOW.to_string())
}

fn signed_at(host: &Host, request: &Request, timestamp: &str) -> Request {
    let message = [timestamp.as_bytes(), b".", &request.body].concat();
    let mac = hex::encode(host.hmac_sha256("hook", &message).unwrap());
    let request = request.clone().with_header("x-usher-timestamp", timestamp);
    request.with_header("x-usher-signature", &format!("sha256={mac}"))
}

fn state(uuid: &str, channel: &str, data: &Value) -> Value {
    with(user(uuid), &json!({"channel": channel, "data": data}))
}

fn read(host: &Host, reader: &str, user_read: &str, channel: Option<&str>) -> (u16, String) {
    let params = with(user(reader), &json!({"user": user_read}));
    let params = channel.map_or_else(|| params.clone(), |channel| with(params.clone(), &json!({"channel": channel})));
    told(host, &get("user_state", &params))
}
