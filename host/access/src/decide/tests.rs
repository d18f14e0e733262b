//! Deciding by example: what each credential gives, what it lacks, and in which words.

use super::*;
use crate::grant::{Grant, Holder, Target};
use crate::operation::{Names, Operation};
use crate::revocation::Revocation;
use crate::token::{Epoch, KeyNumber, TokenAsked, TokenKey, TokenKeys, TokenTtl, UnverifiedToken};

const NOW: UnixSeconds = UnixSeconds::new(10_000);

/// `publish a`, `subscribe a b :g`, `uuid-metadata-get @u`: a colon marks groups, an at sign users.
fn intent(text: &str) -> Intent {
    let (word, names) = text.split_once(' ').unwrap_or((text, ""));
    let mut named = Names::default();
    for name in names.split_whitespace() {
        let (list, name) = match (name.strip_prefix(':'), name.strip_prefix('@')) {
            (Some(group), _) => (&mut named.groups, group),
            (None, Some(uuid)) => (&mut named.uuids, uuid),
            (None, None) => (&mut named.channels, name),
        };
        list.push(name.parse().unwrap());
    }
    Operation::named(word).unwrap().intent(named).unwrap()
}

fn bits(flags: &str) -> u8 {
    let held: Permissions = Permission::ALL.into_iter().filter(|held| flags.contains(held.flag())).collect();
    held.bits()
}

/// One grant for each `channel`, `channel=key`, `:group`, `@uuid=key` or `*keyset`, then its flags, then its end.
fn grants(lines: &[(&str, &str, u64)]) -> GrantTable {
    let grant = |&(target, flags, end): &(&str, &str, u64)| {
        let (name, key) = target.split_once('=').map_or((target, None), |(name, key)| (name, Some(key)));
        let holder = key.map_or(Holder::Everyone, |key| Holder::Key(key.parse().unwrap()));
        let target = match (name.strip_prefix(':'), name.strip_prefix('@'), name) {
            (_, _, "*keyset") => Target::Keyset,
            (Some(group), _, _) => Target::Group { name: group.parse().unwrap(), holder },
            (_, Some(uuid), _) => Target::Uuid { name: uuid.parse().unwrap(), key: key.unwrap().parse().unwrap() },
            (None, None, name) => Target::Channel { name: name.parse().unwrap(), holder },
        };
        let permissions = Permissions::try_from(bits(flags)).unwrap();
        Grant { target, permissions, expires: Expiry::at(UnixSeconds::new(end)) }
    };
    let mut table = GrantTable::default();
    table.extend(lines.iter().map(grant));
    table
}

/// A token of two minutes, issued a minute ago; entries as in [`grants`], patterns in slashes.
fn token(entries: &[(&str, &str)], uuid: Option<&str>) -> Token {
    let mut asked = TokenAsked::new(TokenTtl::try_from(2).unwrap());
    asked.uuid = uuid.map(Into::into);
    for (name, flags) in entries {
        let (kind, name) = match name.chars().next() {
            Some(kind @ (':' | '@')) => (kind, name.get(1..).unwrap()),
            _ => ('#', *name),
        };
        let pattern = name.strip_prefix('/').and_then(|name| name.strip_suffix('/'));
        let permits = if pattern.is_some() { &mut asked.patterns } else { &mut asked.resources };
        let permits = match kind {
            ':' => &mut permits.groups,
            '@' => &mut permits.uuids,
            _ => &mut permits.channels,
        };
        permits.insert(pattern.unwrap_or(name).into(), bits(flags));
    }
    if entries.is_empty() {
        asked.categories.uuids = bits("g");
    }
    let keys = TokenKeys::new([TokenKey::new(KeyNumber::new(1), [7; 32])], Epoch::default());
    let issued = UnixSeconds::new(NOW.get() - 60);
    let key = keys.key(KeyNumber::new(1)).unwrap();
    let minted = asked.check().unwrap().mint(key, Epoch::default(), issued).unwrap();
    UnverifiedToken::parse(minted.reveal()).unwrap().verify(&keys).unwrap()
}

fn explained(wanted: &str, shown: Shown<'_>, table: &GrantTable, switches: Switches) -> (&'static str, String) {
    let keyset = KeysetState { grants: table, revocations: &Revocations::default(), switches };
    let credentials = Credentials { shown, uuid: Some("u") };
    let intent = intent(wanted);
    let explanation = explain(&intent, &credentials, &keyset, NOW);
    let verdict = decide(&intent, &credentials, &keyset, NOW);
    assert_eq!(verdict, explanation.verdict);
    let all_given = explanation.rulings.iter().all(|ruling| ruling.outcome.is_ok());
    assert!(explanation.rulings.is_empty() || all_given == verdict.is_allow(), "{wanted}");
    let code = match &verdict {
        Verdict::Allow { .. } => "allow",
        Verdict::Deny(denied) => denied.reason.code(),
    };
    (code, explanation.to_string())
}

#[test]
fn a_v2_key_has_what_is_granted_to_it_and_to_everyone() {
    let table = grants(&[
        ("open", "r", 20_000),
        ("own=k", "rw", 20_000),
        ("a.*=k", "rw", 20_000),
        ("over=k", "r", 9_000),
        (":g=k", "r", 20_000),
        ("@u=k", "g", 20_000),
    ]);
    let key = "k".parse().unwrap();
    let (key, nothing) = (Shown::AuthKey(&key), Shown::Nothing);
    for (wanted, shown, code, words) in [
        (
            "subscribe open",
            nothing,
            "allow",
            "read on the channel `open`: allowed by a grant of this name for everyone",
        ),
        ("publish own", key, "allow", "write on the channel `own`: allowed by a grant of this name to the auth key"),
        (
            "publish own",
            nothing,
            "credential.missing",
            "write on the channel `own`: denied: no credential is shown, and nothing is granted to everyone",
        ),
        ("publish open", nothing, "grant.lacks", "write on the channel `open`: denied: granted is read, but not write"),
        ("publish a.b", key, "allow", "write on the channel `a.b`: allowed by a wildcard grant to the auth key"),
        (
            "publish a.b-pnpres",
            key,
            "presence.read-only",
            "write on the channel `a.b-pnpres`: denied: presence feeds are for reading",
        ),
        ("history over", key, "grant.expired", "read on the channel `over`: denied: the grant expired at 9000"),
        ("publish other", key, "grant.missing", "write on the channel `other`: denied: nothing is granted"),
        (
            "subscribe own other :g :h",
            key,
            "grant.missing",
            "read on the channel `own`: allowed by a grant of this name to the auth key; read on the channel `other`: denied: nothing is granted; read on the group `g`: allowed by a grant of this name to the auth key; read on the group `h`: denied: nothing is granted",
        ),
        ("uuid-metadata-get @u", key, "allow", "get on the uuid `u`: allowed by a grant of this name to the auth key"),
        ("leave", nothing, "allow", "allowed"),
        ("here-now-global", key, "grant.missing", "read on the whole keyset: denied: nothing is granted"),
        ("group-list-all", key, "grant.missing", "manage on the whole keyset: denied: nothing is granted"),
    ] {
        assert_eq!(explained(wanted, shown, &table, Switches::default()), (code, words.to_owned()), "{wanted}");
    }
}

#[test]
fn a_token_has_its_entries_and_what_its_patterns_find() {
    let table = grants(&[("open", "rw", 20_000), ("*keyset", "rwm", 20_000)]);
    let token = token(
        &[
            ("a", "r"),
            ("/^room-/", "rw"),
            ("a-pnpres", "w"),
            (":g", "r"),
            (":/^:cg-/", "m"),
            ("@u", "r"),
            ("@/./", "g"),
        ],
        None,
    );
    let granted = Switches { metadata_lists: MetadataLists::Granted, ..Switches::default() };
    for (wanted, code, words) in [
        ("subscribe a", "allow", "read on the channel `a`: allowed by the token's entry `a`"),
        (
            "publish my-room-1",
            "token.lacks",
            "write on the channel `my-room-1`: denied: the token gives nothing, but not write",
        ),
        ("publish room-1", "allow", "write on the channel `room-1`: allowed by the token's pattern `^room-`"),
        ("publish a", "token.lacks", "write on the channel `a`: denied: the token gives read, but not write"),
        (
            "publish a-pnpres",
            "presence.read-only",
            "write on the channel `a-pnpres`: denied: presence feeds are for reading",
        ),
        ("publish open", "token.lacks", "write on the channel `open`: denied: the token gives nothing, but not write"),
        ("subscribe :g", "allow", "read on the group `g`: allowed by the token's entry `g`"),
        ("group-delete :cg-1", "allow", "manage on the group `cg-1`: allowed by the token's pattern `^:cg-`"),
        ("uuid-metadata-get @u", "allow", "get on the uuid `u`: allowed by the token's pattern `.`"),
        (
            "uuid-metadata-set @u",
            "token.lacks",
            "update on the uuid `u`: denied: the token gives read, get, but not update",
        ),
        ("here-now-global", "token.lacks", "read on the whole keyset: denied: the token gives nothing, but not read"),
        (
            "uuid-metadata-list",
            "token.lacks",
            "get on the metadata of every uuid: denied: the token gives nothing, but not get",
        ),
        ("leave", "allow", "allowed until 10060"),
    ] {
        assert_eq!(explained(wanted, Shown::Token(&token), &table, granted), (code, words.to_owned()), "{wanted}");
    }
    let lister = super::tests::token(&[], None);
    for (wanted, code) in [("uuid-metadata-list", "allow"), ("channel-metadata-list", "token.lacks")] {
        assert_eq!(explained(wanted, Shown::Token(&lister), &table, granted).0, code, "{wanted}");
    }
}

#[test]
fn the_secret_key_opens_everything() {
    let token = Switches { metadata_lists: MetadataLists::Granted, ..Switches::default() };
    for wanted in ["publish a-pnpres", "subscribe a :g", "uuid-metadata-list", "here-now-global", "group-list-all"] {
        let (code, words) = explained(wanted, Shown::Root, &GrantTable::default(), token);
        assert!(code == "allow" && words.contains("the keyset's secret key"), "{wanted}: {words}");
    }
}

#[test]
fn a_keyset_leaves_lists_and_presence_open_as_it_is_told() {
    let table = grants(&[]);
    let whole = grants(&[("*keyset", "rg", 20_000)]);
    let key = "k".parse().unwrap();
    let lists = |metadata_lists| Switches { metadata_lists, ..Switches::default() };
    let presence = |global_presence| Switches { global_presence, ..Switches::default() };
    for (wanted, table, switches, code) in [
        ("uuid-metadata-list", &table, lists(MetadataLists::Open), "allow"),
        ("channel-metadata-list", &table, lists(MetadataLists::Open), "allow"),
        ("uuid-metadata-list", &whole, lists(MetadataLists::Granted), "grant.missing"),
        ("channel-metadata-list", &whole, lists(MetadataLists::Granted), "allow"),
        ("channel-metadata-list", &table, lists(MetadataLists::Granted), "grant.missing"),
        ("here-now-global", &table, presence(GlobalPresence::Open), "allow"),
        ("here-now-global", &whole, presence(GlobalPresence::Granted), "allow"),
        ("group-list-all", &table, presence(GlobalPresence::Open), "grant.missing"),
        ("group-list-all", &whole, presence(GlobalPresence::Open), "grant.lacks"),
    ] {
        assert_eq!(explained(wanted, Shown::AuthKey(&key), table, switches).0, code, "{wanted} {switches:?}");
    }
}

#[test]
fn a_token_that_does_not_count_gives_nothing_not_even_leaving() {
    let token = token(&[("a", "r")], Some("u"));
    let of_token = Revocation::Token { id: token.id(), until: token.expires() };
    let cut = |at| Revocation::Uuid { uuid: "u".into(), at: UnixSeconds::new(at) };
    for (revocation, uuid, now, code, words) in [
        (None, Some("u"), 10_000, "allow", "allowed until 10060"),
        (None, Some("u"), 10_059, "allow", "allowed until 10060"),
        (None, Some("u"), 10_060, "token.expired", "denied: the token expired at 10060"),
        (None, Some("v"), 10_060, "token.expired", "denied: the token expired at 10060"),
        (None, Some("v"), 10_000, "token.other-user", "denied: the token is good for another user only"),
        (None, None, 10_000, "token.other-user", "denied: the token is good for another user only"),
        (Some(of_token), Some("v"), 10_060, "token.revoked", "denied: the token was revoked"),
        (
            Some(cut(9_940)),
            Some("u"),
            10_000,
            "token.revoked",
            "denied: all tokens of its user issued up to 9940 were revoked",
        ),
        (Some(cut(9_939)), Some("u"), 10_000, "allow", "allowed until 10060"),
    ] {
        let (mut revocations, table) = (Revocations::default(), GrantTable::default());
        revocations.apply(revocation.as_ref().unwrap_or(&Revocation::Before { at: UnixSeconds::new(1) }));
        let keyset = KeysetState { grants: &table, revocations: &revocations, switches: Switches::default() };
        let credentials = Credentials { shown: Shown::Token(&token), uuid };
        for wanted in ["leave", "subscribe a"] {
            let verdict = decide(&intent(wanted), &credentials, &keyset, UnixSeconds::new(now));
            assert_eq!(verdict.to_string(), words, "{wanted} {revocation:?} {uuid:?}");
            if let Verdict::Deny(denied) = verdict {
                assert_eq!((denied.reason.code(), denied.rulings.len()), (code, 0));
            }
        }
    }
    for (error, code) in [(InvalidToken::Mac, "token.invalid"), (InvalidToken::EpochOver, "token.revoked")] {
        let (given, words) = explained("leave", Shown::Invalid(error), &GrantTable::default(), Switches::default());
        assert_eq!((given, words), (code, format!("denied: the token does not count: {error}")));
    }
}

#[test]
fn an_allowance_ends_with_the_first_of_what_gives_it() {
    let table = grants(&[("a=k", "r", 30_000), ("b=k", "r", 20_000), ("c", "r", 40_000), ("c=k", "r", 50_000)]);
    let key = "k".parse().unwrap();
    let keyset = KeysetState { grants: &table, revocations: &Revocations::default(), switches: Switches::default() };
    for (wanted, shown, expected) in [
        ("subscribe a b", Shown::AuthKey(&key), Some(20_000)),
        ("subscribe a", Shown::AuthKey(&key), Some(30_000)),
        ("subscribe c", Shown::AuthKey(&key), Some(40_000)),
        ("leave", Shown::AuthKey(&key), None),
        ("subscribe a", Shown::Root, None),
    ] {
        let verdict = decide(&intent(wanted), &Credentials { shown, uuid: None }, &keyset, NOW);
        let Verdict::Allow { until } = verdict else { panic!("{wanted}: {verdict}") };
        assert_eq!(until.instant().map(UnixSeconds::get), expected, "{wanted}");
    }
}

#[test]
fn a_denial_names_each_denied_resource_once() {
    let table = grants(&[("a=k", "r", 20_000)]);
    let key = "k".parse().unwrap();
    let keyset = KeysetState { grants: &table, revocations: &Revocations::default(), switches: Switches::default() };
    let credentials = Credentials { shown: Shown::AuthKey(&key), uuid: None };
    let verdict = decide(&intent("subscribe b a b c-pnpres :g :h :g"), &credentials, &keyset, NOW);
    let Verdict::Deny(denied) = verdict else { panic!("{verdict}") };
    let names = |kind| denied.names(kind).into_iter().map(|name| name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(ResourceKind::Channel), ["b", "c-pnpres"]);
    assert_eq!(names(ResourceKind::Group), ["g", "h"]);
    assert!(names(ResourceKind::Uuid).is_empty());
}
