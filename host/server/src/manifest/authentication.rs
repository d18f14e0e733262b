//! `[[authentication]]`: how a deployment finds out who a caller is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use usher_vault::SecretName;

use crate::document::{Free, Section};

mod file;
mod http;
mod jwt;
mod users;

pub use file::{FileAuthenticator, UserList};
pub use http::{HttpAuthenticator, Retry};
pub use jwt::{ClaimNames, JwtAuthenticator, KeySource, RemoteKeys};
pub use users::Users;

/// One authenticator; the first that knows the caller answers.
#[derive(Debug, Clone)]
pub enum Authenticator {
    /// Believes every caller. For trials, and behind something that has checked already.
    None,
    /// Knows names and passwords.
    File(Box<FileAuthenticator>),
    /// Asks a webhook.
    Http(Box<HttpAuthenticator>),
    /// Checks a signed token.
    Jwt(Box<JwtAuthenticator>),
}

/// How hard a validator outside is asked, and when it counts as down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resilience {
    /// Failures in a row after which it is left alone. Default 10.
    pub failures: u32,
    /// How long it is left alone before it is tried again. Default 5 s.
    pub pause: Duration,
    /// Calls under way at once. Default 64.
    pub calls: u32,
    /// Callers that wait for their turn; further ones are told at once that it is unavailable. Default 256.
    pub waiting: u32,
}

impl Authenticator {
    /// The secrets it opens.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretName> {
        match self {
            Self::None | Self::File(_) => None,
            Self::Http(http) => http.bearer.as_ref(),
            Self::Jwt(jwt) => match &jwt.keys {
                KeySource::Secret(name) => Some(name),
                KeySource::PublicKey(_) | KeySource::Remote(_) => None,
            },
        }
    }

    /// The users file that is still to be read.
    #[must_use]
    pub fn missing_file(&self) -> Option<&str> {
        match self {
            Self::File(file) => match &file.users {
                UserList::Missing(name) => Some(name),
                UserList::Read(_) => None,
            },
            Self::None | Self::Http(_) | Self::Jwt(_) => None,
        }
    }

    /// What an operator should know about it before anybody else finds out.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        match self {
            Self::None => vec!["authentication `none` believes every caller: it proves nothing, and is for trials"],
            Self::File(file) => file.warning().into_iter().collect(),
            Self::Http(http) => http.warning().into_iter().collect(),
            Self::Jwt(jwt) => jwt.warnings().collect(),
        }
    }
}

/// Every `[[authentication]]`, in order, and the `[files]` that came with the manifest for them.
pub(super) fn read_all(root: &mut Section) -> Vec<Authenticator> {
    let files = read_files(root.section("files"));
    let sections = root.sections("authentication");
    let all: Vec<Authenticator> = sections.into_iter().filter_map(|section| read(section, &files)).collect();
    let believes = |authenticator: &Authenticator| matches!(authenticator, Authenticator::None);
    if all.len() > 1 && all.iter().any(believes) {
        root.wrong("authentication", "\"none\" beside another would let in whom the other refuses");
    }
    all
}

fn read_files(section: Section) -> BTreeMap<String, String> {
    let text = |(name, value)| match value {
        Free::Text(text) => Some((name, text)),
        Free::List(_) => None,
    };
    section.free().into_iter().filter_map(text).collect()
}

/// Reads one table; `files` are the files that came with the manifest.
fn read(mut section: Section, files: &BTreeMap<String, String>) -> Option<Authenticator> {
    let kind = section.text("kind");
    let read = match section.required("kind", kind)?.as_str() {
        "none" => Some(Authenticator::None),
        "file" => file::read(&mut section, files).map(|file| Authenticator::File(Box::new(file))),
        "http" => http::read(&mut section).map(|http| Authenticator::Http(Box::new(http))),
        "jwt" => jwt::read(&mut section).map(|jwt| Authenticator::Jwt(Box::new(jwt))),
        other => {
            section.wrong("kind", format!("`{other}` is none of \"none\", \"file\", \"http\", \"jwt\""));
            return None;
        }
    };
    section.finish();
    read
}

/// Whether what is said at `url` can be read and changed on the way to another machine.
fn is_plain_to_others(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_here = address.map_or(host == "localhost", |address| address.is_loopback());
    url.scheme() == "http" && !is_here
}

/// `breaker = {failures, pause}` and `queue = {calls, waiting}`.
fn read_resilience(section: &mut Section) -> Resilience {
    let mut breaker = section.section("breaker");
    let failures = breaker.number("failures", 1..=1_000).unwrap_or(10);
    let pause = breaker.duration_within("pause", Duration::ZERO..=Duration::from_mins(10));
    let pause = pause.unwrap_or(Duration::from_secs(5));
    breaker.finish();
    let mut queue = section.section("queue");
    let calls = queue.number("calls", 1..=1_000).unwrap_or(64);
    let waiting = queue.number("waiting", 0..=10_000).unwrap_or(256);
    queue.finish();
    Resilience { failures, pause, calls, waiting }
}
