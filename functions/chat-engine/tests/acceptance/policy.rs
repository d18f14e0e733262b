//! Rights are the policy's: what it allows is granted, as a whole where it allows the whole, and nothing else.

use serde_json::json;
use usher_sdk::fake::Host;
use usher_sdk::{Host as _, KvError, PolicyQuestion, Section};

use crate::bed::{READ, WRITE, about, answer, chat, host, must, posted, private_chat, user, with};

/// What the shipped `policy.yaml` says, told once more in Rust; `policy.test.yaml` holds the document to the same rights.
pub(crate) fn shipped(host: &Host, question: &PolicyQuestion) -> bool {
    let Some(uuid) = host.proven() else { return false };
    let parts: Vec<&str> = question.name.splitn(4, '#').collect();
    let reads = question.action == "read";
    match (question.section, parts.as_slice()) {
        (Section::Group, [_, owner, _]) => *owner == uuid && reads,
        (Section::Channel, [_]) => true,
        (Section::Channel, [_, "chat", rest, ..]) if rest.starts_with("public.") => true,
        (Section::Channel, [_, "chat", rest, ..]) if rest.starts_with("private.") => is_member(host, &uuid, question),
        (Section::Channel, [_, "user", owner, rest]) => match rest.split_once('.').map(|(part, _)| part) {
            Some("me") => *owner == uuid,
            Some("read") => *owner == uuid || reads,
            Some("write") => *owner == uuid || !reads,
            Some(_) | None => false,
        },
        (
            Section::Channel
            | Section::Group
            | Section::Uuid
            | Section::Record
            | Section::Event
            | Section::Rpc
            | Section::Presence,
            _,
        ) => false,
    }
}

fn is_member(host: &Host, uuid: &str, question: &PolicyQuestion) -> bool {
    let Some(owner) = host.record(&format!("owner:{}", question.name)) else { return false };
    let member = host.record(&format!("member:{uuid}#{}", question.name));
    owner.ends_with(&format!(" {uuid}")) || member.is_some_and(|claim| owner.starts_with(&format!("{claim} ")))
}

#[test]
fn without_a_policy_that_allows_it_nobody_gets_anything() {
    let host = Host::new().with_config_list("namespaces", &["ns"]);
    for route in ["bootstrap", "group", "grant", "join", "invite", "chat", "connect"] {
        let told = posted(&host, route, &about("alice", "ns#chat#public.#lobby"));
        assert_eq!(told, answer(403, "Forbidden"), "{route}");
    }
    assert!(host.granted().is_empty());
}

#[test]
fn what_is_not_allowed_as_a_whole_is_granted_by_name() {
    let host = Host::new().with_config_list("namespaces", &["ns"]).with_policy(|host, question| {
        let whole = question.name == "ns#chat#public.*" && question.action == "write";
        let muted = question.name == "ns#chat#public.#news" && question.action == "write";
        !whole && !muted && shipped(host, question)
    });
    must(&host, "connect", &with(user("alice"), &json!({"chats": [chat("ns#chat#public.#news")]})));
    must(&host, "grant", &about("alice", "ns#chat#public.#lobby"));
    for (channel, writes) in [("news", false), ("global", true), ("lobby", true), ("other", false)] {
        let channel = format!("ns#chat#public.#{channel}");
        assert!(host.allows("alice-key", &channel, READ), "{channel}");
        assert_eq!(host.allows("alice-key", &channel, WRITE), writes, "{channel}");
    }
    assert!(host.allows("alice-key", "ns#user#alice#me.#sync", READ | WRITE));
    must(&host, "leave", &about("alice", "ns#chat#public.#lobby"));
    assert!(!host.allows("alice-key", "ns#chat#public.#lobby", WRITE), "what was granted by name is taken back");
}

#[test]
fn a_connect_asks_once_and_about_every_name_once() {
    let host = host();
    let channel = private_chat(&host);
    let before = host.asked().len();
    must(&host, "connect", &with(user("alice"), &json!({"chats": [chat(channel), chat("ns#user#bob#read.#feed")]})));
    let asked: Vec<_> = host.asked().split_off(before);
    let mut names: Vec<_> = asked[0].iter().map(|question| (question.name.clone(), question.action.clone())).collect();
    assert_eq!(names.len(), (1 + 4 + 2) * 2 + 3, "global chat, wildcards, chats; groups");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), asked[0].len());
    assert_eq!(asked.len(), 2, "and once more after the private chat is joined");
}

#[test]
fn an_admin_lets_others_into_private_chats_and_opens_new_kinds() {
    let host = Host::new().with_config_list("namespaces", &["ns"]).with_policy(|host, question| {
        let moderates = host.proven().as_deref() == Some("mod") && question.name.contains("#private.");
        let support = question.name == "ns#support" && question.action == "read";
        moderates || support || shipped(host, question)
    });
    let channel = private_chat(&host);
    for (uuid, status) in [("mod", 200), ("bob", 403)] {
        assert_eq!(posted(&host, "join", &about(uuid, channel)).0, status, "{uuid}");
        assert_eq!(posted(&host, "grant", &about(uuid, channel)).0, status, "{uuid}");
    }
    must(&host, "grant", &about("bob", "ns#support"));
    assert!(host.allows("bob-key", "ns#support", READ) && !host.allows("bob-key", "ns#support", WRITE));
    assert_eq!(posted(&host, "invite", &about("mod", channel)).0, 403, "who does not belong invites nobody");
}

#[test]
fn a_channel_of_another_tenant_is_not_even_asked_about() {
    let host = Host::new().with_config_list("namespaces", &["ns"]).with_policy(|_, _| true);
    for channel in ["other#chat#public.#x", "nsx", "ns#chat#public.#", "ns#user#alice#me."] {
        for route in ["grant", "join", "leave", "chat"] {
            assert_eq!(posted(&host, route, &about("alice", channel)), answer(403, "Forbidden"), "{route} {channel}");
        }
    }
    assert!(host.asked().is_empty() && host.granted().is_empty());
}

#[test]
fn the_fake_policy_fails_with_the_store_it_reads() {
    let host = host();
    let channel = private_chat(&host);
    host.fail_kv(KvError::Unavailable("down".to_owned()));
    let question =
        PolicyQuestion { section: Section::Channel, action: "read".into(), name: channel.into(), payload: None };
    assert!(host.policy(&[question]).is_err());
}

#[test]
fn what_the_policy_denies_is_left_all_the_same() {
    let host = Host::new().with_config_list("namespaces", &["ns"]).with_policy(open_for_now);
    host.kv_set("open", "yes", None).unwrap();
    let channel = "ns#chat#public.#lobby";
    must(&host, "join", &about("alice", channel));
    host.kv_remove("open").unwrap();
    assert_eq!(posted(&host, "join", &about("alice", channel)), answer(403, "Forbidden"));
    must(&host, "leave", &about("alice", channel));
    assert!(host.group("ns#alice#custom").is_empty());
}

#[test]
fn groups_are_opened_again_without_what_may_not_be_read_any_more() {
    for route in ["group", "connect"] {
        let host = Host::new().with_config_list("namespaces", &["ns"]).with_policy(open_for_now);
        host.kv_set("open", "yes", None).unwrap();
        must(&host, "connect", &user("alice"));
        for channel in ["ns#chat#public.#lobby", "ns#user#bob#read.#feed"] {
            must(&host, "join", &about("alice", channel));
        }
        host.kv_remove("open").unwrap();
        let before = host.asked().len();
        must(&host, route, &user("alice"));
        assert!(!host.group("ns#alice#custom").contains(&"ns#chat#public.#lobby".to_owned()), "{route}");
        for channel in ["ns#user#bob#read.#feed", "ns#user#alice#read.#feed", "ns#user#alice#write.#direct"] {
            assert!(host.can_read("alice-key", channel), "{route} {channel}");
        }
        assert!(host.asked().len() - before <= 2, "{route}");
    }
}

#[test]
fn a_full_group_is_asked_about_in_calls_that_are_not_too_long() {
    let host = host();
    for n in 0..196 {
        must(&host, "join", &about("alice", &format!("ns#chat#public.#{n}")));
    }
    for route in ["group", "connect"] {
        let before = host.asked().len();
        must(&host, route, &user("alice"));
        assert!(host.asked().len() - before <= 3, "{route}");
    }
    assert_eq!(host.group("ns#alice#custom").len(), 197, "with the global chat");
}

#[test]
fn groups_that_cannot_be_looked_at_are_not_granted() {
    for route in ["group", "connect"] {
        let host = host();
        host.fail_groups(usher_sdk::GroupsError::Unavailable("down".to_owned()));
        assert_eq!(posted(&host, route, &user("alice")).0, 503, "{route}");
        assert!(host.granted().is_empty(), "{route}");
    }
}

fn open_for_now(host: &Host, question: &PolicyQuestion) -> bool {
    let closed = host.record("open").is_none() && question.name.contains("#public.");
    !closed && shipped(host, question)
}
