//! The sections of a policy and the rule types of each.

use std::fmt;

use usher_access::{Permission, ResourceKind};

/// A part of the document: what kind of thing its paths name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// deepstream's records.
    Record,
    /// deepstream's events.
    Event,
    /// deepstream's remote procedure calls.
    Rpc,
    /// deepstream's presence; documents of the older era have none.
    Presence,
    /// Access Manager: channels.
    Channel,
    /// Access Manager: channel groups.
    Group,
    /// Access Manager: user ids.
    Uuid,
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleType {
    /// Making a record.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Deleting.
    Delete,
    /// Listening for other clients' subscriptions.
    Listen,
    /// Announcing a change made elsewhere.
    Notify,
    /// Publishing an event.
    Publish,
    /// Subscribing to an event.
    Subscribe,
    /// Providing a procedure.
    Provide,
    /// Calling a procedure.
    Request,
    /// Asking who is present.
    Allow,
    /// Managing members and groups.
    Manage,
    /// Reading metadata.
    Get,
    /// Writing metadata.
    Update,
    /// Joining as a member.
    Join,
}

/// The rule types of the Access Manager's sections: its seven permissions.
const PERMISSIONS: &[RuleType] = &[
    RuleType::Read,
    RuleType::Write,
    RuleType::Manage,
    RuleType::Delete,
    RuleType::Get,
    RuleType::Update,
    RuleType::Join,
];

impl Section {
    /// All seven; deepstream's first.
    pub const ALL: [Self; 7] =
        [Self::Record, Self::Event, Self::Rpc, Self::Presence, Self::Channel, Self::Group, Self::Uuid];

    /// The key in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Event => "event",
            Self::Rpc => "rpc",
            Self::Presence => "presence",
            Self::Channel => "channel",
            Self::Group => "group",
            Self::Uuid => "uuid",
        }
    }

    /// The section that a key names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }

    /// The rule types that its paths may have.
    pub const fn rule_types(self) -> &'static [RuleType] {
        match self {
            Self::Record => &[
                RuleType::Create,
                RuleType::Read,
                RuleType::Write,
                RuleType::Delete,
                RuleType::Listen,
                RuleType::Notify,
            ],
            Self::Event => &[RuleType::Publish, RuleType::Subscribe, RuleType::Listen],
            Self::Rpc => &[RuleType::Provide, RuleType::Request],
            Self::Presence => &[RuleType::Allow],
            Self::Channel | Self::Group | Self::Uuid => PERMISSIONS,
        }
    }

    /// Whether it is one of Valve's, where every section needs the path `*`.
    pub const fn is_valve(self) -> bool {
        match self {
            Self::Record | Self::Event | Self::Rpc | Self::Presence => true,
            Self::Channel | Self::Group | Self::Uuid => false,
        }
    }

    /// The characters that a path's `$variable` ends at. Names of the Access Manager are parted by `#` as well.
    pub(crate) const fn separators(self) -> &'static [u8] {
        if self.is_valve() { b"/" } else { b"/#" }
    }

    /// Where `data` may be used: what carries a payload.
    pub const fn has_data(self, rule: RuleType) -> bool {
        match self {
            Self::Record => matches!(rule, RuleType::Write),
            Self::Event => matches!(rule, RuleType::Publish | RuleType::Subscribe),
            Self::Rpc => matches!(rule, RuleType::Request),
            Self::Presence => false,
            Self::Channel | Self::Group | Self::Uuid => matches!(rule, RuleType::Write | RuleType::Update),
        }
    }

    /// Where a message carries a payload; elsewhere `data` is undefined.
    pub(crate) const fn has_payload(self, rule: RuleType) -> bool {
        self.has_data(rule) && !matches!(rule, RuleType::Subscribe)
    }

    /// Where `oldData` may be used: what concerns a stored value.
    pub const fn has_old_data(self, rule: RuleType) -> bool {
        matches!(self, Self::Record) && matches!(rule, RuleType::Read | RuleType::Write | RuleType::Delete)
    }
}

impl RuleType {
    /// The key in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Listen => "listen",
            Self::Notify => "notify",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Provide => "provide",
            Self::Request => "request",
            Self::Allow => "allow",
            Self::Manage => "manage",
            Self::Get => "get",
            Self::Update => "update",
            Self::Join => "join",
        }
    }
}

impl From<ResourceKind> for Section {
    fn from(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::Channel => Self::Channel,
            ResourceKind::Group => Self::Group,
            ResourceKind::Uuid => Self::Uuid,
        }
    }
}

impl From<Permission> for RuleType {
    fn from(permission: Permission) -> Self {
        match permission {
            Permission::Read => Self::Read,
            Permission::Write => Self::Write,
            Permission::Manage => Self::Manage,
            Permission::Delete => Self::Delete,
            Permission::Get => Self::Get,
            Permission::Update => Self::Update,
            Permission::Join => Self::Join,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for RuleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
