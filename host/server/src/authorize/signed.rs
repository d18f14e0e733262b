//! A signed request: which secret key signed its bytes, if any did within the last minute.

use std::fmt;

use axum::http::StatusCode;
use usher_access::signature::{self, SignatureError, SignedRequest};
use usher_access::{KeyNumber, UnixSeconds};

use crate::keysets::LiveKeyset;
use crate::reply::{Refusal, ServiceAnswer};

/// How far a signed request's clock may be off, in seconds.
const TIMESTAMP_WINDOW: u64 = 60;

/// A request as it came, nothing decoded.
#[derive(Clone, Copy)]
pub(crate) struct RawRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// Why a signature does not make its request root.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unproven {
    #[error("the timestamp is missing or more than {TIMESTAMP_WINDOW} s off")]
    Timestamp,
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl fmt::Debug for RawRequest<'_> {
    /// Without path, query and body: they hold tokens, auth keys and messages.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path: _, query: _, body: _ } = self;
        out.debug_struct("RawRequest").field("method", method).finish_non_exhaustive()
    }
}

impl Unproven {
    /// A stable word for metrics and logs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Timestamp => "signature.stale",
            Self::Signature(_) => "signature.invalid",
        }
    }
}

impl From<Unproven> for Refusal {
    /// As v2 and the data plane say it.
    fn from(unproven: Unproven) -> Self {
        let code = unproven.code();
        let flat = |status, message| Self::Service { code, answer: ServiceAnswer::flat(status, message) };
        match unproven {
            Unproven::Timestamp => flat(StatusCode::BAD_REQUEST, "Invalid Timestamp"),
            Unproven::Signature(_) => flat(StatusCode::FORBIDDEN, "Signature does not match"),
        }
    }
}

/// Whether a query carries a signature, so that the body has to be read before anything is decided.
pub(crate) fn is_signed(query: &str) -> bool {
    parameters(query).any(|(name, _)| name == "signature")
}

/// Whether a signature can be right, as far as can be told without the body.
pub(crate) fn looks_signed(live: &LiveKeyset, head: &RawRequest<'_>, now: UnixSeconds) -> Result<(), Unproven> {
    if !is_timely(head.query, now) {
        return Err(Unproven::Timestamp);
    }
    // Without a secret a well-formed one does not match, and no other gets so far.
    match signature::verify(&with_keys(live, head), []) {
        Ok(_) | Err(SignatureError::Mismatch) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Which secret key signed a request, if its timestamp is of now.
pub(crate) fn signed_by(live: &LiveKeyset, request: &RawRequest<'_>, now: UnixSeconds) -> Result<KeyNumber, Unproven> {
    if !is_timely(request.query, now) {
        return Err(Unproven::Timestamp);
    }
    let signed = with_keys(live, request);
    let mut found = Err(SignatureError::Mismatch);
    for (number, secret) in live.secrets(now) {
        match signature::verify(&signed, [secret.reveal()]) {
            Ok(_) => found = found.or(Ok(number)),
            Err(SignatureError::Mismatch) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found?)
}

fn with_keys<'a>(live: &'a LiveKeyset, request: &RawRequest<'a>) -> SignedRequest<'a> {
    let &RawRequest { method, path, query, body } = request;
    let (subscribe_key, publish_key) = (&live.subscribe_key, &live.publish_key);
    SignedRequest { subscribe_key, publish_key, method, path, query, body }
}

/// Exactly one `timestamp`, of now.
fn is_timely(query: &str, now: UnixSeconds) -> bool {
    let mut stamps = parameters(query).filter(|&(name, _)| name == "timestamp");
    let (Some((_, stamp)), None) = (stamps.next(), stamps.next()) else { return false };
    let digits = !stamp.is_empty() && stamp.bytes().all(|byte| byte.is_ascii_digit());
    stamp.parse::<u64>().is_ok_and(|stamp| digits && stamp.abs_diff(now.get()) <= TIMESTAMP_WINDOW)
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_without_what_it_carries() {
        let request = RawRequest { method: "POST", path: "/s3cret", query: "auth=s3cret", body: b"s3cret" };
        assert_eq!(format!("{request:?}"), "RawRequest { method: \"POST\", .. }");
    }

    #[test]
    fn a_timestamp_is_one_number_within_a_minute() {
        let now = UnixSeconds::new(1_000);
        for (query, expected) in [
            ("timestamp=1000&signature=x", true),
            ("a=1&timestamp=940", true),
            ("timestamp=1060", true),
            ("timestamp=939", false),
            ("timestamp=1061", false),
            ("timestamp=1000&timestamp=1000", false),
            ("timestamp=%31000", false),
            ("timestamp=+1000", false),
            ("timestamp=", false),
            ("timestamp", false),
            ("", false),
        ] {
            assert_eq!(is_timely(query, now), expected, "{query}");
        }
    }
}
