//! The body of a v3 grant: what is taken, and the service's words for what is not.

use super::*;

fn fault(body: &Value) -> (String, String, String) {
    let GrantFault { title, detail, location } = TokenGrant::parse(body.to_string().as_bytes()).unwrap_err();
    (title.to_owned(), detail, location)
}

#[test]
fn a_grant_of_either_client_library_is_taken() {
    let npm = json!({ "ttl": 15, "permissions": {
        "uuid": "u",
        "resources": { "channels": { "a": 3 }, "groups": {}, "uuids": {}, "users": {}, "spaces": {} },
        "patterns": { "channels": { "^a$": 255 }, "groups": {}, "uuids": {}, "users": {}, "spaces": {} },
        "meta": { "k": [1, null] },
    } });
    let grant = TokenGrant::parse(npm.to_string().as_bytes()).unwrap();
    let asked = grant.asked();
    assert_eq!((asked.ttl.minutes(), asked.uuid.as_deref()), (15, Some("u")));
    assert_eq!((asked.resources.channels["a"], asked.patterns.channels["^a$"]), (3, 255));
    assert_eq!(json!(asked.meta), json!({ "k": [1, null] }));
    for permissions in [
        json!({ "resources": { "channels": { "a": 1 }, "spaces": { "a": 1 } }, "patterns": {}, "meta": {} }),
        json!({ "resources": { "users": { "u": 64 } } }),
        json!({ "patterns": { "groups": { ".": 4 } }, "resources": null, "meta": null, "uuid": null }),
        json!({ "categories": { "channels": 32, "uuids": 0 }, "unknown": 1 }),
    ] {
        let body = json!({ "ttl": 43_200, "permissions": permissions, "unknown": {} }).to_string();
        assert!(TokenGrant::parse(body.as_bytes()).is_ok(), "{body}");
    }
}

#[test]
fn a_ttl_is_1_to_43200_minutes() {
    for ttl in [json!(0), json!(43_201), json!(-1), json!(1.5), json!("3"), json!(null), json!([])] {
        let expected = ("Invalid ttl", "Range should be 1 to 43200 minute(s).", "ttl");
        let (title, detail, location) = fault(&json!({ "ttl": ttl, "permissions": {} }));
        assert_eq!((&*title, &*detail, &*location), expected, "{ttl}");
    }
}

#[test]
fn a_body_that_is_no_object_cannot_be_parsed() {
    for body in ["", "{", "[]", "1", "{\"ttl\":1}x", "\u{feff}{}", &"[".repeat(200)] {
        let fault = TokenGrant::parse(body.as_bytes()).unwrap_err();
        assert_eq!((fault.title, &*fault.location), ("Could Not Parse Request", "body"), "{body}");
    }
}

#[test]
fn every_fault_names_its_place() {
    let unexpected =
        |location: &str, rule: &str| (format!("Unexpected value: `{location}` {rule}."), location.to_owned());
    let names = "must be 1 to 260 bytes without comma or control character";
    for (permissions, location, rule) in [
        (
            json!({ "resources": { "uuids": { "uuid-1": 0 } } }),
            "permissions.resources.uuids.uuid-1",
            "must be positive and non-zero",
        ),
        (
            json!({ "patterns": { "channels": { "a.*": -1 } } }),
            "permissions.patterns.channels.a.*",
            "must be positive and non-zero",
        ),
        (
            json!({ "resources": { "groups": { "g": 256 } } }),
            "permissions.resources.groups.g",
            "must not be more than 255",
        ),
        (
            json!({ "resources": { "groups": { "g": "1" } } }),
            "permissions.resources.groups.g",
            "must be a whole number",
        ),
        (
            json!({ "resources": { "groups": { "g": 1.5 } } }),
            "permissions.resources.groups.g",
            "must be a whole number",
        ),
        (json!({ "resources": { "channels": { "a,b": 1 } } }), "permissions.resources.channels.a,b", names),
        (json!({ "resources": { "channels": { "": 1 } } }), "permissions.resources.channels.", names),
        (json!({ "resources": { "channels": { "a\0": 1 } } }), "permissions.resources.channels.a\0", names),
        (json!({ "resources": { "channels": { "a": 1 } }, "uuid": "" }), "permissions.uuid", names),
        (json!({ "resources": { "channels": { "a": 1 } }, "uuid": 1 }), "permissions.uuid", "must be a text"),
        (json!({ "resources": [] }), "permissions.resources", "must be an object"),
        (json!({ "resources": { "channels": [] } }), "permissions.resources.channels", "must be an object"),
        (json!({ "resources": { "channels": { "a": 1 } }, "meta": 1 }), "permissions.meta", "must be an object"),
        (json!({ "categories": { "uuids": true } }), "permissions.categories.uuids", "must be a whole number"),
        (json!(1), "permissions", "must be an object"),
        (
            json!({ "resources": { "channels": many("n", 2_001) } }),
            "permissions",
            "must not hold more than 2000 names and patterns",
        ),
        (
            json!({ "patterns": { "groups": many("n", 201) } }),
            "permissions.patterns",
            "must not hold more than 200 patterns",
        ),
    ] {
        let (title, detail, at) = fault(&json!({ "ttl": 1, "permissions": permissions }));
        assert_eq!(
            (title.as_str(), (detail, at)),
            ("Invalid permissions", unexpected(location, rule)),
            "{permissions}"
        );
    }
}

#[test]
fn a_faulty_pattern_is_told_in_the_words_of_the_service() {
    for (pattern, detail) in [
        ("!<[^>]+>++", "Syntax error: multiple repeat."),
        ("(!<[^>]+>)+", "Only non-capturing groups are allowed. Try replacing `(` with `(?:`."),
    ] {
        let body = json!({ "ttl": 1, "permissions": { "patterns": { "uuids": { pattern: 1 } } } });
        let location = format!("permissions.patterns.uuids.{pattern}");
        assert_eq!(fault(&body), ("Invalid RegExp".into(), detail.into(), location));
    }
}

#[test]
fn the_pattern_that_is_too_much_is_named() {
    let patterns: serde_json::Map<_, _> = (1..=9).map(|n| (format!(r"^\p{{L}}{{1,3}}{n}$"), json!(1))).collect();
    let body = json!({ "ttl": 1, "permissions": { "patterns": { "channels": patterns } } });
    let location = r"permissions.patterns.channels.^\p{L}{1,3}8$";
    assert_eq!(fault(&body), ("Invalid RegExp".into(), "Pattern is too complex.".into(), location.into()));
    let simple = json!({ "channels": many(r"^room-\S*-[0-9a-f]+-", 100), "users": many(r"^user-\S*-", 100) });
    token(json!({ "patterns": simple }));
}

#[test]
fn a_user_in_the_wrong_place_does_not_make_a_token_for_any_user() {
    let channels = json!({ "channels": { "a": 1 } });
    for (body, location) in [
        (json!({ "ttl": 1, "uuid": "alice", "permissions": { "resources": channels } }), "uuid"),
        (json!({ "ttl": 1, "authorized_uuid": "alice", "permissions": { "resources": channels } }), "authorized_uuid"),
        (json!({ "ttl": 1, "authorizedUuid": "alice", "permissions": { "resources": channels } }), "authorizedUuid"),
        (
            json!({ "ttl": 1, "permissions": { "resources": channels, "authorized_uuid": "alice" } }),
            "permissions.authorized_uuid",
        ),
        (
            json!({ "ttl": 1, "permissions": { "resources": channels, "authorizedUuid": 1 } }),
            "permissions.authorizedUuid",
        ),
    ] {
        let detail = format!("Unexpected value: `{location}` belongs in `permissions.uuid`.");
        assert_eq!(fault(&body), ("Invalid permissions".into(), detail, location.into()), "{body}");
    }
}

#[test]
fn a_grant_of_nothing_is_refused() {
    for permissions in [
        json!(null),
        json!({}),
        json!({ "resources": {}, "patterns": { "channels": {} }, "meta": { "a": 1 }, "uuid": "u" }),
        json!({ "categories": { "channels": 0 } }),
    ] {
        let (title, detail, location) = fault(&json!({ "ttl": 1, "permissions": permissions }));
        let expected = ("This grant contains no permissions", "What are you granting?", "permissions");
        assert_eq!((&*title, &*detail, &*location), expected, "{permissions}");
    }
}

#[test]
fn a_grant_is_bounded() {
    let names: serde_json::Map<_, _> = (0..1_001).map(|n| (format!("n{n}"), json!(1))).collect();
    let many = json!({ "resources": { "channels": names }, "patterns": { "channels": names } });
    let nested = (0..32).fold(json!(1), |value, _| json!([value]));
    let deep = json!({ "resources": { "channels": { "a": 1 } }, "meta": { "a": nested } });
    for (permissions, location) in [(many, "permissions"), (deep, "permissions.meta")] {
        let (title, _, at) = fault(&json!({ "ttl": 1, "permissions": permissions }));
        assert_eq!((&*title, &*at), ("Invalid permissions", location));
    }
    let nested = (0..31).fold(json!(1), |value, _| json!([value]));
    token(json!({ "resources": { "channels": { "a": 1 } }, "meta": { "a": nested } }));
}

proptest! {
    #[test]
    fn any_body_is_a_grant_or_a_fault(body: Vec<u8>, text in "\\PC{0,60}", value in meta()) {
        let _ = TokenGrant::parse(&body);
        let _ = TokenGrant::parse(text.as_bytes());
        let permissions = json!({ "resources": value, "patterns": { "channels": { text: 1 } }, "meta": value });
        if let Ok(grant) = TokenGrant::parse(json!({ "ttl": 1, "permissions": permissions }).to_string().as_bytes()) {
            let _ = grant.mint(&key(1), Epoch::new(0), NOW);
        }
    }
}
