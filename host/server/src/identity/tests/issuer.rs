//! Issuers of tokens: a shared secret, or a new pair of keys.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::START;

/// The vault's `shared`.
pub(in crate::identity) const SECRET: &str = "a shared secret of more than 32 bytes";

/// Signs tokens.
pub(in crate::identity) struct Issuer {
    pub(in crate::identity) algorithm: Algorithm,
    key: EncodingKey,
    public: Option<Vec<u8>>,
}

impl Issuer {
    pub(in crate::identity) fn new(algorithm: Algorithm) -> Self {
        let x509 = |key: &dyn AsDer<PublicKeyX509Der<'static>>| key.as_der().unwrap().as_ref().to_vec();
        let (key, public) = match algorithm.family() {
            AlgorithmFamily::Hmac => (EncodingKey::from_secret(SECRET.as_bytes()), None),
            AlgorithmFamily::Ec => {
                let is_short = algorithm == Algorithm::ES256;
                let curve = if is_short { &ECDSA_P256_SHA256_FIXED_SIGNING } else { &ECDSA_P384_SHA384_FIXED_SIGNING };
                let pair = EcdsaKeyPair::generate(curve).unwrap();
                (EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), Some(x509(pair.public_key())))
            }
            AlgorithmFamily::Ed => {
                let pair = Ed25519KeyPair::generate().unwrap();
                (EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()), Some(x509(pair.public_key())))
            }
            AlgorithmFamily::Rsa => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
                let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
                (key, Some(x509(pair.public_key())))
            }
        };
        Self { algorithm, key, public }
    }

    /// The public key in PEM.
    pub(in crate::identity) fn pem(&self) -> String {
        pem("PUBLIC KEY", self.public.as_ref().expect("a pair of keys"))
    }

    /// The public key for a published set.
    pub(in crate::identity) fn jwk(&self, id: &str) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(id.into());
        serde_json::to_value(jwk).unwrap()
    }

    /// A token with these claims.
    pub(in crate::identity) fn token(&self, claims: &Value) -> String {
        self.token_under(&Header::new(self.algorithm), claims)
    }

    /// A token with these claims and this key id.
    pub(in crate::identity) fn token_by(&self, id: &str, claims: &Value) -> String {
        self.token_under(&Header { kid: Some(id.into()), ..Header::new(self.algorithm) }, claims)
    }

    pub(in crate::identity) fn token_under(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }
}

/// Claims that are right for a minute.
pub(in crate::identity) fn good() -> Value {
    json!({ "sub": "chris", "exp": START / 1_000 + 60 })
}

/// The good claims with others over them; null takes one away.
pub(in crate::identity) fn with(others: &Value) -> Value {
    let mut claims = good();
    for (name, value) in others.as_object().expect("claims") {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

/// A token that nobody signed.
pub(in crate::identity) fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
