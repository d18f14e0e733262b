//! The v2 admin calls by example: every shape of an answer, every refusal.

use serde_json::{Value, json};

use super::*;
use crate::approved::Approved;
use crate::grant::Grant;
use crate::table::GrantTable;
use crate::time::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

fn subscribe_key() -> SubscribeKey {
    "sub-c-1".parse().unwrap()
}

fn assert_payload(answer: &Value, expected: Value, query: &str) {
    let mut payload = expected;
    payload["subscribe_key"] = "sub-c-1".into();
    let expected = json!({ "message": "Success", "payload": payload, "service": "Access Manager", "status": 200 });
    assert_eq!(answer, &expected, "{query}");
}

#[test]
fn a_grant_is_answered_in_the_shape_of_what_was_asked() {
    let f = json!({ "r": 1, "w": 1, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0 });
    let none = json!({ "r": 0, "w": 0, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0 });
    let own = json!({ "level": "subkey", "ttl": 1440, "r": 1, "w": 1, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0 });
    for (query, expected) in [
        ("r=1&w=1&pnsdk=x&timestamp=1", own),
        ("channel=c&r=1&w=1", json!({ "level": "channel", "ttl": 1440, "channels": { "c": f } })),
        ("channel=c%2Cd.*,c&r=1&w=1&ttl=0", json!({ "level": "channel", "ttl": 0, "channels": { "c": f, "d.*": f } })),
        ("channel=c&auth=k&r=1&w=1&ttl=5", json!({ "level": "user", "ttl": 5, "channel": "c", "auths": { "k": f } })),
        (
            "channel=c&auth=k,l&r=1&w=1",
            json!({ "level": "user", "ttl": 1440, "channel": "c", "auths": { "k": f, "l": f } }),
        ),
        (
            "channel=c,d&auth=k&r=1&w=1",
            json!({ "level": "user", "ttl": 1440, "channels": { "c": { "auths": { "k": f } }, "d": { "auths": { "k": f } } } }),
        ),
        ("channel-group=g&r=1&w=1", json!({ "level": "channel-group", "ttl": 1440, "channel-groups": { "g": f } })),
        (
            "channel-group=g&auth=k&r=1&w=1",
            json!({ "level": "channel-group+auth", "ttl": 1440, "channel-groups": "g", "auths": { "k": f } }),
        ),
        (
            "channel-group=g,h&auth=k&r=1&w=1",
            json!({ "level": "channel-group+auth", "ttl": 1440, "channel-groups": { "g": { "auths": { "k": f } }, "h": { "auths": { "k": f } } } }),
        ),
        (
            "channel=c&channel-group=g&auth=k&r=1&w=1",
            json!({ "level": "channel-group+auth", "ttl": 1440, "channels": { "c": { "auths": { "k": f } } }, "channel-groups": { "g": { "auths": { "k": f } } } }),
        ),
        (
            "channel=c&channel-group=g&r=1&w=1",
            json!({ "level": "channel-group", "ttl": 1440, "channels": { "c": f }, "channel-groups": { "g": f } }),
        ),
        (
            "target-uuid=u&auth=k&r=1&w=1",
            json!({ "level": "uuid", "ttl": 1440, "uuids": { "u": { "auths": { "k": f } } } }),
        ),
        (
            "channel=c&auth=k&r=0&w=0&m=0&d=0&g=0&u=0&j=0&ttl=60",
            json!({ "level": "user", "ttl": 1, "channel": "c", "auths": { "k": none } }),
        ),
        ("channel=c&auth=k&ttl=-1", json!({ "level": "user", "ttl": 1, "channel": "c", "auths": { "k": none } })),
    ] {
        assert_payload(&GrantCall::parse(query).unwrap().answer(&subscribe_key()), expected, query);
    }
}

#[test]
fn a_grant_that_cannot_be_is_refused_with_the_text_that_clients_know() {
    for (query, expected) in [
        ("auth=k&r=1", LegacyFault::AuthOnly),
        ("target-uuid=u&g=1", LegacyFault::Arguments),
        ("target-uuid=u&channel=c&auth=k&g=1", LegacyFault::Arguments),
        ("target-uuid=u&channel-group=c&auth=k&g=1", LegacyFault::Arguments),
        ("category=uuids&g=1", LegacyFault::Arguments),
        ("category=&g=1", LegacyFault::Arguments),
        ("channel=&auth=k&r=1", LegacyFault::Arguments),
        ("channel=&r=1", LegacyFault::Arguments),
        ("channel&r=1", LegacyFault::Arguments),
        ("channel-group=&r=1", LegacyFault::Arguments),
        ("target-uuid=&r=1", LegacyFault::Arguments),
        ("channel=c&auth=&r=1", LegacyFault::Arguments),
        ("channel=c&channel-group=&r=1", LegacyFault::Arguments),
        ("channel=c&channel=d&r=1", LegacyFault::Arguments),
        ("Channel=c&r=1", LegacyFault::Arguments),
        ("+channel=c&r=1", LegacyFault::Arguments),
        ("channel[]=c&r=1", LegacyFault::Arguments),
        ("channel[0]=c&r=1", LegacyFault::Arguments),
        ("x=1;channel=c&r=1", LegacyFault::Arguments),
        ("channel;x=c&r=1", LegacyFault::Arguments),
        ("channel-Group=g&r=1", LegacyFault::Arguments),
        ("target-uuid[]=u&auth=k&g=1", LegacyFault::Arguments),
        ("channel=c&AUTH=k&r=1", LegacyFault::Arguments),
        ("channel=c&R=1", LegacyFault::Arguments),
        ("channel=c&r=1&TTL=1", LegacyFault::Arguments),
        ("channel=c&r=1&Timestamp=1", LegacyFault::Arguments),
        ("channel=c&r=1&Signature=v2.x", LegacyFault::Arguments),
        ("channel=c&r=1&r=0", LegacyFault::Arguments),
        ("%63hannel=c&r=1", LegacyFault::Arguments),
        ("channel=c,,d&r=1", LegacyFault::Arguments),
        ("channel=c%00&r=1", LegacyFault::Arguments),
        ("channel=%ff&r=1", LegacyFault::Arguments),
        ("channel=c&auth=a%20b&r=1", LegacyFault::Arguments),
        ("channel=c&r=2", LegacyFault::Arguments),
        ("channel=c&r=true", LegacyFault::Arguments),
        ("channel=c&r=1&ttl=525601", LegacyFault::Ttl),
        ("channel=c&r=1&ttl=-1", LegacyFault::Ttl),
        ("channel=c&r=1&ttl=1.5", LegacyFault::Ttl),
        ("channel=c&r=1&timestamp=now", LegacyFault::Timestamp),
        ("channel=c&r=1&timestamp=+5", LegacyFault::Timestamp),
        ("channel=c&r=1&timestamp=99999999999999999999", LegacyFault::Timestamp),
    ] {
        assert_eq!(GrantCall::parse(query), Err(expected), "{query}");
    }
    let refused = refusal(400, &LegacyFault::AuthOnly.to_string());
    let expected = json!({ "message": "Auth-only grants are reserved for future use", "error": true, "service": "Access Manager", "status": 400 });
    assert_eq!(refused, expected);
}

#[test]
fn what_was_asked_becomes_grants() {
    let call = GrantCall::parse("channel=a,b.*&auth=k&j=1&ttl=2&timestamp=1700000000").unwrap();
    let grants: Vec<Grant> = Approved::by_root(call.proposal().clone()).grants(NOW).collect();
    let shown: Vec<String> =
        grants.iter().map(|grant| format!("{:?} {}", grant.permissions, grant.expires.instant().unwrap())).collect();
    assert_eq!(shown, ["Permissions(join) 1700000120", "Permissions(join) 1700000120"]);
}

fn granted(queries: &[&str]) -> GrantTable {
    let mut table = GrantTable::default();
    for query in queries {
        table.extend(Approved::by_root(GrantCall::parse(query).unwrap().proposal().clone()).grants(NOW));
    }
    table
}

#[test]
fn an_audit_is_answered_in_the_shape_of_what_was_asked() {
    let table = granted(&[
        "channel=c,demo.*&r=1&ttl=0",
        "channel=c,only&auth=k,l&w=1&ttl=5",
        "channel-group=g&m=1&ttl=2",
        "channel-group=g,h&auth=k&r=1&ttl=2",
        "target-uuid=u&auth=k&g=1&ttl=1",
    ]);
    let f = |flags: &str, ttl: Option<u32>| {
        let mut entry = super::flags(crate::Permission::ALL.into_iter().filter(|p| flags.contains(p.flag())).collect());
        entry.extend(ttl.map(|ttl| ("ttl".to_owned(), ttl.into())));
        Value::from(entry)
    };
    let with = |mut entry: Value, auths: Value| {
        entry["auths"] = auths;
        entry
    };
    let (k, l) = (f("w", Some(5)), f("w", Some(5)));
    let c = with(f("r", Some(0)), json!({ "k": k, "l": l }));
    let only = with(f("", None), json!({ "k": k, "l": l }));
    let demo = with(f("r", Some(0)), json!({}));
    let g = with(f("m", Some(2)), json!({ "k": f("r", Some(2)) }));
    let h = with(f("", None), json!({ "k": f("r", Some(2)) }));
    let u = json!({ "auths": { "k": f("g", Some(1)) } });
    let only_k = |entry: Value, auth: Value| with(entry, json!({ "k": auth }));
    for (query, expected) in [
        ("channel=c&auth=k", json!({ "level": "user", "channel": "c", "auths": { "k": k } })),
        ("channel=c&auth=unknown", json!({ "level": "user", "channel": "c", "auths": {} })),
        (
            "channel=c,only&auth=k",
            json!({ "level": "user", "channels": { "c": only_k(f("", None), k.clone()), "only": only_k(f("", None), k) } }),
        ),
        (
            "channel-group=g&auth=k",
            json!({ "level": "channel-group+auth", "channel-group": "g", "auths": { "k": f("r", Some(2)) } }),
        ),
        ("channel=c", json!({ "level": "channel", "channels": { "c": c } })),
        ("channel=c,only", json!({ "level": "channel", "channels": { "c": c, "only": only } })),
        ("channel=none", json!({ "level": "channel", "channels": {} })),
        ("channel=demo.x", json!({ "level": "channel", "channels": {} })),
        ("channel-group=g", json!({ "level": "channel-group", "channel-groups": { "g": g } })),
        (
            "channel=c&channel-group=g",
            json!({ "level": "channel-group", "channels": { "c": c }, "channel-groups": { "g": g } }),
        ),
        ("target-uuid=u&auth=k", json!({ "level": "uuid", "uuids": { "u": u } })),
        (
            "",
            json!({ "level": "subkey", "channels": { "c": c, "demo.*": demo, "only": only }, "objects": {}, "channel-groups": { "g": g, "h": h }, "uuids": { "u": u } }),
        ),
        (
            "auth=l",
            json!({ "level": "subkey", "channels": { "c": with(f("", None), json!({ "l": l })), "only": with(f("", None), json!({ "l": l })) }, "objects": {}, "channel-groups": {} }),
        ),
    ] {
        let call = AuditCall::parse(query).unwrap();
        let grants = call.collect(&table, NOW, 100);
        assert_payload(&call.answer(&subscribe_key(), &grants, NOW), expected, query);
    }
}

#[test]
fn an_audit_of_the_keyset_shows_its_own_grant_and_forgets_what_is_over() {
    let table = granted(&["r=1&ttl=1", "channel=c&r=1&ttl=1"]);
    for (now, expected) in [
        (
            1_700_000_031,
            json!({ "level": "subkey", "r": 1, "w": 0, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0, "ttl": 1, "channels": { "c": { "r": 1, "w": 0, "m": 0, "d": 0, "g": 0, "u": 0, "j": 0, "ttl": 1, "auths": {} } }, "objects": {}, "channel-groups": {} }),
        ),
        (1_700_000_060, json!({ "level": "subkey", "channels": {}, "objects": {}, "channel-groups": {} })),
    ] {
        let (call, now) = (AuditCall::parse("").unwrap(), UnixSeconds::new(now));
        assert_payload(&call.answer(&subscribe_key(), &call.collect(&table, now, 100), now), expected, "");
    }
    assert_eq!(AuditCall::parse("").unwrap().collect(&table, NOW, 1).len(), 1);
}

#[test]
fn an_audit_collects_no_more_than_it_may_show() {
    let table = granted(&["channel=c,d&auth=k,l&r=1", "channel-group=g&auth=k,l&r=1"]);
    for query in ["", "auth=k,l", "channel=c,d&auth=k,l", "channel=c,d", "channel=c,d&channel-group=g"] {
        let call = AuditCall::parse(query).unwrap();
        for most in 0..4 {
            assert_eq!(call.collect(&table, NOW, most).len(), most, "{query}");
        }
    }
}

#[test]
fn an_audit_that_does_not_say_plainly_what_it_asks_is_refused() {
    let list = |of: &str, count: usize| (0..count).map(|n| format!("{of}{n}")).collect::<Vec<_>>().join(",");
    for (query, fits) in [
        ("channel=&auth=k".to_owned(), false),
        ("channel=c&auth=".to_owned(), false),
        ("channel-group=".to_owned(), false),
        ("target-uuid=".to_owned(), false),
        ("Channel=c".to_owned(), false),
        (format!("channel={}&auth={}", list("c", 100), list("k", 100)), true),
        (format!("channel={}&auth={}", list("c", 101), list("k", 100)), false),
    ] {
        let refused = AuditCall::parse(&query).err();
        assert_eq!(refused, (!fits).then_some(LegacyFault::Arguments), "{query:.40}");
    }
}
