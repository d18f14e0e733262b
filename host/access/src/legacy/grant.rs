//! The v2 grant: what its query asks for, and the answer's seven shapes.

use serde_json::{Map, Value, json};

use super::query::Query;
use super::{LegacyFault, flags, level_of, object, success};
use crate::key::SubscribeKey;
use crate::permissions::{Permission, Permissions};
use crate::proposal::{Asked, MalformedProposal, Proposal};
use crate::resource::ResourceName;
use crate::time::Ttl;

/// A grant call, read but not yet authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantCall {
    proposal: Proposal,
}

impl GrantCall {
    /// Reads the query of `GET /v2/auth/grant/sub-key/{subscribe key}`.
    ///
    /// A flag that is missing is 0, for a grant replaces what was there; all 0 = revoke. A missing `ttl` is 1440
    /// minutes, 0 never ends.
    ///
    /// # Errors
    /// [`LegacyFault`], whose text is the answer's message.
    pub fn parse(raw_query: &str) -> Result<Self, LegacyFault> {
        let query = Query::read(raw_query)?;
        if query.stated("category").is_some() {
            return Err(LegacyFault::Arguments);
        }
        let permissions = permissions(&query)?;
        let asked = Asked {
            channels: query.list("channel")?,
            groups: query.list("channel-group")?,
            uuids: query.list("target-uuid")?,
            auth_keys: query.list("auth")?,
            permissions,
            ttl: ttl(&query, permissions)?,
        };
        let proposal = Proposal::try_from(asked).map_err(|error| match error {
            MalformedProposal::AuthKeysAlone => LegacyFault::AuthOnly,
            MalformedProposal::UuidsWithoutAuthKey
            | MalformedProposal::UuidsMixed
            | MalformedProposal::TooManyGrants => LegacyFault::Arguments,
        })?;
        query.check_timestamp()?;
        Ok(Self { proposal })
    }

    /// What is to be granted or revoked.
    pub const fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The answer to a grant that was made. A revocation says `ttl` 1, whatever was asked.
    pub fn answer(&self, subscribe_key: &SubscribeKey) -> Value {
        let asked = self.proposal.asked();
        let (level, mut payload) = level_and_payload(asked);
        let ttl = if self.proposal.is_revocation() { 1 } else { asked.ttl.minutes() };
        payload.insert("ttl".into(), ttl.into());
        success(level, subscribe_key, payload)
    }
}

fn permissions(query: &Query<'_>) -> Result<Permissions, LegacyFault> {
    let mut permissions = Permissions::NONE;
    for permission in Permission::ALL {
        match query.get(permission.flag()) {
            None | Some("0") => {}
            Some("1") => permissions = permissions.union(permission.into()),
            Some(_) => return Err(LegacyFault::Arguments),
        }
    }
    Ok(permissions)
}

/// A revocation has no use for one, so old clients write anything there.
fn ttl(query: &Query<'_>, permissions: Permissions) -> Result<Ttl, LegacyFault> {
    match query.get("ttl") {
        Some(ttl) if !permissions.is_empty() => ttl.parse().map_err(|_| LegacyFault::Ttl),
        Some(_) | None => Ok(Ttl::DEFAULT),
    }
}

/// One name with auth keys is written on its own; several, or names of two kinds, as objects by name.
fn level_and_payload(asked: &Asked) -> (&'static str, Map<String, Value>) {
    let Asked { channels, groups, uuids, auth_keys, permissions, ttl: _ } = asked;
    let flags = flags(*permissions);
    let auths: Map<String, Value> =
        auth_keys.iter().map(|key| (key.reveal().to_owned(), flags.clone().into())).collect();
    let entry = || if auth_keys.is_empty() { flags.clone().into() } else { json!({ "auths": auths }) };
    let by_name = |names: &[ResourceName]| {
        let entries = names.iter().map(|name| (name.as_str().to_owned(), entry()));
        Value::Object(entries.collect())
    };
    let level = level_of(groups, auth_keys);
    match (channels.as_slice(), groups.as_slice(), auth_keys.as_slice()) {
        ([], [], []) => ("subkey", flags),
        ([], [], [..]) => ("uuid", object([("uuids", by_name(uuids))])),
        ([channel], [], [_, ..]) => (level, object([("channel", channel.as_str().into()), ("auths", auths.into())])),
        ([], [group], [_, ..]) => (level, object([("channel-groups", group.as_str().into()), ("auths", auths.into())])),
        ([..], [], _) => (level, object([("channels", by_name(channels))])),
        ([], [..], _) => (level, object([("channel-groups", by_name(groups))])),
        ([..], [..], _) => (level, object([("channels", by_name(channels)), ("channel-groups", by_name(groups))])),
    }
}
