//! Tokens from request to decision: one file per subject.

mod holding;
mod minting;
mod reading;
mod requests;
mod vectors;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

fn key(number: u32) -> TokenKey {
    TokenKey::new(KeyNumber::new(number), [number as u8; 32])
}

/// The keys 1 and 2, in epoch 3.
fn keys() -> TokenKeys {
    TokenKeys::new([key(1), key(2)], Epoch::new(3))
}

fn grant(permissions: Value) -> TokenGrant {
    let body = [("ttl", json!(15)), ("permissions", permissions)];
    TokenGrant::parse(body.into_iter().collect::<Value>().to_string().as_bytes()).unwrap()
}

fn mint(permissions: Value) -> MintedToken {
    grant(permissions).mint(&key(1), Epoch::new(3), NOW).unwrap()
}

fn token(permissions: Value) -> Token {
    UnverifiedToken::parse(mint(permissions).reveal()).unwrap().verify(&keys()).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE.decode(text).unwrap()
}

fn names(name: &'static str) -> impl Strategy<Value = BitsByName> {
    proptest::collection::btree_map(name.prop_map(Box::from), 1..=u8::MAX, 0..4)
}

fn permits(name: &'static str) -> impl Strategy<Value = Permits> {
    (names(name), names(name), names(name), names(name), names(name))
        .prop_map(|(channels, groups, uuids, users, spaces)| Permits { channels, groups, uuids, users, spaces })
}

fn meta() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,6}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// So many names that begin with the same text.
fn many(prefix: &str, count: u32) -> Value {
    (0..count).map(|n| (format!("{prefix}{n}"), json!(1))).collect()
}

/// Any grant that passes the check.
fn grants() -> impl Strategy<Value = TokenGrant> {
    let parts = (1..=43_200_u64, permits("[^,\\p{C}]{1,12}"), permits("[a-z^$.-]{1,6}"), meta());
    let rest = (any::<u8>(), any::<u8>(), proptest::option::of("[^,\\p{C}]{1,12}"));
    (parts, rest).prop_filter_map("permits nothing", |((ttl, resources, patterns, meta), (channels, uuids, uuid))| {
        let asked = TokenAsked {
            ttl: TokenTtl::try_from(ttl).unwrap(),
            resources,
            patterns,
            categories: Categories { channels, uuids },
            meta: [("m".to_owned(), meta)].into_iter().collect(),
            uuid: uuid.map(Box::from),
        };
        asked.check().ok()
    })
}
