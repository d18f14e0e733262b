//! Which bits are on which names: one map for every kind of resource that v3 knows.

use std::collections::BTreeMap;

use crate::resource::ResourceKind;

/// The five kinds of resource of a v3 grant. Users and spaces are stored for old clients and open nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermitKind {
    /// Channels.
    Channels,
    /// Channel groups.
    Groups,
    /// User ids.
    Uuids,
    /// User ids, as clients of 2019 to 2021 name them.
    Users,
    /// Channels, as clients of 2019 to 2021 name them.
    Spaces,
}

/// Permission bits by name.
pub type BitsByName = BTreeMap<Box<str>, u8>;

/// Permission bits by kind and name, as granted: bits without a meaning (16) are kept. The names are patterns where said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits {
    /// Bits on channels.
    pub channels: BitsByName,
    /// Bits on channel groups.
    pub groups: BitsByName,
    /// Bits on user ids.
    pub uuids: BitsByName,
    /// Stored, without effect.
    pub users: BitsByName,
    /// Stored, without effect.
    pub spaces: BitsByName,
}

/// Bits on all of a kind at once: `get` (32) lists the metadata of all channels or of all user ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// Bits on the list of all channels.
    pub channels: u8,
    /// Bits on the list of all user ids.
    pub uuids: u8,
}

impl PermitKind {
    /// All five, as a grant request lists them.
    pub const ALL: [Self; 5] = [Self::Channels, Self::Groups, Self::Uuids, Self::Users, Self::Spaces];
    /// All five, in the order of a token.
    pub(super) const IN_TOKEN: [Self; 5] = [Self::Channels, Self::Groups, Self::Spaces, Self::Users, Self::Uuids];

    /// The word of a grant request: `channels`, `groups`, `uuids`, `users` or `spaces`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Channels => "channels",
            Self::Groups => "groups",
            Self::Uuids => "uuids",
            Self::Users => "users",
            Self::Spaces => "spaces",
        }
    }

    /// The key in a token: `chan`, `grp`, `uuid`, `usr` or `spc`.
    pub(super) const fn short(self) -> &'static str {
        match self {
            Self::Channels => "chan",
            Self::Groups => "grp",
            Self::Uuids => "uuid",
            Self::Users => "usr",
            Self::Spaces => "spc",
        }
    }
}

impl From<ResourceKind> for PermitKind {
    fn from(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::Channel => Self::Channels,
            ResourceKind::Group => Self::Groups,
            ResourceKind::Uuid => Self::Uuids,
        }
    }
}

impl Permits {
    /// The names of one kind.
    pub const fn of(&self, kind: PermitKind) -> &BitsByName {
        match kind {
            PermitKind::Channels => &self.channels,
            PermitKind::Groups => &self.groups,
            PermitKind::Uuids => &self.uuids,
            PermitKind::Users => &self.users,
            PermitKind::Spaces => &self.spaces,
        }
    }

    pub(super) const fn of_mut(&mut self, kind: PermitKind) -> &mut BitsByName {
        match kind {
            PermitKind::Channels => &mut self.channels,
            PermitKind::Groups => &mut self.groups,
            PermitKind::Uuids => &mut self.uuids,
            PermitKind::Users => &mut self.users,
            PermitKind::Spaces => &mut self.spaces,
        }
    }

    /// How many names of all kinds.
    pub fn len(&self) -> usize {
        PermitKind::ALL.into_iter().map(|kind| self.of(kind).len()).sum()
    }

    /// Whether no name of any kind is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Categories {
    /// Whether there are no bits.
    pub const fn is_empty(self) -> bool {
        self.channels == 0 && self.uuids == 0
    }
}
