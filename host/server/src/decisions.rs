//! Decisions for whoever stands in front of another server: JSON, nginx's `auth_request`, and Envoy's ext_authz over HTTP and gRPC.

mod envoy;
mod json;
mod nginx;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, Method, Request, Response};
use envoy_types::ext_authz::v3::pb::AuthorizationServer;

use crate::authorize::{Authorizer, RawRequest};
use crate::body::Bodies;
use crate::data_plane::fresh_id;
use crate::listener;
use crate::metrics::Metrics;
use crate::reply::{self, Refusal};
use envoy::Checker;

/// The decision's id, for the proxy's own log.
const DECISION_ID: HeaderName = HeaderName::from_static("x-usher-decision-id");
/// Why a request is refused: a stable word.
const REASON: HeaderName = HeaderName::from_static("x-usher-reason");
/// The path of gRPC is the service's name and the method's.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The listener's service.
#[derive(Debug)]
pub(crate) struct Decisions {
    decider: Arc<Decider>,
    checks: AuthorizationServer<Checker>,
    bodies: Bodies,
}

/// Decides requests that somebody else has received.
#[derive(Debug)]
struct Decider {
    authorizer: Authorizer,
    metrics: Arc<Metrics>,
}

impl Decisions {
    pub(crate) fn new(authorizer: Authorizer, metrics: Arc<Metrics>, bodies: Bodies) -> Self {
        let decider = Arc::new(Decider { authorizer, metrics });
        let checks = AuthorizationServer::new(Checker(Arc::clone(&decider)));
        Self { decider, checks, bodies }
    }

    async fn route(&self, request: Request<Body>, id: &str) -> Result<Response<Body>, Refusal> {
        let (get, post) = (request.method() == Method::GET, request.method() == Method::POST);
        match request.uri().path() {
            "/v1/decisions" if post => json::answer(&self.decider, request, (&self.bodies, id)).await,
            "/v1/decisions/nginx" => Ok(nginx::answer(&self.decider, request.headers(), id)),
            CHECK if post => Ok(envoy::check(self.checks.clone(), request).await),
            "/livez" if get => Ok(Response::new(Body::from("ok\n"))),
            path if path.starts_with(envoy::PREFIX) => envoy::answer(&self.decider, request, (&self.bodies, id)).await,
            _ => Err(Refusal::NotFound),
        }
    }
}

impl Decider {
    /// Allows a request, or says what its client would get from the gateway.
    fn decide(&self, request: &RawRequest<'_>) -> Result<(), Refusal> {
        if Authorizer::is_free(request) {
            return Ok(());
        }
        let now = self.authorizer.now();
        let opened = self.authorizer.open(request.method, request.path, request.query)?;
        opened.case(request, now)?.admit(now).map(|_until| ())
    }

    fn count(&self, form: &'static str, code: &'static str) {
        self.metrics.decided(form, code);
    }
}

/// The word for an allowed request, beside the codes of refusals.
const ALLOWED: &str = "allowed";

/// The word for an outcome.
const fn code(outcome: &Result<(), Refusal>) -> &'static str {
    match outcome {
        Ok(()) => ALLOWED,
        Err(refusal) => refusal.code(),
    }
}

/// Path and query of a target, split as a server splits them; refuses what servers read in more than one way.
///
/// A `#` ends a target for some, a backslash is a slash for some, and blanks, control characters and what is not ASCII stand
/// for themselves, for an escape or for the target's end. No client sends any of them bare.
fn split(target: &str) -> Result<(&str, &str), Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\';
    match target.bytes().all(is_plain) {
        true => Ok(target.split_once('?').unwrap_or((target, ""))),
        false => Err(Refusal::Malformed("the target holds a character that has to be encoded")),
    }
}

impl listener::Answer for Decisions {
    async fn answer(&self, request: Request<Body>, _peer: SocketAddr) -> Response<Body> {
        // A proxy hands on the client's own headers: an id of its choice would name a decision that it did not get.
        let id = fresh_id();
        let answered = self.route(request, &id).await;
        answered.unwrap_or_else(|refusal| reply::problem(refusal.status(), refusal.code(), &refusal.detail(), &id))
    }
}
