//! Verifying the tokens of a keyset, each at most once while it is in use.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{InvalidToken, Token, TokenKeys, UnverifiedToken};
use crate::pattern::compiled::CompiledPatterns;

/// Verifies tokens against the keys of one keyset, and keeps those that count, by their text. Lives as long as the keys.
pub struct Verifier {
    keys: TokenKeys,
    verified: Cache<Box<str>, Arc<Token>, Memory>,
    compiled: CompiledPatterns,
}

/// What a client's `auth` turned out to be.
#[derive(Clone, Debug)]
pub enum Presented {
    /// A token that this keyset signed; whether it is expired or revoked is not said.
    Token(Arc<Token>),
    /// No token at all; it may be a v2 auth key.
    NotAToken,
    /// A token that does not count.
    Invalid(InvalidToken),
}

/// Most bytes of verified tokens that are kept, counted by [`Memory`].
const KEPT: u64 = 32 * 1024 * 1024;
/// How many tokens room is made for at once. The cache is split in parts for at least 32 of them: in eight at most, each of
/// which has room for the heaviest token.
const EXPECTED: usize = 256;

#[derive(Clone)]
struct Memory;

impl Weighter<Box<str>, Arc<Token>> for Memory {
    /// About what a token takes: its text, what was made from it, and its compiled patterns, shared or not.
    fn weight(&self, text: &Box<str>, token: &Arc<Token>) -> u64 {
        (256 + text.len() + token.memory()) as u64
    }
}

impl Verifier {
    /// For these keys. New keys or a new epoch take a new verifier, which has verified nothing yet.
    pub fn new(keys: TokenKeys) -> Self {
        let verified = Cache::with_weighter(EXPECTED, KEPT, Memory);
        Self { keys, verified, compiled: CompiledPatterns::of_keyset() }
    }

    /// The keys it verifies against.
    pub const fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// Finds out what a client shows. Only tokens that count are kept, so that made-up ones displace nothing.
    pub fn verify(&self, text: &str) -> Presented {
        if let Some(token) = self.verified.get(text) {
            return Presented::Token(token);
        }
        let unverified = match UnverifiedToken::parse(text) {
            Ok(unverified) => unverified,
            Err(fault) => return fault.as_invalid().map_or(Presented::NotAToken, Presented::Invalid),
        };
        match unverified.verify_with(&self.keys, |source| self.compiled.get(source)) {
            Ok(token) => {
                let token = Arc::new(token);
                self.verified.insert(text.into(), Arc::clone(&token));
                Presented::Token(token)
            }
            Err(invalid) => Presented::Invalid(invalid),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?}, {} kept)", self.keys, self.verified.len())
    }
}
