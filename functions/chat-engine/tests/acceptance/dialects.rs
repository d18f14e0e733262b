//! The two generations' dialects: which field names the tenant, and how it is refused.

use serde_json::{Value, json};

use crate::bed::{READ, WRITE, about, answer, host, must, posted, with};

#[test]
fn a_namespace_is_refused_in_the_dialect_it_came_in() {
    let long = "n".repeat(49);
    let names = [
        "",
        "elsewhere",
        "NS",
        "ns2",
        "*",
        "n*",
        "a,b",
        "ns,ns",
        "ns.",
        "ns#chat#public",
        "ns#user#bob#me.#sync",
        "ns#alice#rooms-pnpres",
        "ns/",
        " ns",
        "ns\n",
        "ns-pnpres",
        "né",
        long.as_str(),
    ];
    for name in names {
        let body = json!({"uuid": "alice", "authKey": "k", "global": name});
        assert_eq!(posted(&host(), "bootstrap", &body), answer(401, "Bad global channel"), "{name:?}");
        let body = json!({"uuid": "alice", "authKey": "k", "namespace": name});
        let text = format!("Illegal ChatEngine `namespace`: {name} initialized.");
        assert_eq!(posted(&host(), "bootstrap", &body), answer(400, &text), "{name:?}");
    }
}

#[test]
fn a_malformed_namespace_is_refused_whatever_is_configured() {
    let host = host().with_config_list("namespaces", &["*", "", "a.b", "ns-pnpres", "plain"]);
    for name in ["", "*", "anything", "a.b", "a,b", "a#b", "ns-pnpres", "né", "a b"] {
        let body = json!({"uuid": "alice", "authKey": "k", "global": name});
        assert_eq!(posted(&host, "bootstrap", &body), answer(401, "Bad global channel"), "{name:?}");
    }
    must(&host, "bootstrap", &json!({"uuid": "alice", "authKey": "k", "global": "plain"}));
}

#[test]
fn a_namespace_must_be_a_string_and_present() {
    let undefined = "Illegal ChatEngine `namespace`: undefined initialized.";
    let cases = [
        (json!({}), 401, "Bad global channel"),
        (json!({"global": null}), 401, "Bad global channel"),
        (json!({"global": 7}), 401, "Bad global channel"),
        (json!({"global": ["ns"]}), 401, "Bad global channel"),
        (json!({"namespace": 7}), 400, undefined),
        (json!({"namespace": ["ns"]}), 400, undefined),
        (json!({"namespace": {"ns": "ns"}}), 400, undefined),
        (json!({"namespace": null, "global": "ns"}), 400, undefined),
    ];
    for (tenant, status, text) in cases {
        let body = with(json!({"uuid": "alice", "authKey": "k"}), &tenant);
        assert_eq!(posted(&host(), "bootstrap", &body), answer(status, text), "{tenant}");
    }
}

#[test]
fn both_fields_must_agree() {
    let both =
        |namespace: &str, global: &str| json!({"uuid": "a", "authKey": "k", "namespace": namespace, "global": global});
    let host = host().with_config_list("namespaces", &["ns", "other"]);
    assert_eq!(posted(&host, "bootstrap", &both("ns", "ns")).0, 200);
    assert_eq!(posted(&host, "bootstrap", &both("ns", "other")).0, 400);
}

#[test]
fn a_refusal_repeats_a_bounded_part_of_the_namespace() {
    let body = json!({"uuid": "alice", "authKey": "k", "namespace": "n".repeat(10_000)});
    assert!(posted(&host(), "bootstrap", &body).1.len() < 400);
}

#[test]
fn only_configured_tenants_are_served() {
    let host = host().with_config_list("namespaces", &["exact", "other"]);
    for (name, status) in [("exact", 200), ("other", 200), ("exact-1", 400), ("exac", 400), ("exact,other", 400)] {
        let body = json!({"uuid": "alice", "authKey": "k", "namespace": name});
        assert_eq!(posted(&host, "bootstrap", &body).0, status, "{name}");
    }
}

#[test]
fn an_integer_auth_key_is_its_decimal_string_in_the_newer_dialect_only() {
    let cases = [
        (json!({"namespace": "ns", "authKey": 1_700_000_000_123_u64}), 200),
        (json!({"namespace": "ns", "authKey": -7}), 200),
        (json!({"namespace": "ns", "authKey": 0}), 200),
        (json!({"namespace": "ns", "authKey": 1.5}), 401),
        (json!({"namespace": "ns", "authKey": 1e30}), 401),
        (json!({"namespace": "ns", "authKey": u64::MAX}), 401),
        (json!({"global": "ns", "authKey": 1_700_000_000_123_u64}), 401),
    ];
    for (members, status) in cases {
        let host = host();
        let body = with(json!({"uuid": "alice"}), &members);
        assert_eq!(posted(&host, "bootstrap", &body).0, status, "{body}");
    }
    let host = host();
    must(&host, "bootstrap", &json!({"uuid": "alice", "namespace": "ns", "authKey": 1_700_000_000_123_u64}));
    assert!(host.allows("1700000000123", "ns", READ | WRITE));
}

#[test]
fn the_bare_global_chat_of_both_generations_is_public() {
    let cases = [("ns", "ns", true), ("g", "global", true), ("ns", "global", false), ("g", "ns", false)];
    for (namespace, channel, works) in cases {
        let host = host().with_config_list("namespaces", &["ns", "g"]);
        let body: Value = with(about("alice", channel), &json!({"namespace": namespace}));
        let expected = if works { 200 } else { 403 };
        for route in ["grant", "join", "chat", "leave"] {
            assert_eq!(posted(&host, route, &body).0, expected, "{route} {namespace} {channel}");
        }
    }
}
