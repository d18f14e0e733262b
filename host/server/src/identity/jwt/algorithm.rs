//! The algorithms of signed tokens, by their names in RFC 7518 and RFC 8037.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm as Known;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm(Known);

/// No algorithm of that name, or one that signs nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")]
pub struct UnknownAlgorithm(String);

/// With a secret that both sides know.
const SHARED: [Known; 3] = [Known::HS256, Known::HS384, Known::HS512];
/// With RSA keys.
pub(super) const RSA: [Known; 6] = [Known::RS256, Known::RS384, Known::RS512, Known::PS256, Known::PS384, Known::PS512];
/// With keys on curves.
const CURVES: [Known; 3] = [Known::ES256, Known::ES384, Known::EdDSA];

impl Algorithm {
    /// Those with a secret that both sides know.
    pub(crate) fn shared() -> impl Iterator<Item = Self> {
        SHARED.into_iter().map(Self)
    }

    /// Those whose keys may be published.
    pub(crate) fn public() -> impl Iterator<Item = Self> {
        RSA.into_iter().chain(CURVES).map(Self)
    }

    pub(super) const fn of(known: Known) -> Self {
        Self(known)
    }

    pub(super) fn is(self, known: Known) -> bool {
        self.0 == known
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let unknown = || UnknownAlgorithm(text.chars().take(40).collect());
        Self::shared().chain(Self::public()).find(|algorithm| algorithm.to_string() == text).ok_or_else(unknown)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}
