//! A proposal: what somebody asks to grant, well formed but not yet allowed.

use crate::grant::{Holder, Target};
use crate::key::AuthKey;
use crate::permissions::Permissions;
use crate::resource::{ResourceKind, ResourceName};
use crate::time::Ttl;

/// The parts of a proposal as they arrive, each name on its own and never joined in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Channels and v2 wildcards.
    pub channels: Vec<ResourceName>,
    /// Channel groups.
    pub groups: Vec<ResourceName>,
    /// User ids; they need auth keys and no channels or groups beside them.
    pub uuids: Vec<ResourceName>,
    /// For whom; none = everyone.
    pub auth_keys: Vec<AuthKey>,
    /// What to allow; nothing = revoke.
    pub permissions: Permissions,
    /// For how long; without meaning in a revocation.
    pub ttl: Ttl,
}

/// A well-formed request to grant or revoke. It allows nothing until it is [`Approved`](crate::Approved).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal(Asked);

/// Why the parts make no proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedProposal {
    /// Auth keys without any resource.
    #[error("auth keys without a channel, group or uuid are reserved for future use")]
    AuthKeysAlone,
    /// Uuids for everyone.
    #[error("a grant on uuids needs an auth key")]
    UuidsWithoutAuthKey,
    /// Uuids beside channels or groups.
    #[error("a grant on uuids cannot name channels or groups as well")]
    UuidsMixed,
    /// Resources times auth keys exceed [`Proposal::MOST_GRANTS`].
    #[error("the proposal makes more than {} grants at once", Proposal::MOST_GRANTS)]
    TooManyGrants,
}

impl Default for Asked {
    /// Nothing on the keyset level for the default ttl.
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            groups: Vec::new(),
            uuids: Vec::new(),
            auth_keys: Vec::new(),
            permissions: Permissions::NONE,
            ttl: Ttl::DEFAULT,
        }
    }
}

impl Proposal {
    /// The most grants that one proposal may make; a bound against lists that multiply.
    pub const MOST_GRANTS: usize = 10_000;

    /// What was asked.
    pub const fn asked(&self) -> &Asked {
        &self.0
    }

    /// Whether it takes away instead of giving.
    pub const fn is_revocation(&self) -> bool {
        self.0.permissions.is_empty()
    }

    /// Whether it names no resource and so means the whole keyset.
    pub const fn is_keyset_wide(&self) -> bool {
        self.0.channels.is_empty() && self.0.groups.is_empty() && self.0.uuids.is_empty()
    }

    /// Every resource named, channels first, then groups, then uuids.
    pub fn resources(&self) -> impl Iterator<Item = (ResourceKind, &ResourceName)> {
        of_kind(ResourceKind::Channel, &self.0.channels)
            .chain(of_kind(ResourceKind::Group, &self.0.groups))
            .chain(of_kind(ResourceKind::Uuid, &self.0.uuids))
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let Asked { channels, groups, uuids, auth_keys, permissions: _, ttl: _ } = &self.0;
        let channels = paired(channels, auth_keys).map(|(name, holder)| Target::Channel { name, holder });
        let groups = paired(groups, auth_keys).map(|(name, holder)| Target::Group { name, holder });
        let uuids = uuids
            .iter()
            .flat_map(|name| auth_keys.iter().map(|key| Target::Uuid { name: name.clone(), key: key.clone() }));
        let keyset = self.is_keyset_wide().then_some(Target::Keyset);
        keyset.into_iter().chain(channels).chain(groups).chain(uuids)
    }
}

impl TryFrom<Asked> for Proposal {
    type Error = MalformedProposal;

    fn try_from(asked: Asked) -> Result<Self, MalformedProposal> {
        let proposal = Self(asked);
        let Asked { channels, groups, uuids, auth_keys, permissions: _, ttl: _ } = &proposal.0;
        if proposal.is_keyset_wide() && !auth_keys.is_empty() {
            return Err(MalformedProposal::AuthKeysAlone);
        }
        if !uuids.is_empty() && auth_keys.is_empty() {
            return Err(MalformedProposal::UuidsWithoutAuthKey);
        }
        if !uuids.is_empty() && (!channels.is_empty() || !groups.is_empty()) {
            return Err(MalformedProposal::UuidsMixed);
        }
        let resources = channels.len() + groups.len() + uuids.len();
        match resources.checked_mul(auth_keys.len().max(1)) {
            Some(grants) if grants <= Self::MOST_GRANTS => Ok(proposal),
            Some(_) | None => Err(MalformedProposal::TooManyGrants),
        }
    }
}

fn of_kind(kind: ResourceKind, names: &[ResourceName]) -> impl Iterator<Item = (ResourceKind, &ResourceName)> {
    names.iter().map(move |name| (kind, name))
}

fn paired(names: &[ResourceName], keys: &[AuthKey]) -> impl Iterator<Item = (ResourceName, Holder)> {
    let everyone = keys.is_empty().then_some(Holder::Everyone);
    let holders = everyone.into_iter().chain(keys.iter().cloned().map(Holder::Key));
    names.iter().flat_map(move |name| holders.clone().map(|holder| (name.clone(), holder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(channels: &[&str], groups: &[&str], uuids: &[&str], keys: &[&str]) -> Asked {
        let names = |list: &[&str]| list.iter().map(|name| name.parse().unwrap()).collect();
        Asked {
            channels: names(channels),
            groups: names(groups),
            uuids: names(uuids),
            auth_keys: keys.iter().map(|key| key.parse().unwrap()).collect(),
            ..Asked::default()
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_proposal() {
        for (parts, expected) in [
            (asked(&[], &[], &[], &[]), None),
            (asked(&["a"], &["g"], &[], &[]), None),
            (asked(&["a"], &["g"], &[], &["k"]), None),
            (asked(&[], &[], &["u"], &["k"]), None),
            (asked(&[], &[], &[], &["k"]), Some(MalformedProposal::AuthKeysAlone)),
            (asked(&[], &[], &["u"], &[]), Some(MalformedProposal::UuidsWithoutAuthKey)),
            (asked(&["a"], &[], &["u"], &["k"]), Some(MalformedProposal::UuidsMixed)),
            (asked(&[], &["g"], &["u"], &["k"]), Some(MalformedProposal::UuidsMixed)),
            (asked(&["a"; 100], &[], &[], &["k"; 100]), None),
            (asked(&["a"; 100], &["g"], &[], &["k"; 100]), Some(MalformedProposal::TooManyGrants)),
        ] {
            assert_eq!(Proposal::try_from(parts.clone()).err(), expected, "{parts:?}");
        }
    }
}
