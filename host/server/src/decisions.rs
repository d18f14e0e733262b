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
use crate::deepstream::{self, Deepstream};
use crate::kept::{Detail, Kept, KeptDecision, Road, asked_of};
use crate::listener;
use crate::metrics::{ALLOWED, Metrics};
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
    deepstream: Deepstream,
}

/// Decides requests that somebody else has received.
#[derive(Debug)]
struct Decider {
    authorizer: Authorizer,
    kept: Arc<Kept>,
    metrics: Arc<Metrics>,
}

impl Decisions {
    pub(crate) fn new(
        (authorizer, kept): (Authorizer, Arc<Kept>),
        metrics: Arc<Metrics>,
        (bodies, deepstream): (Bodies, Deepstream),
    ) -> Self {
        let decider = Arc::new(Decider { authorizer, kept, metrics });
        let checks = AuthorizationServer::new(Checker(Arc::clone(&decider)));
        Self { decider, checks, bodies, deepstream }
    }

    async fn route(&self, request: Request<Body>, id: &str) -> Result<Response<Body>, Refusal> {
        let (get, post) = (request.method() == Method::GET, request.method() == Method::POST);
        match request.uri().path() {
            "/v1/decisions" if post => json::answer(&self.decider, request, (&self.bodies, id)).await,
            "/v1/decisions/nginx" => Ok(nginx::answer(&self.decider, request.headers(), id)),
            CHECK if post => Ok(envoy::check(self.checks.clone(), request).await),
            "/livez" if get => Ok(Response::new(Body::from("ok\n"))),
            path if post && deepstream::Call::parse(path).is_some() => self.deepstream(request, id).await,
            path if path.starts_with(envoy::PREFIX) => envoy::answer(&self.decider, request, (&self.bodies, id)).await,
            _ => Err(Refusal::NotFound),
        }
    }

    async fn deepstream(&self, request: Request<Body>, id: &str) -> Result<Response<Body>, Refusal> {
        let path = request.uri().path().to_owned();
        let call = deepstream::Call::parse(&path).ok_or(Refusal::NotFound)?;
        self.deepstream.answer(call, request, (&self.bodies, id)).await
    }
}

impl Decider {
    /// Allows a request, or says what its client would get from the gateway, and keeps that under `id`. A request that cannot be
    /// read is refused as it is given.
    fn decide(&self, request: Result<RawRequest<'_>, Refusal>, id: &str) -> Result<(), Refusal> {
        let asked = request.as_ref().ok().map(|request| (request.method, request.path, request.query));
        request.and_then(|request| self.admit(&request)).inspect_err(|refusal| {
            let unread = || (None, None, "what cannot be read".to_owned());
            let asked = asked.map_or_else(unread, |(method, path, query)| asked_of(method, path, query));
            self.keep(asked, (refusal.code(), refusal.findings()), id);
        })
    }

    fn admit(&self, request: &RawRequest<'_>) -> Result<(), Refusal> {
        if Authorizer::is_free(request) {
            return Ok(());
        }
        let now = self.authorizer.now();
        let opened = self.authorizer.open(request.method, request.path, request.query)?;
        opened.case(request, now)?.admit(now).map(|_until| ())
    }

    /// Keeps a refusal: keyset, user and what was wanted; the code and what led to it.
    fn keep(
        &self,
        (subscribe_key, user, asked): (Option<String>, Option<String>, String),
        (code, findings): (&'static str, Vec<String>),
        id: &str,
    ) {
        self.kept.keep(KeptDecision {
            id: id.to_owned(),
            road: Road::Decisions,
            subscribe_key,
            deployment: None,
            policy: None,
            user,
            asked,
            allowed: false,
            code,
            status: None,
            detail: Detail::Findings(findings),
        });
    }

    fn count(&self, form: &'static str, code: &'static str) {
        self.metrics.decided(form, code);
    }
}

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
        let called =
            deepstream::Call::parse(request.uri().path()).map_or("ask for a decision", deepstream::Call::words);
        let answered = self.route(request, &id).await;
        answered.unwrap_or_else(|refusal| {
            self.decider.keep((None, None, called.to_owned()), (refusal.code(), refusal.findings()), &id);
            reply::problem(refusal.status(), refusal.code(), &refusal.detail(), &id)
        })
    }
}
