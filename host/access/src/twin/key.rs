//! The public key that verifies twins, as a JWK (RFC 8037) named by its thumbprint (RFC 7638).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What verifies twins; not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinPublicKey {
    key: VerifyingKey,
    id: Box<str>,
}

/// A JWK that is no Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is not an Ed25519 public key in JWK form")]
pub struct MalformedTwinKey;

impl TwinPublicKey {
    pub(super) fn new(key: VerifyingKey) -> Self {
        // RFC 7638 hashes the required members, sorted by name, without white space.
        let required = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, coordinate(&key));
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(required)).into();
        Self { key, id }
    }

    /// Reads a JWK; members that it does not need are ignored.
    ///
    /// # Errors
    /// [`MalformedTwinKey`] if it is not of type `OKP` on the curve `Ed25519`.
    pub fn from_jwk(jwk: &Value) -> Result<Self, MalformedTwinKey> {
        let member = |name| jwk.get(name).and_then(Value::as_str).ok_or(MalformedTwinKey);
        if (member("kty")?, member("crv")?) != ("OKP", "Ed25519") {
            return Err(MalformedTwinKey);
        }
        let bytes = URL_SAFE_NO_PAD.decode(member("x")?).map_err(|_| MalformedTwinKey)?;
        let bytes = bytes.try_into().map_err(|_| MalformedTwinKey)?;
        VerifyingKey::from_bytes(&bytes).map(Self::new).map_err(|_| MalformedTwinKey)
    }

    /// The key as a JWK.
    pub fn jwk(&self) -> Value {
        let x = coordinate(&self.key);
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": &*self.id, "x": x })
    }

    /// Its thumbprint, which twins name as `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) const fn verifying(&self) -> &VerifyingKey {
        &self.key
    }
}

fn coordinate(key: &VerifyingKey) -> String {
    URL_SAFE_NO_PAD.encode(key.as_bytes())
}
