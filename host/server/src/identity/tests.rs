//! Authenticators as a whole, with validators, secrets and a clock that the test controls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockWriteGuard};
use usher_runtime::capability::Answer;
use usher_runtime::capability::http::{Outbound, OutboundError, OutboundRequest, OutboundResponse};
use usher_runtime::capability::identity::{Identity, IdentityError};
use usher_runtime::capability::vault::{OpenError, Secrets};
use usher_vault::{Secret, SecretName};

use super::{Authenticators, Ingredients, Login};
use crate::clock::Clock;
use crate::manifest::Manifest;

mod file;
mod http;
pub(super) mod issuer;
mod jwt;
mod limits;
mod resilience;

/// When the tests begin, in milliseconds.
pub(super) const START: u64 = 1_800_000_000_000;

type Script = dyn Fn(&OutboundRequest) -> Result<OutboundResponse, OutboundError> + Send + Sync;

/// A validator that answers as the test last said.
pub(super) struct Validator {
    script: Mutex<Arc<Script>>,
    seen: Mutex<Vec<OutboundRequest>>,
    /// Answers come while nobody holds it.
    held: RwLock<()>,
}

/// Authenticators and everything around them.
pub(super) struct Bed {
    pub(super) authenticators: Arc<Authenticators>,
    pub(super) validator: Arc<Validator>,
    time: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Vault(BTreeMap<&'static str, &'static str>);

impl Bed {
    /// The authenticators of a manifest with these tables; the vault holds `shared` and `bearer`.
    pub(super) fn new(tables: &str) -> Self {
        Self::limited(tables, 0)
    }

    /// As [`Self::new`], with so many authentications a second and user.
    pub(super) fn limited(tables: &str, per_user: u32) -> Self {
        let manifest = Manifest::parse("test", &format!("name = \"test\"\n{tables}"));
        let manifest = manifest.unwrap_or_else(|problems| panic!("{problems}"));
        let time = Arc::new(AtomicU64::new(START));
        let of_clock = Arc::clone(&time);
        let clock = Clock::controlled(move || of_clock.load(Ordering::SeqCst));
        let validator = Arc::new(Validator::saying(status(200, "")));
        let client: Arc<dyn Outbound> = Arc::<Validator>::clone(&validator);
        let vault = Vault(BTreeMap::from([("shared", issuer::SECRET), ("bearer", "a-bearer"), ("short", "guess me")]));
        let ingredients =
            Ingredients { secrets: Arc::new(vault), clock: &clock, connect: &|_| Ok(Arc::clone(&client)), per_user };
        let made = Authenticators::assemble(&manifest.authentication, &ingredients);
        let authenticators = Arc::new(made.unwrap_or_else(|error| panic!("{error}")));
        Self { authenticators, validator, time }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.time.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(super) async fn login(&self, auth_data: Value) -> Result<Identity, IdentityError> {
        self.login_from(auth_data, json!({})).await
    }

    pub(super) async fn login_from(&self, auth_data: Value, connection: Value) -> Result<Identity, IdentityError> {
        self.login_within(Duration::from_secs(5), auth_data, connection).await
    }

    pub(super) async fn login_within(
        &self,
        time: Duration,
        auth_data: Value,
        connection_data: Value,
    ) -> Result<Identity, IdentityError> {
        let deadline = Instant::now() + time;
        self.authenticators.login(&Login { auth_data, connection_data, deadline }).await
    }

    /// The id that a login is given.
    pub(super) async fn id(&self, auth_data: Value) -> Result<String, IdentityError> {
        self.login(auth_data).await.map(|identity| identity.id)
    }
}

impl Validator {
    fn saying(answer: Result<OutboundResponse, OutboundError>) -> Self {
        Self { script: Mutex::new(Arc::new(move |_| answer.clone())), seen: Mutex::default(), held: RwLock::default() }
    }

    /// From now on it answers so.
    pub(super) fn says(&self, answer: Result<OutboundResponse, OutboundError>) {
        self.does(move |_| answer.clone());
    }

    pub(super) fn does(
        &self,
        script: impl Fn(&OutboundRequest) -> Result<OutboundResponse, OutboundError> + Send + Sync + 'static,
    ) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }

    pub(super) fn seen(&self) -> Vec<OutboundRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.seen().len()
    }

    /// It answers nobody until the guard is dropped.
    pub(super) async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.held.write().await
    }

    /// Waits until so many calls have come.
    pub(super) async fn until_called(&self, times: usize) {
        while self.calls() < times {
            tokio::task::yield_now().await;
        }
    }
}

impl Outbound for Validator {
    fn send(&self, request: OutboundRequest) -> Answer<'_, Result<OutboundResponse, OutboundError>> {
        Box::pin(async move {
            let script = Arc::clone(&self.script.lock().unwrap_or_else(PoisonError::into_inner));
            let answer = script(&request);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            tokio::task::yield_now().await;
            drop(self.held.read().await);
            answer
        })
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Validator")
    }
}

impl Secrets for Vault {
    fn open(&self, name: &SecretName) -> Result<Secret, OpenError> {
        let value = self.0.get(name.as_str()).ok_or(OpenError::NotFound)?;
        Secret::try_from(value.as_bytes().to_vec()).map_err(|_| OpenError::Unreadable)
    }
}

/// An answer.
pub(super) fn status(status: u16, body: &str) -> Result<OutboundResponse, OutboundError> {
    Ok(OutboundResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

/// The mistakes of a manifest with these tables, as text.
pub(super) fn mistakes(tables: &str) -> String {
    match Manifest::parse("test", &format!("name = \"test\"\n{tables}")) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}
