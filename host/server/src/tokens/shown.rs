//! What is in a token, as JSON for people: permissions as words instead of bits.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use usher_access::{
    Categories, Permission, PermitKind, Permits, TokenDetails, UnixSeconds, UnreadableToken, UnverifiedToken,
};

/// What a token says, whether it is true or not: nothing is verified.
///
/// # Errors
/// When the text is no token, or one that cannot be read.
pub fn describe_token(text: &str) -> Result<Value, UnreadableToken> {
    let token = UnverifiedToken::parse(text)?;
    let TokenDetails { version, issued, ttl, uuid, resources, patterns, categories, meta, key, signature: _ } =
        token.details();
    let (key, epoch) = key.map(|(number, epoch)| (number.get(), epoch.get())).unzip();
    let mut shown = json!({
        "id": token.id().to_string(),
        "version": version,
        "issued": issued.get(),
        "ttl": ttl,
        "expires": token.details().expires().instant().map(UnixSeconds::get),
        "uuid": uuid,
        "resources": permits(resources),
        "patterns": permits(patterns),
        "meta": meta,
        "key": key,
        "epoch": epoch,
    });
    if let (false, Some(fields)) = (categories.is_empty(), shown.as_object_mut()) {
        let Categories { channels, uuids } = categories;
        fields.insert("categories".into(), json!({ "channels": words(*channels), "uuids": words(*uuids) }));
    }
    Ok(shown)
}

/// Kinds without names are left out.
fn permits(permits: &Permits) -> Value {
    let named = PermitKind::ALL.into_iter().map(|kind| (kind.word(), permits.of(kind)));
    let shown = named.filter(|(_, names)| !names.is_empty()).map(|(word, names)| (word.to_owned(), entries(names)));
    Value::Object(shown.collect())
}

fn entries(names: &BTreeMap<Box<str>, u8>) -> Value {
    Value::Object(names.iter().map(|(name, bits)| (name.to_string(), words(*bits))).collect::<Map<_, _>>())
}

fn words(bits: u8) -> Value {
    Permission::ALL.into_iter().filter(|permission| bits & permission.bit() != 0).map(Permission::name).collect()
}
