//! A checked request to mint a token, and minting it.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value};

use super::request::GrantFault;
use super::{Categories, Epoch, LONGEST_TOKEN, Permits, TokenId, TokenKey, TokenTtl, encoding, request};
use crate::time::{Expiry, UnixSeconds};

/// The parts of a token to be minted, not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenAsked {
    /// How long it lasts.
    pub ttl: TokenTtl,
    /// Bits on exact names.
    pub resources: Permits,
    /// Bits on whatever a pattern is found in.
    pub patterns: Permits,
    /// Bits on the lists of everything.
    pub categories: Categories,
    /// Anything that clients shall be able to read in the token.
    pub meta: Map<String, Value>,
    /// The only user who may use the token; `None` = any.
    pub uuid: Option<Box<str>>,
}

/// What a token will say: every name, pattern and bit is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenGrant(Arc<TokenAsked>);

/// A token fresh from its key. Its text is a bearer secret.
pub struct MintedToken {
    grant: TokenGrant,
    text: Box<str>,
    id: TokenId,
    issued: UnixSeconds,
    expires: Expiry,
}

/// A token that would not fit in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token would be {length} characters long, more than {}", MintedToken::LONGEST)]
pub struct TooLarge {
    /// Characters it would have.
    pub length: usize,
}

impl TokenAsked {
    /// A token of nothing, for as long.
    pub fn new(ttl: TokenTtl) -> Self {
        Self {
            ttl,
            resources: Permits::default(),
            patterns: Permits::default(),
            categories: Categories::default(),
            meta: Map::new(),
            uuid: None,
        }
    }

    /// Checks every part.
    ///
    /// # Errors
    /// [`GrantFault`] for the first part that no token may hold, or if it would permit nothing.
    pub fn check(self) -> Result<TokenGrant, GrantFault> {
        request::check(&self)?;
        Ok(TokenGrant(Arc::new(self)))
    }
}

impl TokenGrant {
    /// Most names and patterns of one grant.
    pub const MOST_NAMES: usize = 2_000;
    /// Most patterns of one grant: each may be searched in every name of a request. Compiled, they take 1 MiB at most.
    pub const MOST_PATTERNS: usize = 200;

    /// Reads the body of a v3 grant. Keys that no client sends are ignored.
    ///
    /// # Errors
    /// [`GrantFault`] with the words that the service has for it.
    pub fn parse(body: &[u8]) -> Result<Self, GrantFault> {
        request::read(body)?.check()
    }

    /// The checked parts.
    pub fn asked(&self) -> &TokenAsked {
        &self.0
    }

    /// Signs the token. The same grant, key, epoch and second give the same token.
    ///
    /// # Errors
    /// [`TooLarge`] if it would have more than [`MintedToken::LONGEST`] characters.
    pub fn mint(&self, key: &TokenKey, epoch: Epoch, issued: UnixSeconds) -> Result<MintedToken, TooLarge> {
        let (cbor, id) = encoding::signed(&self.0, key, epoch, issued);
        let text = URL_SAFE.encode(&cbor);
        match text.len() {
            0..=LONGEST_TOKEN => Ok(MintedToken {
                grant: self.clone(),
                text: text.into(),
                id,
                issued,
                expires: self.0.ttl.expiry(issued),
            }),
            length => Err(TooLarge { length }),
        }
    }
}

impl MintedToken {
    /// Most characters of a token.
    pub const LONGEST: usize = LONGEST_TOKEN;

    /// What it was minted from.
    pub const fn grant(&self) -> &TokenGrant {
        &self.grant
    }

    /// The token itself: for the client, never for a log.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Its name, fit for logs.
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// When it was issued, as it says itself.
    pub const fn issued(&self) -> UnixSeconds {
        self.issued
    }

    /// When it ends.
    pub const fn expires(&self) -> Expiry {
        self.expires
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MintedToken({})", self.id)
    }
}
