//! What a check answers, with the reason in words.

use std::fmt;

use crate::permissions::{Permission, Permissions};
use crate::time::{Expiry, UnixSeconds};

/// Allow or deny. `Display` gives the reason; together with the question it makes a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Some live grant holds the permission.
    Allow {
        /// The broadest that does.
        by: Basis,
        /// When that one ends; a narrower one may go on.
        until: Expiry,
    },
    /// No live grant holds the permission.
    Deny {
        /// The reason that tells most.
        because: Denial,
    },
}

/// Which grant gave access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The grant on the whole keyset.
    Keyset,
    /// A grant of the very name for everyone.
    Name,
    /// A grant of `head.*` for everyone.
    Wildcard,
    /// A grant of the very name to the auth key.
    NameAndKey,
    /// A grant of `head.*` to the auth key.
    WildcardAndKey,
}

/// Why access is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// No grant on any level.
    NothingGranted,
    /// Live grants, but not of this permission.
    Lacks {
        /// What was asked for.
        missing: Permission,
        /// What all levels allow together.
        held: Permissions,
    },
    /// Presence feeds, whose names end in `-pnpres`, are written by the network only.
    PresenceFeed,
    /// A grant that held the permission is over.
    Expired {
        /// When the last of them ended.
        at: UnixSeconds,
    },
}

impl Basis {
    pub(super) const BROAD_TO_NARROW: [Self; 5] =
        [Self::Keyset, Self::Name, Self::Wildcard, Self::NameAndKey, Self::WildcardAndKey];
}

impl Finding {
    /// Whether access is given.
    pub const fn is_allow(self) -> bool {
        match self {
            Self::Allow { .. } => true,
            Self::Deny { .. } => false,
        }
    }
}

impl Denial {
    pub(super) fn or_more_telling(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lacks { missing, held }, Self::Lacks { held: more, .. }) => {
                Self::Lacks { missing, held: held.union(more) }
            }
            (one, other) => one.max(other),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow { by, until: _ } => write!(f, "allowed by {by}"),
            Self::Deny { because } => write!(f, "denied: {because}"),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyset => "a grant on the whole keyset",
            Self::Name => "a grant of this name for everyone",
            Self::Wildcard => "a wildcard grant for everyone",
            Self::NameAndKey => "a grant of this name to the auth key",
            Self::WildcardAndKey => "a wildcard grant to the auth key",
        })
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingGranted => f.write_str("nothing is granted"),
            Self::PresenceFeed => f.write_str("presence feeds are for reading"),
            Self::Lacks { missing, held } => write!(f, "granted is {held}, but not {missing}"),
            Self::Expired { at } => write!(f, "the grant expired at {at}"),
        }
    }
}
