//! What a grant can be about: a channel, a channel group or a uuid, and how one is named.

use std::fmt;
use std::str::FromStr;

/// The three kinds of resource; names of different kinds never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A channel, or a v2 wildcard such as `a.*`.
    Channel,
    /// A channel group.
    Group,
    /// A user id, for metadata and memberships.
    Uuid,
}

/// A decoded name: 1 to 260 bytes, no comma (lists are joined with it), no control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName(Box<str>);

/// Why a text names no resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedResourceName {
    /// No text at all.
    #[error("the name is empty")]
    Empty,
    /// More than 260 bytes.
    #[error("the name is {length} bytes long, more than {}", ResourceName::MAX_LEN)]
    TooLong {
        /// Length of the text, in bytes.
        length: usize,
    },
    /// A comma would be read as two names further on.
    #[error("the name `{name}` holds a comma")]
    Comma {
        /// The text as given.
        name: String,
    },
    /// A control character, such as NUL or a line break.
    #[error("the name `{}` holds a control character", name.escape_debug())]
    Control {
        /// The text as given.
        name: String,
    },
}

impl ResourceKind {
    /// The word for people: `channel`, `group` or `uuid`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Group => "group",
            Self::Uuid => "uuid",
        }
    }
}

impl ResourceName {
    /// The most bytes of a name. The documented limit for channels is 92 characters, but chat names plus `-pnpres` exceed it.
    pub const MAX_LEN: usize = 260;

    /// The name, decoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a presence feed, which only the network writes.
    pub fn is_presence_feed(&self) -> bool {
        self.0.ends_with("-pnpres")
    }
}

/// `head.` when `name` is in reach of the v2 wildcard `head.*`: everything up to and with its first dot.
///
/// Only channels have wildcards, and only after a head that is not empty and has no dot itself.
pub(crate) fn wildcard_lead(kind: ResourceKind, name: &str) -> Option<&str> {
    match kind {
        ResourceKind::Channel => {}
        ResourceKind::Group | ResourceKind::Uuid => return None,
    }
    let lead = name.split_inclusive('.').next()?;
    (lead.len() > 1 && lead.ends_with('.')).then_some(lead)
}

impl FromStr for ResourceName {
    type Err = MalformedResourceName;

    fn from_str(text: &str) -> Result<Self, MalformedResourceName> {
        if text.is_empty() {
            return Err(MalformedResourceName::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(MalformedResourceName::TooLong { length: text.len() });
        }
        if text.contains(',') {
            return Err(MalformedResourceName::Comma { name: text.into() });
        }
        // U+2028 and U+2029 end a line as a newline does: a policy's `*` stops there, and a wildcard grant would not.
        if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(MalformedResourceName::Control { name: text.into() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_name_everywhere() {
        for good in ["a", "ns#chat#public.*", ":cg", "ż ó", &"x".repeat(260)] {
            assert_eq!(good.parse::<ResourceName>().unwrap().as_str(), good);
        }
        for (bad, expected) in [
            ("", "the name is empty"),
            ("a,b", "the name `a,b` holds a comma"),
            ("a\nb", "the name `a\\nb` holds a control character"),
            ("a\0", "the name `a\\0` holds a control character"),
            ("a\u{2028}", "the name `a\\u{2028}` holds a control character"),
            (&"x".repeat(261), "the name is 261 bytes long, more than 260"),
        ] {
            assert_eq!(bad.parse::<ResourceName>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_wildcard_reaches_from_the_first_dot_on() {
        for (name, expected) in [
            ("a.b", Some("a.")),
            ("a.b.c", Some("a.")),
            ("a.", Some("a.")),
            ("a.*", Some("a.")),
            ("a", None),
            (".a", None),
            ("*", None),
        ] {
            assert_eq!(wildcard_lead(ResourceKind::Channel, name), expected, "{name}");
            assert_eq!(wildcard_lead(ResourceKind::Group, name), None, "{name}");
            assert_eq!(wildcard_lead(ResourceKind::Uuid, name), None, "{name}");
        }
    }
}
