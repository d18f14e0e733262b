//! What one user may leave behind is bounded, and one user's excess is nobody else's.

use serde_json::{Value, json};
use usher_sdk::fake::Host;

use crate::bed::{about, answer, chat, host, must, posted, private_chat, user, with};

#[test]
fn records_are_bounded_per_user() {
    let host = host().with_config("records", "2");
    let meta = |uuid: &str, name: &str| posted(&host, "chat", &about(uuid, &format!("ns#chat#public.#{name}"))).0;
    assert_eq!(["a", "b", "c"].map(|name| meta("alice", name)), [200, 200, 403]);
    assert_eq!(meta("alice", "a"), 200, "what is there may be changed");
    assert_eq!(meta("alice", "c"), 403, "a refused record counts for nothing, and stays refused");
    assert_eq!(meta("bob", "a"), 200, "somebody else's record");
    assert_eq!(["c", "d", "e"].map(|name| meta("bob", name)), [200, 200, 403]);
}

#[test]
fn states_and_meta_are_counted_together() {
    let host = host().with_config("records", "2");
    must(&host, "chat", &about("alice", "ns#chat#public.#a"));
    assert_eq!(["a", "b", "a"].map(|name| state(&host, name)), [200, 403, 200]);
    assert_eq!(host.keys().len(), 2);
}

#[test]
fn invitations_are_bounded_per_user() {
    let host = host().with_config("invitations", "2");
    let channel = private_chat(&host);
    let invite = |uuid: &str, to: &str| posted(&host, "invite", &with(about(uuid, channel), &json!({"to": to}))).0;
    assert_eq!(["b", "c", "d"].map(|to| invite("alice", to)), [200, 200, 403]);
    assert_eq!(invite("alice", "b"), 200, "who is in already");
    assert_eq!(invite("alice", "alice"), 200, "the owner");
    assert_eq!(invite("b", "d"), 200, "another member's invitations");
    assert!(host.value(&format!("member:d#{channel}")).is_some());
}

#[test]
fn one_users_channel_groups_are_bounded() {
    let host = host().with_config("group_channels", "3");
    must(&host, "connect", &user("alice"));
    let join = |name: &str| posted(&host, "join", &about("alice", &format!("ns#chat#public.#{name}")));
    assert_eq!(["a", "b", "c"].map(|name| join(name).0), [200, 200, 403]);
    assert_eq!(join("a"), (200, join("b").1), "what is there already");
    assert_eq!(posted(&host, "join", &about("alice", "ns#chat#public.#global")).0, 200, "a standard chat");
    let chats = with(user("alice"), &json!({"chats": [chat("ns#chat#public.#c")]}));
    assert_eq!(posted(&host, "connect", &chats), answer(403, "Forbidden"));
    assert_eq!(host.group("ns#alice#custom").len(), 3);
}

#[test]
fn names_made_up_in_public_leave_no_grants_behind() {
    let host = host();
    for number in 0..50 {
        must(&host, "grant", &about("alice", &format!("ns#chat#public.#{number}")));
        must(&host, "grant", &about("alice", &format!("ns#user#alice#me.#{number}")));
    }
    let granted = host.granted().concat();
    let mut names: Vec<&String> = granted.iter().flat_map(|proposal| &proposal.target.channels).collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["ns#chat#public.*", "ns#user#alice#me.*"]);
}

fn state(host: &Host, name: &str) -> u16 {
    let data: Value = json!({"channel": format!("ns#chat#public.#{name}"), "data": {}});
    posted(host, "user_state", &with(user("alice"), &data)).0
}
