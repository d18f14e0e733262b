//! The published examples: what the client libraries read in a token, it says here too.

use std::collections::BTreeMap;

use super::*;
use crate::permissions::Permission;

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/tokens.json"));
/// Signed with `sec-c-example-secret` over the map without `sig`.
const SAMPLE: &str = "qEF2AkF0GmVT8QBDdHRsD0NyZXOlRGNoYW6hZnJvb20tMQNDZ3JwoENzcGOgQ3VzcqBEdXVpZKBDcGF0pURjaGFuoENncnCgQ3NwY6BDdXNyoER1dWlkoERtZXRhoER1dWlkaGNsaWVudC0xQ3NpZ1ggMUvELM8BmTsBVqdiFNz6EneGS5Iq1WMsz-JVXFqLjwM=";

/// Names with a flag for each of the seven permissions, as the client libraries show them; kinds without names are left out.
fn shown(permits: &Permits) -> Value {
    let flags = |bits: u8| -> BTreeMap<&str, bool> {
        Permission::ALL.into_iter().map(|permission| (permission.name(), bits & permission.bit() != 0)).collect()
    };
    let kinds = [PermitKind::Channels, PermitKind::Groups, PermitKind::Uuids];
    let named = kinds.into_iter().filter(|&kind| !permits.of(kind).is_empty()).map(|kind| {
        let names: BTreeMap<&str, _> = permits.of(kind).iter().map(|(name, &bits)| (&**name, flags(bits))).collect();
        (kind.word(), names)
    });
    json!(named.collect::<BTreeMap<_, _>>())
}

#[test]
fn every_example_says_what_it_is_expected_to() {
    let examples: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(examples.len(), 9);
    for example in &examples {
        let token = UnverifiedToken::parse(example["token"].as_str().unwrap()).unwrap();
        let details = token.details();
        if let Some(expected) = example.get("expect") {
            let said = json!({
                "version": details.version,
                "timestamp": details.issued.get(),
                "ttl": details.ttl,
                "authorized_uuid": details.uuid,
                "meta": details.meta,
                "resources": shown(&details.resources),
                "patterns": shown(&details.patterns),
            });
            assert_eq!(&said, expected, "{}", example["name"]);
        }
        assert_eq!(token.verify(&keys()).err(), Some(InvalidToken::UnknownKey), "{}", example["name"]);
    }
}

#[test]
fn a_signature_is_over_the_map_without_it() {
    let token = UnverifiedToken::parse(SAMPLE).unwrap();
    let bytes = decoded(SAMPLE);
    let signed = [&[0xa7], &bytes[1..bytes.len() - 38]].concat();
    let expected = crate::signature::hmac_sha256(b"sec-c-example-secret", &signed);
    assert_eq!(*token.details().signature, expected);
    assert_eq!(token.details().uuid.as_deref(), Some("client-1"));
}

#[test]
fn a_minted_token_differs_from_the_published_one_only_in_its_key_and_signature() {
    let minted = mint(json!({ "resources": { "channels": { "room-1": 3 } }, "uuid": "client-1" }));
    let (ours, theirs) = (decoded(minted.reveal()), decoded(SAMPLE));
    let body = theirs.len() - 38;
    assert_eq!(ours[0], theirs[0] + 1);
    assert_eq!(ours[1..body], theirs[1..body]);
    assert_eq!(ours[body..ours.len() - 38], *b"\x43kid\x631.3");
    assert_eq!(ours[ours.len() - 38..][..6], *b"\x43sig\x58\x20");
}
