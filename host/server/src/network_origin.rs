//! Where a keyset's network or its grants are: scheme and host of an origin, parsed once.

use std::fmt;
use std::str::FromStr;

use axum::http::uri::{Authority, PathAndQuery, Scheme, Uri};

use crate::outbound::AllowedHost;

/// Scheme and host of a PubNub-compatible network, such as `https://ps.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkOrigin {
    text: String,
    scheme: Scheme,
    authority: Authority,
    host: AllowedHost,
}

/// The text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin: write scheme and host, such as `https://ps.example.com`")]
pub(crate) struct MalformedOrigin(String);

impl NetworkOrigin {
    /// As written, without a final slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host and port, for a client that reaches nothing else.
    pub(crate) const fn host(&self) -> &AllowedHost {
        &self.host
    }

    /// A target at this origin, its bytes untouched.
    pub(crate) fn at(&self, target: PathAndQuery) -> Result<Uri, axum::http::Error> {
        Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(target).build()
    }
}

impl FromStr for NetworkOrigin {
    type Err = MalformedOrigin;

    fn from_str(text: &str) -> Result<Self, MalformedOrigin> {
        let malformed = || MalformedOrigin(text.chars().take(200).collect());
        let text = text.trim_end_matches('/');
        let (scheme, authority) = text.split_once("://").ok_or_else(malformed)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(malformed()),
        };
        let authority: Authority = authority.parse().map_err(|_| malformed())?;
        let port = authority.as_str().strip_prefix(authority.host()).ok_or_else(malformed)?;
        if authority.host().is_empty() || !(port.is_empty() || authority.port_u16().is_some()) {
            return Err(malformed());
        }
        let host = AllowedHost::of_url(text).map_err(|_| malformed())?;
        Ok(Self { text: text.to_owned(), scheme, authority, host })
    }
}

impl fmt::Display for NetworkOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::NetworkOrigin;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for (text, expected) in [
            ("https://ps.example.com", Some("https://ps.example.com")),
            ("http://127.0.0.1:9000/", Some("http://127.0.0.1:9000")),
            ("http://[::1]:9000", Some("http://[::1]:9000")),
            ("HTTPS://ps.example.com//", Some("HTTPS://ps.example.com")),
            ("http://chat_backend:9000", Some("http://chat_backend:9000")),
            ("ps.example.com", None),
            ("ftp://ps.example.com", None),
            ("https://ps.example.com/path", None),
            ("https://ps.example.com?x", None),
            ("https://user@ps.example.com", None),
            ("https://ps.example.com:", None),
            ("https://ps.example.com:99999", None),
            ("https://ps.exa%6Dple.com", None),
            ("https://", None),
            ("", None),
        ] {
            let parsed: Option<NetworkOrigin> = text.parse().ok();
            assert_eq!(parsed.as_ref().map(NetworkOrigin::as_str), expected, "{text}");
        }
    }

    #[test]
    fn a_target_keeps_its_bytes() {
        let origin: NetworkOrigin = "http://127.0.0.1:9000".parse().unwrap();
        for target in ["/a%2fb/%7E~/..;x?q=a+b%20c&&x=~!*'()|", "/?", "/publish/p/s/0/c/0/%22a%2Fb%22?auth=a"] {
            let uri = origin.at(target.parse().unwrap()).unwrap();
            assert_eq!(uri.path_and_query().unwrap().as_str(), target);
        }
    }
}
