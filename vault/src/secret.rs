//! A secret's value in the clear, for as long as someone holds it.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    key::Key,
    mac::{hmac_sha256, verify_hmac_sha256},
};

/// A secret's value: 1 byte to 64 KiB. Wiped when dropped; neither printed, cloned nor serialised.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why bytes cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No bytes: far more likely an input that went missing than a secret.
    #[error("a secret is not empty")]
    Empty,
    /// More than [`Secret::MAX_LEN`] bytes.
    #[error("a secret has at most 65536 bytes, this one has {found}")]
    TooLong {
        /// Bytes given.
        found: usize,
    },
}

impl Secret {
    /// The most bytes a secret has.
    pub const MAX_LEN: usize = 64 * 1024;

    /// The value itself. Every call is a place where the secret can leak; prefer the methods that use it in place.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// HMAC-SHA256 of `message` with the value as the key.
    pub fn hmac_sha256(&self, message: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.0, &[message])
    }

    /// Whether `tag` is all 32 bytes of [`Secret::hmac_sha256`] of `message`, compared in constant time.
    pub fn verify_hmac_sha256(&self, message: &[u8], tag: &[u8]) -> bool {
        verify_hmac_sha256(&self.0, message, tag)
    }

    /// A value that was checked when it was sealed.
    pub(crate) fn opened(value: Zeroizing<Vec<u8>>) -> Self {
        Self(value)
    }

    pub(crate) fn from_key(key: &Key) -> Self {
        Self(Zeroizing::new(key.bytes().to_vec()))
    }
}

impl TryFrom<Vec<u8>> for Secret {
    type Error = SecretError;

    /// Takes the bytes over, and wipes them also when it refuses them.
    fn try_from(mut value: Vec<u8>) -> Result<Self, Self::Error> {
        let error = match value.len() {
            0 => SecretError::Empty,
            1..=Self::MAX_LEN => return Ok(Self(Zeroizing::new(value))),
            found => SecretError::TooLong { found },
        };
        value.zeroize();
        Err(error)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl ZeroizeOnDrop for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_byte_to_64_kib() {
        let cases = [
            (0, Some(SecretError::Empty)),
            (1, None),
            (65_536, None),
            (65_537, Some(SecretError::TooLong { found: 65_537 })),
        ];
        for (length, reason) in cases {
            assert_eq!(Secret::try_from(vec![1; length]).err(), reason, "{length}");
        }
    }

    #[test]
    fn a_secret_signs_without_being_revealed() {
        let secret = Secret::try_from(b"Jefe".to_vec()).unwrap();
        let tag = secret.hmac_sha256(b"what do ya want for nothing?");
        assert_eq!(hex::encode(tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(secret.verify_hmac_sha256(b"what do ya want for nothing?", &tag));
        assert!(!secret.verify_hmac_sha256(b"what do ya want for something?", &tag));
    }
}
