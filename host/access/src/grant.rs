//! A grant: what it speaks of, what it allows, until when.

mod encoding;

pub use encoding::MalformedRecord;
pub(crate) use encoding::View;

use crate::key::AuthKey;
use crate::permissions::Permissions;
use crate::resource::{ResourceKind, ResourceName};
use crate::time::Expiry;

/// Who may do what until when. A later grant of the same target replaces it; one without permissions revokes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is granted on, and to whom.
    pub target: Target,
    /// What is allowed; nothing = revoke.
    pub permissions: Permissions,
    /// When it ends.
    pub expires: Expiry,
}

/// What a grant speaks of. A uuid can only be granted to an auth key, so that pairing has no other form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Every channel and channel group of the keyset, for everyone (v2 level `subkey`).
    Keyset,
    /// A channel or a wildcard such as `a.*`.
    Channel {
        /// The channel.
        name: ResourceName,
        /// For whom.
        holder: Holder,
    },
    /// A channel group.
    Group {
        /// The group.
        name: ResourceName,
        /// For whom.
        holder: Holder,
    },
    /// A user's metadata and memberships.
    Uuid {
        /// The user id.
        name: ResourceName,
        /// For whom.
        key: AuthKey,
    },
}

/// For whom a grant on a channel or group is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Every client, with any auth key or none.
    Everyone,
    /// Only who shows this auth key.
    Key(AuthKey),
}

impl Target {
    /// Kind and name of the resource, or `None` for the keyset.
    pub const fn resource(&self) -> Option<(ResourceKind, &ResourceName)> {
        match self {
            Self::Keyset => None,
            Self::Channel { name, .. } => Some((ResourceKind::Channel, name)),
            Self::Group { name, .. } => Some((ResourceKind::Group, name)),
            Self::Uuid { name, .. } => Some((ResourceKind::Uuid, name)),
        }
    }

    /// The auth key that the grant is for, or `None` when it is for everyone.
    pub const fn auth_key(&self) -> Option<&AuthKey> {
        match self {
            Self::Channel { holder, .. } | Self::Group { holder, .. } => holder.auth_key(),
            Self::Uuid { key, .. } => Some(key),
            Self::Keyset => None,
        }
    }
}

impl Holder {
    /// The auth key, or `None` for everyone.
    pub const fn auth_key(&self) -> Option<&AuthKey> {
        match self {
            Self::Everyone => None,
            Self::Key(key) => Some(key),
        }
    }
}
