//! The name of a secret.

use std::{fmt, str::FromStr};

/// 1 to 128 characters of `A-Z a-z 0-9 . _ / -`, in segments parted by `/`, none of them empty or beginning with `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Why a text is not a secret's name. Holds no more of it than one character, as people paste secrets in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretNameError {
    /// No characters at all.
    #[error("the name of a secret is empty")]
    Empty,
    /// More than [`SecretName::MAX_LEN`] bytes.
    #[error("the name of a secret has at most 128 characters, this one has {found}")]
    TooLong {
        /// Bytes in the text.
        found: usize,
    },
    /// A character that no name may hold.
    #[error("the name of a secret holds letters, digits and `._/-` only, not `{}`", .character.escape_default())]
    Character {
        /// The first such character.
        character: char,
    },
    /// A segment is empty or begins with a dot, as in `/a`, `a//b`, `a/`, `.a` and `a/../b`.
    #[error("no part of a secret's name between slashes is empty or begins with `.`")]
    Segment,
}

impl SecretName {
    /// The most characters a name has.
    pub const MAX_LEN: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with its length in front, as it is written in headers and bound to records.
    pub(crate) fn prefixed(&self) -> Vec<u8> {
        // INVARIANT: MAX_LEN fits a byte.
        let length = u8::try_from(self.0.len()).unwrap_or(u8::MAX);
        [&[length], self.0.as_bytes()].concat()
    }
}

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(SecretNameError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(SecretNameError::TooLong { found: text.len() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(SecretNameError::Character { character });
        }
        if text.split('/').any(|segment| segment.is_empty() || segment.starts_with('.')) {
            return Err(SecretNameError::Segment);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_a_few_signs_make_a_name() {
        for text in ["a", "A.b", "chat/secret-key", "a/b/c_1", "-", "0", &"x".repeat(128)] {
            assert_eq!(text.parse::<SecretName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let cases = [
            ("", SecretNameError::Empty),
            (&"x".repeat(129), SecretNameError::TooLong { found: 129 }),
            ("a b", SecretNameError::Character { character: ' ' }),
            ("a\0", SecretNameError::Character { character: '\0' }),
            ("naïve", SecretNameError::Character { character: 'ï' }),
            ("a\\b", SecretNameError::Character { character: '\\' }),
            (".a", SecretNameError::Segment),
            ("/a", SecretNameError::Segment),
            ("a/", SecretNameError::Segment),
            ("a//b", SecretNameError::Segment),
            ("a/../b", SecretNameError::Segment),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<SecretName>(), Err(reason), "{text:?}");
        }
    }
}
