//! Whatever is granted can be minted, read again, and counts exactly while its key and epoch do.

use std::sync::Arc;

use super::*;

#[test]
fn a_token_is_base64url_with_padding_and_begins_as_clients_know_it() {
    let channel = json!({ "channels": { "a": 1 } });
    for (permissions, start) in [
        (json!({ "resources": channel }), "qEF2AkF0G"),
        (json!({ "resources": channel, "uuid": "u" }), "qUF2AkF0G"),
        (json!({ "resources": channel, "categories": { "channels": 32 } }), "qUF2AkF0G"),
    ] {
        let minted = mint(permissions);
        assert!(minted.reveal().starts_with(start), "{}", minted.reveal());
        assert_eq!(minted.reveal().len() % 4, 0);
        assert_eq!((minted.issued(), minted.expires().instant()), (NOW, Some(UnixSeconds::new(NOW.get() + 900))));
        assert_eq!(minted.id(), UnverifiedToken::parse(minted.reveal()).unwrap().id());
        assert!(!format!("{minted:?}").contains(minted.reveal()));
    }
}

#[test]
fn a_token_counts_while_its_key_and_epoch_do() {
    let minted = mint(json!({ "resources": { "channels": { "a": 1 } } }));
    let other = TokenKey::new(KeyNumber::new(1), [9; 32]);
    for (keys, expected) in [
        (TokenKeys::new([key(1)], Epoch::new(3)), None),
        (TokenKeys::new([key(2), key(1)], Epoch::new(3)), None),
        (TokenKeys::new([], Epoch::new(3)), Some(InvalidToken::UnknownKey)),
        (TokenKeys::new([key(2)], Epoch::new(3)), Some(InvalidToken::UnknownKey)),
        (TokenKeys::new([other], Epoch::new(3)), Some(InvalidToken::Mac)),
        (TokenKeys::new([key(1)], Epoch::new(4)), Some(InvalidToken::EpochOver)),
        (TokenKeys::new([key(1)], Epoch::new(2)), Some(InvalidToken::EpochOver)),
    ] {
        let verified = UnverifiedToken::parse(minted.reveal()).unwrap().verify(&keys);
        assert_eq!(verified.as_ref().err().copied(), expected, "{keys:?}");
        if let Ok(token) = verified {
            assert_eq!((token.key(), token.epoch()), (KeyNumber::new(1), Epoch::new(3)));
        }
    }
}

#[test]
fn a_verifier_keeps_only_tokens_that_count() {
    let verifier = Verifier::new(keys());
    let minted = mint(json!({ "resources": { "channels": { "a": 1 } } }));
    let unpadded = minted.reveal().trim_end_matches('=');
    for text in [minted.reveal(), minted.reveal(), unpadded] {
        let Presented::Token(token) = verifier.verify(text) else { panic!("{text}") };
        assert_eq!(token.id(), minted.id());
    }
    let foreign = grant(json!({ "resources": { "channels": { "a": 1 } } }));
    let foreign = foreign.mint(&key(7), Epoch::new(3), NOW).unwrap();
    for (text, expected) in [
        ("k1", None),
        ("", None),
        (foreign.reveal(), Some(InvalidToken::UnknownKey)),
        (minted.reveal().get(..80).unwrap(), Some(InvalidToken::Malformed)),
        (&"a".repeat(16_385), Some(InvalidToken::TooLong)),
    ] {
        match verifier.verify(text) {
            Presented::NotAToken => assert_eq!(expected, None, "{text}"),
            Presented::Invalid(invalid) => assert_eq!(Some(invalid), expected, "{text}"),
            Presented::Token(_) => panic!("{text}"),
        }
    }
    assert!(format!("{verifier:?}").ends_with(&format!("{} kept)", 1 + usize::from(unpadded != minted.reveal()))));
}

#[test]
fn a_kept_token_weighs_what_it_takes_in_memory() {
    let weight = |permissions: Value| token(permissions).memory();
    let channels = json!({ "channels": { "a": 1 } });
    let plain = weight(json!({ "resources": channels }));
    assert!(plain < 4_096, "{plain}");
    for (permissions, least) in [
        (json!({ "resources": channels, "meta": { "a": vec![(); 10_000] } }), 10_000 * size_of::<Value>()),
        (json!({ "resources": channels, "meta": { "a": vec![json!({ "": 0 }); 3_000] } }), 3_000 * 616),
        (json!({ "resources": { "channels": many("n", 1_000) } }), 1_000 * 48),
        (json!({ "patterns": { "channels": { r"^\p{L}{1,3}$": 1 } } }), 128 * 1024),
        (json!({ "patterns": { "channels": many(r"^n\S*", 100) } }), 100 * 2_048),
    ] {
        let weight = weight(permissions);
        assert!(weight > plain + least, "{weight}");
    }
}

#[test]
fn the_heaviest_token_is_kept() {
    let verifier = Verifier::new(keys());
    let patterns = json!({ "channels": many("[a-z]*x.*y[0-9a-f]*", 200) });
    for permissions in [
        json!({ "patterns": patterns }),
        json!({ "patterns": patterns, "meta": { "a": vec![json!({ "": 0 }); 1_500] } }),
        json!({ "resources": { "channels": { "a": 1 } }, "meta": { "a": vec![json!({ "": 0 }); 3_000] } }),
    ] {
        let minted = mint(permissions);
        let shown = || match verifier.verify(minted.reveal()) {
            Presented::Token(token) => token,
            other @ (Presented::NotAToken | Presented::Invalid(_)) => panic!("{other:?}"),
        };
        assert!(Arc::ptr_eq(&shown(), &shown()));
        assert!(shown().memory() < 4 * 1024 * 1024, "{}", shown().memory());
    }
}

/// Tokens of an issuer who bounds nothing: the same bytes as ours, without the check of a grant.
#[test]
fn a_token_whose_patterns_are_too_complex_together_does_not_count() {
    for (count, expected) in [(7, None), (8, Some(InvalidToken::TooComplex)), (200, Some(InvalidToken::TooComplex))] {
        let mut asked = TokenAsked::new(TokenTtl::LONGEST);
        asked.patterns.channels = (0..count).map(|n| (format!(r"^\p{{L}}{{1,3}}{n}$").into(), 1)).collect();
        let (cbor, _) = encoding::signed(&asked, &key(1), Epoch::new(3), NOW);
        let verified = UnverifiedToken::parse(&encoded(&cbor)).unwrap().verify(&keys());
        assert_eq!(verified.err(), expected, "{count} patterns");
        assert_eq!(asked.check().is_ok(), expected.is_none(), "{count} patterns");
    }
}

#[test]
fn a_token_that_would_not_fit_in_a_request_is_not_minted() {
    let named = |count: usize| {
        let names: serde_json::Map<_, _> = (0..count).map(|n| (format!("{n:08}"), json!(1))).collect();
        grant(json!({ "resources": { "channels": names } })).mint(&key(1), Epoch::new(3), NOW)
    };
    assert!(named(1_200).unwrap().reveal().len() <= MintedToken::LONGEST);
    assert!(named(1_300).unwrap_err().length > MintedToken::LONGEST);
}

#[test]
fn a_token_with_any_one_byte_changed_does_not_count() {
    let permissions = json!({ "resources": { "channels": { "a": 1 } }, "patterns": { "groups": { "^b": 4 } } });
    let mut bytes = decoded(mint(permissions).reveal());
    for at in 0..bytes.len() {
        for change in 1..=u8::MAX {
            bytes[at] ^= change;
            let verified = UnverifiedToken::parse(&encoded(&bytes)).ok().map(|token| token.verify(&keys()));
            assert!(!matches!(verified, Some(Ok(_))), "byte {at} changed by {change}");
            bytes[at] ^= change;
        }
    }
    assert!(UnverifiedToken::parse(&encoded(&bytes)).unwrap().verify(&keys()).is_ok());
}

/// The signature is not over its own entry: were that free, a holder could write a revoked token anew.
#[test]
fn a_signature_counts_in_one_spelling_only() {
    let minted = mint(json!({ "resources": { "channels": { "a": 1 } } }));
    let bytes = decoded(minted.reveal());
    let (signed, entry) = bytes.split_at(bytes.len() - 38);
    let (head, mac) = entry.split_at(6);
    assert_eq!(head, b"\x43sig\x58\x20");
    let keys_of_sig: [&[u8]; 7] = [
        b"\x43sig",
        b"\x63sig",
        b"\x58\x03sig",
        b"\x78\x03sig",
        b"\x59\x00\x03sig",
        b"\x79\x00\x03sig",
        b"\x5a\x00\x00\x00\x03sig",
    ];
    let lengths: [&[u8]; 5] =
        [b"\x58\x20", b"\x78\x20", b"\x59\x00\x20", b"\x5a\x00\x00\x00\x20", b"\x5b\x00\x00\x00\x00\x00\x00\x00\x20"];
    let spellings = keys_of_sig.iter().flat_map(|key| lengths.iter().map(|length| [*key, *length].concat()));
    let longer = [b"\x43sig\x58\x21".as_slice(), b"\x43sig\x58\x1f", b"\x43sig\x5f\x58\x20"].map(<[u8]>::to_vec);
    for spelling in spellings.chain(longer).filter(|spelling| spelling != head) {
        for end in [&[][..], &[0], &[0xff]] {
            let text = encoded(&[signed, &spelling, mac, end].concat());
            let verified = UnverifiedToken::parse(&text).ok().map(|token| token.verify(&keys()));
            assert!(!matches!(verified, Some(Ok(_))), "{spelling:x?}");
        }
    }
}

#[test]
fn a_name_of_a_token_is_of_what_its_signature_is_over() {
    let minted = mint(json!({ "resources": { "channels": { "a": 1 } } }));
    let bytes = decoded(minted.reveal());
    let (signed, mac) = bytes.split_at(bytes.len() - 32);
    for mac in [mac, &[0; 32]] {
        assert_eq!(UnverifiedToken::parse(&encoded(&[signed, mac].concat())).unwrap().id(), minted.id());
    }
    let another = mint(json!({ "resources": { "channels": { "a": 1 } }, "uuid": "u" }));
    assert_ne!(another.id(), minted.id());
}

proptest! {
    #[test]
    fn a_token_says_what_was_granted(grant in grants(), issued in 0..=u64::from(u32::MAX)) {
        let minted = grant.mint(&key(2), Epoch::new(3), UnixSeconds::new(issued)).unwrap();
        let token = UnverifiedToken::parse(minted.reveal()).unwrap().verify(&keys()).unwrap();
        let TokenDetails { version, issued: said, ttl, uuid, resources, patterns, categories, meta, key, signature } = token.details().clone();
        let asked = TokenAsked { ttl: TokenTtl::try_from(u64::from(ttl)).unwrap(), resources, patterns, categories, meta, uuid };
        prop_assert_eq!(&asked, grant.asked());
        prop_assert_eq!((version, said.get(), signature.len()), (2, issued, 32));
        prop_assert_eq!(key, Some((KeyNumber::new(2), Epoch::new(3))));
        prop_assert_eq!((token.id(), token.expires()), (minted.id(), minted.expires()));
    }
}
