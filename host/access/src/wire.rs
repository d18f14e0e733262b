//! The v2 admin calls as they are sent to a remote Access Manager: grant, revoke and audit.

use crate::approved::Approved;
use crate::key::{AuthKey, PublishKey, SubscribeKey};
use crate::permissions::Permission;
use crate::proposal::Asked;
use crate::resource::ResourceName;
use crate::signature::{SigningRequest, canonical::encoded, canonical_query, sign_v2};
use crate::time::UnixSeconds;

/// What every call carries beside its own parameters.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The keyset that the call is for.
    pub subscribe_key: &'a SubscribeKey,
    /// When the call is made; the other side accepts a minute of difference.
    pub timestamp: UnixSeconds,
    /// Who we say we are.
    pub uuid: &'a str,
    /// Name and version of the caller, such as `Usher/0.1`.
    pub pnsdk: &'a str,
}

/// A `GET` that is not signed yet.
#[derive(Clone, PartialEq, Eq)]
pub struct UnsignedCall {
    path: String,
    query: String,
}

/// What an audit asks about; nothing at all asks about the whole keyset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audited<'a> {
    /// Channels, by literal name.
    pub channels: &'a [ResourceName],
    /// Channel groups.
    pub groups: &'a [ResourceName],
    /// Auth keys.
    pub auth_keys: &'a [AuthKey],
}

/// The call that carries out an approved proposal: `GET /v2/auth/grant/sub-key/{subscribe key}`.
///
/// All seven flags are written, because a missing one means 0; a revocation has no `ttl`.
pub fn grant_query(approved: &Approved, sender: &Sender<'_>) -> UnsignedCall {
    let Asked { channels, groups, uuids, auth_keys, permissions, ttl } = approved.proposal().asked();
    let mut query = Query::from(sender);
    query.list("channel", channels.iter().map(ResourceName::as_str));
    query.list("channel-group", groups.iter().map(ResourceName::as_str));
    query.list("target-uuid", uuids.iter().map(ResourceName::as_str));
    query.list("auth", auth_keys.iter().map(AuthKey::reveal));
    for permission in Permission::ALL {
        query.pair(permission.flag(), if permissions.allows(permission) { "1" } else { "0" });
    }
    if !approved.proposal().is_revocation() {
        query.pair("ttl", &ttl.minutes().to_string());
    }
    query.into_call("grant", sender.subscribe_key)
}

/// The call that lists grants: `GET /v2/auth/audit/sub-key/{subscribe key}`.
pub fn audit_query(audited: &Audited<'_>, sender: &Sender<'_>) -> UnsignedCall {
    let Audited { channels, groups, auth_keys } = audited;
    let mut query = Query::from(sender);
    query.list("channel", channels.iter().map(ResourceName::as_str));
    query.list("channel-group", groups.iter().map(ResourceName::as_str));
    query.list("auth", auth_keys.iter().map(AuthKey::reveal));
    query.into_call("audit", sender.subscribe_key)
}

/// What happens to a channel group.
#[derive(Clone, Copy, Debug)]
pub enum GroupChange<'a> {
    /// Channels join it.
    Add(&'a [ResourceName]),
    /// Channels leave it.
    Remove(&'a [ResourceName]),
    /// Nothing: its channels are listed.
    List,
}

/// The call that changes or lists a channel group: `GET /v1/channel-registration/sub-key/{subscribe key}/channel-group/{group}`.
pub fn group_query(group: &ResourceName, change: GroupChange<'_>, sender: &Sender<'_>) -> UnsignedCall {
    let mut query = Query::from(sender);
    match change {
        GroupChange::Add(channels) => query.list("add", channels.iter().map(ResourceName::as_str)),
        GroupChange::Remove(channels) => query.list("remove", channels.iter().map(ResourceName::as_str)),
        GroupChange::List => {}
    }
    let group = encoded(group.as_str().as_bytes());
    let path = format!("/v1/channel-registration/sub-key/{}/channel-group/{group}", sender.subscribe_key);
    UnsignedCall { path, query: query.canonical() }
}

impl UnsignedCall {
    /// The path, starting with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The canonical query, without `signature`; it holds auth keys in plain.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Path and query with the v2 signature, ready to be sent after the origin; only as a `GET`.
    pub fn signed(&self, publish_key: &PublishKey, secret: &[u8]) -> String {
        let Self { path, query } = self;
        let request = SigningRequest { method: "GET", publish_key, path, query, body: &[] };
        let signature = sign_v2(&request, secret);
        format!("{path}?{query}&signature={signature}")
    }
}

/// Parameters in the order of their making.
struct Query(Vec<String>);

impl Query {
    fn pair(&mut self, name: &str, value: &str) {
        self.0.push(format!("{name}={}", encoded(value.as_bytes())));
    }

    fn list<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        // Joining is safe: neither names nor auth keys hold a comma.
        let values: Vec<&str> = values.collect();
        if !values.is_empty() {
            self.pair(name, &values.join(","));
        }
    }

    fn into_call(self, verb: &str, subscribe_key: &SubscribeKey) -> UnsignedCall {
        let path = format!("/v2/auth/{verb}/sub-key/{subscribe_key}");
        UnsignedCall { path, query: self.canonical() }
    }

    fn canonical(self) -> String {
        canonical_query(&self.0.join("&"))
    }
}

impl From<&Sender<'_>> for Query {
    fn from(sender: &Sender<'_>) -> Self {
        let mut query = Self(Vec::new());
        query.pair("timestamp", &sender.timestamp.to_string());
        query.pair("uuid", sender.uuid);
        query.pair("pnsdk", sender.pnsdk);
        query
    }
}

impl std::fmt::Debug for UnsignedCall {
    /// The path only: the query holds auth keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsignedCall").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::Permissions;
    use crate::signature::{SignatureForm, SignedRequest, verify};
    use crate::time::Ttl;

    fn approved(asked: Asked) -> Approved {
        Approved::by_root(asked.try_into().unwrap())
    }

    fn with_sender<T>(run: impl FnOnce(&Sender<'_>) -> T) -> T {
        run(&Sender {
            subscribe_key: &"sub-c-stub".parse().unwrap(),
            timestamp: UnixSeconds::new(1_700_000_000),
            uuid: "srv",
            pnsdk: "edge/1",
        })
    }

    #[test]
    fn a_grant_is_written_in_canonical_form() {
        let both = Asked {
            channels: vec!["ns".parse().unwrap(), "ns#chat#public.*".parse().unwrap()],
            groups: vec!["g".parse().unwrap()],
            auth_keys: vec!["k1".parse().unwrap(), "k~+".parse().unwrap()],
            permissions: Permissions::try_from(3).unwrap(),
            ttl: Ttl::try_from(10_080).unwrap(),
            ..Asked::default()
        };
        let uuid = Asked {
            uuids: vec!["u1".parse().unwrap()],
            auth_keys: vec!["k1".parse().unwrap()],
            permissions: Permissions::try_from(104).unwrap(),
            ttl: Ttl::FOR_EVER,
            ..Asked::default()
        };
        for (asked, expected) in [
            (
                both,
                "auth=k1%2Ck%7E%2B&channel=ns%2Cns%23chat%23public.%2A&channel-group=g&d=0&g=0&j=0&m=0\
                 &pnsdk=edge%2F1&r=1&timestamp=1700000000&ttl=10080&u=0&uuid=srv&w=1",
            ),
            (
                uuid,
                "auth=k1&d=1&g=1&j=0&m=0&pnsdk=edge%2F1&r=0&target-uuid=u1&timestamp=1700000000&ttl=0\
                 &u=1&uuid=srv&w=0",
            ),
            (Asked::default(), "d=0&g=0&j=0&m=0&pnsdk=edge%2F1&r=0&timestamp=1700000000&u=0&uuid=srv&w=0"),
        ] {
            let call = with_sender(|sender| grant_query(&approved(asked), sender));
            assert_eq!(call.path(), "/v2/auth/grant/sub-key/sub-c-stub");
            assert_eq!(call.query(), expected);
        }
    }

    #[test]
    fn an_audit_names_what_it_asks_about() {
        let (channels, keys) = (["a.*".parse().unwrap()], ["k1".parse().unwrap()]);
        let audited = Audited { channels: &channels, groups: &[], auth_keys: &keys };
        let call = with_sender(|sender| audit_query(&audited, sender));
        assert_eq!(call.path(), "/v2/auth/audit/sub-key/sub-c-stub");
        assert_eq!(call.query(), "auth=k1&channel=a.%2A&pnsdk=edge%2F1&timestamp=1700000000&uuid=srv");
    }

    #[test]
    fn a_group_is_named_in_the_path_and_its_channels_in_the_query() {
        let channels = ["ns#chat#public.#a".parse().unwrap(), "b".parse().unwrap()];
        for (change, expected) in [
            (
                GroupChange::Add(&channels),
                "add=ns%23chat%23public.%23a%2Cb&pnsdk=edge%2F1&timestamp=1700000000&uuid=srv",
            ),
            (GroupChange::Remove(&channels[1..]), "pnsdk=edge%2F1&remove=b&timestamp=1700000000&uuid=srv"),
            (GroupChange::List, "pnsdk=edge%2F1&timestamp=1700000000&uuid=srv"),
        ] {
            let call = with_sender(|sender| group_query(&"ns#alice#rooms".parse().unwrap(), change, sender));
            assert_eq!(call.path(), "/v1/channel-registration/sub-key/sub-c-stub/channel-group/ns%23alice%23rooms");
            assert_eq!(call.query(), expected);
        }
    }

    #[test]
    fn a_signed_call_verifies() {
        let call = with_sender(|sender| grant_query(&approved(Asked::default()), sender));
        let publish_key = "pub-c-stub".parse().unwrap();
        let target = call.signed(&publish_key, b"sec-c-stub");
        let (path, query) = target.split_once('?').unwrap();
        let request = SignedRequest {
            subscribe_key: &"sub-c-stub".parse().unwrap(),
            publish_key: &publish_key,
            method: "GET",
            path,
            query,
            body: &[],
        };
        assert_eq!(verify(&request, [b"sec-c-stub".as_slice()]), Ok(SignatureForm::V2));
        assert!(!format!("{call:?}").contains("timestamp"));
    }
}
