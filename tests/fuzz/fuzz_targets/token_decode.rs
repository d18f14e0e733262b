//! Any text can be read as a token or is refused, the spelling of the padding changes nothing, nobody forges one, and
//! nobody spells one anew.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use usher_access::{
    Epoch, KeyNumber, Presented, TokenGrant, TokenKey, TokenKeys, UnixSeconds, UnverifiedToken, Verifier,
};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(TokenKeys::new([key()], Epoch::default())));

/// The bytes of a token that counts.
static MINTED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let body = br#"{"ttl":1,"permissions":{"resources":{"channels":{"a":1}}}}"#;
    let grant = TokenGrant::parse(body).expect("a grant");
    let minted = grant.mint(&key(), Epoch::default(), UnixSeconds::new(1)).expect("a token");
    URL_SAFE.decode(minted.reveal()).expect("base64")
});

fn key() -> TokenKey {
    TokenKey::new(KeyNumber::new(1), [0x5a; 32])
}

fuzz_target!(|cbor: &[u8]| {
    let [padded, bare] = [URL_SAFE.encode(cbor), URL_SAFE_NO_PAD.encode(cbor)];
    let read = |text: &str| UnverifiedToken::parse(text).map(|token| (token.id(), token.details().clone()));
    assert_eq!(read(&padded), read(&bare));
    assert!(!matches!(VERIFIER.verify(&padded), Presented::Token(_)));
    for kept in [MINTED.len() - 38, MINTED.len() - 32, MINTED.len()] {
        let respelt = [&MINTED[..kept], cbor].concat();
        let counts = matches!(VERIFIER.verify(&URL_SAFE.encode(&respelt)), Presented::Token(_));
        assert_eq!(counts, respelt == *MINTED);
    }
    let _ = UnverifiedToken::parse(&String::from_utf8_lossy(cbor));
});
