//! An issuer's public key, from PEM or from a published set.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm as Known, DecodingKey};

use super::algorithm::{Algorithm, RSA};

/// A public key, and what it can check.
#[derive(Clone)]
pub struct PublicKey {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// The text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// A private key where a public one belongs.
    #[error(
        "this is a private key; it belongs nowhere but with who signs: give the public one, as `openssl pkey -pubout` prints it, and make a new pair"
    )]
    Private,
    /// Neither RSA, P-256, P-384 nor Ed25519.
    #[error("is no public key in PEM (`-----BEGIN PUBLIC KEY-----`) of RSA, P-256, P-384 or Ed25519")]
    Other,
}

/// Bytes of an uncompressed point of P-256.
const P256_POINT: usize = 65;
/// Bytes of an uncompressed point of P-384.
const P384_POINT: usize = 97;

impl PublicKey {
    pub(super) const fn decoding(&self) -> &DecodingKey {
        &self.key
    }

    /// The algorithms it can check; never empty.
    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// A key of a published set; nothing where it is of another kind or for another purpose. Secrets are not published.
    pub(super) fn of_set(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let verifies = |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
        if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
            || !common.key_operations.as_ref().is_none_or(verifies)
        {
            return None;
        }
        let mut algorithms = if let AlgorithmParameters::RSA(_) = &jwk.algorithm {
            RSA.to_vec()
        } else if let AlgorithmParameters::EllipticCurve(key) = &jwk.algorithm {
            vec![on_curve(&key.curve)?]
        } else if let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm {
            (pair.curve == EllipticCurve::Ed25519).then(|| vec![Known::EdDSA])?
        } else {
            return None;
        };
        if let Some(named) = common.key_algorithm {
            let named = Known::try_from(named).ok()?;
            algorithms.retain(|algorithm| *algorithm == named);
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        let algorithms: Vec<Algorithm> = algorithms.into_iter().map(Algorithm::of).collect();
        (!algorithms.is_empty()).then_some(Self { key, algorithms })
    }
}

fn on_curve(curve: &EllipticCurve) -> Option<Known> {
    let known = [(EllipticCurve::P256, Known::ES256), (EllipticCurve::P384, Known::ES384)];
    known.into_iter().find(|(name, _)| name == curve).map(|(_, algorithm)| algorithm)
}

impl FromStr for PublicKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        if text.contains("PRIVATE KEY-----") {
            return Err(MalformedKey::Private);
        }
        if !["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"].iter().any(|line| text.contains(line)) {
            return Err(MalformedKey::Other);
        }
        let pem = text.trim().as_bytes();
        let (key, algorithms) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            (key, vec![Known::EdDSA])
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            let curve = match key.try_get_as_bytes().map(<[u8]>::len) {
                Ok(P256_POINT) => Known::ES256,
                Ok(P384_POINT) => Known::ES384,
                Ok(_) | Err(_) => return Err(MalformedKey::Other),
            };
            (key, vec![curve])
        } else {
            (DecodingKey::from_rsa_pem(pem).map_err(|_| MalformedKey::Other)?, RSA.to_vec())
        };
        Ok(Self { key, algorithms: algorithms.into_iter().map(Algorithm::of).collect() })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PublicKey").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}
