//! The `http` authenticator: a webhook in deepstream's form says who a caller is.
//!
//! The call is `POST` with `{"connectionData": {…}, "authData": {…}}`. A permitted answer, any 2xx unless statuses are
//! listed, lets the caller in: its body is empty, a JSON text (the user's id) or an object with at least one of `id`,
//! `clientData`, `serverData`, `isValid`. `{"isValid": false}` and any 4xx answer do not. Whatever else comes back, the
//! webhook counts as unavailable: garbage lets nobody in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use usher_runtime::capability::http::{Outbound, OutboundError, OutboundRequest, OutboundResponse};
use usher_runtime::capability::identity::{Identity, IdentityError};
use usher_runtime::capability::vault::Secrets;

use super::Outcome;
use super::grace::Grace;
use super::question::{Question, Seed};
use super::remembered::{Lifetime, Remembered};
use super::upstream::{Down, Upstream};
use crate::clock::Clock;
use crate::manifest::HttpAuthenticator;

mod answer;

use answer::{Answer, read};

/// The longest answer read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// The longest value copied into a header, in bytes.
const LONGEST_HEADER: usize = 8 << 10;
/// Kept back of the caller's time, so that a silent webhook is noticed before the caller is gone.
const MARGIN: Duration = Duration::from_millis(20);

/// A shorter silence than this and `timeout` says nothing about a webhook, however little time a caller came with.
const SHORTEST_SILENCE: Duration = Duration::from_millis(500);

/// A webhook, what it said lately, and how it has been doing.
#[derive(Debug)]
pub(super) struct Webhook {
    asked: HttpAuthenticator,
    secrets: Arc<dyn Secrets>,
    client: Arc<dyn Outbound>,
    upstream: Upstream,
    remembered: Remembered,
    grace: Option<Grace>,
    seed: Seed,
    /// Whether a refusal ends the search.
    refuses: Refuses,
}

/// What it means that a validator does not know a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refuses {
    /// The caller is refused.
    ForAll,
    /// The next authenticator is asked.
    ForItself,
}

/// What a webhook is asked with.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) client: Arc<dyn Outbound>,
    pub(super) clock: Clock,
    pub(super) seed: Seed,
}

impl Webhook {
    pub(super) fn new(asked: HttpAuthenticator, means: Means, refuses: Refuses) -> Self {
        let Means { secrets, client, clock, seed } = means;
        let lifetime = Lifetime { known: asked.cache, unknown: asked.negative_cache };
        Self {
            secrets,
            client,
            upstream: Upstream::new(asked.resilience, clock.clone()),
            remembered: Remembered::new(lifetime),
            grace: asked.grace.map(|lasts| Grace::new(lasts, clock)),
            seed,
            refuses,
            asked,
        }
    }

    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Outcome, IdentityError> {
        let fingerprint = question.fingerprint(self.seed, &self.asked.headers);
        let telling = self.telling(question);
        let call = async {
            let outcome = self.upstream.call(self.try_often(question, telling)).await?;
            if let Some(grace) = &self.grace {
                match &outcome {
                    Outcome::Known(identity) => grace.proven(&fingerprint, identity).await,
                    Outcome::Refused | Outcome::Unknown => grace.refused(&fingerprint).await,
                }
            }
            Ok(outcome)
        };
        let why: Down = match self.remembered.or_ask(&fingerprint, call).await {
            Ok(outcome) => return Ok(outcome),
            Err(why) => why,
        };
        let believed = match &self.grace {
            // What a caller can bring about is no reason to believe it.
            Some(grace) if why.is_certain() => grace.believed(&fingerprint).await,
            Some(_) | None => None,
        };
        believed.map(Outcome::Known).ok_or(IdentityError::Unavailable)
    }

    async fn try_often(&self, question: Question<'_>, telling: Duration) -> Result<Outcome, Down> {
        let retry = &self.asked.retry;
        let (mut attempts_left, mut was_gone) = (retry.attempts, false);
        loop {
            let failed = match self.try_once(question, telling).await {
                Ok(outcome) => return Ok(outcome),
                Err(failed) => failed,
            };
            was_gone |= failed.down == Down::Gone;
            let next = Instant::now() + retry.interval;
            if !failed.is_worth_another || attempts_left == 0 || next >= question.deadline() {
                self.warn(&failed.why);
                // An attempt without the time for it takes nothing back of what one before it showed.
                return Err(if was_gone && failed.down == Down::Untried { Down::Gone } else { failed.down });
            }
            attempts_left -= 1;
            tokio::time::sleep(retry.interval).await;
        }
    }

    async fn try_once(&self, question: Question<'_>, telling: Duration) -> Result<Outcome, Failed> {
        let request = self.request(question).map_err(|why| Failed::finally(Down::Untried, why))?;
        let gone = if request.timeout >= telling { Down::Gone } else { Down::Untried };
        let answer = match self.client.send(request).await {
            Ok(OutboundResponse { status, .. }) if self.asked.retry.statuses.contains(&status) => {
                let down = if (502..=504).contains(&status) { gone } else { Down::Reluctant };
                return Err(Failed { is_worth_another: true, ..Failed::finally(down, format!("status {status}")) });
            }
            Ok(answer) => read(&answer, &self.asked.permitted, question.named_by_claim()),
            Err(error) => {
                let (down, is_worth_another) = match error {
                    OutboundError::TimedOut | OutboundError::Unreachable(_) => (gone, true),
                    OutboundError::NotAllowed(_) | OutboundError::InvalidRequest(_) => (Down::Untried, false),
                    OutboundError::TooLarge => (Down::Garbled, false),
                };
                return Err(Failed { is_worth_another, ..Failed::finally(down, error.to_string()) });
            }
        };
        match answer {
            Answer::Yes(identity) => Ok(Outcome::Known(Arc::new(identity))),
            Answer::No => Ok(Outcome::Refused),
            Answer::Unknown if self.refuses == Refuses::ForAll => Ok(Outcome::Refused),
            Answer::Unknown => Ok(Outcome::Unknown),
            Answer::Garbage(why) => Err(Failed::finally(Down::Garbled, why)),
            Answer::Reluctant(why) => Err(Failed::finally(Down::Reluctant, why)),
            Answer::Gone(why) => Err(Failed::finally(gone, why)),
        }
    }

    /// A silence of so long says something about the webhook, and not about how little time was left after the queue: most
    /// of what the caller could have given it on arrival.
    fn telling(&self, question: Question<'_>) -> Duration {
        let most = |time: Duration| time.saturating_mul(3) / 4;
        let left = question.deadline().saturating_duration_since(Instant::now());
        most(self.asked.timeout.min(left)).max(most(self.asked.timeout).min(SHORTEST_SILENCE))
    }

    fn request(&self, question: Question<'_>) -> Result<OutboundRequest, String> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(name) = &self.asked.bearer {
            let secret = self.secrets.open(name).map_err(|error| format!("its secret: {error:?}"))?;
            let bearer = std::str::from_utf8(secret.reveal()).map_err(|_| "its secret is no text")?;
            headers.push(("authorization".to_owned(), format!("Bearer {bearer}")));
        }
        let body = question.body(&self.asked.headers);
        let sent = body.get("authData");
        let promoted =
            self.asked.promoted.iter().filter_map(|key| Some((key.to_lowercase(), promote(sent?.get(key)?)?)));
        headers.extend(promoted);
        let left = question.deadline().saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        if left.is_zero() {
            return Err("the caller has no time left for it".into());
        }
        Ok(OutboundRequest {
            method: "POST".into(),
            url: self.asked.url.clone(),
            headers,
            body: body.to_string().into_bytes(),
            timeout: self.asked.timeout.min(left),
            longest_answer: LONGEST_ANSWER,
        })
    }

    fn warn(&self, what: &str) {
        let url = self.asked.url.split('?').next();
        tracing::warn!(url, "authentication webhook unavailable: {what}");
    }
}

/// An attempt that brought nothing.
struct Failed {
    down: Down,
    /// For the log.
    why: String,
    is_worth_another: bool,
}

impl Failed {
    /// No other attempt is to follow.
    fn finally(down: Down, why: String) -> Self {
        Self { down, why, is_worth_another: false }
    }
}

/// The header's value, for what is truthy and can be one.
fn promote(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) if number.as_f64() != Some(0.0) => number.to_string(),
        Value::Bool(true) => "true".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return None;
        }
    };
    let fits = text.len() <= LONGEST_HEADER && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    fits.then_some(text)
}

/// Who this is, without data.
pub(super) fn bare(id: &str) -> Identity {
    Identity { id: id.to_owned(), client_data: "null".into(), server_data: "null".into() }
}
