//! Request signatures: the strings to sign of both forms, and their HMAC-SHA256 in base64url.

pub(crate) mod canonical;
#[cfg(test)]
mod tests;
mod verify;

pub use canonical::canonical_query;
pub use verify::{SignatureError, SignatureForm, SignedRequest, verify};

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key::{PublishKey, SubscribeKey};

const V2_PREFIX: &str = "v2.";

/// What a v2 signature covers.
#[derive(Clone, Copy)]
pub struct SigningRequest<'a> {
    /// The HTTP method; written in upper case.
    pub method: &'a str,
    /// The keyset's publish key, also where the path names only the subscribe key.
    pub publish_key: &'a PublishKey,
    /// The request target up to `?`, exactly as on the wire.
    pub path: &'a str,
    /// The query as on the wire, without `?`, in any order and encoding; a `signature` in it is left out.
    pub query: &'a str,
    /// The raw body; covered only with `POST` and `PATCH`.
    pub body: &'a [u8],
}

/// What a v1 signature covers: neither method nor body.
#[derive(Clone, Copy)]
pub struct SigningRequestV1<'a> {
    /// The keyset's subscribe key.
    pub subscribe_key: &'a SubscribeKey,
    /// The keyset's publish key.
    pub publish_key: &'a PublishKey,
    /// The path as on the wire; the oldest clients sign the bare word `grant` or `audit` in its place.
    pub path: &'a str,
    /// The query as on the wire, as with v2.
    pub query: &'a str,
}

/// The v2 signature: `v2.` and 43 characters of base64url without padding.
pub fn sign_v2(request: &SigningRequest<'_>, secret: &[u8]) -> String {
    let digest = URL_SAFE_NO_PAD.encode(request.digest(secret));
    format!("{V2_PREFIX}{digest}")
}

/// The v1 signature: 44 characters of base64url with padding.
pub fn sign_v1(request: &SigningRequestV1<'_>, secret: &[u8]) -> String {
    URL_SAFE.encode(request.digest(secret))
}

impl SigningRequest<'_> {
    /// The bytes that a v2 signature is made over.
    pub fn string_to_sign(&self) -> Vec<u8> {
        let method = self.method.to_ascii_uppercase();
        let query = canonical_query(self.query);
        let head = [&*method, self.publish_key.as_str(), self.path, &*query, ""].join("\n");
        let body = match &*method {
            "POST" | "PATCH" => self.body,
            _ => &[],
        };
        [head.as_bytes(), body].concat()
    }

    fn digest(&self, secret: &[u8]) -> [u8; 32] {
        hmac_sha256(secret, &self.string_to_sign())
    }
}

impl SigningRequestV1<'_> {
    /// The text that a v1 signature is made over.
    pub fn string_to_sign(&self) -> String {
        let query = canonical_query(self.query);
        [self.subscribe_key.as_str(), self.publish_key.as_str(), self.path, &*query].join("\n")
    }

    fn digest(&self, secret: &[u8]) -> [u8; 32] {
        hmac_sha256(secret, self.string_to_sign().as_bytes())
    }
}

impl fmt::Debug for SigningRequest<'_> {
    /// Without path, query and body: a path may hold a token or a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, publish_key, path: _, query: _, body: _ } = self;
        let mut fields = f.debug_struct("SigningRequest");
        fields.field("method", method).field("publish_key", publish_key).finish_non_exhaustive()
    }
}

impl fmt::Debug for SigningRequestV1<'_> {
    /// Without path and query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribe_key, publish_key, path: _, query: _ } = self;
        let mut fields = f.debug_struct("SigningRequestV1");
        fields.field("subscribe_key", subscribe_key).field("publish_key", publish_key).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length, so there is no error to hand on")]
pub(crate) fn hmac_sha256(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Splits a query into its parameters, name and value still encoded; a name without `=` has an empty value.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A decoded value; bytes that are not UTF-8 stay as they are.
fn decoded(value: &str) -> Cow<'_, [u8]> {
    percent_encoding::percent_decode_str(value).into()
}
