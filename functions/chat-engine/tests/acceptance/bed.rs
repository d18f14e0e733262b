//! The test bed: requests as the clients make them, and a host that serves the namespace `ns`.

use serde_json::{Value, json};
use usher_sdk::fake::{Host, request};
use usher_sdk::{Permissions, Request, Response};

use crate::policy;

pub(crate) const READ: Permissions = Permissions::READ;
pub(crate) const WRITE: Permissions = Permissions::WRITE;

/// Every POST route.
pub(crate) const POSTS: [&str; 11] = [
    "bootstrap",
    "user_read",
    "user_write",
    "group",
    "grant",
    "join",
    "leave",
    "invite",
    "chat",
    "user_state",
    "connect",
];

/// Every GET route.
pub(crate) const GETS: [&str; 2] = ["chat", "user_state"];

/// A host that serves `ns`, lets any auth key prove any uuid, and decides as `policy.yaml` does.
pub(crate) fn host() -> Host {
    Host::new().with_config_list("namespaces", &["ns"]).with_policy(policy::shipped)
}

/// Who is calling, in the 0.10 dialect: `alice` has the key `alice-key`.
pub(crate) fn user(uuid: &str) -> Value {
    json!({"uuid": uuid, "authKey": format!("{uuid}-key"), "namespace": "ns"})
}

/// A caller's body with these members more, or instead.
pub(crate) fn with(mut body: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A caller's body without a member.
pub(crate) fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

/// A chat as the client describes it.
pub(crate) fn chat(channel: &str) -> Value {
    json!({"channel": channel, "group": "custom", "private": channel.contains("#private."), "meta": {}})
}

/// A body that any POST route accepts, about a public chat.
pub(crate) fn full(uuid: &str) -> Value {
    let channel = "ns#chat#public.#lobby";
    with(user(uuid), &json!({"chat": chat(channel), "channel": channel, "to": "bob", "data": {}}))
}

/// A route asked about one chat.
pub(crate) fn about(uuid: &str, channel: &str) -> Value {
    with(user(uuid), &json!({"chat": chat(channel), "to": "bob"}))
}

pub(crate) fn post(route: &str, body: &Value) -> Request {
    request("POST", "chat-engine-server")
        .with_query("route", route)
        .with_header("content-type", "application/json;charset=utf-8")
        .with_body(body.to_string())
}

/// A GET with the members of `params` in the query.
pub(crate) fn get(route: &str, params: &Value) -> Request {
    let start = request("GET", "chat-engine-server").with_query("route", route);
    let members = params.as_object().unwrap().iter();
    members.fold(start, |request, (name, value)| request.with_query(name, value.as_str().unwrap()))
}

/// A GET that its route accepts, about a public chat.
pub(crate) fn full_get(route: &str, uuid: &str) -> Request {
    get(route, &with(user(uuid), &json!({"channel": "ns#chat#public.#lobby", "user": "bob"})))
}

pub(crate) fn send(host: &Host, request: &Request) -> Response {
    chat_engine::handle(request, host).expect("never an error")
}

/// Status and text of an answer.
pub(crate) fn told(host: &Host, request: &Request) -> (u16, String) {
    let response = send(host, request);
    (response.status, String::from_utf8(response.body).unwrap())
}

/// Status and text of a POST.
pub(crate) fn posted(host: &Host, route: &str, body: &Value) -> (u16, String) {
    told(host, &post(route, body))
}

/// Does what must succeed on the way to what is tested.
pub(crate) fn must(host: &Host, route: &str, body: &Value) {
    let (status, text) = posted(host, route, body);
    assert_eq!(status, 200, "{route}: {text}");
}

/// A private chat that `alice` owns.
pub(crate) fn private_chat(host: &Host) -> &'static str {
    let channel = "ns#chat#private.#plans";
    must(host, "grant", &about("alice", channel));
    channel
}

/// An expected answer.
pub(crate) fn answer(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}
