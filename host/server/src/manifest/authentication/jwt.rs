//! `kind = "jwt"`: signed tokens, the keys that sign them and the claims they must have.

use std::time::Duration;

use usher_vault::SecretName;

use super::is_plain_to_others;
use crate::document::Section;
use crate::identity::jwt::{Algorithm, PublicKey};
use crate::outbound::AllowedHost;

/// Checks a signed token.
#[derive(Debug, Clone)]
pub struct JwtAuthenticator {
    /// What signatures are checked with.
    pub keys: KeySource,
    /// The algorithms it takes; never empty, and all of the keys' kind.
    pub algorithms: Vec<Algorithm>,
    /// One of them must be `iss`. Empty: any issuer, or none.
    pub issuers: Vec<String>,
    /// One of them must be in `aud`. Empty: a token that names an audience is meant for somebody else.
    pub audiences: Vec<String>,
    /// How far clocks may differ. Default 10 s.
    pub leeway: Duration,
    /// What the claims are called.
    pub claims: ClaimNames,
    /// The cookie that may hold the token of a deepstream login.
    pub cookie: Option<String>,
    /// Whether a missing or wrong token ends the search; if it is not said: where no other authenticator is.
    pub report_invalid_parameters: Option<bool>,
}

/// What signatures are checked with.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A secret of the vault, shared with the issuer.
    Secret(SecretName),
    /// The issuer's public key.
    PublicKey(PublicKey),
    /// The issuer's published keys.
    Remote(RemoteKeys),
}

/// A URL with a set of public keys.
#[derive(Debug, Clone)]
pub struct RemoteKeys {
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// For one call. Default 2 s.
    pub timeout: Duration,
    /// How long a set is used before it is fetched again. Default 10 min.
    pub refresh: Duration,
    /// At least so long between two fetches, whatever tokens say. Default 10 s.
    pub cooldown: Duration,
    /// How long a key id that the set did not have is refused without a fetch. Default 1 min.
    pub negative_cache: Duration,
    /// How long a set is used beyond `refresh` while no other can be fetched. Default 1 h.
    pub stale_if_error: Duration,
    /// The host of `url`.
    pub host: AllowedHost,
}

/// Claims by name; one that begins with `/` is a JSON pointer, `*` all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The user's id. Default `sub`.
    pub id: String,
    /// What the client may see.
    pub client_data: Option<String>,
    /// What functions and policies see.
    pub server_data: Option<String>,
}

impl JwtAuthenticator {
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let is_open = self.issuers.is_empty() && self.audiences.is_empty();
        let takes_all = (is_open && matches!(self.keys, KeySource::Remote(_))).then_some(
            "`jwks_url` without `issuer` and `audience` takes every token that these keys ever signed, for whatever service",
        );
        let from_any_page = self.cookie.is_some().then_some(
            "`cookie` lets every page that a user visits log in as that user: browsers send cookies along, and the page's origin is not checked; use `SameSite` cookies, or a proxy that checks `Origin`",
        );
        let over_the_open = match &self.keys {
            KeySource::Remote(remote) => is_plain_to_others(&remote.url).then_some(
                "`jwks_url` is plain HTTP: whoever sits between can put keys of their own there and let in anybody; use `https`",
            ),
            KeySource::Secret(_) | KeySource::PublicKey(_) => None,
        };
        [takes_all, from_any_page, over_the_open].into_iter().flatten()
    }
}

pub(super) fn read(section: &mut Section) -> Option<JwtAuthenticator> {
    let keys = read_keys(section);
    let algorithms = read_algorithms(section, keys.as_ref());
    let issuers = section.text_or_texts("issuer").unwrap_or_default();
    let audiences = section.text_or_texts("audience").unwrap_or_default();
    let leeway = section.duration_within("leeway", Duration::ZERO..=Duration::from_mins(5));
    let leeway = leeway.unwrap_or(Duration::from_secs(10));
    let claims = read_claims(section.section("claims"));
    let cookie = section.text("cookie");
    let report_invalid_parameters = section.flag("report_invalid_parameters");
    Some(JwtAuthenticator {
        keys: keys?,
        algorithms: algorithms?,
        issuers,
        audiences,
        leeway,
        claims,
        cookie,
        report_invalid_parameters,
    })
}

fn read_keys(section: &mut Section) -> Option<KeySource> {
    let (secret, public) = (section.parsed::<SecretName>("secret"), section.parsed::<PublicKey>("public_key"));
    let remote = section.text("jwks_url").map(|url| read_remote(section, url));
    let mut sources =
        [secret.map(KeySource::Secret), public.map(KeySource::PublicKey), remote.flatten().map(KeySource::Remote)]
            .into_iter()
            .flatten();
    let first = sources.next();
    if sources.next().is_some() {
        section.wrong("secret", "one of `secret`, `public_key` and `jwks_url`, not several");
        return None;
    }
    section.required("secret", first)
}

fn read_remote(section: &mut Section, url: String) -> Option<RemoteKeys> {
    let host = AllowedHost::of_url(&url).map_err(|error| section.wrong("jwks_url", error)).ok();
    let mut span = |key, default: Duration, allowed| section.duration_within(key, allowed).unwrap_or(default);
    let (second, hour, day) = (Duration::from_secs(1), Duration::from_hours(1), Duration::from_hours(24));
    let timeout = span("timeout", 2 * second, Duration::from_millis(1)..=30 * second);
    let refresh = span("refresh", Duration::from_mins(10), Duration::ZERO..=day);
    let cooldown = span("cooldown", 10 * second, second..=hour);
    let negative_cache = span("negative_cache", Duration::from_mins(1), Duration::ZERO..=hour);
    let stale_if_error = span("stale_if_error", hour, Duration::ZERO..=day);
    Some(RemoteKeys { url, timeout, refresh, cooldown, negative_cache, stale_if_error, host: host? })
}

/// Those that are listed, or all that the key can sign with.
fn read_algorithms(section: &mut Section, keys: Option<&KeySource>) -> Option<Vec<Algorithm>> {
    let listed = section.parsed_list::<Algorithm>("algorithms");
    let fitting: Vec<Algorithm> = match keys? {
        KeySource::Secret(_) => Algorithm::shared().collect(),
        KeySource::PublicKey(key) => key.algorithms().to_vec(),
        KeySource::Remote(_) => Algorithm::public().collect(),
    };
    let Some(listed) = listed else { return Some(fitting) };
    if listed.is_empty() {
        section.wrong("algorithms", "one at least");
    }
    if let Some(other) = listed.iter().find(|algorithm| !fitting.contains(algorithm)) {
        section.wrong("algorithms", format!("`{other}` is not for this kind of key"));
        return None;
    }
    Some(listed)
}

fn read_claims(mut section: Section) -> ClaimNames {
    let id = section.text("id").unwrap_or_else(|| "sub".into());
    let (client_data, server_data) = (section.text("client_data"), section.text("server_data"));
    if id == "*" {
        section.wrong("id", "one claim, not all");
    }
    section.finish();
    ClaimNames { id, client_data, server_data }
}
