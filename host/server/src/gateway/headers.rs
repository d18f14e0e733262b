//! The headers of a request on their way to an origin: which end here, and which this side writes.

use std::net::IpAddr;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::forward::Sender;
use crate::reply::REQUEST_ID;

/// Headers that belong to one connection, or that this side writes itself.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// Headers that say who asks; only this side knows.
const SENDERS: [&str; 2] = ["forwarded", "x-real-ip"];
/// So do all that begin like this.
const FORWARDED: &str = "x-forwarded-";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Makes a client's headers into those that the origin gets.
pub(super) fn for_origin(headers: &mut HeaderMap, sender: Sender<'_>) -> Result<(), InvalidHeaderValue> {
    drop_hop_by_hop(headers);
    // The client of the origin writes host and length itself, from the origin and from the body.
    for name in [header::HOST, header::CONTENT_LENGTH, header::EXPECT] {
        headers.remove(name);
    }
    let is_about_sender = |name: &&HeaderName| {
        let name = dashed(name);
        SENDERS.contains(&&*name) || name.starts_with(FORWARDED)
    };
    let about_sender: Vec<HeaderName> = headers.keys().filter(is_about_sender).cloned().collect();
    for name in about_sender {
        headers.remove(name);
    }
    headers.insert(FORWARDED_FOR, forwarded_for(sender.address)?);
    headers.insert(REQUEST_ID, HeaderValue::from_str(sender.request_id)?);
    Ok(())
}

/// Removes what is meant for one connection only, with the headers that `Connection` lists.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&listed) {
        headers.remove(name);
    }
}

/// A name as servers see it that take `_` for `-`.
fn dashed(name: &HeaderName) -> String {
    name.as_str().replace('_', "-")
}

fn forwarded_for(address: IpAddr) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_str(&address.to_canonical().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_connection_and_of_earlier_proxies_end_here() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "usher"),
            ("connection", "keep-alive, X-Own, close"),
            ("x-own", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x_forwarded_for", "192.0.2.1"),
            ("x-forwarded-host", "elsewhere"),
            ("x-real-ip", "192.0.2.1"),
            ("x-request-id", "0123456789"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let sender = Sender { address: [127, 0, 0, 1].into(), request_id: "abcdefgh" };
        for_origin(&mut headers, sender).unwrap();
        let mut left: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(
            left,
            ["accept: */*", "content-type: application/json", "x-forwarded-for: 127.0.0.1", "x-request-id: abcdefgh"]
        );
    }
}
