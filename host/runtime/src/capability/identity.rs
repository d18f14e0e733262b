//! `identity`: who the caller is, by the deployment's authenticators; what is proven here binds the ceiling.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use usher_access::Bindings;
use usher_policy::User;
use wasmtime::component::{HasData, Linker};

use super::{Answer, Capability, not_granted};
use crate::bindings::usher::function::identity as wire;
use crate::exchange::{Field, Request};
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::{Recorder, TracedIdentity};

/// Finds out who an auth key is.
pub trait Authenticate: Send + Sync + std::fmt::Debug {
    /// Whether the answer depends on more of a request than the claim; without it, [`Context`] has no headers.
    fn looks_at_requests(&self) -> bool;
    /// Asks the authenticators in order; nobody is let in for an error.
    fn authenticate<'a>(
        &'a self,
        claim: &'a Claim,
        context: &'a Context,
    ) -> Answer<'a, Result<Identity, IdentityError>>;
}

/// What a caller says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The user it wants to be.
    pub uuid: String,
    /// What shall prove it. Never logged.
    pub auth_key: String,
    /// The tenant it wants to act in; empty where the function has none.
    pub namespace: String,
    /// What it wants to do.
    pub route: String,
}

/// The request around a claim, for authenticators that look at more than the claim.
#[derive(Clone)]
pub struct Context {
    /// The request's id.
    pub request_id: String,
    /// Lower-case names.
    pub headers: Vec<Field>,
    /// Where the request came from.
    pub client_ip: Option<IpAddr>,
    /// Until when answers from outside are waited for: a little before the invocation ends.
    pub deadline: Instant,
}

/// Who an auth key turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's id.
    pub id: String,
    /// JSON for the client, `null` when there is none.
    pub client_data: String,
    /// JSON for functions and policies only, `null` when there is none.
    pub server_data: String,
}

/// Why nobody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityError {
    /// The auth key is not this uuid's.
    Denied,
    /// The auth key was this uuid's and is so no longer: sign in again.
    Expired,
    /// No authenticator could be asked.
    Unavailable,
    /// Too many requests for this uuid.
    RateLimited {
        /// Seconds to wait.
        retry_after: u32,
    },
}

/// The identity and the auth key that were proven together.
#[derive(Clone)]
pub(crate) struct Proven {
    pub(crate) subject: Arc<Subject>,
    pub(crate) namespace: String,
    /// What the ceiling's variables stand for, once somebody asked.
    pub(crate) bindings: OnceLock<Bindings>,
    /// Whom the policy sees, once somebody asked.
    user: OnceLock<Arc<User>>,
}

/// Whom an invocation speaks for: an identity with the auth key that proved it.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user's id.
    pub id: String,
    /// JSON for functions and policies only, `null` when there is none.
    pub server_data: String,
    /// What proved it. Never logged.
    pub auth_key: String,
}

/// The authenticators of a deployment.
#[derive(Debug)]
pub struct Granted {
    /// Asked in order.
    pub authenticators: Arc<dyn Authenticate>,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    context: &'a Context,
    proven: &'a mut Option<Proven>,
    trace: &'a mut Recorder,
}

impl wire::Host for View<'_> {
    async fn authenticate(
        &mut self,
        claim: wire::Claim,
    ) -> wasmtime::Result<Result<wire::Proven, wire::IdentityError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Identity))?;
        let began = Instant::now();
        // INVARIANT: what an earlier claim proved does not outlive a later one.
        *self.proven = None;
        if !CallLimits::take(self.left) {
            self.trace.ended(AUTHENTICATE, began, "identity.too-many-calls");
            return Ok(Err(wire::IdentityError::TooManyCalls));
        }
        let wire::Claim { uuid, auth_key, namespace, route } = claim;
        let claim = Claim { uuid, auth_key, namespace, route };
        let asked = tokio::time::timeout_at(
            self.context.deadline.into(),
            granted.authenticators.authenticate(&claim, self.context),
        );
        let answer = asked.await.unwrap_or(Err(IdentityError::Unavailable));
        self.trace.call(AUTHENTICATE, began, &answer, |error| error.code());
        let proven = answer.as_ref().ok();
        self.trace.identity(TracedIdentity {
            claimed: claim.uuid.clone(),
            id: proven.map(|identity| identity.id.clone()),
            server_data: proven.map_or_else(|| "null".to_owned(), |identity| identity.server_data.clone()),
        });
        Ok(answer.map_err(wire::IdentityError::from).map(|identity| self.bind(identity, claim)))
    }
}

/// How a trace names the one call of this interface.
const AUTHENTICATE: (Capability, &str) = (Capability::Identity, "authenticate");

impl View<'_> {
    /// From here on the invocation speaks for this identity.
    fn bind(&mut self, identity: Identity, claim: Claim) -> wire::Proven {
        let Identity { id, client_data, server_data } = identity;
        let subject = Subject { id: id.clone(), server_data: server_data.clone(), auth_key: claim.auth_key };
        let (subject, namespace) = (Arc::new(subject), claim.namespace);
        *self.proven = Some(Proven { subject, namespace, bindings: OnceLock::new(), user: OnceLock::new() });
        wire::Proven { id, client_data, server_data }
    }
}

impl Proven {
    pub(crate) fn user(&self) -> Arc<User> {
        let Subject { id, server_data, auth_key: _ } = self.subject.as_ref();
        Arc::clone(self.user.get_or_init(|| Arc::new(super::policy::user(id, server_data))))
    }
}

impl IdentityError {
    /// The stable code that clients and operators read.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denied => "identity.denied",
            Self::Expired => "identity.expired",
            Self::Unavailable => "identity.unavailable",
            Self::RateLimited { .. } => "identity.rate-limited",
        }
    }
}

impl From<IdentityError> for wire::IdentityError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Denied | IdentityError::Expired => Self::Denied,
            IdentityError::Unavailable => Self::Unavailable,
            IdentityError::RateLimited { retry_after } => Self::RateLimited(retry_after),
        }
    }
}

impl Context {
    pub(crate) fn of(request: &Request, identity: Option<&Granted>, deadline: Instant) -> Self {
        let seen = identity.filter(|granted| granted.authenticators.looks_at_requests()).map(|_| request);
        Self {
            request_id: request.id.clone(),
            headers: seen.map(|request| request.headers.clone()).unwrap_or_default(),
            client_ip: request.client_ip.parse().ok(),
            deadline,
        }
    }
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Claim").field("uuid", &self.uuid).field("route", &self.route).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Subject").field("id", &self.id).finish_non_exhaustive()
    }
}

struct Identities;

impl HasData for Identities {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Identities>(linker, |state| View {
        granted: state.capabilities.identity.as_ref(),
        left: &mut state.calls.identity,
        context: &state.context,
        proven: &mut state.proven,
        trace: &mut state.recorder,
    })
}

/// Without what may carry auth keys and secrets.
impl std::fmt::Debug for Context {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Context")
            .field("request_id", &self.request_id)
            .field("client_ip", &self.client_ip)
            .finish_non_exhaustive()
    }
}
