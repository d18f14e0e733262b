//! Settings are read as they stand, or the request is refused and the operator told which one.

use serde_json::json;
use usher_sdk::Level;

use crate::bed::{about, answer, chat, host, posted, user, with};

#[test]
fn a_setting_that_cannot_be_read_is_a_fault_and_names_itself() {
    let public = || about("alice", "ns#chat#public.#a");
    let private = || about("alice", "ns#chat#private.#a");
    let cases = [
        ("ttl", "bootstrap", user("alice")),
        ("ttl", "connect", user("alice")),
        ("claims", "grant", private()),
        ("records", "chat", public()),
        ("group_channels", "join", public()),
        ("group_name", "bootstrap", user("alice")),
    ];
    for (name, route, body) in cases {
        for value in ["a day", "", "-1", "1.5", "99999999999", "0x10"] {
            let host = host().with_config(name, value);
            assert_eq!(posted(&host, route, &body), answer(500, "Internal error"), "{name} {value}");
            let expected = format!("config `{name}` is no number: `{value}`");
            assert_eq!(host.logged(), [(Level::Error, expected)], "{name} {value}");
            assert!(host.granted().is_empty() && host.keys().is_empty(), "{name} {value}");
        }
    }
}

#[test]
fn zero_means_none() {
    let host = host().with_config("claims", "0").with_config("records", "0").with_config("group_channels", "0");
    for (route, channel) in [("grant", "ns#chat#private.#a"), ("chat", "ns"), ("join", "ns#chat#public.#a")] {
        assert_eq!(posted(&host, route, &about("alice", channel)), answer(403, "Forbidden"), "{route}");
    }
    let state = with(user("alice"), &json!({"channel": "ns", "data": {}, "chat": chat("ns")}));
    assert_eq!(posted(&host, "user_state", &state), answer(403, "Forbidden"));
    assert!(host.keys().is_empty());
}

#[test]
fn a_grant_of_zero_minutes_would_be_for_ever_and_is_a_fault() {
    let host = host().with_config("ttl", "0");
    assert_eq!(posted(&host, "bootstrap", &user("alice")), answer(500, "Internal error"));
    assert!(host.granted().is_empty() && host.logged()[0].1.contains("`ttl`"));
}
