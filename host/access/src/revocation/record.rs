//! One revocation, and its form in the store.
//!
//! ```text
//! key    0x21, then the 16 bytes of a token's id | 0x22, then a uuid | 0x23; the high half of the tag is the version
//! value  0x01, then unix seconds (8 bytes, big endian): until when the token would have lasted, or the cut
//! ```

use super::last_end;
use crate::time::{Expiry, UnixSeconds};
use crate::token::TokenId;

const TOKEN: u8 = 0x21;
const UUID: u8 = 0x22;
const BEFORE: u8 = 0x23;
const VALUE_VERSION: u8 = 0x01;

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One token.
    Token {
        /// Which.
        id: TokenId,
        /// When it ends anyway.
        until: Expiry,
    },
    /// Every token that only this user may use and that was issued up to an instant.
    Uuid {
        /// The user.
        uuid: Box<str>,
        /// The instant.
        at: UnixSeconds,
    },
    /// Every token issued up to an instant.
    Before {
        /// The instant.
        at: UnixSeconds,
    },
}

/// Bytes that are no revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record is not a revocation")]
pub struct MalformedRevocation;

impl Revocation {
    /// The key bytes: a later revocation of the same thing has the same.
    pub fn encode_key(&self) -> Vec<u8> {
        match self {
            Self::Token { id, until: _ } => [&[TOKEN], id.as_bytes().as_slice()].concat(),
            Self::Uuid { uuid, at: _ } => [&[UUID], uuid.as_bytes()].concat(),
            Self::Before { at: _ } => vec![BEFORE],
        }
    }

    /// The nine value bytes.
    pub fn encode_value(&self) -> [u8; 9] {
        let seconds = match self {
            Self::Token { id: _, until } => until.to_bits(),
            Self::Uuid { uuid: _, at } | Self::Before { at } => at.get(),
        };
        let [a, b, c, d, e, f, g, h] = seconds.to_be_bytes();
        [VALUE_VERSION, a, b, c, d, e, f, g, h]
    }

    /// Reads a revocation back.
    ///
    /// # Errors
    /// [`MalformedRevocation`] for anything that the other two did not write.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, MalformedRevocation> {
        let &[VALUE_VERSION, ref seconds @ ..] = value else { return Err(MalformedRevocation) };
        let seconds = u64::from_be_bytes(seconds.try_into().map_err(|_| MalformedRevocation)?);
        let at = UnixSeconds::new(seconds);
        match key {
            &[TOKEN, ref id @ ..] => {
                let id = TokenId::from_bytes(id.try_into().map_err(|_| MalformedRevocation)?);
                Ok(Self::Token { id, until: Expiry::from_bits(seconds) })
            }
            &[UUID, ref uuid @ ..] => {
                let uuid = std::str::from_utf8(uuid).map_err(|_| MalformedRevocation)?.into();
                Ok(Self::Uuid { uuid, at })
            }
            [BEFORE] => Ok(Self::Before { at }),
            _ => Err(MalformedRevocation),
        }
    }

    /// Whether every token that it speaks of has ended anyway.
    pub const fn is_over(&self, now: UnixSeconds) -> bool {
        match self {
            Self::Token { id: _, until } => until.is_over(now),
            Self::Uuid { uuid: _, at } | Self::Before { at } => last_end(*at).is_over(now),
        }
    }
}
