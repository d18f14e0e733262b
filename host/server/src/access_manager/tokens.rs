//! v3: granting and revoking tokens, for whoever signs with a secret key.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Map;
use usher_access::TokenGrant;

use super::AccessManager;
use crate::authorize::{RawRequest, Unproven, looks_signed, signed_by};
use crate::keysets::{LiveAccess, LiveKeyset};
use crate::reply::access_manager::{CallFault, Place};
use crate::reply::{Refusal, ServiceAnswer};
use crate::store::audit::Record;
use crate::tokens::{self, GrantError, Granted, RevokeError, Under};

const GRANT: &str = "grant";
const REVOKE: &str = "revoke";

/// The parameter that asks for a twin, and its only value.
const TWIN: (&str, &str) = ("twin", "ed25519");

impl AccessManager {
    /// `POST /v3/pam/{sub}/grant`
    pub(super) async fn grant(&self, live: Arc<LiveKeyset>, request: Request<Body>) -> Result<ServiceAnswer, Refusal> {
        self.looks_signed(&live, &request, GRANT)?;
        let (parts, (body, unproven)) = self.read(request).await?;
        let now = self.authorizer.now();
        let query = parts.uri.query().unwrap_or_default();
        let raw = RawRequest { method: parts.method.as_str(), path: parts.uri.path(), query, body: &body };
        let key = signed_by(&live, &raw, now).map_err(|unproven| unsigned(&unproven, GRANT))?;
        drop(unproven);
        kept_here(&live, GRANT)?;
        let wants_twin = twin(query)?;
        let asked = TokenGrant::parse(&body).map_err(|fault| {
            let place = Place::Body(fault.location);
            let (title, detail) = (fault.title, fault.detail);
            refused(
                "grant.malformed",
                CallFault { status: StatusCode::BAD_REQUEST, source: GRANT, title, detail, place },
            )
        })?;
        let (asked, under) = (Arc::new(asked), Under::KeyOrPrimary(key));
        let granted = match tokens::grant_at_once(&live, &asked, under, now) {
            Some(granted) => granted,
            None => {
                let (live, asked) = (Arc::clone(&live), Arc::clone(&asked));
                let waiting = tokio::task::spawn_blocking(move || tokens::grant(&live, &asked, under, (now, None)));
                waiting.await.map_err(|_| Refusal::Unavailable)?
            }
        };
        let granted = granted.map_err(not_granted)?;
        let mut data = Map::new();
        data.insert("token".into(), granted.minted.reveal().into());
        if wants_twin {
            data.insert("twin".into(), sign_twin(&live, &granted)?.into());
        }
        Ok(ServiceAnswer::v3_success(data))
    }

    /// `DELETE /v3/pam/{sub}/grant/{token}`; `token` as in the path.
    pub(super) async fn revoke(
        &self,
        live: Arc<LiveKeyset>,
        (request, token): (Request<Body>, &str),
        request_id: &str,
    ) -> Result<ServiceAnswer, Refusal> {
        self.looks_signed(&live, &request, REVOKE)?;
        let (parts, (body, _unproven)) = self.read(request).await?;
        let now = self.authorizer.now();
        let query = parts.uri.query().unwrap_or_default();
        let raw = RawRequest { method: parts.method.as_str(), path: parts.uri.path(), query, body: &body };
        signed_by(&live, &raw, now).map_err(|unproven| unsigned(&unproven, REVOKE))?;
        kept_here(&live, REVOKE)?;
        let text =
            percent_decode_str(token).decode_utf8().map_err(|_| not_revoked(RevokeError::NotAToken))?.into_owned();
        let record = Record {
            at: self.authorizer.clock.millis(),
            action: "token.revoke".into(),
            subject: live.subscribe_key.as_str().into(),
            request: request_id.into(),
        };
        // It waits for the disk.
        let revoked = tokio::task::spawn_blocking(move || tokens::revoke_token(&live, &text, now, Some(&record))).await;
        revoked.map_err(|_| Refusal::Unavailable)?.map_err(not_revoked)?;
        Ok(ServiceAnswer::v3_success(Map::new()))
    }

    /// Whether it is worth to read the body.
    fn looks_signed(&self, live: &LiveKeyset, request: &Request<Body>, source: &'static str) -> Result<(), Refusal> {
        let (method, uri) = (request.method().as_str(), request.uri());
        let head = RawRequest { method, path: uri.path(), query: uri.query().unwrap_or_default(), body: &[] };
        looks_signed(live, &head, self.authorizer.now()).map_err(|unproven| unsigned(&unproven, source))
    }
}

/// Whether a twin is asked for.
fn twin(query: &str) -> Result<bool, Refusal> {
    let mut asked = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == TWIN.0);
    match (asked.next(), asked.next()) {
        (None, _) => Ok(false),
        (Some((_, kind)), None) if kind == TWIN.1 => Ok(true),
        (Some(_), _) => {
            let (status, place) = (StatusCode::BAD_REQUEST, Place::Query(TWIN.0));
            let detail = "The only kind of twin is `ed25519`.".into();
            Err(refused("grant.malformed", CallFault { status, source: GRANT, title: "Invalid twin", detail, place }))
        }
    }
}

fn sign_twin(live: &LiveKeyset, granted: &Granted) -> Result<String, Refusal> {
    let twin_key = live.twin_key(granted.key).ok_or(Refusal::Unavailable)?;
    Ok(twin_key.sign(&granted.minted, &live.subscribe_key))
}

/// Tokens are granted by Usher's own Access Manager only.
fn kept_here(live: &LiveKeyset, source: &'static str) -> Result<(), Refusal> {
    match &live.access {
        LiveAccess::Embedded { .. } => Ok(()),
        LiveAccess::Remote(_) => {
            let detail = "Access Manager of this keyset is at another origin.".into();
            Err(disabled(source, detail))
        }
    }
}

fn disabled(source: &'static str, detail: String) -> Refusal {
    let (status, place) = (StatusCode::BAD_REQUEST, Place::Path("subscribe-key"));
    refused("keyset.disabled", CallFault { status, source, title: "Feature disabled", detail, place })
}

fn unsigned(unproven: &Unproven, source: &'static str) -> Refusal {
    let fault = |status, (title, detail): (&'static str, &str), parameter| {
        let (detail, place) = (detail.to_owned(), Place::Query(parameter));
        refused(unproven.code(), CallFault { status, source, title, detail, place })
    };
    match unproven {
        Unproven::Timestamp => {
            let detail = "The timestamp has to be within 60 seconds of the server's clock.";
            fault(StatusCode::BAD_REQUEST, ("Invalid timestamp", detail), "timestamp")
        }
        Unproven::Signature(_) => {
            let detail = "Client and server produced different signatures for the same inputs.";
            fault(StatusCode::FORBIDDEN, ("Invalid signature", detail), "signature")
        }
    }
}

fn not_granted(error: GrantError) -> Refusal {
    match error {
        GrantError::TooLarge(too_large) => {
            let (status, place) = (StatusCode::BAD_REQUEST, Place::Body("permissions".into()));
            let (title, detail) = ("Token too large", format!("{too_large}."));
            refused("grant.too-large", CallFault { status, source: GRANT, title, detail, place })
        }
        GrantError::NoSuchKey(_) | GrantError::KeyEndsFirst(_) => {
            unsigned(&Unproven::Signature(usher_access::signature::SignatureError::Mismatch), GRANT)
        }
        GrantError::Store(error) => unavailable(GRANT, &error),
    }
}

fn not_revoked(error: RevokeError) -> Refusal {
    let invalid = |detail: String| {
        let (status, place) = (StatusCode::BAD_REQUEST, Place::Path("token"));
        refused("token.invalid", CallFault { status, source: REVOKE, title: "Invalid token", detail, place })
    };
    match error {
        RevokeError::Disabled => disabled(REVOKE, "Token revocation is disabled.".into()),
        RevokeError::NotAToken => invalid("Token is malformed.".into()),
        RevokeError::Invalid(reason) => invalid(format!("Token does not count: {reason}.")),
        RevokeError::Expired => invalid("Token is expired.".into()),
        RevokeError::Future(_) => invalid("Token is of the future.".into()),
        RevokeError::Store(error) => unavailable(REVOKE, &error),
    }
}

fn unavailable(source: &'static str, error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, source, "a token could not be granted or revoked");
    let (status, place) = (StatusCode::SERVICE_UNAVAILABLE, Place::Path("subscribe-key"));
    let detail = "Try again.".into();
    refused("store.unavailable", CallFault { status, source, title: "Service Unavailable", detail, place })
}

fn refused(code: &'static str, fault: CallFault) -> Refusal {
    Refusal::Service { code, answer: fault.into() }
}
