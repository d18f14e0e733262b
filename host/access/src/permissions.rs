//! The seven permissions and sets of them, with the bit values that v2 and v3 share.

use std::fmt;
use std::str::FromStr;

/// One thing that may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Subscribe, presence, history.
    Read,
    /// Publish, signal, send a file.
    Write,
    /// Manage members and channel groups.
    Manage,
    /// Delete messages, files and metadata.
    Delete,
    /// Read metadata.
    Get,
    /// Write metadata.
    Update,
    /// Join as a member.
    Join,
}

/// A set of permissions; the empty set revokes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permissions(u8);

/// A word that names no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not one of read, write, manage, delete, get, update, join")]
pub struct UnknownPermission {
    /// The word as given.
    pub name: String,
}

/// A number with bits that no permission has (such as 16, reserved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the permission bits {bits} hold one that has no meaning")]
pub struct UnknownPermissionBits {
    /// The number as given.
    pub bits: u8,
}

impl Permission {
    /// All seven, by rising bit value.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::Write, Self::Manage, Self::Delete, Self::Get, Self::Update, Self::Join];

    /// The bit in a v3 token: 1, 2, 4, 8, 32, 64 or 128.
    pub const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Manage => 4,
            Self::Delete => 8,
            Self::Get => 32,
            Self::Update => 64,
            Self::Join => 128,
        }
    }

    /// The word: `read`, `write`, `manage`, `delete`, `get`, `update` or `join`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
            Self::Delete => "delete",
            Self::Get => "get",
            Self::Update => "update",
            Self::Join => "join",
        }
    }

    /// The v2 flag: `r`, `w`, `m`, `d`, `g`, `u` or `j`.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Write => "w",
            Self::Manage => "m",
            Self::Delete => "d",
            Self::Get => "g",
            Self::Update => "u",
            Self::Join => "j",
        }
    }
}

impl Permissions {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Every permission: bits 239.
    pub const ALL: Self = Self(1 | 2 | 4 | 8 | 32 | 64 | 128);

    /// The bits as v3 writes them.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether nothing is allowed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every permission of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this one permission is in the set.
    pub const fn allows(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// The permissions of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The permissions, by rising bit value.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |&permission| self.allows(permission))
    }
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        Self(permission.bit())
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, |set, permission| set.union(permission.into()))
    }
}

impl TryFrom<u8> for Permissions {
    type Error = UnknownPermissionBits;

    fn try_from(bits: u8) -> Result<Self, UnknownPermissionBits> {
        match Self::ALL.contains(Self(bits)) {
            true => Ok(Self(bits)),
            false => Err(UnknownPermissionBits { bits }),
        }
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.name() == name)
            .ok_or_else(|| UnknownPermission { name: name.into() })
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (position, permission) in self.iter().enumerate() {
            f.write_str(if position == 0 { "" } else { ", " })?;
            f.write_str(permission.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_names_and_flags_belong_together() {
        let table: Vec<_> = Permission::ALL.iter().map(|p| (p.bit(), p.name(), p.flag())).collect();
        let expected = [
            (1, "read", "r"),
            (2, "write", "w"),
            (4, "manage", "m"),
            (8, "delete", "d"),
            (32, "get", "g"),
            (64, "update", "u"),
            (128, "join", "j"),
        ];
        assert_eq!(table, expected);
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(permission));
        }
        assert!("READ".parse::<Permission>().is_err());
    }

    #[test]
    fn only_known_bits_make_a_set() {
        for bits in 0..=u8::MAX {
            match Permissions::try_from(bits) {
                Ok(set) => assert_eq!(set.iter().map(Permission::bit).sum::<u8>(), bits),
                Err(error) => assert!(error.bits & 16 != 0),
            }
        }
        assert_eq!(Permissions::ALL.bits(), 239);
    }

    #[test]
    fn a_set_reads_aloud() {
        assert_eq!(Permissions::NONE.to_string(), "nothing");
        let set: Permissions = [Permission::Join, Permission::Read].into_iter().collect();
        assert_eq!(set.to_string(), "read, join");
        assert_eq!(set.without(Permission::Read.into()), Permission::Join.into());
    }
}
