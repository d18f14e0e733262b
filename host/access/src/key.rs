//! The keys a request carries: subscribe and publish key of a keyset, and a client's auth key.

use std::fmt;
use std::str::FromStr;

/// Longest subscribe or publish key, in bytes.
const LONGEST_KEYSET_KEY: usize = 92;
/// Longest auth key, in bytes; it travels in a query.
const LONGEST_AUTH_KEY: usize = 2_048;

/// Names a keyset in every path: 1 to 92 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscribeKey(Box<str>);

/// The public key that is allowed to publish, and line 2 of every v2 signature: 1 to 92 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishKey(Box<str>);

/// What a client shows to use the grants made to it: 1 to 2,048 bytes, room for a JWT, without comma, whitespace or control character.
///
/// It is a bearer secret, so `Debug` never shows it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthKey(Box<str>);

/// Why a text is not a key; the text itself is left out, because an auth key must not reach a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// Nothing between the quotes.
    #[error("the key is empty")]
    Empty,
    /// Longer than this kind of key may be.
    #[error("the key is longer than {longest} bytes")]
    TooLong {
        /// The limit, in bytes.
        longest: usize,
    },
    /// A character that this kind of key may not hold.
    #[error("the key holds a character that is not allowed at byte {at}")]
    Character {
        /// Offset of the character, in bytes.
        at: usize,
    },
}

impl SubscribeKey {
    /// The key as it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PublishKey {
    /// The key as it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AuthKey {
    /// The secret text itself: for the wire and the journal, never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for SubscribeKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        parse(text, LONGEST_KEYSET_KEY, in_keyset_key).map(Self)
    }
}

impl FromStr for PublishKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        parse(text, LONGEST_KEYSET_KEY, in_keyset_key).map(Self)
    }
}

impl FromStr for AuthKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        parse(text, LONGEST_AUTH_KEY, in_auth_key).map(Self)
    }
}

impl fmt::Display for SubscribeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PublishKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(redacted)")
    }
}

fn parse(text: &str, longest: usize, allowed: fn(char) -> bool) -> Result<Box<str>, MalformedKey> {
    if text.is_empty() {
        return Err(MalformedKey::Empty);
    }
    if text.len() > longest {
        return Err(MalformedKey::TooLong { longest });
    }
    match text.char_indices().find(|&(_, c)| !allowed(c)) {
        Some((at, _)) => Err(MalformedKey::Character { at }),
        None => Ok(text.into()),
    }
}

fn in_keyset_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn in_auth_key(c: char) -> bool {
    c != ',' && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyset_key_is_short_and_plain() {
        for (text, expected) in [
            ("sub-c-1_A", None),
            ("", Some(MalformedKey::Empty)),
            ("sub key", Some(MalformedKey::Character { at: 3 })),
            ("sub/é", Some(MalformedKey::Character { at: 3 })),
            (&"a".repeat(92), None),
            (&"a".repeat(93), Some(MalformedKey::TooLong { longest: 92 })),
        ] {
            assert_eq!(text.parse::<SubscribeKey>().err(), expected, "{text}");
            assert_eq!(text.parse::<PublishKey>().err(), expected, "{text}");
        }
    }

    #[test]
    fn an_auth_key_cannot_be_split_or_hidden() {
        for (text, expected) in [
            ("k1~*!()'/+&=%é", None),
            ("", Some(MalformedKey::Empty)),
            ("a,b", Some(MalformedKey::Character { at: 1 })),
            ("a b", Some(MalformedKey::Character { at: 1 })),
            ("a\u{a0}b", Some(MalformedKey::Character { at: 1 })),
            ("a\0", Some(MalformedKey::Character { at: 1 })),
            (&"a".repeat(2_048), None),
            (&"a".repeat(2_049), Some(MalformedKey::TooLong { longest: 2_048 })),
        ] {
            assert_eq!(text.parse::<AuthKey>().err(), expected, "{text:?}");
        }
    }

    #[test]
    fn an_auth_key_never_shows_itself() {
        let key: AuthKey = "very-secret".parse().unwrap();
        assert_eq!(format!("{key:?}"), "AuthKey(redacted)");
    }
}
