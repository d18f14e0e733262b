//! Asks a deployment's authenticators in order, limited per user: the first that knows the caller answers.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use usher_access::{AuthKey, ResourceName};
use usher_runtime::capability::Answer;
use usher_runtime::capability::identity::{Authenticate, Claim, Context, Identity, IdentityError};

mod assembly;
mod breaker;
mod gate;
mod grace;
pub(crate) mod jwt;
pub(crate) mod password;
mod question;
mod remembered;
#[cfg(test)]
mod tests;
mod upstream;
mod users;
mod webhook;

pub(crate) use assembly::Ingredients;
use jwt::Tokens;
pub(crate) use question::Login;
use question::{Question, Seed};
use users::UsersFile;
use webhook::{Webhook, bare};

/// A burst is this many seconds' worth of requests.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// So many places may use up their share of one name at the same time.
const PLACES: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// The authenticators of one deployment.
#[derive(Debug)]
pub(crate) struct Authenticators {
    chain: Vec<Source>,
    limits: Option<Limits>,
    seed: Seed,
}

/// How often a user may ask.
#[derive(Debug)]
struct Limits {
    /// By address as well, so that nobody uses up somebody else's share.
    from_one_place: DefaultKeyedRateLimiter<(Option<IpAddr>, String)>,
    /// Of logins, whose addresses a client may choose where no proxy sets them.
    from_anywhere: DefaultKeyedRateLimiter<String>,
}

/// One authenticator, ready to be asked.
#[derive(Debug)]
enum Source {
    /// Believes the caller.
    None,
    File(Box<UsersFile>),
    Http(Box<Webhook>),
    Jwt(Box<Tokens>),
}

/// What an authenticator said.
#[derive(Debug, Clone)]
enum Outcome {
    Known(Arc<Identity>),
    /// No, whatever another would say.
    Refused,
    /// The next may know the caller.
    Unknown,
}

impl Authenticators {
    /// `per_user` authentications a second, address and user; 0 is no limit.
    fn new(chain: Vec<Source>, per_user: u32, seed: Seed) -> Self {
        let quota = |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST));
        let limits = NonZeroU32::new(per_user).map(|rate| Limits {
            from_one_place: RateLimiter::keyed(quota(rate)),
            from_anywhere: RateLimiter::keyed(quota(rate.saturating_mul(PLACES))),
        });
        Self { chain, limits, seed }
    }

    /// Who a client of deepstream is.
    ///
    /// # Errors
    /// As [`IdentityError`] says; nobody is let in for an error, and none is waited for beyond the login's deadline.
    pub(crate) async fn login(&self, login: &Login) -> Result<Identity, IdentityError> {
        let question = Question::Login(login);
        self.admit(question)?;
        let search = tokio::time::timeout_at(login.deadline.into(), self.search(question));
        search.await.unwrap_or(Err(IdentityError::Unavailable))
    }

    async fn ask(&self, claim: &Claim, context: &Context) -> Result<Identity, IdentityError> {
        // What could not be granted to is not worth asking about, and neither becomes a key of unbounded length below.
        if claim.auth_key.parse::<AuthKey>().is_err() || claim.uuid.parse::<ResourceName>().is_err() {
            return Err(IdentityError::Denied);
        }
        let question = Question::Claim { claim, context };
        self.admit(question)?;
        self.search(question).await
    }

    /// Never deepstream's word for nobody, `open`: every rule takes it for that.
    async fn search(&self, question: Question<'_>) -> Result<Identity, IdentityError> {
        for source in &self.chain {
            match source.ask(question).await? {
                Outcome::Known(identity) if identity.id.is_empty() || identity.id.eq_ignore_ascii_case("open") => {
                    return Err(IdentityError::Denied);
                }
                Outcome::Known(identity) => return Ok(Identity::clone(&identity)),
                Outcome::Refused => return Err(IdentityError::Denied),
                Outcome::Unknown => {}
            }
        }
        Err(IdentityError::Denied)
    }

    fn admit(&self, question: Question<'_>) -> Result<(), IdentityError> {
        let Some(limits) = &self.limits else { return Ok(()) };
        match question {
            Question::Claim { claim, .. } => check(&limits.from_one_place, &(question.network(), claim.uuid.clone())),
            Question::Login(login) => {
                let digest = match question.name() {
                    Some(name) => self.seed.digest([name]),
                    None => login.credential(self.seed),
                };
                let user = hex::encode(digest);
                check(&limits.from_one_place, &(question.network(), user.clone()))?;
                check(&limits.from_anywhere, &user)
            }
        }
    }

    /// Forgets users that were not seen for a while.
    pub(crate) fn sweep(&self) {
        if let Some(Limits { from_one_place, from_anywhere }) = &self.limits {
            from_one_place.retain_recent();
            from_anywhere.retain_recent();
        }
    }
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), IdentityError> {
    limiter.check_key(key).map_err(|later| {
        let wait = later.wait_time_from(limiter.clock().now());
        IdentityError::RateLimited { retry_after: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
    })
}

impl Authenticate for Authenticators {
    fn looks_at_requests(&self) -> bool {
        self.chain.iter().any(|source| match source {
            Source::None | Source::File(_) | Source::Jwt(_) => false,
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
    async fn ask(&self, question: Question<'_>) -> Result<Outcome, IdentityError> {
        match self {
            // Deepstream would call a client without a name `open`; nobody is let in as nobody here.
            Self::None => Ok(question.name().map_or(Outcome::Refused, |name| Outcome::Known(Arc::new(bare(name))))),
            Self::File(users) => users.ask(question).await,
            Self::Http(webhook) => webhook.ask(question).await,
            Self::Jwt(tokens) => tokens.ask(question).await,
        }
    }
}
