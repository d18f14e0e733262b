//! `kind = "http"`: a webhook in deepstream's form, and what to do when it fails.

use std::time::Duration;

use ::http::HeaderName;
use usher_vault::SecretName;

use super::{Resilience, is_plain_to_others, read_resilience};
use crate::document::Section;
use crate::outbound::{AllowedHost, RESERVED_HEADERS};

/// A webhook that says who an auth key is.
#[derive(Debug, Clone)]
pub struct HttpAuthenticator {
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// For one attempt. Default 2 s.
    pub timeout: Duration,
    /// A secret sent as `Authorization: Bearer`.
    pub bearer: Option<SecretName>,
    /// Client headers handed on, lower case.
    pub headers: Vec<String>,
    /// Keys of `authData` that are copied into request headers.
    pub promoted: Vec<String>,
    /// Statuses that let in. Empty: any 2xx.
    pub permitted: Vec<u16>,
    /// When and how often it is asked again.
    pub retry: Retry,
    /// Whether a refusal ends the search; if it is not said: where no other authenticator is.
    pub report_invalid_parameters: Option<bool>,
    /// How long a yes is believed. Default 30 s, at most 5 min.
    pub cache: Duration,
    /// How long a no is believed. Default 2 s, at most 1 min.
    pub negative_cache: Duration,
    /// How long a proven identity is believed while the webhook is down. Without it, nobody is.
    pub grace: Option<Duration>,
    /// How hard it is asked.
    pub resilience: Resilience,
    /// The host of `url`, and whatever private address it may resolve to.
    pub host: AllowedHost,
}

/// When and how often a webhook is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Statuses that are tried again, as no answer at all is. They never let in.
    pub statuses: Vec<u16>,
    /// Further attempts. Default 0.
    pub attempts: u32,
    /// Between attempts. Default 100 ms.
    pub interval: Duration,
}

impl HttpAuthenticator {
    pub(super) fn warning(&self) -> Option<&'static str> {
        is_plain_to_others(&self.url).then_some(
            "`url` is plain HTTP: whoever sits between reads auth keys and passwords and can answer yes; use `https`",
        )
    }
}

pub(super) fn read(section: &mut Section) -> Option<HttpAuthenticator> {
    let url = section.text("url");
    let url = section.required("url", url);
    let host =
        url.as_deref().and_then(|url| AllowedHost::of_url(url).map_err(|error| section.wrong("url", error)).ok());
    let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
    let mut span = |key, default: Duration, allowed| section.duration_within(key, allowed).unwrap_or(default);
    let timeout = span("timeout", 2 * second, Duration::from_millis(1)..=30 * second);
    let cache = span("cache", 30 * second, Duration::ZERO..=5 * minute);
    let negative_cache = span("negative_cache", 2 * second, Duration::ZERO..=minute);
    let bearer = section.parsed("bearer_secret");
    let names: Vec<HeaderName> = section.parsed_list("headers").unwrap_or_default();
    let headers = names.iter().map(|name| name.as_str().to_owned()).collect();
    let promoted = read_promoted(section, bearer.as_ref());
    // An error is never an allow, and a redirect is not followed: neither can be a yes.
    let permitted = section.numbers("permitted_status_codes", 200..=299).unwrap_or_default();
    let report_invalid_parameters = section.flag("report_invalid_parameters");
    let (retry, grace, resilience) = (read_retry(section), read_grace(section), read_resilience(section));
    Some(HttpAuthenticator {
        url: url?,
        timeout,
        bearer,
        headers,
        promoted,
        permitted,
        retry,
        report_invalid_parameters,
        cache,
        negative_cache,
        grace,
        resilience,
        host: host?,
    })
}

fn read_promoted(section: &mut Section, bearer: Option<&SecretName>) -> Vec<String> {
    let promoted = section.texts("promote_to_header").unwrap_or_default();
    for key in &promoted {
        match HeaderName::from_bytes(key.as_bytes()) {
            Err(_) => section.wrong("promote_to_header", format!("`{key}` is no name of a header")),
            Ok(name)
                if RESERVED_HEADERS.contains(&name.as_str())
                    || name == "content-type"
                    || bearer.is_some() && name == "authorization" =>
            {
                section.wrong("promote_to_header", format!("the header `{name}` is not the caller's to set"));
            }
            Ok(_) => {}
        }
    }
    promoted
}

fn read_retry(section: &mut Section) -> Retry {
    let statuses = section.numbers("retry_status_codes", 100..=599).unwrap_or_default();
    let attempts = section.number("retry_attempts", 0..=10).unwrap_or(0);
    let interval = section.duration_within("retry_interval", Duration::ZERO..=Duration::from_secs(30));
    let interval = interval.unwrap_or(Duration::from_millis(100));
    Retry { statuses, attempts, interval }
}

fn read_grace(section: &mut Section) -> Option<Duration> {
    let rule = section.text("when_unavailable");
    let grace = section.duration_within("grace", Duration::ZERO..=Duration::from_hours(24));
    match rule.as_deref() {
        None | Some("deny") => {
            if grace.is_some() {
                section.wrong("grace", "needs `when_unavailable = \"grace\"`");
            }
            None
        }
        Some("grace") => section.required("grace", grace),
        Some(other) => {
            section.wrong("when_unavailable", format!("`{other}` is neither \"deny\" nor \"grace\""));
            None
        }
    }
}
