//! Names that would widen a grant: delimiters, wildcards, presence feeds, too much text.

use serde_json::json;

use crate::bed::{GETS, POSTS, about, answer, full, get, host, post, posted, send, told, user, with};

#[test]
fn a_uuid_with_delimiters_is_refused_on_every_route() {
    let injected = "x#me.*,ns#chat#private.*,y";
    let bad = [
        "", ",", "*", "a,b", "a#b", "a/b", "a*", "a b", " a", "a\n", "a\tb", "a\u{0}b", "a\u{a0}b", "\u{7f}", injected,
    ];
    for uuid in bad {
        for route in POSTS {
            let host = host();
            let body = with(full("alice"), &json!({"uuid": uuid}));
            assert_eq!(posted(&host, route, &body).0, 401, "{route} {uuid:?}");
            assert!(host.granted().is_empty() && host.keys().is_empty(), "{route} {uuid:?}");
        }
        for route in GETS {
            let params = with(user("alice"), &json!({"uuid": uuid, "channel": "ns", "user": "bob"}));
            assert_eq!(send(&host(), &get(route, &params)).status, 401, "{route} {uuid:?}");
        }
    }
}

#[test]
fn an_auth_key_must_be_one_key() {
    let long = "k".repeat(10_000);
    let cases = [
        ("", "authKey not supplied"),
        ("mine,yours", "authKey contains illegal characters"),
        ("*", "authKey contains illegal characters"),
        ("a b", "authKey contains illegal characters"),
        ("a#b", "authKey contains illegal characters"),
        ("a/b", "authKey contains illegal characters"),
        ("a\r\nb", "authKey contains illegal characters"),
        (long.as_str(), "authKey too long"),
    ];
    for (key, text) in cases {
        for dialect in ["namespace", "global"] {
            for route in POSTS {
                let mut body = full("alice");
                body.as_object_mut().unwrap().remove("namespace");
                let body = with(body, &json!({"authKey": key, dialect: "ns"}));
                assert_eq!(posted(&host(), route, &body), answer(401, text), "{route} {key:.20}");
            }
        }
    }
}

#[test]
fn a_token_serves_as_an_auth_key() {
    let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln-bmF0_dXJl==", "e".repeat(1_000));
    assert_eq!(posted(&host(), "bootstrap", &with(user("alice"), &json!({"authKey": token}))).0, 200);
}

#[test]
fn a_channel_that_lists_or_matches_is_refused() {
    let cases = [
        ("ns#chat#public.#a,ns#chat#private.#b", "Channel contains illegal characters"),
        ("ns#chat#private.*", "Channel contains illegal characters"),
        ("*", "Channel contains illegal characters"),
        ("ns#chat#public.#a\n", "Channel contains illegal characters"),
        ("ns#chat#public.#a\u{0}", "Channel contains illegal characters"),
        ("ns#chat#public.#a\u{2028}", "Channel contains illegal characters"),
        ("ns#chat#public.#a-pnpres", "Channel not supported"),
        ("ns-pnpres", "Channel not supported"),
    ];
    for (channel, text) in cases {
        for route in ["grant", "join", "leave", "invite", "chat"] {
            assert_eq!(posted(&host(), route, &about("alice", channel)), answer(401, text), "{route} {channel:?}");
        }
        let state = with(user("alice"), &json!({"channel": channel, "data": {}}));
        assert_eq!(posted(&host(), "user_state", &state), answer(401, text), "{channel:?}");
        for route in GETS {
            let params = with(user("alice"), &json!({"channel": channel, "user": "bob"}));
            assert_eq!(told(&host(), &get(route, &params)), answer(401, text), "{route} {channel:?}");
        }
    }
}

#[test]
fn an_invited_uuid_is_checked_like_a_callers() {
    for to in [json!("a#b"), json!(""), json!("a,b"), json!(7), json!(null), json!(["bob"])] {
        let host = host();
        let channel = crate::bed::private_chat(&host);
        let before = host.keys();
        let body = with(about("alice", channel), &json!({"to": to}));
        assert_eq!(posted(&host, "invite", &body).0, 401, "{to}");
        assert_eq!(host.keys(), before);
    }
}

#[test]
fn a_uuid_is_bounded_by_the_names_of_its_channel_groups() {
    // ns#{uuid}#custom-pnpres within 97 characters.
    for (length, status) in [(80, 200), (81, 401), (92, 401), (10_000, 401)] {
        for route in ["group", "join", "leave", "connect"] {
            let body = with(full("alice"), &json!({"uuid": "u".repeat(length)}));
            assert_eq!(send(&host(), &post(route, &body)).status, status, "{route} {length}");
        }
    }
    let narrow = host().with_config("group_name", "30");
    let body = with(user("alice"), &json!({"uuid": "u".repeat(20)}));
    assert_eq!(posted(&narrow, "group", &body), answer(401, "UUID too long"));
}

#[test]
fn characters_that_cannot_be_seen_are_refused_in_every_name() {
    let ranges = [
        '\u{ad}'..='\u{ad}',
        '\u{61c}'..='\u{61c}',
        '\u{180e}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{2064}',
        '\u{2066}'..='\u{2069}',
        '\u{3164}'..='\u{3164}',
        '\u{feff}'..='\u{feff}',
        '\u{e0001}'..='\u{e0001}',
        '\u{e0020}'..='\u{e007f}',
    ];
    for char in ranges.into_iter().flatten() {
        let name = format!("ali{char}ce");
        for (field, text) in
            [("uuid", "UUID contains illegal characters"), ("authKey", "authKey contains illegal characters")]
        {
            let body = with(user("alice"), &json!({field: name}));
            assert_eq!(posted(&host(), "bootstrap", &body), answer(401, text), "{field} {char:?}");
        }
        let body = about("alice", &format!("ns#chat#private.#{name}"));
        assert_eq!(posted(&host(), "grant", &body), answer(401, "Channel contains illegal characters"), "{char:?}");
        let lookalike = format!("n{char}s");
        let host = host().with_config_list("namespaces", &[lookalike.as_str()]);
        let body = with(user("alice"), &json!({"namespace": lookalike}));
        assert_eq!(posted(&host, "bootstrap", &body).0, 400, "{char:?}");
    }
    for plain in ["ns#chat#public.#\u{2764}\u{fe0f}", "ns#chat#public.#caf\u{e9}", "ns#chat#public.#\u{4f60}\u{597d}"] {
        assert_eq!(posted(&host(), "grant", &about("alice", plain)).0, 200, "{plain}");
    }
}
