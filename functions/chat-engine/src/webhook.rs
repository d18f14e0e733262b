//! Whether a request was sent by the operator's presence webhook, which alone may speak for other users.
//!
//! `config.webhook_secret` names a secret of the vault; it never enters the sandbox. The sender puts the time into the
//! header `x-usher-timestamp` (seconds since 1970-01-01 UTC) and `sha256={hex HMAC-SHA256(secret, timestamp "." body)}`
//! into `x-usher-signature`; what is five minutes old, or five minutes early, is refused.

use subtle::ConstantTimeEq;
use usher_sdk::{Host, Request};

use crate::refusal::Refusal;

const SIGNATURE: &str = "x-usher-signature";
const TIMESTAMP: &str = "x-usher-timestamp";
/// Seconds.
const WINDOW: u64 = 300;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The webhook; its signature is right.
    Webhook,
    /// A client, still to be identified.
    Client,
}

/// Tells a webhook from a client. A wrong signature is refused, never taken for a client's request.
pub(crate) fn sender(request: &Request, host: &impl Host) -> Result<Sender, Refusal> {
    let (signature, timestamp) = match (request.header(SIGNATURE), request.header(TIMESTAMP)) {
        (None, None) => return Ok(Sender::Client),
        (Some(signature), Some(timestamp)) => (signature, timestamp),
        (Some(_), None) | (None, Some(_)) => return Err(Refusal::Forbidden),
    };
    let secret = host.config("webhook_secret").ok_or(Refusal::Forbidden)?;
    let given = signature.strip_prefix("sha256=").and_then(|text| hex::decode(text).ok()).ok_or(Refusal::Forbidden)?;
    if !is_fresh(timestamp, host.now() / 1000) {
        return Err(Refusal::Forbidden);
    }
    let message = [timestamp.as_bytes(), b".", &request.body].concat();
    let expected = host
        .hmac_sha256(&secret, &message)
        .map_err(|error| Refusal::Fault { cause: format!("webhook secret `{secret}` cannot be used: {error}") })?;
    if bool::from(expected.ct_eq(&given)) { Ok(Sender::Webhook) } else { Err(Refusal::Forbidden) }
}

fn is_fresh(timestamp: &str, now: u64) -> bool {
    timestamp.parse::<u64>().is_ok_and(|sent| sent.abs_diff(now) < WINDOW)
}
