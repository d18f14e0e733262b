//! Which tokens a revocation takes, and which it leaves.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::token::{Epoch, KeyNumber, TokenGrant, TokenKey, TokenKeys, UnverifiedToken};

fn key() -> TokenKey {
    TokenKey::new(KeyNumber::new(1), [1; 32])
}

fn token(uuid: Option<&str>, issued: u64) -> Token {
    let body = json!({ "ttl": 60, "permissions": { "resources": { "channels": { "a": 1 } }, "uuid": uuid } });
    let grant = TokenGrant::parse(body.to_string().as_bytes()).unwrap();
    let minted = grant.mint(&key(), Epoch::default(), UnixSeconds::new(issued)).unwrap();
    UnverifiedToken::parse(minted.reveal()).unwrap().verify(&TokenKeys::new([key()], Epoch::default())).unwrap()
}

/// A cut that is made at its own instant.
fn cut_at(at: UnixSeconds) -> Cut {
    Cut::new(at, at).unwrap()
}

#[test]
fn a_rule_takes_what_it_speaks_of() {
    let at = UnixSeconds::new(100);
    let one = token(Some("u"), 100);
    let by_id = Revocation::Token { id: one.id(), until: one.expires() };
    let by_uuid = Revocation::Uuid { uuid: "u".into(), at };
    let by_instant = Revocation::Before { at };
    for (rule, uuid, issued, expected) in [
        (&by_id, Some("u"), 100, Some(Revoked::Token)),
        (&by_id, Some("u"), 99, None),
        (&by_id, None, 100, None),
        (&by_uuid, Some("u"), 99, Some(Revoked::Uuid { at })),
        (&by_uuid, Some("u"), 100, Some(Revoked::Uuid { at })),
        (&by_uuid, Some("u"), 101, None),
        (&by_uuid, Some("v"), 100, None),
        (&by_uuid, None, 100, None),
        (&by_instant, None, 100, Some(Revoked::Before { at })),
        (&by_instant, Some("v"), 1, Some(Revoked::Before { at })),
        (&by_instant, None, 101, None),
    ] {
        let mut revocations = Revocations::default();
        assert!(revocations.is_empty());
        revocations.apply(rule);
        assert_eq!(revocations.is_revoked(&token(uuid, issued)), expected, "{rule:?} {uuid:?} {issued}");
    }
}

#[test]
fn what_is_granted_in_the_second_of_a_revocation_counts_and_can_be_revoked_again() {
    let now = UnixSeconds::new(100);
    for all in [false, true] {
        let mut revocations = Revocations::default();
        for round in 0..3 {
            let issued = revocations.earliest_issue(Some("u"), now);
            let fresh = token(Some("u"), issued.get());
            assert_eq!(revocations.is_revoked(&fresh), None, "round {round}");
            let cut = if all { revocations.of_before(cut_at(issued)) } else { revocations.of_uuid("u", now) };
            revocations.apply(&cut);
            assert!(revocations.is_revoked(&fresh).is_some(), "round {round}");
        }
    }
}

#[test]
fn a_cut_never_moves_back() {
    let mut revocations = Revocations::default();
    for at in [100, 50] {
        revocations.apply(&revocations.of_before(cut_at(UnixSeconds::new(at))));
        revocations.apply(&Revocation::Uuid { uuid: "u".into(), at: UnixSeconds::new(at) });
    }
    assert_eq!(revocations.of_before(cut_at(UnixSeconds::new(1))), Revocation::Before { at: UnixSeconds::new(100) });
    assert_eq!(revocations.earliest_issue(Some("u"), UnixSeconds::new(1)), UnixSeconds::new(101));
}

#[test]
fn no_cut_is_in_the_future() {
    let now = UnixSeconds::new(100);
    for (at, is_cut) in [(0, true), (100, true), (101, false), (u64::MAX, false)] {
        let at = UnixSeconds::new(at);
        assert_eq!(Cut::new(at, now).map(|Cut(at)| at), if is_cut { Ok(at) } else { Err(FutureCut { at }) });
    }
}

#[test]
fn a_sweep_forgets_only_what_no_living_token_is_under() {
    let longest = 43_200 * 60;
    let mut revocations = Revocations::default();
    let one = token(None, 100);
    let rules = [
        Revocation::Token { id: one.id(), until: one.expires() },
        Revocation::Uuid { uuid: "u".into(), at: UnixSeconds::new(200) },
        Revocation::Before { at: UnixSeconds::new(300) },
    ];
    rules.iter().for_each(|rule| revocations.apply(rule));
    for (now, gone) in [
        (100 + 3_599, None),
        (100 + 3_600, Some(&rules[0])),
        (200 + longest - 1, None),
        (200 + longest, Some(&rules[1])),
        (300 + longest - 1, None),
        (300 + longest, Some(&rules[2])),
    ] {
        let swept = revocations.sweep(UnixSeconds::new(now));
        assert_eq!(swept.first(), gone, "{now}");
    }
    assert!(revocations.is_empty());
}

#[test]
fn the_bytes_of_a_record_do_not_change() {
    let at = UnixSeconds::new(0x0102);
    for (record, key) in [
        (
            Revocation::Token { id: TokenId::from_bytes([7; 16]), until: Expiry::at(at) },
            [&[0x21][..], &[7; 16]].concat(),
        ),
        (Revocation::Uuid { uuid: "u".into(), at }, b"\x22u".to_vec()),
        (Revocation::Before { at }, b"\x23".to_vec()),
    ] {
        assert_eq!((record.encode_key(), record.encode_value()), (key.clone(), [1, 0, 0, 0, 0, 0, 0, 1, 2]));
        assert_eq!(Revocation::decode(&key, &record.encode_value()), Ok(record));
    }
}

proptest! {
    #[test]
    fn hostile_bytes_are_refused_or_canonical(tag in 0x20..0x25_u8, key: Vec<u8>, value: [u8; 9]) {
        let key = [&[tag][..], &key].concat();
        if let Ok(record) = Revocation::decode(&key, &value) {
            prop_assert_eq!((record.encode_key(), record.encode_value()), (key, value));
        }
    }
}
