//! What a check asks: may the holder of this auth key do this one thing here.

use std::fmt;

use crate::key::AuthKey;
use crate::permissions::Permission;
use crate::resource::{ResourceKind, ResourceName};

/// One question to a grant table. An operation that needs two permissions asks twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// What it is about.
    pub about: Subject<'a>,
    /// The auth key the client shows, if any.
    pub auth_key: Option<&'a AuthKey>,
    /// What the client wants to do.
    pub permission: Permission,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Something that only a grant on the whole keyset opens, such as the list of all channel groups.
    Keyset,
    /// A channel, `-pnpres` names and wildcards included: each is a resource of its own.
    Channel(&'a ResourceName),
    /// A channel group.
    Group(&'a ResourceName),
    /// A user's metadata or memberships.
    Uuid(&'a ResourceName),
}

impl Question<'_> {
    /// A wildcard reaches presence feeds too, and nobody but the network writes to them.
    pub(super) fn writes_to_presence(&self) -> bool {
        let Subject::Channel(name) = self.about else { return false };
        self.permission == Permission::Write && name.is_presence_feed()
    }
}

impl<'a> Subject<'a> {
    pub(super) const fn resource(self) -> Option<(ResourceKind, &'a ResourceName)> {
        match self {
            Self::Keyset => None,
            Self::Channel(name) => Some((ResourceKind::Channel, name)),
            Self::Group(name) => Some((ResourceKind::Group, name)),
            Self::Uuid(name) => Some((ResourceKind::Uuid, name)),
        }
    }

    /// Uuids are granted to auth keys only, so a grant on the keyset does not reach them.
    pub(super) const fn is_opened_by_keyset(self) -> bool {
        match self {
            Self::Keyset | Self::Channel(_) | Self::Group(_) => true,
            Self::Uuid(_) => false,
        }
    }
}

impl fmt::Display for Question<'_> {
    /// `read on the channel ...`, without the auth key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.resource() {
            None => write!(f, "{} on the whole keyset", self.permission),
            Some((kind, name)) => write!(f, "{} on the {kind} `{name}`", self.permission),
        }
    }
}
