//! A token as it is shown: readable, but nothing it says counts until it is verified.

use std::fmt;
use std::slice;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD_INDIFFERENT;
use regex_automata::meta::Regex;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::decoding::{self, Decoded};
use super::encoding::SIG;
use super::patterns::HeldPatterns;
use super::{Categories, Epoch, KeyNumber, LONGEST_TOKEN, Permits, Token, TokenId, TokenKeys, expiry};
use crate::pattern::compile;
use crate::time::{Expiry, UnixSeconds};

/// A token that anybody may have written. Its bytes are a bearer secret.
pub struct UnverifiedToken {
    cbor: Vec<u8>,
    decoded: Decoded,
}

/// What a token says.
#[derive(Clone, PartialEq)]
pub struct TokenDetails {
    /// Always 2.
    pub version: u8,
    /// When it was issued.
    pub issued: UnixSeconds,
    /// How long it lasts, in minutes.
    pub ttl: u32,
    /// The only user who may use it; `None` = any.
    pub uuid: Option<Box<str>>,
    /// Bits on exact names.
    pub resources: Permits,
    /// Bits on whatever a pattern is found in.
    pub patterns: Permits,
    /// Bits on the lists of everything.
    pub categories: Categories,
    /// What the granter wanted clients to know.
    pub meta: Map<String, Value>,
    /// Which key of the keyset it was granted under, and in which epoch; `None` in a token that is not ours.
    pub key: Option<(KeyNumber, Epoch)>,
    /// The signature, at most 64 bytes.
    pub signature: Box<[u8]>,
}

/// Why a text cannot be read as a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableToken {
    /// It does not even begin like one: it may be a v2 auth key.
    #[error("this is not a token")]
    NotAToken,
    /// More than 16,384 characters.
    #[error("the token is longer than {LONGEST_TOKEN} characters")]
    TooLong,
    /// It begins like one, and then is damaged.
    #[error("the token is malformed")]
    Malformed,
}

/// Why a token does not count. None of the texts shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidToken {
    /// More than 16,384 characters.
    #[error("the token is longer than {LONGEST_TOKEN} characters")]
    TooLong,
    /// Begins like a token, and then is damaged.
    #[error("the token is malformed")]
    Malformed,
    /// Granted under no key, or under one that does not count any more.
    #[error("the token was granted under a key that does not count")]
    UnknownKey,
    /// Changed, or of another keyset.
    #[error("the signature of the token does not match")]
    Mac,
    /// All tokens of its epoch were revoked.
    #[error("the token is from an epoch that is over")]
    EpochOver,
    /// Its patterns together take more memory than those of a grant may.
    #[error("the patterns of the token are too complex")]
    TooComplex,
}

impl UnverifiedToken {
    /// Takes a text apart: base64url, with or without padding, of a CBOR map.
    ///
    /// # Errors
    /// [`UnreadableToken`]; hostile texts cost no more than their length.
    pub fn parse(text: &str) -> Result<Self, UnreadableToken> {
        if text.len() > LONGEST_TOKEN {
            return Err(UnreadableToken::TooLong);
        }
        let cbor = URL_SAFE_NO_PAD_INDIFFERENT.decode(text).map_err(|_| UnreadableToken::NotAToken)?;
        if !decoding::is_token(&cbor) {
            return Err(UnreadableToken::NotAToken);
        }
        match decoding::decode(&cbor) {
            Ok(decoded) => Ok(Self { cbor, decoded }),
            Err(decoding::Damaged) => Err(UnreadableToken::Malformed),
        }
    }

    /// Its name, fit for logs.
    pub fn id(&self) -> TokenId {
        TokenId::of(self.signed())
    }

    /// What it says of itself.
    pub const fn details(&self) -> &TokenDetails {
        &self.decoded.details
    }

    /// Whether one of the keyset's keys signed it in the current epoch. Expiry and revocation are for the caller.
    ///
    /// # Errors
    /// [`InvalidToken`] if it does not count whatever the time.
    pub fn verify(self, keys: &TokenKeys) -> Result<Token, InvalidToken> {
        self.verify_with(keys, |source| compile(source).ok().map(Arc::new))
    }

    /// As [`UnverifiedToken::verify`]; patterns are compiled by `compile`, which has nothing for what is no pattern.
    pub(super) fn verify_with(
        self,
        keys: &TokenKeys,
        compile: impl Fn(&str) -> Option<Arc<Regex>>,
    ) -> Result<Token, InvalidToken> {
        let (number, epoch) = self.details().key.ok_or(InvalidToken::UnknownKey)?;
        let key = keys.key(number).ok_or(InvalidToken::UnknownKey)?;
        let signature = self.cbor.get(self.decoded.signed_to..).and_then(|entry| entry.strip_prefix(SIG));
        let signature = signature.filter(|signature| signature.len() == 32).ok_or(InvalidToken::Malformed)?;
        if !bool::from(signature.ct_eq(&key.mac(self.signed()))) {
            return Err(InvalidToken::Mac);
        }
        if epoch != keys.epoch() {
            return Err(InvalidToken::EpochOver);
        }
        let patterns = HeldPatterns::of(&self.details().patterns, compile).ok_or(InvalidToken::TooComplex)?;
        Ok(Token::new(self.id(), self.decoded.details, (number, epoch), patterns))
    }

    /// What the signature is over: the map without the entry `sig`, whose head is one less.
    fn signed(&self) -> [&[u8]; 2] {
        let Decoded { unsigned_head, signed_to, .. } = &self.decoded;
        // INVARIANT: the decoder read from 1 up to there.
        [slice::from_ref(unsigned_head), self.cbor.get(1..*signed_to).unwrap_or_default()]
    }
}

impl TokenDetails {
    /// When it ends.
    pub const fn expires(&self) -> Expiry {
        expiry(self.issued, self.ttl)
    }
}

impl UnreadableToken {
    /// The refusal that it means, or `None` for a text that is no token.
    pub const fn as_invalid(self) -> Option<InvalidToken> {
        match self {
            Self::NotAToken => None,
            Self::TooLong => Some(InvalidToken::TooLong),
            Self::Malformed => Some(InvalidToken::Malformed),
        }
    }
}

impl fmt::Debug for TokenDetails {
    /// All but the signature, with which the token could be put together again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, issued, ttl, uuid, resources, patterns, categories, meta, key, signature: _ } = self;
        let mut shown = f.debug_struct("TokenDetails");
        shown.field("version", version).field("issued", issued).field("ttl", ttl).field("uuid", uuid);
        shown.field("resources", resources).field("patterns", patterns).field("categories", categories);
        shown.field("meta", meta).field("key", key).finish_non_exhaustive()
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedToken({})", self.id())
    }
}
