//! What deciding answers: allowed until when, or denied and why, in words and in stable codes.

use std::fmt;

use crate::key::AuthKey;
use crate::permissions::{Permission, Permissions};
use crate::resource::{ResourceKind, ResourceName};
use crate::revocation::Revoked;
use crate::table::Basis;
use crate::time::{Expiry, UnixSeconds};
use crate::token::{InvalidToken, TokenBasis};

/// Allow or deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the intent takes is given.
    Allow {
        /// When the first of what gives it ends: who holds a request open asks again then.
        until: Expiry,
    },
    /// Something is missing.
    Deny(Denied),
}

/// Why an intent is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The reason: the credential's, or that of the first ruling.
    pub reason: Reason,
    /// What is not given; empty if the credential itself does not count.
    pub rulings: Vec<Ruling<'static>>,
}

/// A verdict with everything that led to it, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'t> {
    /// Allow or deny.
    pub verdict: Verdict,
    /// One for everything that the intent takes; none if the credential itself does not count.
    pub rulings: Vec<Ruling<'t>>,
}

/// Whether one thing is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling<'t> {
    /// What it is about.
    pub about: About,
    /// What the operation takes.
    pub permission: Permission,
    /// What gives it, or why nothing does.
    pub outcome: Result<Given<'t>, Reason>,
}

/// What a ruling is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A named resource.
    Resource {
        /// What it is.
        kind: ResourceKind,
        /// What it is called.
        name: ResourceName,
    },
    /// The whole keyset.
    Keyset,
    /// All metadata of a kind.
    Category {
        /// Of what.
        kind: ResourceKind,
    },
}

/// What gives a permission, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<'t> {
    /// What gives it.
    pub by: Giver<'t>,
    /// When that ends.
    pub until: Expiry,
}

/// What gives a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver<'t> {
    /// The request is signed with the keyset's secret key.
    Root,
    /// The keyset leaves its metadata lists open.
    OpenLists,
    /// The keyset leaves global presence open.
    OpenPresence,
    /// A v2 grant.
    Grant(Basis),
    /// An entry or a pattern of the token.
    Token(TokenBasis<'t>),
    /// The token's list-all permission.
    TokenCategory,
}

/// Why something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is shown, and not everyone may do this.
    CredentialMissing,
    /// No grant on any level.
    GrantMissing,
    /// Live grants, but not of this permission.
    GrantLacks {
        /// What it takes.
        missing: Permission,
        /// What all levels give together.
        held: Permissions,
    },
    /// A grant that held the permission is over.
    GrantExpired {
        /// Since when.
        at: UnixSeconds,
    },
    /// The token was not made by this keyset, or not like this.
    TokenInvalid(InvalidToken),
    /// The token was taken back.
    TokenRevoked(Revoked),
    /// The token is over.
    TokenExpired {
        /// Since when.
        at: Expiry,
    },
    /// The token is good for another user only.
    TokenOtherUser,
    /// The token does not give the permission.
    TokenLacks {
        /// What it takes.
        missing: Permission,
        /// What the token gives on this resource.
        held: Permissions,
    },
    /// Presence feeds, whose names end in `-pnpres`, are written by the network only.
    PresenceReadOnly,
}

impl Verdict {
    /// Whether everything is given.
    pub const fn is_allow(&self) -> bool {
        match self {
            Self::Allow { .. } => true,
            Self::Deny(_) => false,
        }
    }
}

impl Denied {
    /// The denied names of a kind, in the order of the request and each once.
    pub fn names(&self, sought: ResourceKind) -> Vec<&ResourceName> {
        let mut names: Vec<&ResourceName> = Vec::new();
        for ruling in &self.rulings {
            match &ruling.about {
                About::Resource { kind, name } if *kind == sought && !names.contains(&name) => names.push(name),
                About::Resource { .. } | About::Keyset | About::Category { .. } => {}
            }
        }
        names
    }
}

impl Reason {
    /// A stable word for programs: `grant.missing`, `token.expired` and the like.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential.missing",
            Self::GrantMissing => "grant.missing",
            Self::GrantLacks { .. } => "grant.lacks",
            Self::GrantExpired { .. } => "grant.expired",
            Self::TokenRevoked(_) | Self::TokenInvalid(InvalidToken::EpochOver) => "token.revoked",
            Self::TokenInvalid(_) => "token.invalid",
            Self::TokenExpired { .. } => "token.expired",
            Self::TokenOtherUser => "token.other-user",
            Self::TokenLacks { .. } => "token.lacks",
            Self::PresenceReadOnly => "presence.read-only",
        }
    }

    pub(super) const fn nothing_granted(shown: Option<&AuthKey>) -> Self {
        match shown {
            Some(_) => Self::GrantMissing,
            None => Self::CredentialMissing,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow { until } => match until.instant() {
                Some(until) => write!(f, "allowed until {until}"),
                None => f.write_str("allowed"),
            },
            Self::Deny(denied) => denied.fmt(f),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rulings.is_empty() {
            return write!(f, "denied: {}", self.reason);
        }
        listed(&self.rulings, f)
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.verdict, self.rulings.as_slice()) {
            (verdict, []) => verdict.fmt(f),
            (_, rulings) => listed(rulings, f),
        }
    }
}

fn listed(rulings: &[Ruling<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (position, ruling) in rulings.iter().enumerate() {
        f.write_str(if position == 0 { "" } else { "; " })?;
        write!(f, "{ruling}")?;
    }
    Ok(())
}

impl fmt::Display for Ruling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: ", self.permission, self.about)?;
        match &self.outcome {
            Ok(given) => write!(f, "allowed by {}", given.by),
            Err(reason) => write!(f, "denied: {reason}"),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { kind, name } => write!(f, "the {kind} `{name}`"),
            Self::Keyset => f.write_str("the whole keyset"),
            Self::Category { kind } => write!(f, "the metadata of every {kind}"),
        }
    }
}

impl fmt::Display for Giver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the keyset's secret key"),
            Self::OpenLists => f.write_str("the keyset, whose metadata lists are open"),
            Self::OpenPresence => f.write_str("the keyset, whose global presence is open"),
            Self::Grant(basis) => basis.fmt(f),
            Self::Token(basis) => basis.fmt(f),
            Self::TokenCategory => f.write_str("the token's permission to list"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredentialMissing => f.write_str("no credential is shown, and nothing is granted to everyone"),
            Self::GrantMissing => f.write_str("nothing is granted"),
            Self::GrantLacks { missing, held } => write!(f, "granted is {held}, but not {missing}"),
            Self::GrantExpired { at } => write!(f, "the grant expired at {at}"),
            Self::TokenInvalid(error) => write!(f, "the token does not count: {error}"),
            Self::TokenRevoked(revoked) => revoked.fmt(f),
            Self::TokenExpired { at } => match at.instant() {
                Some(at) => write!(f, "the token expired at {at}"),
                None => f.write_str("the token expired"),
            },
            Self::TokenOtherUser => f.write_str("the token is good for another user only"),
            Self::TokenLacks { missing, held } => write!(f, "the token gives {held}, but not {missing}"),
            Self::PresenceReadOnly => f.write_str("presence feeds are for reading"),
        }
    }
}
