//! A v3 token: a signed grant that the client carries itself. From a request to mint one, to what a shown one allows.

mod decoding;
mod encoding;
mod grant;
mod held;
mod key;
mod memory;
mod patterns;
mod permits;
mod request;
#[cfg(test)]
mod tests;
mod unverified;
mod verifier;

pub use grant::{MintedToken, TokenAsked, TokenGrant, TooLarge};
pub use held::{Token, TokenBasis};
pub use key::{TokenKey, TokenKeys};
pub use permits::{BitsByName, Categories, PermitKind, Permits};
pub use request::GrantFault;
pub use unverified::{InvalidToken, TokenDetails, UnreadableToken, UnverifiedToken};
pub use verifier::{Presented, Verifier};

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::time::{Expiry, UnixSeconds};

/// Most characters of a token; it travels in the query of every request.
pub(crate) const LONGEST_TOKEN: usize = 16_384;
/// How deep objects and arrays may nest in `meta`.
const DEEPEST_META: usize = 32;

/// Which secret key of the keyset a token was granted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyNumber(u32);

/// Raised to make every token of a keyset void at once; a token carries the one it was granted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u32);

/// Names a token without showing it: the first half of SHA-256 over what its signature is over, and nothing else, so
/// that one grant has one name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 16]);

/// How long a token lasts: 1 to 43,200 minutes (30 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenTtl(u32);

/// A number of minutes that no token lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token lasts 1 to 43200 minutes, not {minutes}")]
pub struct TokenTtlOutOfRange {
    /// The number given.
    pub minutes: u64,
}

/// A text that names no token: not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token id is 32 hexadecimal digits")]
pub struct MalformedTokenId;

impl KeyNumber {
    /// The key of that number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Epoch {
    /// The epoch of that number; a keyset begins with 0.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The one after this; the last stays the last.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl TokenId {
    /// The id with these bytes, as it was stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id of the token whose signature is over these parts, one after the other.
    fn of(signed: [&[u8]; 2]) -> Self {
        let [head, body] = signed;
        let digest: [u8; 32] = Sha256::new().chain_update(head).chain_update(body).finalize().into();
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        Self(*half)
    }
}

impl TokenTtl {
    /// The longest: 30 days.
    pub const LONGEST: Self = Self(43_200);

    /// Minutes.
    pub const fn minutes(self) -> u32 {
        self.0
    }

    /// When a token issued at that instant ends.
    pub const fn expiry(self, issued: UnixSeconds) -> Expiry {
        expiry(issued, self.0)
    }
}

const fn expiry(issued: UnixSeconds, minutes: u32) -> Expiry {
    Expiry::at(UnixSeconds::new(issued.get().saturating_add(minutes as u64 * 60)))
}

impl TryFrom<u64> for TokenTtl {
    type Error = TokenTtlOutOfRange;

    fn try_from(minutes: u64) -> Result<Self, TokenTtlOutOfRange> {
        match u32::try_from(minutes) {
            Ok(fitting) if (1..=Self::LONGEST.0).contains(&fitting) => Ok(Self(fitting)),
            Ok(_) | Err(_) => Err(TokenTtlOutOfRange { minutes }),
        }
    }
}

impl FromStr for TokenId {
    type Err = MalformedTokenId;

    fn from_str(text: &str) -> Result<Self, MalformedTokenId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(MalformedTokenId);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| MalformedTokenId)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for KeyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}
