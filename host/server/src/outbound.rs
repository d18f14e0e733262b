//! Calls to the outside: every host, port, resolved address and redirect is held against an allow-list.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, Method, Url, redirect};
use usher_runtime::capability::Answer;
use usher_runtime::capability::http::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

mod address;

use address::is_public;

/// How long a connection may take to stand.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long a function's call may wait for the first bytes of an answer, and for each of the next.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(5);
/// Headers of one request at the most.
const MOST_HEADERS: usize = 64;
/// Headers that say where a request goes or where it ends; a function that set them could reach another host behind a listed
/// address, or leave bytes of one request to the next.
pub(crate) const RESERVED_HEADERS: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-connection",
    "proxy-authorization",
    "forwarded",
];
/// Redirects followed at the most.
const REDIRECTS: usize = 3;

/// A host that may be called, as a manifest lists it: `api.example.com`, `api.example.com:8443`, `127.0.0.1:9000`, `10.0.0.0/8`.
///
/// A name may resolve to public addresses only, unless the address lies in a listed network or is listed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: Host,
    /// Without one: 80 and 443.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Network(IpNet),
    /// Addresses that a listed name may resolve to, though they are not listed themselves.
    ResolvedTo(IpNet),
}

/// The text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: write `name`, `name:port`, `address:port` or `network/bits`")]
pub struct MalformedHost(String);

/// The calls of one deployment.
#[derive(Debug)]
pub struct OutboundClient {
    client: Client,
    allowed: Arc<[AllowedHost]>,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("outbound client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

impl OutboundClient {
    /// A client that reaches the listed hosts and nothing else; `roots` are PEM certificates trusted besides the system's.
    ///
    /// # Errors
    /// When TLS cannot be set up or a certificate is malformed.
    pub fn new(allowed: Vec<AllowedHost>, roots: &[Vec<u8>]) -> Result<Self, ClientError> {
        let allowed: Arc<[AllowedHost]> = allowed.into();
        let for_redirects = Arc::clone(&allowed);
        let redirects = redirect::Policy::custom(move |attempt| follow(&for_redirects, attempt));
        Self::build(allowed, roots, Client::builder().redirect(redirects).read_timeout(FIRST_BYTE_TIME))
    }

    /// A client for one host that the operator named; it may resolve to any address. Redirects are answers like any
    /// other: what asks for a decision or a grant has to get it from whom it asked.
    ///
    /// # Errors
    /// When TLS cannot be set up or a certificate is malformed.
    pub fn for_operator(host: AllowedHost, roots: &[Vec<u8>]) -> Result<Self, ClientError> {
        let port = host.port;
        let anywhere = [IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())];
        let addresses = anywhere.map(|network| AllowedHost { host: Host::ResolvedTo(network), port });
        let allowed = std::iter::once(host).chain(addresses).collect();
        Self::build(allowed, roots, Client::builder().redirect(redirect::Policy::none()))
    }

    fn build(allowed: Arc<[AllowedHost]>, roots: &[Vec<u8>], builder: ClientBuilder) -> Result<Self, ClientError> {
        let names = Arc::new(Resolver(Arc::clone(&allowed)));
        let mut builder = builder.no_proxy().referer(false).connect_timeout(CONNECT_TIME).dns_resolver(names);
        for root in roots {
            for certificate in reqwest::Certificate::from_pem_bundle(root)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self { client: builder.build()?, allowed })
    }

    async fn run(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let OutboundRequest { method, url, headers, body, timeout, longest_answer } = request;
        let url = Url::parse(&url).map_err(|error| OutboundError::InvalidRequest(format!("url: {error}")))?;
        check(&self.allowed, &url).map_err(OutboundError::NotAllowed)?;
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| OutboundError::InvalidRequest("method".into()))?;
        if method == Method::CONNECT {
            return Err(OutboundError::InvalidRequest("method".into()));
        }
        let mut builder = self.client.request(method, url).timeout(timeout).body(body);
        if headers.len() > MOST_HEADERS {
            return Err(OutboundError::InvalidRequest(format!("more than {MOST_HEADERS} headers")));
        }
        for (name, value) in headers {
            if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(OutboundError::InvalidRequest(format!("the header `{name}` is the connection's own")));
            }
            builder = builder.header(name, value);
        }
        let request = builder.build().map_err(|error| OutboundError::InvalidRequest(describe(&error)))?;
        let mut answer = self.client.execute(request).await.map_err(|error| classify(&error))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > longest_answer {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(OutboundResponse { status, headers, body })
    }
}

impl Outbound for OutboundClient {
    fn send(&self, request: OutboundRequest) -> Answer<'_, Result<OutboundResponse, OutboundError>> {
        Box::pin(self.run(request))
    }
}

impl AllowedHost {
    /// The host and port of a URL.
    ///
    /// # Errors
    /// When the text is no absolute `http` or `https` URL.
    pub fn of_url(text: &str) -> Result<Self, MalformedHost> {
        let malformed = || MalformedHost(text.chars().take(200).collect());
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(MalformedHost("a url with a user in it".into()));
        }
        let port = url.port_or_known_default();
        let host = url.host_str().ok_or_else(malformed)?;
        Ok(Self { host: Host::parse(host).ok_or_else(malformed)?, port })
    }

    fn means_port(&self, port: u16) -> bool {
        self.port.map_or(port == 80 || port == 443, |listed| listed == port)
    }

    fn means_name(&self, name: &str) -> bool {
        matches!(&self.host, Host::Name(listed) if listed.eq_ignore_ascii_case(name))
    }

    fn means_address(&self, address: IpAddr) -> bool {
        matches!(&self.host, Host::Network(network) if network.contains(&address.to_canonical()))
    }

    fn permits_resolved(&self, address: IpAddr) -> bool {
        self.means_address(address)
            || matches!(&self.host, Host::ResolvedTo(network) if network.contains(&address.to_canonical()))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Network(IpNet::from(address.to_canonical())));
        }
        if let Ok(network) = bare.parse::<IpNet>() {
            return Some(Self::Network(network));
        }
        let fits = (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        fits.then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl FromStr for AllowedHost {
    type Err = MalformedHost;

    fn from_str(text: &str) -> Result<Self, MalformedHost> {
        let malformed = || MalformedHost(text.chars().take(200).collect());
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self {
                host: Host::Network(IpNet::from(socket.ip().to_canonical())),
                port: Some(socket.port()),
            });
        }
        if let Some(host) = Host::parse(text) {
            return Ok(Self { host, port: None });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
        let port = port.parse().map_err(|_| malformed())?;
        Ok(Self { host: Host::parse(host).ok_or_else(malformed)?, port: Some(port) })
    }
}

/// Host and port of a URL against the list; the addresses of a name are checked when it is resolved.
fn check(allowed: &[AllowedHost], url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("scheme `{}`", url.scheme()));
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("a url without a host".into());
    };
    let listed = allowed.iter().filter(|entry| entry.means_port(port)).any(|entry| match Host::parse(host) {
        Some(Host::Network(address)) => entry.means_address(address.addr()),
        Some(Host::Name(name)) => entry.means_name(&name),
        Some(Host::ResolvedTo(_)) | None => false,
    });
    if listed { Ok(()) } else { Err(format!("`{host}:{port}` is not listed under `hosts`")) }
}

fn follow(allowed: &[AllowedHost], attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(Refused("too many redirects".into()));
    }
    let downgrades =
        attempt.url().scheme() == "http" && attempt.previous().last().is_some_and(|from| from.scheme() == "https");
    if downgrades {
        return attempt.error(Refused("redirect from https to http".into()));
    }
    match check(allowed, attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(reason) => attempt.error(Refused(format!("redirect to {reason}"))),
    }
}

/// Carries a refusal through reqwest's error chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// Resolves names and lets only permitted addresses through.
#[derive(Debug)]
struct Resolver(Arc<[AllowedHost]>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (usable, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|found| permits(&allowed, found.ip()));
            if usable.is_empty() && !refused.is_empty() {
                let reason = format!(
                    "`{}` resolves to a private, loopback or link-local address that is not listed",
                    name.as_str()
                );
                return Err(Box::new(Refused(reason)).into());
            }
            let addresses: Addrs = Box::new(usable.into_iter());
            Ok(addresses)
        })
    }
}

fn permits(allowed: &[AllowedHost], address: IpAddr) -> bool {
    is_public(address) || allowed.iter().any(|entry| entry.permits_resolved(address))
}

fn classify(error: &reqwest::Error) -> OutboundError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(Refused(reason)) = current.downcast_ref() {
            return OutboundError::NotAllowed(reason.clone());
        }
        cause = current.source();
    }
    if error.is_timeout() { OutboundError::TimedOut } else { OutboundError::Unreachable(describe(error)) }
}

/// The innermost cause, which names neither URL nor headers.
fn describe(error: &reqwest::Error) -> String {
    let mut innermost = std::error::Error::source(error);
    while let Some(deeper) = innermost.and_then(std::error::Error::source) {
        innermost = Some(deeper);
    }
    innermost.map_or_else(|| "no connection".into(), ToString::to_string)
}
