//! The rules of evaluation, by example and against a list searched naively.

use proptest::prelude::*;

use super::*;
use crate::grant::Holder;
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceKind;
use crate::time::Expiry;

const NOW: UnixSeconds = UnixSeconds::new(1_000);

fn target(kind: &str, name: &str, key: Option<&str>) -> Target {
    let holder = key.map_or(Holder::Everyone, |key| Holder::Key(key.parse().unwrap()));
    match (kind, key) {
        ("keyset", _) => Target::Keyset,
        ("group", _) => Target::Group { name: name.parse().unwrap(), holder },
        ("uuid", Some(key)) => Target::Uuid { name: name.parse().unwrap(), key: key.parse().unwrap() },
        _ => Target::Channel { name: name.parse().unwrap(), holder },
    }
}

fn grant(target: Target, bits: u8, end: u64) -> Grant {
    let permissions = Permissions::try_from(bits).unwrap();
    Grant { target, permissions, expires: Expiry::at(UnixSeconds::new(end)) }
}

fn ask(table: &GrantTable, kind: &str, name: &str, key: Option<&str>) -> Finding {
    let (name, key) = (name.parse().unwrap(), key.map(|key| key.parse().unwrap()));
    let about = match kind {
        "keyset" => Subject::Keyset,
        "group" => Subject::Group(&name),
        "uuid" => Subject::Uuid(&name),
        _ => Subject::Channel(&name),
    };
    table.check(&Question { about, auth_key: key.as_ref(), permission: Permission::Read }, NOW)
}

#[test]
fn a_grant_opens_exactly_what_it_names() {
    let some = Some("k1");
    for (granted, asked, expected) in [
        (("channel", "a", None), ("channel", "a", None), Some(Basis::Name)),
        (("channel", "a", None), ("channel", "a", some), Some(Basis::Name)),
        (("channel", "a", some), ("channel", "a", some), Some(Basis::NameAndKey)),
        (("channel", "a", some), ("channel", "a", None), None),
        (("channel", "a", some), ("channel", "a", Some("k2")), None),
        (("channel", "a", None), ("channel", "a.b", None), None),
        (("channel", "a", None), ("channel", "a-pnpres", None), None),
        (("channel", "a", None), ("group", "a", None), None),
        (("channel", "a.*", None), ("channel", "a.b", None), Some(Basis::Wildcard)),
        (("channel", "a.*", None), ("channel", "a.b.c", None), Some(Basis::Wildcard)),
        (("channel", "a.*", None), ("channel", "a.", None), Some(Basis::Wildcard)),
        (("channel", "a.*", None), ("channel", "a.*", None), Some(Basis::Name)),
        (("channel", "a.*", None), ("channel", "a.b-pnpres", None), Some(Basis::Wildcard)),
        (("channel", "a.*", some), ("channel", "a.b", some), Some(Basis::WildcardAndKey)),
        (("channel", "a.*", some), ("channel", "a.b", None), None),
        (("channel", "a.*", None), ("channel", "ab", None), None),
        (("channel", "a.*", None), ("channel", "a", None), None),
        (("channel", "a.b.*", None), ("channel", "a.b.c", None), None),
        (("channel", "a.*-pnpres", None), ("channel", "a.b-pnpres", None), None),
        (("channel", "a.*-pnpres", None), ("channel", "a.*-pnpres", None), Some(Basis::Name)),
        (("channel", "a.b", None), ("channel", "a.*", None), None),
        (("channel", "*", None), ("channel", "a", None), None),
        (("channel", "*", None), ("channel", "*", None), Some(Basis::Name)),
        (("channel", ".*", None), ("channel", ".a", None), None),
        (("group", "g.*", None), ("group", "g.h", None), None),
        (("group", "g", None), ("group", "g-pnpres", None), None),
        (("group", "g", some), ("group", "g", some), Some(Basis::NameAndKey)),
        (("uuid", "u.*", some), ("uuid", "u.v", some), None),
        (("uuid", "u", some), ("uuid", "u", some), Some(Basis::NameAndKey)),
        (("uuid", "u", some), ("uuid", "u", None), None),
        (("keyset", "", None), ("channel", "a", None), Some(Basis::Keyset)),
        (("keyset", "", None), ("group", "a", some), Some(Basis::Keyset)),
        (("keyset", "", None), ("keyset", "-", None), Some(Basis::Keyset)),
        (("keyset", "", None), ("uuid", "u", some), None),
        (("channel", "a.*", None), ("keyset", "-", None), None),
    ] {
        let mut table = GrantTable::default();
        let (kind, name, key) = granted;
        table.apply(&grant(target(kind, name, key), 1, 2_000));
        let until = Expiry::at(UnixSeconds::new(2_000));
        let expected =
            expected.map_or(Finding::Deny { because: Denial::NothingGranted }, |by| Finding::Allow { by, until });
        assert_eq!(ask(&table, asked.0, asked.1, asked.2), expected, "{granted:?} {asked:?}");
    }
}

#[test]
fn a_finding_says_why() {
    let key = Some("k1");
    let open = || target("channel", "a.b", None);
    let own = || target("channel", "a.b", key);
    let wild = || target("channel", "a.*", key);
    for (grants, expected) in [
        (vec![], "denied: nothing is granted"),
        (vec![grant(own(), 2, 2_000)], "denied: granted is write, but not read"),
        (vec![grant(own(), 2, 2_000), grant(open(), 4, 2_000)], "denied: granted is write, manage, but not read"),
        (vec![grant(own(), 1, 1_000)], "denied: the grant expired at 1000"),
        (vec![grant(own(), 1, 900), grant(wild(), 1, 950)], "denied: the grant expired at 950"),
        (vec![grant(own(), 1, 900), grant(wild(), 2, 2_000)], "denied: the grant expired at 900"),
        (vec![grant(own(), 2, 900)], "denied: nothing is granted"),
        (vec![grant(own(), 1, 1_001)], "allowed by a grant of this name to the auth key"),
        (vec![grant(own(), 1, 2_000), grant(open(), 1, 2_000)], "allowed by a grant of this name for everyone"),
        (vec![grant(own(), 1, 2_000), grant(own(), 2, 2_000)], "denied: granted is write, but not read"),
        (vec![grant(own(), 1, 2_000), grant(own(), 0, 2_000)], "denied: nothing is granted"),
        (
            vec![grant(open(), 1, 2_000), grant(own(), 1, 2_000), grant(own(), 0, 2_000)],
            "allowed by a grant of this name for everyone",
        ),
    ] {
        let mut table = GrantTable::default();
        table.extend(grants);
        assert_eq!(ask(&table, "channel", "a.b", key).to_string(), expected);
    }
}

#[test]
fn a_question_reads_aloud() {
    let name = "a.b".parse().unwrap();
    let permission = Permission::Write;
    for (about, expected) in
        [(Subject::Channel(&name), "write on the channel `a.b`"), (Subject::Keyset, "write on the whole keyset")]
    {
        assert_eq!(Question { about, auth_key: None, permission }.to_string(), expected);
    }
}

#[test]
fn applying_replaces_and_revokes() {
    let mut table = GrantTable::default();
    for target in [target("keyset", "", None), target("channel", "a", None), target("uuid", "u", Some("k"))] {
        for (bits, before, len) in [(0, None, 0), (1, None, 1), (2, Some(1), 1), (0, Some(2), 0), (0, None, 0)] {
            let held = table.apply(&grant(target.clone(), bits, 2_000));
            let before = before.map(|bits| grant(target.clone(), bits, 2_000));
            assert_eq!(
                held.map(|held| (held.permissions, held.expires)),
                before.map(|before| (before.permissions, before.expires))
            );
            assert_eq!(table.len(), len);
        }
    }
    assert!(table.is_empty());
}

#[test]
fn a_list_shows_what_lives_and_is_asked_for() {
    let mut table = GrantTable::default();
    let targets = [
        target("keyset", "", None),
        target("channel", "a", None),
        target("channel", "a", Some("k1")),
        target("channel", "a.*", Some("k2")),
        target("group", "a", Some("k1")),
    ];
    table.extend(targets.iter().map(|target| grant(target.clone(), 1, 2_000)));
    table.apply(&grant(target("channel", "old", None), 1, 1_000));
    let (names, keys) = (["a".parse().unwrap()], ["k1".parse().unwrap()]);
    let channel = Some(ResourceKind::Channel);
    for (filter, expected) in [
        (Filter::default(), &targets[..]),
        (Filter { kind: channel, ..Filter::default() }, &targets[1..4]),
        (Filter { kind: channel, names: &names, auth_keys: &[] }, &targets[1..3]),
        (Filter { kind: channel, names: &names, auth_keys: &keys }, &targets[2..3]),
        (Filter { auth_keys: &keys, ..Filter::default() }, &[targets[2].clone(), targets[4].clone()]),
    ] {
        let mut listed: Vec<Target> = table.list(&filter, NOW).map(|grant| grant.target).collect();
        listed.sort();
        assert_eq!(listed, expected, "{filter:?}");
    }
}

#[test]
fn sweeping_names_what_it_frees() {
    let mut table = GrantTable::default();
    let over = [target("keyset", "", None), target("channel", "a", None), target("group", "g", Some("k"))];
    table.extend(over.iter().map(|target| grant(target.clone(), 1, 1_000)));
    table.apply(&grant(target("channel", "b", None), 1, 1_001));
    let mut swept = table.sweep(NOW);
    swept.sort();
    assert_eq!(swept, over);
    assert_eq!(table.len(), 1);
    assert!(table.sweep(NOW).is_empty());
}

#[test]
fn a_grant_stays_small() {
    let mut table = GrantTable::default();
    let mut named = 0;
    for number in 0..20_000 {
        let target = target("channel", &format!("ns#user#{number}#"), Some(&format!("key-{number}")));
        named += target.encode().len();
        table.apply(&grant(target, 1, 2_000));
    }
    let beyond_names = (table.approximate_bytes() - named) / table.len();
    assert!(beyond_names <= 120, "{beyond_names} bytes");
}

#[test]
fn nothing_secret_is_in_the_debug_text() {
    let mut table = GrantTable::default();
    table.apply(&grant(target("channel", "a", Some("very-secret")), 1, 2_000));
    assert!(!format!("{table:?}").contains("very-secret"));
}

fn any_target() -> impl Strategy<Value = Target> {
    let kind = prop::sample::select(vec!["channel", "channel", "group", "uuid", "keyset"]);
    let key = prop::option::of(prop::sample::select(vec!["k1", "k2"]));
    (kind, "[ab.*]{1,3}", key).prop_map(|(kind, name, key)| target(kind, &name, key))
}

/// Goes through the latest grant of each target and asks of each whether it opens the question.
fn naive(grants: &[Grant], question: &Question<'_>) -> bool {
    let latest = grants
        .iter()
        .enumerate()
        .filter(|(position, grant)| !grants.iter().skip(position + 1).any(|later| later.target == grant.target));
    latest.map(|(_, grant)| grant).any(|grant| {
        let live = NOW.get() < grant.expires.instant().unwrap().get();
        let opens = match (grant.target.resource(), question.about.resource()) {
            (None, None) => true,
            (None, Some((kind, _))) => kind != ResourceKind::Uuid,
            (Some(_), None) => false,
            (Some((kind, name)), Some((asked_kind, asked))) => {
                let head = name.as_str().strip_suffix(".*").filter(|head| !head.is_empty() && !head.contains('.'));
                let wild = head.is_some_and(|head| asked.as_str().starts_with(&format!("{head}.")));
                kind == asked_kind && (name == asked || (wild && kind == ResourceKind::Channel))
            }
        };
        let held = grant.target.auth_key().is_none_or(|key| question.auth_key == Some(key));
        live && opens && held && grant.permissions.allows(question.permission)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_index_agrees_with_a_list(
        grants in prop::collection::vec((any_target(), 0..8_u8, 998..1_003_u64), 0..12),
        asked in any_target(),
        shown in prop::option::of(prop::sample::select(vec!["k1", "k2"])),
    ) {
        let grants: Vec<Grant> = grants.into_iter().map(|(target, bits, end)| grant(target, bits, end)).collect();
        let mut table = GrantTable::default();
        table.extend(grants.clone());
        let about = match asked.resource() {
            None => Subject::Keyset,
            Some((ResourceKind::Channel, name)) => Subject::Channel(name),
            Some((ResourceKind::Group, name)) => Subject::Group(name),
            Some((ResourceKind::Uuid, name)) => Subject::Uuid(name),
        };
        let shown = shown.map(|key| key.parse().unwrap());
        let question = Question { about, auth_key: shown.as_ref(), permission: Permission::Read };
        prop_assert_eq!(table.check(&question, NOW).is_allow(), naive(&grants, &question));
        for grant in &grants {
            table.remove(&grant.target);
        }
        prop_assert!(table.is_empty());
        prop_assert_eq!(table.keyed.iter().count() + table.shared.iter().count(), 0);
    }
}

#[test]
fn nobody_writes_to_a_presence_feed() {
    let mut table = GrantTable::default();
    for (kind, name) in [("keyset", ""), ("channel", "a.*"), ("channel", "a.b-pnpres")] {
        table.apply(&grant(target(kind, if name.is_empty() { "-" } else { name }, Some("k")), 3, 2_000));
    }
    let key = "k".parse().unwrap();
    for (name, permission, allowed) in [
        ("a.b-pnpres", Permission::Read, true),
        ("a.b-pnpres", Permission::Write, false),
        ("a.b", Permission::Write, true),
        ("a.b-pnpres-not", Permission::Write, true),
    ] {
        let name = name.parse().unwrap();
        let question = Question { about: Subject::Channel(&name), auth_key: Some(&key), permission };
        assert_eq!(table.check(&question, NOW).is_allow(), allowed, "{question}");
    }
}
