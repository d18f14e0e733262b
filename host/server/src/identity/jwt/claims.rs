//! What a signed token claims, held against what the manifest wants of it.

use serde_json::{Map, Value};
use usher_runtime::capability::identity::Identity;

use super::Refused;
use crate::manifest::JwtAuthenticator;

/// The longest id, in bytes.
const LONGEST_ID: usize = 260;

/// What the claims come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Valid(Identity),
    /// Everything is right, but its time has passed.
    Expired,
}

/// Judges the claims at `now`, in seconds. Nothing is assumed of a claim that is missing.
pub(super) fn judge(claims: &Map<String, Value>, wanted: &JwtAuthenticator, now: u64) -> Result<Judged, Refused> {
    let (now, leeway) = (seconds(now), seconds(wanted.leeway.as_secs()));
    let expires = instant(claims, "exp")?.ok_or_else(|| Refused::Claim("exp".into()))?;
    if instant(claims, "nbf")?.is_some_and(|begins| begins > now + leeway) {
        return Err(Refused::Early);
    }
    if !wanted.issuers.is_empty() {
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or_else(|| Refused::Claim("iss".into()))?;
        if !wanted.issuers.iter().any(|known| known == issuer) {
            return Err(Refused::NotForUs("iss"));
        }
    }
    check_audience(claims.get("aud"), &wanted.audiences)?;
    let id = find(claims, &wanted.claims.id).and_then(Value::as_str).filter(|id| (1..=LONGEST_ID).contains(&id.len()));
    let id = id.ok_or_else(|| Refused::Claim(wanted.claims.id.clone()))?;
    if expires + leeway <= now {
        return Ok(Judged::Expired);
    }
    let data = |name: &Option<String>| name.as_deref().map_or_else(|| "null".into(), |name| text(claims, name));
    Ok(Judged::Valid(Identity {
        id: id.to_owned(),
        client_data: data(&wanted.claims.client_data),
        server_data: data(&wanted.claims.server_data),
    }))
}

/// Seconds since 1970, perhaps with a fraction; anything else is another form.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Refused::Claim(name.to_owned()))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 million years")]
const fn seconds(whole: u64) -> f64 {
    whole as f64
}

/// A token that names audiences is for these and for nobody else (RFC 7519, 4.1.3).
fn check_audience(audience: Option<&Value>, ours: &[String]) -> Result<(), Refused> {
    let is_ours = |name: &Value| name.as_str().is_some_and(|name| ours.iter().any(|known| known == name));
    match audience {
        None if ours.is_empty() => Ok(()),
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(Refused::Claim("aud".into()))
        }
        Some(name @ Value::String(_)) if is_ours(name) => Ok(()),
        Some(Value::Array(names)) if names.iter().any(is_ours) => Ok(()),
        Some(Value::String(_) | Value::Array(_)) => Err(Refused::NotForUs("aud")),
    }
}

/// By its name, or by a JSON pointer.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(rest) = name.strip_prefix('/') else { return claims.get(name) };
    let mut steps = rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Object(fields) => fields.get(&step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// `null` where it is missing, all of them for `*`.
fn text(claims: &Map<String, Value>, name: &str) -> String {
    match name {
        "*" => Value::Object(claims.clone()).to_string(),
        name => find(claims, name).unwrap_or(&Value::Null).to_string(),
    }
}
