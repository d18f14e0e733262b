//! The public keys that verify twins of tokens, as a JWK set.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::AccessManager;
use crate::reply::{REQUEST_ID, Refusal, identify, open_to_browsers};

/// How long a verifier may keep the set, in seconds. A new key signs at once: who meets an unknown `kid` reads the set again.
const FRESH: &str = "public, max-age=300";

impl AccessManager {
    /// The keys of one keyset, or of all.
    pub(super) fn keys(&self, subscribe_key: Option<&str>, request_id: &str) -> Result<Response<Body>, Refusal> {
        let keysets = match subscribe_key {
            Some(key) => vec![self.keyset(key)?],
            None => self.authorizer.keysets.all(),
        };
        let now = self.authorizer.now();
        let keys = keysets.iter().flat_map(|live| live.twin_public_keys(now));
        let keys: Vec<Value> = keys.map(|key| key.jwk()).collect();
        let mut response = Response::new(Body::from(json!({ "keys": keys }).to_string()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
        identify(headers, REQUEST_ID, request_id);
        open_to_browsers(headers);
        Ok(response)
    }
}
