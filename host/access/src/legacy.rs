//! The v2 admin calls as a server reads and answers them: `/v2/auth/grant` and `/v2/auth/audit`.

mod audit;
mod grant;
mod query;
#[cfg(test)]
mod tests;

pub use audit::AuditCall;
pub use grant::GrantCall;

use serde_json::{Map, Value, json};

use crate::key::{AuthKey, SubscribeKey};
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceName;

/// Why a call is refused with status 400. `Display` is the message that clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyFault {
    /// `timestamp` is no number of seconds.
    #[error("Invalid Timestamp")]
    Timestamp,
    /// `ttl` is no number of minutes from 0 to 525600.
    #[error("Invalid TTL")]
    Ttl,
    /// Auth keys without a channel, group or uuid.
    #[error("Auth-only grants are reserved for future use")]
    AuthOnly,
    /// A parameter that comes twice or is not written plainly, an empty list, a malformed name or key, too much at once,
    /// uuids without auth keys or beside channels, a category.
    #[error("Invalid Arguments")]
    Arguments,
}

/// A refusal in the flat shape of the v2 calls.
pub fn refusal(status: u16, message: &str) -> Value {
    json!({ "message": message, "error": true, "service": "Access Manager", "status": status })
}

/// An answer in the envelope of the v2 calls.
fn success(level: &str, subscribe_key: &SubscribeKey, mut payload: Map<String, Value>) -> Value {
    payload.insert("level".into(), level.into());
    payload.insert("subscribe_key".into(), subscribe_key.as_str().into());
    json!({ "message": "Success", "payload": payload, "service": "Access Manager", "status": 200 })
}

/// All seven flags, `1` where the permission is in the set.
fn flags(permissions: Permissions) -> Map<String, Value> {
    Permission::ALL
        .into_iter()
        .map(|permission| (permission.flag().into(), u8::from(permissions.allows(permission)).into()))
        .collect()
}

/// The level of an answer about channels or groups.
const fn level_of(groups: &[ResourceName], auth_keys: &[AuthKey]) -> &'static str {
    match (groups, auth_keys) {
        ([], []) => "channel",
        ([], [..]) => "user",
        ([..], []) => "channel-group",
        ([..], [..]) => "channel-group+auth",
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
