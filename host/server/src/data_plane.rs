//! The data plane: whose request it is, which part of the server answers it, and the sandbox where that is a function.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use percent_encoding::percent_decode_str;
use usher_runtime::{Blame, Fault, Field};

use crate::access_manager::{AccessManager, Call};
use crate::body::Bodies;
use crate::deployments::{Deployment, Deployments};
use crate::gateway::{Gateway, Sender};
use crate::kept::{Detail, Kept, KeptDecision, Road, asked_of, clipped};
use crate::metrics::{ALLOWED, Metrics};
use crate::reply::{self, REQUEST_ID, Refusal};

/// The path of functions; what follows is `{subscribe key}/{path}`.
const BLOCKS: &str = "/v1/blocks/sub-key/";
/// The longest `X-Request-Id` that is taken over.
const LONGEST_REQUEST_ID: usize = 64;
/// The longest `route` that is kept.
const LONGEST_ROUTE: usize = 32;
/// A burst is this many seconds' worth of requests.
const BURST: u32 = 10;

/// Answers clients.
#[derive(Debug)]
pub(crate) struct DataPlane {
    services: Services,
    metrics: Arc<Metrics>,
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    bodies: Bodies,
}

/// Who answers, in this order.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) deployments: Arc<Deployments>,
    pub(crate) access_manager: AccessManager,
    pub(crate) gateway: Gateway,
    pub(crate) kept: Arc<Kept>,
}

impl DataPlane {
    /// `per_address` requests a second, 0 is no limit.
    pub(crate) fn new(services: Services, metrics: Arc<Metrics>, (per_address, bodies): (u32, Bodies)) -> Self {
        let quota = NonZeroU32::new(per_address).map(|rate| {
            let burst = NonZeroU32::new(BURST).map_or(rate, |factor| rate.saturating_mul(factor));
            Quota::per_second(rate).allow_burst(burst)
        });
        Self { services, metrics, limiter: quota.map(RateLimiter::keyed), bodies }
    }

    /// Answers one request. Every outcome is an answer.
    pub(crate) async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let started = Instant::now();
        let request_id = request_id(request.headers());
        let target = target(request.uri().path()).map(|(key, path)| (key.to_owned(), path.to_owned()));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let is_preflight = method == Method::OPTIONS;
        let (response, outcome) = match self.try_answer(request, peer, &request_id).await {
            Ok(response) => (response, "answered"),
            Err(refusal) => {
                note(&refusal, &request_id, target.as_ref());
                self.keep(&refusal, (&method, &uri), &request_id);
                let code = refusal.code();
                // A browser that is refused its preflight shows its user nothing of the reason; the request itself is refused then.
                (if is_preflight { reply::preflight() } else { refusal.into_response(&request_id) }, code)
            }
        };
        self.metrics.answered(outcome, response.status().as_u16(), started.elapsed());
        tracing::debug!(request = request_id, status = response.status().as_u16(), outcome, "answered");
        response
    }

    /// Forgets addresses that were not seen for a while.
    pub(crate) fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }

    async fn try_answer(
        &self,
        request: Request<Body>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Result<Response<Body>, Refusal> {
        self.admit(peer.ip())?;
        if request.uri().path().starts_with(BLOCKS) {
            return self.run(request, peer, request_id).await;
        }
        if request.method() == Method::OPTIONS {
            return Ok(reply::preflight());
        }
        if let Some(call) = Call::parse(request.method(), request.uri().path()) {
            return self.services.access_manager.answer(call, request, request_id).await;
        }
        let sender = Sender { address: peer.ip(), request_id };
        let answered = self.services.gateway.answer(request, sender).await;
        // Whoever comes here without being a client of a network looks for a function.
        answered.map_err(|refusal| if refusal == Refusal::UnknownOperation { Refusal::NotFound } else { refusal })
    }

    async fn run(&self, request: Request<Body>, peer: SocketAddr, request_id: &str) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        let (subscribe_key, path) = target(parts.uri.path()).ok_or(Refusal::NotFound)?;
        let path = decode(path).ok_or(Refusal::Malformed("the path is not UTF-8"))?;
        let longest = self.deployment(subscribe_key, &path)?.limits().ok_or(Refusal::NotFound)?.body;
        let query = query(parts.uri.query().unwrap_or_default()).ok_or(Refusal::Malformed("the query is not UTF-8"))?;
        let request = usher_runtime::Request {
            id: request_id.to_owned(),
            method: parts.method.as_str().to_owned(),
            query,
            headers: headers(&parts.headers),
            body: self.bodies.read(&parts, body, longest).await?.into(),
            client_ip: peer.ip().to_canonical().to_string(),
            subscribe_key: subscribe_key.to_owned(),
            path,
        };
        // Asked again: while the body arrived, another version may have taken the place of the first.
        let deployment = self.deployment(subscribe_key, &request.path)?;
        self.invoke(&deployment, request, request_id).await
    }

    fn deployment(&self, subscribe_key: &str, path: &str) -> Result<Arc<Deployment>, Refusal> {
        self.services.deployments.routes().find(subscribe_key, path).cloned().ok_or(Refusal::NotFound)
    }

    async fn invoke(
        &self,
        deployment: &Deployment,
        request: usher_runtime::Request,
        request_id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let function = deployment.function.as_ref().ok_or(Refusal::NotFound)?;
        let running = self.metrics.running();
        let asked = asked_of_function(&request);
        let usher_runtime::Invoked { outcome, trace } = function.invoke(request).await;
        drop(running);
        let reason = trace.reason();
        let mut answered = outcome.and_then(|reply| reply::answer(reply, request_id)).map_err(|fault| {
            self.metrics.faulted(&fault);
            report(deployment, &fault, request_id);
            Refusal::Fault(fault)
        });
        let (allowed, code, status) = tell_reason(&mut answered, reason, request_id);
        let fault = match &answered {
            Err(Refusal::Fault(fault)) => Some(fault.to_string()),
            Err(_) | Ok(_) => None,
        };
        let user = trace.identity.as_ref().map(|identity| clipped(identity.id.as_ref().unwrap_or(&identity.claimed)));
        self.services.kept.keep(KeptDecision {
            id: request_id.to_owned(),
            road: Road::Function,
            subscribe_key: Some(deployment.id.subscribe_key.as_str().to_owned()),
            deployment: Some((deployment.id.name.as_str().to_owned(), deployment.version)),
            policy: deployment.policy.as_ref().map(|policy| policy.digest.to_string()),
            user,
            asked,
            allowed,
            code,
            status: Some(status.as_u16()),
            detail: Detail::Invocation { trace: Box::new(trace), fault },
        });
        answered
    }

    /// Keeps a refusal of everything but functions, which keep their own.
    fn keep(&self, refusal: &Refusal, (method, uri): (&Method, &Uri), request_id: &str) {
        // Floods are counted, not kept; what a function's fault was is kept with its invocation.
        if matches!(refusal, Refusal::Fault(_) | Refusal::RateLimited { .. }) {
            return;
        }
        let (road, (subscribe_key, user, asked)) = match (target(uri.path()), Call::parse(method, uri.path())) {
            (Some((key, _)), _) => (Road::Function, (Some(key.to_owned()), None, format!("{method} {BLOCKS}…"))),
            (None, Some(call)) => {
                (Road::AccessManager, (call.subscribe_key().map(str::to_owned), None, call.word().to_owned()))
            }
            (None, None) => (Road::Gateway, asked_of(method.as_str(), uri.path(), uri.query().unwrap_or_default())),
        };
        self.services.kept.keep(KeptDecision {
            id: request_id.to_owned(),
            road,
            subscribe_key: subscribe_key.filter(|key| self.knows(key)),
            deployment: None,
            policy: None,
            user,
            asked,
            allowed: false,
            code: refusal.code(),
            status: Some(refusal.status().as_u16()),
            detail: Detail::Findings(refusal.findings()),
        });
    }

    /// Whether a text is a subscribe key of this server; what else stands in its place is nobody's to keep.
    fn knows(&self, subscribe_key: &str) -> bool {
        subscribe_key.parse().is_ok_and(|key| self.services.gateway.authorizer.keyset(&key).is_some())
    }

    fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&network(address)).map_err(|later| {
            let wait = later.wait_time_from(limiter.clock().now());
            Refusal::RateLimited { retry_after: wait.as_secs() + 1 }
        })
    }
}

/// Whether a function's answer allows, with its code and status; one that does not is made to say why.
fn tell_reason(
    answered: &mut Result<Response<Body>, Refusal>,
    reason: Option<&'static str>,
    request_id: &str,
) -> (bool, &'static str, StatusCode) {
    match answered {
        Ok(response) if response.status().as_u16() < 400 => (true, ALLOWED, response.status()),
        Ok(response) => {
            let by_itself = match response.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "function.denied",
                _ => "function.refused",
            };
            let code = reason.unwrap_or(by_itself);
            reply::explain_refusal(response.headers_mut(), code, request_id);
            (false, code, response.status())
        }
        Err(refusal) => (false, refusal.code(), refusal.status()),
    }
}

/// Method and path, and the parameter by which some functions tell their routes apart.
fn asked_of_function(request: &usher_runtime::Request) -> String {
    let is_word =
        |text: &&str| text.len() <= LONGEST_ROUTE && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let route = request.query.iter().find(|(name, _)| name == "route").map(|(_, route)| route.as_str()).filter(is_word);
    let (method, path) = (&request.method, clipped(&request.path));
    route.map_or_else(|| format!("{method} {path}"), |route| format!("{method} {path}?route={route}"))
}

/// Who is counted as one: an IPv4 address, or the /64 that an IPv6 customer has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Subscribe key and the rest of a function's path.
fn target(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(BLOCKS)?.split_once('/').filter(|(key, rest)| !key.is_empty() && !rest.is_empty())
}

fn headers(headers: &HeaderMap) -> Vec<Field> {
    let field = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        Some((name.as_str().to_owned(), std::str::from_utf8(value.as_bytes()).ok()?.to_owned()))
    };
    headers.iter().filter_map(field).collect()
}

/// Parameters in order, decoded as forms are: `+` is a space.
fn query(text: &str) -> Option<Vec<Field>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let form = |text: &str| decode(&text.replace('+', " "));
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Some((form(name)?, form(value)?)))
        .collect()
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The client's own id if it is short and plain, else a fresh one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        (8..=LONGEST_REQUEST_ID).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    own.map_or_else(fresh_id, str::to_owned)
}

/// Unique: a random beginning for the process, then a count.
pub(crate) fn fresh_id() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| random_hex(8));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut id = String::with_capacity(PROCESS.len() + 16);
    id.push_str(&PROCESS);
    // Writing to a text never fails.
    let _: fmt::Result = write!(id, "{:08x}", COUNT.fetch_add(1, Ordering::Relaxed));
    id
}

/// As many random bytes in hexadecimal.
fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    // An id is no secret: without randomness it only stops being unique among processes.
    let _: Result<(), getrandom::Error> = getrandom::fill(&mut random);
    hex::encode(random)
}

/// Refusals of the data plane itself; never the query or the body, which carry auth keys.
fn note(refusal: &Refusal, request_id: &str, target: Option<&(String, String)>) {
    let path: Option<String> = target.map(|(_, path)| path.chars().take(200).filter(|c| !c.is_control()).collect());
    match refusal {
        Refusal::Fault(_) => {}
        Refusal::Malformed(_)
        | Refusal::NotFound
        | Refusal::BodyTooLarge { .. }
        | Refusal::BodyTimedOut
        | Refusal::RateLimited { .. }
        | Refusal::Service { .. }
        | Refusal::UnknownOperation
        | Refusal::UnknownCaller
        | Refusal::NoNetwork
        | Refusal::Network(_)
        | Refusal::Unavailable
        | Refusal::Busy => {
            tracing::info!(request = request_id, code = refusal.code(), path, "refused");
        }
    }
}

fn report(deployment: &Deployment, fault: &Fault, request_id: &str) {
    let (function, version, kind) = (deployment.id.name.as_str(), deployment.version, fault.kind.word());
    match fault.blame {
        Blame::Guest => tracing::warn!(request = request_id, function, version, blame = "guest", kind, "{fault}"),
        Blame::Host => tracing::error!(request = request_id, function, version, blame = "host", kind, "{fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{query, target};

    #[test]
    fn a_path_names_a_subscribe_key_and_a_rest() {
        for (path, expected) in [
            ("/v1/blocks/sub-key/sub-c-1/chat-engine-server", Some(("sub-c-1", "chat-engine-server"))),
            ("/v1/blocks/sub-key/sub-c-1/a/b/", Some(("sub-c-1", "a/b/"))),
            ("/v1/blocks/sub-key/sub-c-1/", None),
            ("/v1/blocks/sub-key//x", None),
            ("/v1/blocks/sub-key/sub-c-1", None),
            ("/time/0", None),
            ("/", None),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }

    #[test]
    fn a_query_keeps_order_duplicates_and_empty_values() {
        let pairs = |text| {
            query(text)
                .map(|pairs| pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        };
        for (text, expected) in [
            ("route=grant&route=join", Some(vec!["route=grant", "route=join"])),
            ("a=%23b+c&d", Some(vec!["a=#b c", "d="])),
            ("&&", Some(vec![])),
            ("a=%ff", None),
        ] {
            assert_eq!(pairs(text), expected.map(|list| list.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }
}
