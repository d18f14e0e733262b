//! The ceiling of a deployment: the most that its function may ever grant.

mod bindings;
mod template;
#[cfg(test)]
mod tests;

pub use bindings::Bindings;
pub use template::{MalformedTemplate, Template};

use std::fmt;

use crate::key::AuthKey;
use crate::permissions::Permissions;
use crate::proposal::Proposal;
use crate::resource::{ResourceKind, ResourceName};
use crate::time::Ttl;

/// A list of rules; without any, nothing may be granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// In no particular order: what one rule allows, no other takes away.
    pub rules: Vec<Rule>,
}

/// One thing a deployment may grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Grants on the whole keyset, for everyone.
    Keyset(Allowance),
    /// Grants on resources of one kind whose names fit a template.
    Resources {
        /// Channel, group or uuid.
        kind: ResourceKind,
        /// Any one of them has to fit.
        templates: Vec<Template>,
        /// Whose auth keys may be named.
        holders: Holders,
        /// How much.
        allowance: Allowance,
    },
}

/// How much a rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most permissions.
    pub permissions: Permissions,
    /// The longest time to live.
    pub longest_ttl: Ttl,
}

/// Whose auth keys a grant under a rule may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holders {
    /// Exactly the auth key that this invocation has proven.
    #[default]
    Caller,
    /// Nobody's: a grant for everyone, which is never implied by the other two.
    Everyone,
    /// Any auth key, but not everyone.
    Any,
}

/// How a proposal asks for more than the ceiling allows. No text here shows an auth key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeyondCeiling {
    /// No rule speaks of it.
    #[error("the ceiling allows nothing on {on}")]
    NotCovered {
        /// What was asked for.
        on: Place,
    },
    /// Rules speak of it, but not for everyone or not for somebody else's key.
    #[error("the ceiling does not allow grants on {on} for {named}")]
    Holder {
        /// What was asked for.
        on: Place,
        /// For whom.
        named: Named,
    },
    /// More permissions than the rules allow together.
    #[error("the ceiling does not allow {missing} on {on}")]
    Permissions {
        /// What was asked for.
        on: Place,
        /// The permissions that no rule allows.
        missing: Permissions,
    },
    /// The permissions are allowed, but not for so long.
    #[error("the ceiling does not allow {asked} on {on}")]
    Ttl {
        /// What was asked for.
        on: Place,
        /// For how long.
        asked: Ttl,
    },
}

/// What a refused part of a proposal was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole keyset.
    Keyset,
    /// A resource.
    Resource {
        /// Its kind.
        kind: ResourceKind,
        /// Its name.
        name: ResourceName,
    },
}

/// Whom a proposal names, as far as a ceiling can tell people apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// No auth key.
    Everyone,
    /// The auth key that this invocation has proven.
    Caller,
    /// Another auth key.
    SomebodyElse,
}

impl Ceiling {
    pub(crate) fn check(&self, proposal: &Proposal, bindings: &Bindings) -> Result<(), BeyondCeiling> {
        if proposal.is_keyset_wide() {
            return judge(proposal, &self.for_keyset(), || Place::Keyset);
        }
        let named = Named::all(&proposal.asked().auth_keys, bindings);
        for (kind, name) in proposal.resources() {
            let place = || Place::Resource { kind, name: name.clone() };
            let covering = self.covering(kind, name, bindings);
            if covering.is_empty() {
                return Err(BeyondCeiling::NotCovered { on: place() });
            }
            for &named in &named {
                let open = covering.iter().filter(|(holders, _)| holders.admits(named));
                let allowances: Vec<Allowance> = open.map(|&(_, allowance)| allowance).collect();
                if allowances.is_empty() {
                    return Err(BeyondCeiling::Holder { on: place(), named });
                }
                judge(proposal, &allowances, place)?;
            }
        }
        Ok(())
    }

    fn for_keyset(&self) -> Vec<Allowance> {
        let allowance = |rule: &Rule| match rule {
            Rule::Keyset(allowance) => Some(*allowance),
            Rule::Resources { .. } => None,
        };
        self.rules.iter().filter_map(allowance).collect()
    }

    fn covering(&self, asked: ResourceKind, name: &ResourceName, bindings: &Bindings) -> Vec<(Holders, Allowance)> {
        let covers = |rule: &Rule| match rule {
            Rule::Keyset(_) => None,
            Rule::Resources { kind, templates, holders, allowance } => (*kind == asked
                && templates.iter().any(|template| template.fits(asked, name, bindings)))
            .then_some((*holders, *allowance)),
        };
        self.rules.iter().filter_map(covers).collect()
    }
}

/// Holds one resource of a proposal against every rule that speaks of it.
fn judge(proposal: &Proposal, allowances: &[Allowance], place: impl Fn() -> Place) -> Result<(), BeyondCeiling> {
    let asked = proposal.asked();
    let union = |set: Permissions, allowance: &Allowance| set.union(allowance.permissions);
    let most = allowances.iter().fold(Permissions::NONE, union);
    if most.is_empty() {
        return Err(BeyondCeiling::NotCovered { on: place() });
    }
    if proposal.is_revocation() {
        return Ok(());
    }
    let missing = asked.permissions.without(most);
    if !missing.is_empty() {
        return Err(BeyondCeiling::Permissions { on: place(), missing });
    }
    let long_enough = allowances.iter().filter(|allowance| asked.ttl.fits(allowance.longest_ttl));
    match long_enough.fold(Permissions::NONE, union).contains(asked.permissions) {
        true => Ok(()),
        false => Err(BeyondCeiling::Ttl { on: place(), asked: asked.ttl }),
    }
}

impl Holders {
    const fn admits(self, named: Named) -> bool {
        match (self, named) {
            (Self::Caller, Named::Caller) | (Self::Everyone, Named::Everyone) => true,
            (Self::Any, Named::Caller | Named::SomebodyElse) => true,
            (Self::Caller, Named::Everyone | Named::SomebodyElse) => false,
            (Self::Everyone, Named::Caller | Named::SomebodyElse) => false,
            (Self::Any, Named::Everyone) => false,
        }
    }
}

impl Named {
    fn all(keys: &[AuthKey], bindings: &Bindings) -> Vec<Self> {
        let is_caller = |key: &AuthKey| bindings.caller() == Some(key);
        let everyone = keys.is_empty().then_some(Self::Everyone);
        let caller = keys.iter().any(is_caller).then_some(Self::Caller);
        let other = keys.iter().any(|key| !is_caller(key)).then_some(Self::SomebodyElse);
        [everyone, caller, other].into_iter().flatten().collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyset => f.write_str("the whole keyset"),
            Self::Resource { kind, name } => write!(f, "the {kind} `{name}`"),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everyone => "everyone",
            Self::Caller => "the caller's auth key",
            Self::SomebodyElse => "an auth key other than the caller's",
        })
    }
}
