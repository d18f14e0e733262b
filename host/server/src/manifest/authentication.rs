//! `[[authentication]]`: how a deployment finds out who a caller is.

use std::time::Duration;

use http::HeaderName;
use usher_vault::SecretName;

use crate::document::Section;
use crate::outbound::AllowedHost;

/// One authenticator; the first that knows the caller answers.
#[derive(Debug, Clone)]
pub enum Authenticator {
    /// Believes every caller. For trials, and behind something that has checked already.
    None,
    /// Asks a webhook.
    Http(Box<HttpAuthenticator>),
}

/// A webhook that says who an auth key is.
#[derive(Debug, Clone)]
pub struct HttpAuthenticator {
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// For the whole call. Default 2 s.
    pub timeout: Duration,
    /// A secret sent as `Authorization: Bearer`.
    pub bearer: Option<SecretName>,
    /// Client headers handed on, lower case.
    pub headers: Vec<String>,
    /// How long a yes is believed. Default 30 s, at most 5 min.
    pub cache: Duration,
    /// How long a no is believed. Default 2 s, at most 1 min.
    pub negative_cache: Duration,
    /// The host of `url`, and whatever private address it may resolve to.
    pub host: AllowedHost,
}

pub(super) fn read(mut section: Section) -> Option<Authenticator> {
    let kind = section.text("kind");
    let read = match section.required("kind", kind)?.as_str() {
        "none" => Some(Authenticator::None),
        "http" => read_http(&mut section).map(|http| Authenticator::Http(Box::new(http))),
        other => {
            section.wrong("kind", format!("`{other}` is neither \"none\" nor \"http\""));
            return None;
        }
    };
    section.finish();
    read
}

fn read_http(section: &mut Section) -> Option<HttpAuthenticator> {
    let url = section.text("url");
    let url = section.required("url", url);
    let host =
        url.as_deref().and_then(|url| AllowedHost::of_url(url).map_err(|error| section.wrong("url", error)).ok());
    let timeout = section.duration("timeout").unwrap_or(Duration::from_secs(2));
    let bearer = section.parsed("bearer_secret");
    let names: Vec<HeaderName> = section.parsed_list("headers").unwrap_or_default();
    let headers = names.iter().map(|name| name.as_str().to_owned()).collect();
    let cache = section.duration("cache").unwrap_or(Duration::from_secs(30)).min(Duration::from_mins(5));
    let negative_cache =
        section.duration("negative_cache").unwrap_or(Duration::from_secs(2)).min(Duration::from_mins(1));
    Some(HttpAuthenticator { url: url?, timeout, bearer, headers, cache, negative_cache, host: host? })
}
