//! Hands a request to a network's origin, target and body untouched, and streams the answer back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Request, Response, Version};
use http_body_util::LengthLimitError;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::headers::{drop_hop_by_hop, for_origin};
use crate::body::TooSlow;
use crate::network_origin::NetworkOrigin;

/// How long a connection may take to stand.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long an answer's head may take. Long polls are held for up to 310 seconds by the clients in use.
const HEAD_TIME: Duration = Duration::from_secs(320);
/// How long an idle connection is kept for the next request.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How often a silent connection is asked whether its other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Calls every network of this server; keeps connections for reuse.
#[derive(Debug)]
pub(crate) struct Forwarder {
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// For whom a request is forwarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) address: IpAddr,
    pub(crate) request_id: &'a str,
}

/// TLS towards networks could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwarderError {
    #[error("a trusted certificate: {0}")]
    Certificate(String),
    #[error("certificates of the system: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why no answer came from the origin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    #[error("the target cannot be forwarded")]
    Target,
    #[error("the request's body is too long")]
    BodyTooLong,
    #[error(transparent)]
    BodyTooSlow(#[from] TooSlow),
    #[error("no answer's head within {} s", HEAD_TIME.as_secs())]
    TimedOut,
    #[error("{0}")]
    Unreachable(String),
}

impl Forwarder {
    /// `roots` are PEM certificates trusted besides the system's.
    pub(crate) fn new(roots: &[Vec<u8>]) -> Result<Self, ForwarderError> {
        let mut trusted = Vec::new();
        for root in roots {
            for certificate in CertificateDer::pem_slice_iter(root) {
                trusted.push(certificate.map_err(|error| ForwarderError::Certificate(error.to_string()))?);
            }
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(trusted, Arc::clone(&provider))?;
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIME));
        tcp.set_keepalive(Some(KEEPALIVE));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .build(connector.wrap_connector(tcp));
        Ok(Self { client })
    }

    /// Sends a request to `origin`; the answer's body is still to be streamed.
    pub(crate) async fn send(
        &self,
        origin: &NetworkOrigin,
        request: Request<Body>,
        sender: Sender<'_>,
    ) -> Result<Response<Body>, ForwardError> {
        let (parts, body) = request.into_parts();
        let request = rewrite(origin, parts, sender)?.map(|()| body);
        let answer = tokio::time::timeout(HEAD_TIME, self.client.request(request)).await;
        let answer = answer.map_err(|_elapsed| ForwardError::TimedOut)?;
        let mut answer = answer.map_err(|error| classify(&error))?.map(Body::new);
        // Nothing that is asked here switches protocols, so the connection does not stay HTTP for the next request.
        if answer.status().is_informational() {
            return Err(ForwardError::Unreachable(format!("an answer of status {}", answer.status().as_u16())));
        }
        drop_hop_by_hop(answer.headers_mut());
        *answer.version_mut() = Version::HTTP_11;
        Ok(answer)
    }
}

/// The head as the origin gets it.
fn rewrite(origin: &NetworkOrigin, parts: Parts, sender: Sender<'_>) -> Result<Request<()>, ForwardError> {
    let Parts { method, uri, mut headers, .. } = parts;
    let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    for_origin(&mut headers, sender).map_err(|_| ForwardError::Target)?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = origin.at(target).map_err(|_| ForwardError::Target)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// What the innermost cause comes to, which names neither the target nor headers.
pub(super) fn classify(error: &(dyn std::error::Error + 'static)) -> ForwardError {
    let mut cause = error;
    loop {
        if cause.is::<LengthLimitError>() {
            return ForwardError::BodyTooLong;
        }
        if cause.is::<TooSlow>() {
            return ForwardError::BodyTooSlow(TooSlow);
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => return ForwardError::Unreachable(cause.to_string()),
        }
    }
}
