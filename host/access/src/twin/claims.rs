//! The claims of a twin: what its token says, in words.

use serde_json::{Map, Value, json};

use super::InvalidTwin;
use crate::key::SubscribeKey;
use crate::permissions::Permission;
use crate::time::{Expiry, UnixSeconds};
use crate::token::{Categories, MintedToken, PermitKind, Permits, TokenAsked};

const ISSUER: &str = "usher";

/// `iss`, `aud`, `iat`, `exp`, `jti` (the token's id), `sub` (its user, if only one may use it), `res`, `pat`, `cat` and
/// `meta`. `res` and `pat` hold, for every kind with names, lists of permissions by name; bits without meaning are gone.
pub(super) fn of(minted: &MintedToken, audience: &SubscribeKey) -> Map<String, Value> {
    let TokenAsked { ttl: _, resources, patterns, categories, meta, uuid } = minted.grant().asked();
    let mut claims = Map::new();
    let mut claim = |name: &str, value: Value| claims.insert(name.into(), value);
    claim("iss", ISSUER.into());
    claim("aud", audience.as_str().into());
    claim("iat", minted.issued().get().into());
    claim("jti", minted.id().to_string().into());
    claim("res", by_kind(resources));
    claim("pat", by_kind(patterns));
    claim("meta", Value::Object(meta.clone()));
    if let Some(end) = minted.expires().instant() {
        claim("exp", end.get().into());
    }
    if !categories.is_empty() {
        let Categories { channels, uuids } = *categories;
        claim("cat", json!({ "channels": words(channels), "uuids": words(uuids) }));
    }
    if let Some(uuid) = uuid {
        claim("sub", (**uuid).into());
    }
    claims
}

/// Whether claims that were signed are for this keyset, and still count.
pub(super) fn check(claims: &Map<String, Value>, audience: &SubscribeKey, now: UnixSeconds) -> Result<(), InvalidTwin> {
    let says = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    if !says("iss", ISSUER) || !says("aud", audience.as_str()) {
        return Err(InvalidTwin::Audience);
    }
    let at = claims.get("exp").and_then(Value::as_u64).map(UnixSeconds::new).ok_or(InvalidTwin::Malformed)?;
    match Expiry::at(at).is_over(now) {
        true => Err(InvalidTwin::Expired { at }),
        false => Ok(()),
    }
}

fn by_kind(permits: &Permits) -> Value {
    let kinds = PermitKind::ALL.into_iter().map(|kind| (kind, permits.of(kind)));
    let named = kinds.filter(|(_, names)| !names.is_empty()).map(|(kind, names)| {
        let names: Map<String, Value> =
            names.iter().map(|(name, &bits)| (String::from(&**name), words(bits))).collect();
        (kind.word().to_owned(), Value::Object(names))
    });
    Value::Object(named.collect())
}

fn words(bits: u8) -> Value {
    Permission::ALL.into_iter().filter(|permission| bits & permission.bit() != 0).map(Permission::name).collect()
}
