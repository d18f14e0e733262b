//! What the handshake grants, and what it does not.

use serde_json::json;

use crate::bed::{READ, WRITE, about, chat, host, must, user, with};

#[test]
fn bootstrap_grants_the_global_chat_public_chats_and_the_users_own_channels() {
    let host = host();
    must(&host, "bootstrap", &user("alice"));
    assert_eq!(host.granted().len(), 1);
    let both = [
        "ns",
        "ns#chat#public.#x",
        "ns#user#alice#me.#sync",
        "ns#user#alice#read.#feed",
        "ns#user#alice#write.#direct",
    ];
    for channel in both {
        assert!(host.allows("alice-key", channel, READ | WRITE), "{channel}");
        assert!(!host.allows("bob-key", channel, READ) && !host.allows("", channel, READ), "{channel}");
    }
    assert!(host.allows("alice-key", "ns-pnpres", READ));
    for channel in ["ns#chat#private.#x", "ns#user#bob#read.#feed", "other", "ns#user#bob#me.#sync"] {
        assert!(!host.allows("alice-key", channel, READ) && !host.allows("alice-key", channel, WRITE), "{channel}");
    }
}

#[test]
fn group_grants_reading_the_users_own_three_groups() {
    let host = host();
    must(&host, "group", &user("alice"));
    assert_eq!(host.granted().len(), 1);
    for group in ["rooms", "system", "custom"] {
        for name in [format!("ns#alice#{group}"), format!("ns#alice#{group}-pnpres")] {
            assert!(host.allows_group("alice-key", &name, READ), "{name}");
            assert!(!host.allows_group("alice-key", &name, WRITE), "{name}");
        }
        assert!(!host.allows_group("alice-key", &format!("ns#bob#{group}"), READ));
    }
}

#[test]
fn a_grant_lasts_as_configured_and_ends() {
    for (config, minutes) in [(None, 1440), (Some("60"), 60), (Some(" 90 "), 90)] {
        let host = config.map_or_else(host, |ttl| host().with_config("ttl", ttl));
        must(&host, "bootstrap", &user("alice"));
        assert!(host.granted().iter().flatten().all(|proposal| proposal.ttl == minutes), "{config:?}");
        host.advance(u64::from(minutes));
        assert!(!host.allows("alice-key", "ns", READ), "{config:?}");
    }
}

#[test]
fn one_route_makes_at_most_one_grant_call_for_one_key() {
    for route in ["bootstrap", "group", "grant", "connect"] {
        let host = host();
        must(&host, route, &about("alice", "ns#chat#public.#lobby"));
        let granted = host.granted();
        assert_eq!(granted.len(), 1, "{route}");
        assert!(granted[0].iter().all(|proposal| proposal.target.auth_keys == ["alice-key"]), "{route}");
    }
}

#[test]
fn both_generations_steps_end_in_the_same_rights() {
    for (dialect, global_chat, group) in [("namespace", "ns#chat#public.#global", "custom"), ("global", "ns", "system")]
    {
        let host = host();
        let caller = json!({"uuid": "alice", "authKey": "alice-key", dialect: "ns"});
        for route in ["bootstrap", "user_read", "user_write", "group"] {
            must(&host, route, &caller);
        }
        let chats =
            [(global_chat, group), ("ns#user#alice#read.#feed", "system"), ("ns#user#alice#write.#direct", "system")];
        for (channel, group) in chats {
            let chat = json!({"channel": channel, "group": group, "private": false, "meta": {}});
            for route in ["grant", "join"] {
                must(&host, route, &with(caller.clone(), &json!({"chat": chat})));
            }
            assert!(host.allows("alice-key", channel, READ | WRITE), "{channel}");
            assert!(host.allows("alice-key", &format!("{channel}-pnpres"), READ), "{channel}");
            assert!(host.group(&format!("ns#alice#{group}")).contains(&channel.to_owned()), "{channel}");
        }
    }
}

#[test]
fn a_public_chat_and_an_own_channel_are_granted_by_their_wildcard() {
    let cases = [
        ("ns#chat#public.#tea", "ns#chat#public.*"),
        ("ns#chat#public.#tea.green", "ns#chat#public.*"),
        ("ns#user#alice#me.#sync", "ns#user#alice#me.*"),
        ("ns#user#alice#read.#feed", "ns#user#alice#read.*"),
        ("ns#user#alice#write.#direct", "ns#user#alice#write.*"),
    ];
    for (channel, wildcard) in cases {
        for dialect in ["namespace", "global"] {
            let host = host();
            let body = json!({"uuid": "alice", "authKey": "alice-key", dialect: "ns", "chat": chat(channel)});
            must(&host, "grant", &body);
            assert!(host.allows("alice-key", channel, READ | WRITE), "{channel}");
            assert!(host.allows("alice-key", &format!("{channel}-pnpres"), READ), "{channel}");
            let granted = host.granted().concat();
            assert_eq!(granted.len(), 1, "{channel}");
            assert_eq!(
                (granted[0].target.channels.as_slice(), granted[0].permissions),
                ([wildcard.to_owned()].as_slice(), READ | WRITE)
            );
        }
    }
}

#[test]
fn leaving_a_public_chat_leaves_the_others_readable() {
    let host = host();
    must(&host, "bootstrap", &user("alice"));
    for route in ["grant", "join", "leave"] {
        must(&host, route, &about("alice", "ns#chat#public.#tea"));
    }
    assert!(host.allows("alice-key", "ns#chat#public.#coffee", READ | WRITE) && host.revoked().is_empty());
}
