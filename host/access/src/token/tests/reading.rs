//! Hostile texts: never a panic, and never two readings of one token.

use super::*;

/// A map of so many entries with this body, and a signature of zeros.
fn built(entries: u8, body: &[&[u8]]) -> Result<UnverifiedToken, UnreadableToken> {
    let bytes = [&[0xa0 + entries + 1], body.concat().as_slice(), b"\x43sig\x58\x20", &[0; 32]].concat();
    UnverifiedToken::parse(&encoded(&bytes))
}

const HEAD: &[u8] = b"\x41v\x02\x41t\x01\x43ttl\x01";
const RES: &[u8] = b"\x43res\xa0";

#[test]
fn a_token_may_leave_out_what_it_has_nothing_to_say_about() {
    let token = built(4, &[HEAD, RES]).unwrap();
    assert_eq!((token.details().issued.get(), token.details().ttl, token.details().key), (1, 1, None));
    let more = built(6, &[HEAD, RES, b"\x43pat\xa1\x43new\xa0", b"\x43new\x81\xf6"]).unwrap();
    assert!(more.details().patterns.is_empty());
}

#[test]
fn a_text_that_begins_otherwise_is_no_token() {
    for text in ["", "key-1", "a", "p0F2", "p0F2AUF0", "dGV4dA==", "v0F2AkF0", "not base64", "oA==", "p0F2AkF0Gg+/"] {
        assert_eq!(UnverifiedToken::parse(text).unwrap_err(), UnreadableToken::NotAToken, "{text}");
    }
}

#[test]
fn a_damaged_token_is_malformed() {
    let deep = [b"\x44meta\xa1\x61a".as_slice(), &[0x81; 40], &[0xf6]].concat();
    for (what, entries, body) in [
        ("an entry twice", 5, [HEAD, RES, b"\x41t\x02"]),
        ("an entry twice, as bytes and as text", 5, [HEAD, RES, b"\x61t\x02"]),
        ("a kind twice", 4, [HEAD, b"\x43res\xa2\x44chan\xa0\x44chan\xa0", b""]),
        ("a name twice", 4, [HEAD, b"\x43res\xa1\x44chan\xa2\x61a\x01\x61a\x02", b""]),
        ("a key of meta twice", 5, [HEAD, RES, b"\x44meta\xa2\x61a\x01\x61a\x02"]),
        ("bits above 255", 4, [HEAD, b"\x43res\xa1\x44chan\xa1\x61a\x19\x01\x00", b""]),
        ("negative bits", 4, [HEAD, b"\x43res\xa1\x44chan\xa1\x61a\x20", b""]),
        ("a name that is not utf-8", 4, [HEAD, b"\x43res\xa1\x44chan\xa1\x61\xff\x01", b""]),
        ("no resources", 3, [HEAD, b"", b""]),
        ("another version later", 5, [HEAD, RES, b"\x41v\x02"]),
        ("a signature in the middle", 5, [HEAD, RES, b"\x43sig\x40"]),
        ("more entries than announced", 3, [HEAD, RES, b""]),
        ("fewer entries than announced", 5, [HEAD, RES, b""]),
        ("a map without end", 5, [HEAD, RES, b"\x44meta\xbf\xff"]),
        ("a map of 2^64 entries", 5, [HEAD, RES, b"\x44meta\xbb\xff\xff\xff\xff\xff\xff\xff\xff"]),
        ("an array of 2^64 items", 5, [HEAD, RES, b"\x44meta\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff"]),
        ("a tag", 5, [HEAD, RES, b"\x44meta\xa1\x61a\xc1\x01"]),
        ("not a number", 5, [HEAD, RES, b"\x44meta\xa1\x61a\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"]),
        ("a key id without epoch", 5, [HEAD, RES, b"\x43kid\x611"]),
        ("a key id with a sign", 5, [HEAD, RES, b"\x43kid\x64+1.0"]),
        ("a key id without number", 5, [HEAD, RES, b"\x43kid\x62.0"]),
        ("meta nested too deep", 5, [HEAD, RES, &deep]),
    ] {
        assert_eq!(built(entries, &body).err(), Some(UnreadableToken::Malformed), "{what}");
    }
}

#[test]
fn bytes_after_the_signature_are_refused() {
    let minted = mint(json!({ "resources": { "channels": { "a": 1 } } }));
    let mut bytes = decoded(minted.reveal());
    bytes.push(0xf6);
    let longer = encoded(&bytes);
    assert_eq!(UnverifiedToken::parse(&longer).unwrap_err(), UnreadableToken::Malformed);
}

#[test]
fn an_id_reads_back_and_shows_nothing_of_the_token() {
    let id = TokenId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
    assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in ["", "0", "+00102030405060708090a0b0c0d0eff", "000102030405060708090a0b0c0d0efg"] {
        assert_eq!(text.parse::<TokenId>(), Err(MalformedTokenId), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[A-Za-z0-9_=-]{0,200}") {
        let _ = UnverifiedToken::parse(&text);
        let _ = UnverifiedToken::parse(&format!("p0F2AkF0{text}"));
    }

    #[test]
    fn any_bytes_after_the_start_are_read_or_refused(entries in 0..22_u8, body: Vec<u8>) {
        if let Ok(token) = built(entries, &[b"\x41v\x02", &body]) {
            prop_assert!(token.verify(&keys()).is_err());
        }
    }
}
