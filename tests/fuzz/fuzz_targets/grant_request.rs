//! Any body is a grant or a fault, and the token of a grant says what was granted and counts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::{Epoch, KeyNumber, ResourceKind, TokenGrant, TokenKey, TokenKeys, UnixSeconds, UnverifiedToken};

fuzz_target!(|input: (&[u8], &str, u32)| {
    let (body, name, issued) = input;
    let Ok(grant) = TokenGrant::parse(body) else { return };
    let key = || TokenKey::new(KeyNumber::new(1), [1; 32]);
    let Ok(minted) = grant.mint(&key(), Epoch::default(), UnixSeconds::new(issued.into())) else { return };
    let token = UnverifiedToken::parse(minted.reveal()).expect("a token");
    let token = token.verify(&TokenKeys::new([key()], Epoch::default())).expect("a token of this key");
    let (said, asked) = (token.details(), grant.asked());
    assert_eq!((&said.resources, &said.patterns, &said.uuid), (&asked.resources, &asked.patterns, &asked.uuid));
    assert_eq!((&said.meta, said.categories, token.id()), (&asked.meta, asked.categories, minted.id()));
    for kind in [ResourceKind::Channel, ResourceKind::Group, ResourceKind::Uuid] {
        let held = token.held(kind, name);
        assert!(held.iter().all(|permission| token.allows(kind, name, permission).is_ok()));
    }
});
