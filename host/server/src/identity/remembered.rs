//! Answers of a validator that are believed for a while; many who ask the same at once wait for one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use usher_runtime::capability::identity::Identity;

use super::Outcome;
use super::question::Fingerprint;

/// Bytes of answers kept at once.
const MOST_BYTES: u64 = 16 << 20;

/// What a validator said lately.
#[derive(Debug)]
pub(super) struct Remembered {
    answers: Cache<[u8; 32], Outcome>,
}

/// How long answers are believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub(super) known: Duration,
    pub(super) unknown: Duration,
}

impl Remembered {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self { answers: Cache::builder().max_capacity(MOST_BYTES).weigher(weigh).expire_after(lifetime).build() }
    }

    /// Asks unless the answer is still believed; a failed call is not remembered.
    pub(super) async fn or_ask<E: Copy + Send + Sync + 'static>(
        &self,
        asked: &Fingerprint,
        ask: impl Future<Output = Result<Outcome, E>>,
    ) -> Result<Outcome, E> {
        self.answers.try_get_with(asked.question, ask).await.map_err(|error: Arc<E>| *error)
    }
}

/// Bytes of an identity.
pub(super) const fn size(identity: &Identity) -> usize {
    identity.id.len() + identity.client_data.len() + identity.server_data.len()
}

/// What an entry is taken to need.
fn weigh(_key: &[u8; 32], outcome: &Outcome) -> u32 {
    let texts = match outcome {
        Outcome::Known(identity) => size(identity),
        Outcome::Refused | Outcome::Unknown => 0,
    };
    u32::try_from(texts + 200).unwrap_or(u32::MAX)
}

impl Expiry<[u8; 32], Outcome> for Lifetime {
    fn expire_after_create(&self, _key: &[u8; 32], outcome: &Outcome, _now: Instant) -> Option<Duration> {
        Some(match outcome {
            Outcome::Known(_) => self.known,
            Outcome::Refused | Outcome::Unknown => self.unknown,
        })
    }
}
