//! The `jwt` authenticator: a signed token says who its bearer is, if everything about it is as configured.
//!
//! The signature is checked before any claim is looked at, with an algorithm that the manifest lists and a key of that
//! algorithm's kind; keys, addresses and certificates in a token's header are never used.

use std::sync::Arc;

use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};
use usher_runtime::capability::identity::IdentityError;
use usher_runtime::capability::vault::Secrets;

use super::Outcome;
use super::question::{LONGEST_TOKEN, Question};
use super::webhook::Refuses;
use crate::clock::Clock;
use crate::manifest::JwtAuthenticator;

mod algorithm;
mod claims;
mod key_set;
mod public_key;

pub use algorithm::{Algorithm, UnknownAlgorithm};
use claims::{Judged, judge};
pub(super) use key_set::KeySet;
use key_set::Sought;
pub use public_key::{MalformedKey, PublicKey};

/// The shortest secret, in bytes: a token shows enough to guess a shorter one.
pub(super) const SHORTEST_SECRET: usize = 32;

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    asked: JwtAuthenticator,
    keys: Keys,
    clock: Clock,
    refuses: Refuses,
}

/// Where keys come from, ready to be asked.
#[derive(Debug)]
pub(super) enum Keys {
    Secret(Arc<dyn Secrets>, usher_vault::SecretName),
    Public(PublicKey),
    Remote(KeySet),
}

/// Why a token proves nothing; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("there is no token")]
    Missing,
    #[error("longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    #[error("no signed token")]
    Malformed,
    #[error("its header asks for what is not understood")]
    Critical,
    #[error("its algorithm is not among those configured")]
    Algorithm,
    #[error("no key is known under its id")]
    UnknownKey,
    #[error("the signature is not its key's")]
    Signature,
    #[error("the claim `{0}` is missing or of another form")]
    Claim(String),
    #[error("the claim `{0}` names somebody else")]
    NotForUs(&'static str),
    #[error("not valid yet")]
    Early,
}

/// What came of a token.
enum Checked {
    Proven(Outcome),
    Refused(Refused),
}

impl Tokens {
    pub(super) fn new(asked: JwtAuthenticator, keys: Keys, (clock, refuses): (Clock, Refuses)) -> Self {
        Self { asked, keys, clock, refuses }
    }

    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Outcome, IdentityError> {
        match self.check(question).await? {
            Checked::Proven(outcome) => Ok(outcome),
            Checked::Refused(why) => {
                tracing::debug!(%why, "token refused");
                Ok(match self.refuses {
                    Refuses::ForAll => Outcome::Refused,
                    Refuses::ForItself => Outcome::Unknown,
                })
            }
        }
    }

    async fn check(&self, question: Question<'_>) -> Result<Checked, IdentityError> {
        let token = question.token(self.asked.cookie.as_deref());
        let (token, header) = match token.ok_or(Refused::Missing).and_then(|token| Ok((token, self.header(token)?))) {
            Ok(read) => read,
            Err(why) => return Ok(Checked::Refused(why)),
        };
        let Some(key) = self.key(&header).await? else { return Ok(Checked::Refused(Refused::UnknownKey)) };
        let claims = match verify(token, &header, &key) {
            Ok(claims) => claims,
            Err(why) => return Ok(Checked::Refused(why)),
        };
        match judge(&claims, &self.asked, self.clock.seconds()) {
            Ok(Judged::Valid(identity)) => Ok(Checked::Proven(Outcome::Known(Arc::new(identity)))),
            Ok(Judged::Expired) => Err(IdentityError::Expired),
            Err(why) => Ok(Checked::Refused(why)),
        }
    }

    fn header(&self, token: &str) -> Result<Header, Refused> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refused::TooLong);
        }
        if token.split('.').count() != 3 {
            return Err(Refused::Malformed);
        }
        // `none` is no algorithm that the library knows, in any spelling.
        let header = decode_header(token).map_err(|_| Refused::Malformed)?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Refused::Critical);
        }
        match self.asked.algorithms.iter().any(|listed| listed.is(header.alg)) {
            true => Ok(header),
            false => Err(Refused::Algorithm),
        }
    }

    /// Nothing when no key is known under the token's id.
    async fn key(&self, header: &Header) -> Result<Option<DecodingKey>, IdentityError> {
        match &self.keys {
            Keys::Public(key) => Ok(Some(key.decoding().clone())),
            Keys::Remote(keys) => keys
                .find(Sought { id: header.kid.as_deref(), algorithm: header.alg })
                .await
                .map_err(|_| IdentityError::Unavailable),
            Keys::Secret(secrets, name) => {
                let secret = secrets.open(name).map_err(|error| {
                    tracing::error!(?error, "the secret of tokens cannot be opened");
                    IdentityError::Unavailable
                })?;
                if secret.reveal().len() < SHORTEST_SECRET {
                    tracing::error!(%name, "the secret of tokens has fewer than {SHORTEST_SECRET} bytes");
                    return Err(IdentityError::Unavailable);
                }
                Ok(Some(DecodingKey::from_secret(secret.reveal())))
            }
        }
    }
}

/// The claims, once the signature is known to be the key's.
fn verify(token: &str, header: &Header, key: &DecodingKey) -> Result<Map<String, Value>, Refused> {
    if key.family() != header.alg.family() {
        return Err(Refused::Algorithm);
    }
    let mut validation = Validation::new(header.alg);
    // The claims are judged below, by the server's clock and without exceptions.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    let decoded = decode::<Map<String, Value>>(token, key, &validation);
    decoded.map(|token| token.claims).map_err(|_| Refused::Signature)
}
