//! What authenticators are asked: a function's claim, or the login of a deepstream client, read alike.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use usher_runtime::capability::identity::{Claim, Context};

/// The longest token that is looked at, in bytes.
pub(super) const LONGEST_TOKEN: usize = 8 << 10;

/// A client of deepstream that wants to log in, as deepstream's server shows it.
pub(crate) struct Login {
    /// What the client sent; an object or a list.
    pub(crate) auth_data: Value,
    /// What deepstream knows of the connection.
    pub(crate) connection_data: Value,
    /// Until when an answer is waited for.
    pub(crate) deadline: Instant,
}

/// Headers of a login that may prove who it is, besides its `authData`.
const PROVING: [&str; 3] = ["authorization", "cookie", "sec-websocket-protocol"];

/// One question to a chain of authenticators.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    Claim { claim: &'a Claim, context: &'a Context },
    Login(&'a Login),
}

/// What an answer belongs to; neither auth keys nor passwords can be read back from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// The user and what proves it.
    pub(super) credential: [u8; 32],
    /// These, and whatever else the answer may depend on.
    pub(super) question: [u8; 32],
}

/// Makes fingerprints that mean nothing to another process.
#[derive(Clone, Copy)]
pub(super) struct Seed([u8; 32]);

impl<'a> Question<'a> {
    pub(super) const fn deadline(self) -> Instant {
        match self {
            Self::Claim { context, .. } => context.deadline,
            Self::Login(login) => login.deadline,
        }
    }

    /// The name that the caller gives itself.
    pub(super) fn name(self) -> Option<&'a str> {
        match self {
            Self::Claim { claim, .. } => Some(&claim.uuid),
            Self::Login(login) => login.auth_data.get("username").and_then(Value::as_str),
        }
    }

    pub(super) fn password(self) -> Option<&'a str> {
        match self {
            Self::Claim { claim, .. } => Some(&claim.auth_key),
            Self::Login(login) => login.auth_data.get("password").and_then(Value::as_str),
        }
    }

    /// The token of a caller: a claim's auth key; a login's `token` or `jwt`, else its bearer token, else this cookie.
    pub(super) fn token(self, cookie: Option<&str>) -> Option<&'a str> {
        match self {
            Self::Claim { claim, .. } => Some(&claim.auth_key),
            Self::Login(login) => {
                let sent = ["token", "jwt"].into_iter().find_map(|key| login.auth_data.get(key)?.as_str());
                sent.or_else(|| login.header("authorization").and_then(bearer))
                    .or_else(|| login.header("cookie").and_then(|all| find_cookie(all, cookie?)))
            }
        }
    }

    /// Whose answer says yes without saying who: only a claim names somebody.
    pub(super) fn named_by_claim(self) -> Option<&'a str> {
        match self {
            Self::Claim { claim, .. } => Some(&claim.uuid),
            Self::Login(_) => None,
        }
    }

    /// Where the caller comes from, as far as that is known.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Claim { context, .. } => context.client_ip,
            // Deepstream repeats `X-Forwarded-For`, whose last address is the one that the nearest proxy saw.
            Self::Login(login) => {
                login.connection_data.get("remoteAddress")?.as_str()?.rsplit(',').next()?.trim().parse().ok()
            }
        }
    }

    /// Where the caller comes from, as far as one subscriber's line reaches: of IPv6, everybody has 2^64 addresses.
    pub(super) fn network(self) -> Option<IpAddr> {
        self.address().map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        })
    }

    /// The body of a webhook's request, in deepstream's form; of a claim's request, only the listed `headers` are shown.
    pub(super) fn body(self, headers: &[String]) -> Value {
        match self {
            Self::Claim { claim, context } => {
                let Claim { uuid, auth_key, namespace, route } = claim;
                let seen: Map<String, Value> =
                    handed_on(context, headers).map(|(name, value)| (name.to_owned(), value.into())).collect();
                let address = context.client_ip.map(|address| address.to_string());
                json!({
                    "connectionData": { "remoteAddress": address, "headers": seen },
                    "authData": { "uuid": uuid, "authKey": auth_key, "namespace": namespace, "route": route },
                })
            }
            Self::Login(login) => {
                json!({ "connectionData": login.connection_data, "authData": login.auth_data })
            }
        }
    }

    /// Of everything that a webhook sees.
    pub(super) fn fingerprint(self, seed: Seed, headers: &[String]) -> Fingerprint {
        match self {
            Self::Claim { claim, context } => {
                let address = context.client_ip.map(|address| address.to_string());
                let seen = handed_on(context, headers).flat_map(|(name, value)| [name, value]);
                let whole = [claim.uuid.as_str(), &claim.auth_key, &claim.namespace, &claim.route]
                    .into_iter()
                    .chain(address.as_deref())
                    .chain(seen);
                Fingerprint {
                    credential: seed.digest([claim.uuid.as_str(), &claim.auth_key]),
                    question: seed.digest(whole),
                }
            }
            Self::Login(login) => {
                let (sent, around) = (login.auth_data.to_string(), lasting(&login.connection_data).to_string());
                Fingerprint { credential: login.credential(seed), question: seed.digest([sent.as_str(), &around]) }
            }
        }
    }
}

fn handed_on<'a>(context: &'a Context, listed: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
    context
        .headers
        .iter()
        .filter(move |(name, _)| listed.contains(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Without the header that is new with every connection: no answer can depend on what is random.
fn lasting(connection: &Value) -> Value {
    let mut connection = connection.clone();
    if let Some(headers) = connection.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| !name.eq_ignore_ascii_case("sec-websocket-key"));
    }
    connection
}

impl Login {
    fn header(&self, name: &str) -> Option<&str> {
        self.connection_data.get("headers")?.get(name)?.as_str()
    }

    /// Of all that may prove who this is: logins with the same `authData` can be told apart by a cookie.
    pub(super) fn credential(&self, seed: Seed) -> [u8; 32] {
        let sent = self.auth_data.to_string();
        let headers = self.connection_data.get("headers").and_then(Value::as_object);
        let is_proof = |name: &str| PROVING.iter().any(|proving| name.eq_ignore_ascii_case(proving));
        let shown = headers.into_iter().flatten().filter(|(name, _)| is_proof(name));
        let shown: Vec<String> = shown.flat_map(|(name, value)| [name.clone(), value.to_string()]).collect();
        seed.digest([sent.as_str()].into_iter().chain(shown.iter().map(String::as_str)))
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn find_cookie<'a>(all: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = all.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.trim_matches('"'))
}

impl Seed {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self(seed))
    }

    /// Every part is preceded by its length.
    pub(super) fn digest<'a>(self, parts: impl IntoIterator<Item = &'a str>) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(self.0);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Seed")
    }
}

/// Without what may carry passwords and tokens.
impl std::fmt::Debug for Login {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Login").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
