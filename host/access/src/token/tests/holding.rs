//! What a token permits: its own entries and its patterns together, and nothing else.

use super::*;
use crate::pattern::compile;
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceKind;

#[test]
fn a_name_holds_what_its_entry_and_every_matching_pattern_give() {
    let token = token(json!({
        "resources": {
            "channels": { "room-1": 1, "reserved": 16, "all": 255 },
            "groups": { "cg": 1, ":colon": 4 },
            "uuids": { "u": 104 },
            "users": { "other": 64 }, "spaces": { "space": 1 },
        },
        "patterns": {
            "channels": { "^room-": 2, "1$": 4, "public.*": 1 },
            "groups": { "^:cg-\\S*$": 1, "^only$": 4 },
            "uuids": { ".": 32 },
        },
    }));
    for (kind, name, expected) in [
        (ResourceKind::Channel, "room-1", "read, write, manage"),
        (ResourceKind::Channel, "room-2", "write"),
        (ResourceKind::Channel, "room-1-pnpres", "write"),
        (ResourceKind::Channel, "not-public-at-all", "read"),
        (ResourceKind::Channel, "reserved", "nothing"),
        (ResourceKind::Channel, "all", "read, write, manage, delete, get, update, join"),
        (ResourceKind::Channel, "cg", "nothing"),
        (ResourceKind::Channel, "space", "nothing"),
        (ResourceKind::Channel, "other", "nothing"),
        (ResourceKind::Group, "cg", "read"),
        (ResourceKind::Group, "colon", "manage"),
        (ResourceKind::Group, "cg-1", "read"),
        (ResourceKind::Group, "only", "manage"),
        (ResourceKind::Uuid, "u", "delete, get, update"),
        (ResourceKind::Uuid, "v", "get"),
    ] {
        let held = token.held(kind, name);
        assert_eq!(held.to_string(), expected, "{} {name}", kind.name());
        for permission in Permission::ALL {
            let basis = token.allows(kind, name, permission);
            assert_eq!(basis.is_ok(), held.allows(permission), "{permission} on {name}");
            assert!(basis.is_ok() || basis == Err(held), "{permission} on {name}");
        }
    }
    let basis = |name, permission| token.allows(ResourceKind::Channel, name, permission).unwrap().to_string();
    assert_eq!(basis("room-1", Permission::Read), "the token's entry `room-1`");
    assert_eq!(basis("room-1", Permission::Write), "the token's pattern `^room-`");
}

/// As the service has it, however wide it is.
#[test]
fn a_pattern_is_found_in_the_text_of_a_wildcard_and_behind_the_colon_of_a_group() {
    for (word, pattern, kind, name, expected) in [
        ("channels", r"^room\.[^.]$", ResourceKind::Channel, "room.*", true),
        ("channels", r"^room\.[a-z]$", ResourceKind::Channel, "room.*", false),
        ("channels", r"^room\.", ResourceKind::Channel, "room.*", true),
        ("groups", "^[^a]", ResourceKind::Group, "admin", true),
        ("groups", "^[^a:]", ResourceKind::Group, "admin", false),
        ("groups", "^:adm", ResourceKind::Group, "admin", true),
        ("channels", "^[^a]", ResourceKind::Channel, "admin", false),
    ] {
        let token = token(json!({ "patterns": { word: { pattern: 1 } } }));
        assert_eq!(token.allows(kind, name, Permission::Read).is_ok(), expected, "{pattern} in {name}");
    }
}

#[test]
fn what_is_no_pattern_is_found_nowhere() {
    let mut asked = TokenAsked::new(TokenTtl::LONGEST);
    asked.patterns.channels = [("(", 1), ("b", 2)].map(|(source, bits)| (source.into(), bits)).into();
    let (cbor, _) = encoding::signed(&asked, &key(1), Epoch::new(3), NOW);
    let token = UnverifiedToken::parse(&encoded(&cbor)).unwrap().verify(&keys()).unwrap();
    assert_eq!(token.held(ResourceKind::Channel, "(b").to_string(), "write");
}

#[test]
fn a_list_of_everything_takes_get_on_the_category() {
    let get = json!({ "categories": { "channels": 32, "uuids": 1 } });
    for (permissions, expected) in
        [(get, [true, false, false]), (json!({ "categories": { "uuids": 33 } }), [false, false, true])]
    {
        let token = token(permissions);
        let lists = [ResourceKind::Channel, ResourceKind::Group, ResourceKind::Uuid].map(|kind| token.lists(kind));
        assert_eq!(lists, expected);
    }
}

proptest! {
    #[test]
    fn what_is_held_agrees_with_a_naive_search(
        exact in names("[ab:]{1,3}"), patterns in names("\\^?[ab:]{1,2}\\$?"), group: bool, name in "[ab]{1,3}"
    ) {
        prop_assume!(!exact.is_empty() || !patterns.is_empty());
        let (kind, word) = if group { (ResourceKind::Group, "groups") } else { (ResourceKind::Channel, "channels") };
        let spellings = if group { vec![name.clone(), format!(":{name}")] } else { vec![name.clone()] };
        let mut bits = 0;
        for spelling in &spellings {
            bits |= exact.get(spelling.as_str()).copied().unwrap_or_default();
            for (pattern, more) in &patterns {
                bits |= if compile(pattern).unwrap().is_match(spelling) { *more } else { 0 };
            }
        }
        let token = token(json!({ "resources": { word: exact }, "patterns": { word: patterns } }));
        prop_assert_eq!(token.held(kind, &name), Permissions::try_from(bits & 239).unwrap());
        for permission in Permission::ALL {
            let basis = token.allows(kind, &name, permission);
            prop_assert_eq!(basis.is_ok(), bits & permission.bit() != 0);
            prop_assert!(basis.is_ok() || basis == Err(token.held(kind, &name)));
        }
    }
}
