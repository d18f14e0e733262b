//! Asks a deployment's authenticators in order: cached, one call for many, and limited per user.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::Expiry;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use usher_access::{AuthKey, ResourceName};
use usher_runtime::capability::Answer;
use usher_runtime::capability::identity::{Authenticate, Claim, Context, Identity, IdentityError};

mod webhook;

pub(crate) use webhook::Webhook;

/// Bytes of answers kept at once.
const CACHE_BYTES: u64 = 16 << 20;
/// A burst is this many seconds' worth of requests.
const BURST: u32 = 10;

/// The authenticators of one deployment.
#[derive(Debug)]
pub(crate) struct Authenticators {
    chain: Vec<Source>,
    /// By address as well, so that nobody uses up somebody else's share.
    limiter: Option<DefaultKeyedRateLimiter<(Option<IpAddr>, String)>>,
}

/// One authenticator, ready to be asked.
#[derive(Debug)]
pub(crate) enum Source {
    /// Believes the claim.
    None,
    /// Asks a webhook, through a cache.
    Http(Box<CachedWebhook>),
}

/// A webhook and what it said lately.
#[derive(Debug)]
pub(crate) struct CachedWebhook {
    webhook: Webhook,
    cache: Cache<[u8; 32], Outcome>,
}

/// What an authenticator said.
#[derive(Debug, Clone)]
enum Outcome {
    Known(Arc<Identity>),
    Unknown,
}

impl Authenticators {
    /// `per_user` authentications a second, address and uuid; 0 is no limit.
    pub(crate) fn new(chain: Vec<Source>, per_user: u32) -> Self {
        let quota = NonZeroU32::new(per_user)
            .map(|rate| Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST_FACTOR)));
        Self { chain, limiter: quota.map(RateLimiter::keyed) }
    }

    async fn ask(&self, claim: &Claim, context: &Context) -> Result<Identity, IdentityError> {
        // What could not be granted to is not worth asking about, and neither becomes a key of unbounded length below.
        if claim.auth_key.parse::<AuthKey>().is_err() || claim.uuid.parse::<ResourceName>().is_err() {
            return Err(IdentityError::Denied);
        }
        self.admit(claim, context)?;
        for source in &self.chain {
            match source.ask(claim, context).await? {
                Outcome::Known(identity) => return Ok(Identity::clone(&identity)),
                Outcome::Unknown => {}
            }
        }
        Err(IdentityError::Denied)
    }

    fn admit(&self, claim: &Claim, context: &Context) -> Result<(), IdentityError> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&(context.client_ip, claim.uuid.clone())).map_err(|later| {
            let wait = later.wait_time_from(limiter.clock().now());
            IdentityError::RateLimited {
                retry_after: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
            }
        })
    }

    /// Forgets users that were not seen for a while.
    pub(crate) fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

const BURST_FACTOR: NonZeroU32 = match NonZeroU32::new(BURST) {
    Some(factor) => factor,
    None => NonZeroU32::MIN,
};

impl Authenticate for Authenticators {
    fn looks_at_requests(&self) -> bool {
        self.chain.iter().any(|source| match source {
            Source::None => false,
            Source::Http(_) => true,
        })
    }

    fn authenticate<'a>(
        &'a self,
        claim: &'a Claim,
        context: &'a Context,
    ) -> Answer<'a, Result<Identity, IdentityError>> {
        Box::pin(self.ask(claim, context))
    }
}

impl Source {
    async fn ask(&self, claim: &Claim, context: &Context) -> Result<Outcome, IdentityError> {
        match self {
            Self::None => Ok(Outcome::Known(Arc::new(Identity {
                id: claim.uuid.clone(),
                client_data: "null".into(),
                server_data: "null".into(),
            }))),
            Self::Http(cached) => cached.ask(claim, context).await,
        }
    }
}

impl CachedWebhook {
    pub(crate) fn new(webhook: Webhook, lifetime: Lifetime) -> Self {
        let cache = Cache::builder().max_capacity(CACHE_BYTES).weigher(weigh).expire_after(lifetime).build();
        Self { webhook, cache }
    }

    /// Many who ask the same at once wait for one call; a failed call is not remembered.
    async fn ask(&self, claim: &Claim, context: &Context) -> Result<Outcome, IdentityError> {
        let key = fingerprint(claim, &self.webhook.seen_of(context));
        let asked = self.cache.try_get_with(key, async {
            let identity = self.webhook.ask(claim, context).await?;
            Ok(identity.map_or(Outcome::Unknown, |identity| Outcome::Known(Arc::new(identity))))
        });
        asked.await.map_err(|error: Arc<IdentityError>| *error)
    }
}

/// What an entry is taken to need.
fn weigh(_key: &[u8; 32], outcome: &Outcome) -> u32 {
    let texts = match outcome {
        Outcome::Known(identity) => identity.id.len() + identity.client_data.len() + identity.server_data.len(),
        Outcome::Unknown => 0,
    };
    u32::try_from(texts + 200).unwrap_or(u32::MAX)
}

/// How long answers are believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    pub(crate) known: Duration,
    pub(crate) unknown: Duration,
}

impl Expiry<[u8; 32], Outcome> for Lifetime {
    fn expire_after_create(&self, _key: &[u8; 32], outcome: &Outcome, _now: std::time::Instant) -> Option<Duration> {
        Some(match outcome {
            Outcome::Known(_) => self.known,
            Outcome::Unknown => self.unknown,
        })
    }
}

/// A key from which the auth key cannot be read back; every part is preceded by its length.
fn fingerprint(claim: &Claim, seen: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [claim.uuid.as_str(), &claim.auth_key, &claim.namespace, &claim.route]
        .into_iter()
        .chain(seen.iter().map(String::as_str))
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
