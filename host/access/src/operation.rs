//! What a request to the network wants: one row for every operation, and a request read as one of them.

mod body;
mod intent;
mod path;
pub(crate) mod query;
mod recognise;
mod row;
#[cfg(test)]
mod tests;

pub use intent::{Intent, Misfit, Names, Resource};
pub use recognise::{Recognised, Refusal, UnreadIntent, Unrecognised, Wants, recognise};

use crate::permissions::Permission;
use crate::resource::ResourceKind;

/// One thing that clients do on the network, and what it takes.
///
/// The rows are [`Operation::ALL`]; `tests/vectors/operations.json` is the same table as data.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    name: &'static str,
    word: &'static str,
    methods: &'static [&'static str],
    paths: &'static [&'static str],
    when: When,
    needs: &'static [Need],
    service: Service,
}

/// A permission that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// On every resource that the request names in one place.
    Named {
        /// What is named there.
        kind: ResourceKind,
        /// Where.
        place: NamePlace,
        /// What it takes.
        permission: Permission,
    },
    /// On the whole keyset: no token and no grant of a name gives it.
    KeysetWide {
        /// What the answer lists.
        kind: ResourceKind,
        /// What it takes.
        permission: Permission,
    },
    /// `get` on all metadata of a kind, unless the keyset's lists are open.
    Category {
        /// What the answer lists.
        kind: ResourceKind,
    },
}

/// Where a request names what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePlace {
    /// One path segment.
    Path,
    /// One path segment with a comma list, split before decoding; a lone comma names nothing where that is `Allowed`.
    PathList {
        /// Whether the list may be a lone comma.
        lone_comma: LoneComma,
    },
    /// Query parameters with comma lists, split after decoding; absent and empty ones name nothing.
    Query(&'static [&'static str]),
    /// The ids in the JSON body of a `PATCH`.
    Body,
}

/// Whether a comma list in a path may name nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoneComma {
    /// `,` names nothing, as when a client subscribes to groups only.
    Allowed,
    /// At least one name.
    Refused,
}

/// Which service answers, and so which shape its refusals have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Publish, subscribe, presence, history, groups, files, push: the flat shape with the denied names.
    Flat,
    /// Metadata and memberships: the nested shape with source `objects`.
    Objects,
    /// Message actions: the nested shape with source `actions`.
    Actions,
}

/// What beside method and path tells operations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Nothing; rows with a condition go before this one.
    Otherwise,
    /// `store` off and `norep` on.
    Fired,
    /// Any of these parameters is there.
    Query(&'static [&'static str]),
    /// The body has ids to set, or, for the other row, only ids to delete.
    Body(Change),
}

/// What a `PATCH` of members or memberships does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Set,
    Delete,
}

impl Operation {
    /// Every operation that is let through; what is none of them is refused.
    pub const ALL: &'static [Self] = row::ALL;

    /// The row's name, such as `leave / unsubscribe`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// One word for interfaces and the shell, such as `leave`.
    pub const fn word(&self) -> &'static str {
        self.word
    }

    /// The HTTP methods.
    pub const fn methods(&self) -> &'static [&'static str] {
        self.methods
    }

    /// The templates of its paths; `{message}` is the whole rest of a path.
    pub const fn paths(&self) -> &'static [&'static str] {
        self.paths
    }

    /// What it takes; nothing = whoever shows no credential or a valid one.
    pub const fn needs(&self) -> &'static [Need] {
        self.needs
    }

    /// Which service answers it.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// The operation with this word or name.
    pub fn named(text: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|operation| operation.word == text || operation.name == text)
    }
}

impl Need {
    /// The permission it takes.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Named { permission, .. } | Self::KeysetWide { permission, .. } => permission,
            Self::Category { .. } => Permission::Get,
        }
    }
}
