//! The Ed25519 twin of a token: the same grant as a JWT (RFC 7519, EdDSA of RFC 8037), which anybody can verify with
//! the public key but only Usher can sign.

mod claims;
mod key;
#[cfg(test)]
mod tests;

pub use key::{MalformedTwinKey, TwinPublicKey};

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde_json::{Map, Value, json};

use crate::key::SubscribeKey;
use crate::time::UnixSeconds;
use crate::token::MintedToken;

/// What the header says the JWT is, so that no other JWT is taken for a twin.
const TYPE: &str = "usher-token+jwt";
/// Most characters of a twin that is read: words and JSON take more than the bits and CBOR of its token.
const LONGEST: usize = 256 * 1024;

/// The private key that signs twins. Wiped on drop.
pub struct TwinKey {
    signing: SigningKey,
    public: TwinPublicKey,
}

/// Why a text is no twin that counts. None of the texts shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTwin {
    /// Not three parts of base64url around two JSON objects, or too long.
    #[error("this is not a twin of a token")]
    Malformed,
    /// A header that names another type, algorithm or key.
    #[error("the twin was signed with another key or algorithm")]
    AnotherKey,
    /// The signature is not this key's.
    #[error("the signature of the twin does not match")]
    Signature,
    /// Of another issuer or keyset.
    #[error("the twin is for another keyset")]
    Audience,
    /// Over.
    #[error("the twin expired at {at}")]
    Expired {
        /// When it ended.
        at: UnixSeconds,
    },
}

impl TwinKey {
    /// The key of a seed: 32 bytes that are derived or random, and used for nothing else.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let public = TwinPublicKey::new(signing.verifying_key());
        Self { signing, public }
    }

    /// What verifies its twins.
    pub const fn public(&self) -> &TwinPublicKey {
        &self.public
    }

    /// The twin of a token that was minted for that keyset.
    pub fn sign(&self, minted: &MintedToken, audience: &SubscribeKey) -> String {
        let header = json!({ "alg": "EdDSA", "kid": self.public.id(), "typ": TYPE });
        let claims = Value::Object(claims::of(minted, audience));
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.signing.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }
}

impl TwinPublicKey {
    /// The id of the key that a twin says it was signed with, to choose the key. Nothing is verified.
    pub fn named_in(text: &str) -> Option<String> {
        let header = Parts::of(text).ok()?.header()?;
        header.get("kid")?.as_str().map(str::to_owned)
    }

    /// Verifies a twin and hands out its claims. Whether its token was revoked is not in it.
    ///
    /// # Errors
    /// [`InvalidTwin`] unless this key signed it, for this keyset, and it is not over.
    pub fn verify(
        &self,
        text: &str,
        audience: &SubscribeKey,
        now: UnixSeconds,
    ) -> Result<Map<String, Value>, InvalidTwin> {
        let parts = Parts::of(text)?;
        let header = parts.header().ok_or(InvalidTwin::Malformed)?;
        let says = |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
        // `crit` names extensions that must be understood, and none is.
        if !says("alg", "EdDSA") || !says("typ", TYPE) || !says("kid", self.id()) || header.contains_key("crit") {
            return Err(InvalidTwin::AnotherKey);
        }
        let signature = decoded(parts.signature).ok_or(InvalidTwin::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| InvalidTwin::Signature)?;
        let verified = self.verifying().verify_strict(parts.signed.as_bytes(), &signature);
        verified.map_err(|_| InvalidTwin::Signature)?;
        let claims = object(parts.claims).ok_or(InvalidTwin::Malformed)?;
        claims::check(&claims, audience, now)?;
        Ok(claims)
    }
}

/// A JWT, split at its dots.
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// Header, dot and claims: what the signature is over.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, InvalidTwin> {
        let text = Some(text).filter(|text| text.len() <= LONGEST).ok_or(InvalidTwin::Malformed)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(InvalidTwin::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidTwin::Malformed)?;
        Ok(Self { header, claims, signature, signed })
    }

    fn header(&self) -> Option<Map<String, Value>> {
        object(self.header)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decoded(part)?).ok()
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

impl fmt::Debug for TwinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TwinKey({}, redacted)", self.public.id())
    }
}
