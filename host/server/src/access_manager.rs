//! Access Manager's own endpoints: v3 grant and revoke, v2 grant and audit, the public keys of twins, and the time.

mod legacy;
mod tokens;
mod well_known;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use usher_access::SubscribeKey;

use crate::authorize::{Authorizer, TIME, unknown_keyset};
use crate::body::{Bodies, Probation};
use crate::keysets::LiveKeyset;
use crate::reply::{Refusal, ServiceAnswer};

/// The longest body of a call, in bytes: what a token of 16 KiB can hold, in the most wasteful spelling.
const LONGEST_BODY: usize = 256 << 10;

/// Answers what a keyset's server and its clients ask of Access Manager itself.
#[derive(Debug)]
pub(crate) struct AccessManager {
    pub(crate) authorizer: Authorizer,
    pub(crate) bodies: Bodies,
}

/// One of Access Manager's endpoints; texts are as in the path, still encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Grant { subscribe_key: String },
    Revoke { subscribe_key: String, token: String },
    LegacyGrant { subscribe_key: String },
    LegacyAudit { subscribe_key: String },
    Keys { subscribe_key: Option<String> },
    Time,
}

impl Call {
    /// `None` where the path is nobody's here. The token of a revocation is all that follows, so no decoded slash splits it.
    pub(crate) fn parse(method: &Method, path: &str) -> Option<Self> {
        let get = method == Method::GET;
        if path == TIME {
            return get.then_some(Self::Time);
        }
        if let Some(rest) = path.strip_prefix("/.well-known/usher/keys") {
            let subscribe_key = match rest.strip_prefix('/') {
                None => return (get && rest.is_empty()).then_some(Self::Keys { subscribe_key: None }),
                Some(key) => Some(key.to_owned()),
            };
            return get.then_some(Self::Keys { subscribe_key });
        }
        if let Some((key, rest)) = path.strip_prefix("/v3/pam/").and_then(|rest| rest.split_once('/')) {
            let subscribe_key = key.to_owned();
            return match rest.strip_prefix("grant/") {
                None => (method == Method::POST && rest == "grant").then_some(Self::Grant { subscribe_key }),
                Some("") => None,
                Some(token) => {
                    (method == Method::DELETE).then(|| Self::Revoke { subscribe_key, token: token.to_owned() })
                }
            };
        }
        let rest = path.strip_prefix("/v2/auth/").or_else(|| path.strip_prefix("/v1/auth/")).filter(|_| get)?;
        let (word, key) = rest.split_once("/sub-key/")?;
        let subscribe_key = key.to_owned();
        match word {
            "grant" => Some(Self::LegacyGrant { subscribe_key }),
            "audit" => Some(Self::LegacyAudit { subscribe_key }),
            _ => None,
        }
    }
}

impl Call {
    /// What is called, for people.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant a token",
            Self::Revoke { .. } => "revoke a token",
            Self::LegacyGrant { .. } => "v2 grant",
            Self::LegacyAudit { .. } => "v2 audit",
            Self::Keys { .. } => "read public keys",
            Self::Time => "read the time",
        }
    }

    /// The subscribe key, as the path has it.
    pub(crate) fn subscribe_key(&self) -> Option<&str> {
        match self {
            Self::Grant { subscribe_key }
            | Self::Revoke { subscribe_key, token: _ }
            | Self::LegacyGrant { subscribe_key }
            | Self::LegacyAudit { subscribe_key } => Some(subscribe_key),
            Self::Keys { subscribe_key } => subscribe_key.as_deref(),
            Self::Time => None,
        }
    }
}

impl AccessManager {
    /// Answers a call; a refusal has the shape that the call's clients know.
    pub(crate) async fn answer(
        &self,
        call: Call,
        request: Request<Body>,
        request_id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let answer = match call {
            Call::Time => return Ok(self.time(request_id)),
            Call::Keys { subscribe_key } => return self.keys(subscribe_key.as_deref(), request_id),
            Call::Grant { subscribe_key } => self.grant(self.keyset(&subscribe_key)?, request).await?,
            Call::Revoke { subscribe_key, token } => {
                self.revoke(self.keyset(&subscribe_key)?, (request, &token), request_id).await?
            }
            Call::LegacyGrant { subscribe_key } => {
                self.legacy_grant(&*self.keyset(&subscribe_key)?, &request.into_parts().0).await?
            }
            Call::LegacyAudit { subscribe_key } => {
                self.legacy_audit(&*self.keyset(&subscribe_key)?, &request.into_parts().0)?
            }
        };
        Ok(answer.into_response(request_id))
    }

    /// The time in units of 100 ns, 17 digits.
    fn time(&self, request_id: &str) -> Response<Body> {
        let ticks = self.authorizer.clock.millis().saturating_mul(10_000);
        ServiceAnswer::ok(serde_json::json!([ticks])).into_response(request_id)
    }

    fn keyset(&self, subscribe_key: &str) -> Result<Arc<LiveKeyset>, Refusal> {
        let key: Option<SubscribeKey> = subscribe_key.parse().ok();
        key.and_then(|key| self.authorizer.keyset(&key)).ok_or_else(unknown_keyset)
    }

    /// A call with its body, whose signature is still to be verified.
    async fn read(&self, request: Request<Body>) -> Result<(Parts, (Bytes, Probation)), Refusal> {
        let (parts, body) = request.into_parts();
        let bytes = self.bodies.read_unproven(&parts, body, LONGEST_BODY).await?;
        Ok((parts, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_method_and_a_path() {
        let s = || "sub-c-1".to_owned();
        for (method, path, expected) in [
            ("POST", "/v3/pam/sub-c-1/grant", Some(Call::Grant { subscribe_key: s() })),
            ("GET", "/v3/pam/sub-c-1/grant", None),
            ("POST", "/v3/pam/sub-c-1/grant/", None),
            ("POST", "/v3/pam/sub-c-1/grants", None),
            (
                "DELETE",
                "/v3/pam/sub-c-1/grant/a%2Fb/c%3D",
                Some(Call::Revoke { subscribe_key: s(), token: "a%2Fb/c%3D".into() }),
            ),
            ("DELETE", "/v3/pam/sub-c-1/grant/", None),
            ("DELETE", "/v3/pam/sub-c-1/grant", None),
            ("GET", "/v2/auth/grant/sub-key/sub-c-1", Some(Call::LegacyGrant { subscribe_key: s() })),
            ("GET", "/v1/auth/audit/sub-key/sub-c-1", Some(Call::LegacyAudit { subscribe_key: s() })),
            ("POST", "/v2/auth/grant/sub-key/sub-c-1", None),
            ("GET", "/v2/auth/revoke/sub-key/sub-c-1", None),
            ("GET", "/time/0", Some(Call::Time)),
            ("POST", "/time/0", None),
            ("GET", "/time/0/", None),
            ("GET", "/.well-known/usher/keys", Some(Call::Keys { subscribe_key: None })),
            ("GET", "/.well-known/usher/keys/sub-c-1", Some(Call::Keys { subscribe_key: Some(s()) })),
            ("GET", "/.well-known/usher/keyset", None),
        ] {
            assert_eq!(Call::parse(&method.parse().unwrap(), path), expected, "{method} {path}");
        }
    }
}
