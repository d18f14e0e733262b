//! An intent: an operation together with every resource that it touches.

use crate::operation::{LoneComma, NamePlace, Need, Operation};
use crate::permissions::Permission;
use crate::resource::{ResourceKind, ResourceName};

/// What somebody wants to do, complete: an operation never comes without the resources that it touches.
///
/// It comes from [`recognise`](crate::recognise) or [`Operation::intent`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    operation: &'static Operation,
    resources: Vec<Resource>,
}

/// A resource that an operation touches, and what that takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// What it is called; `-pnpres` names and wildcards are resources of their own.
    pub name: ResourceName,
    /// What it takes.
    pub permission: Permission,
}

/// The names of an intent that does not come from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Channels.
    pub channels: Vec<ResourceName>,
    /// Channel groups.
    pub groups: Vec<ResourceName>,
    /// User ids.
    pub uuids: Vec<ResourceName>,
}

/// Why names do not go with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The operation is always about something of this kind.
    #[error("`{operation}` names no {kind}")]
    Missing {
        /// The operation's word.
        operation: &'static str,
        /// What is missing.
        kind: ResourceKind,
    },
    /// The operation takes nothing on this kind.
    #[error("`{operation}` is not about a {kind}")]
    Idle {
        /// The operation's word.
        operation: &'static str,
        /// What is named in vain.
        kind: ResourceKind,
    },
    /// More than [`Intent::MOST_NAMES`].
    #[error("`{operation}` names more than {} resources", Intent::MOST_NAMES)]
    TooMany {
        /// The operation's word.
        operation: &'static str,
    },
}

impl Intent {
    /// The most resources that one request may touch.
    pub const MOST_NAMES: usize = 500;

    /// INVARIANT: the caller has found a name for every need of the operation.
    pub(super) const fn complete(operation: &'static Operation, resources: Vec<Resource>) -> Self {
        Self { operation, resources }
    }

    /// What is to be done.
    pub const fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Every resource it touches, in the order of the request.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }
}

impl Operation {
    /// What this operation would be with these names: each of them takes what the row says.
    ///
    /// # Errors
    /// [`Misfit`] if names are missing, in vain or too many.
    pub fn intent(&'static self, names: Names) -> Result<Intent, Misfit> {
        let Names { channels, groups, uuids } = names;
        let mut resources = Vec::with_capacity(channels.len() + groups.len() + uuids.len());
        for (kind, names) in
            [(ResourceKind::Channel, channels), (ResourceKind::Group, groups), (ResourceKind::Uuid, uuids)]
        {
            let (permission, must_be_named) = match (self.need_of(kind), names.is_empty()) {
                (Some(need), _) => need,
                (None, true) => continue,
                (None, false) => return Err(Misfit::Idle { operation: self.word, kind }),
            };
            if names.is_empty() && must_be_named {
                return Err(Misfit::Missing { operation: self.word, kind });
            }
            resources.extend(names.into_iter().map(|name| Resource { kind, name, permission }));
        }
        match resources.len() {
            0 if self.names_something() => Err(Misfit::Missing { operation: self.word, kind: ResourceKind::Channel }),
            0..=Intent::MOST_NAMES => Ok(Intent::complete(self, resources)),
            _ => Err(Misfit::TooMany { operation: self.word }),
        }
    }

    /// Whether it is about named resources, so that there has to be one.
    pub(super) fn names_something(&self) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Named { .. }))
    }

    /// What it takes on each resource of a kind, and whether there has to be one.
    fn need_of(&self, sought: ResourceKind) -> Option<(Permission, bool)> {
        self.needs.iter().find_map(|need| match *need {
            Need::Named { kind, place, permission } if kind == sought => Some((permission, place.always_names())),
            Need::Named { .. } | Need::KeysetWide { .. } | Need::Category { .. } => None,
        })
    }
}

impl NamePlace {
    const fn always_names(self) -> bool {
        match self {
            Self::Path | Self::PathList { lone_comma: LoneComma::Refused } => true,
            Self::PathList { lone_comma: LoneComma::Allowed } | Self::Query(_) | Self::Body => false,
        }
    }
}
