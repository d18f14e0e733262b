//! A client that sends targets byte for byte, signed or not: what the SDKs do, without their help.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use usher_access::PublishKey;
use usher_access::signature::{SigningRequest, sign_v2};

use crate::bed::{Answer, Bed};

/// The secret key of the bed's keyset.
const SECRET: &str = "sec-c-test";

/// A request to the data plane or to the decisions port.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET`
    pub method: &'static str,
    /// Path and query, as they are to be sent.
    pub target: String,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A request without a body.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// Any request, its body still empty.
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// With this body.
    #[must_use]
    pub fn body(self, body: &(impl ToString + ?Sized)) -> Self {
        Self { body: body.to_string().into(), ..self }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Signed by `secret` at that second, in the form of version 2.
    #[must_use]
    pub fn signed_with(self, secret: &str, timestamp: u64) -> Self {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let glue = if query.is_empty() { "" } else { "&" };
        let query = format!("{query}{glue}timestamp={timestamp}");
        let publish_key: PublishKey = "pub-c-test".parse().expect("a key");
        let request =
            SigningRequest { method: self.method, publish_key: &publish_key, path, query: &query, body: &self.body };
        let signature = sign_v2(&request, secret.as_bytes());
        let target = format!("{path}?{query}&signature={signature}");
        Self { target, ..self }
    }
}

impl Bed {
    /// Sends a call to the data plane and reads its answer.
    pub async fn call(&self, call: Call) -> Answer {
        read(self.begin(call).await).await
    }

    /// Sends a call signed by the keyset's secret key, now.
    pub async fn call_as_root(&self, call: Call) -> Answer {
        let now = self.seconds();
        self.call(call.signed_with(SECRET, now)).await
    }

    /// Sends a call to the data plane; the answer's body is still to be read.
    pub async fn begin(&self, call: Call) -> Response<Incoming> {
        send(self.addresses().data_plane, call).await
    }

    /// Sends a call to the decisions port.
    pub async fn ask(&self, call: Call) -> Answer {
        self.call_at(self.addresses().decisions, call).await
    }

    /// Sends a call to any server, such as a proxy in front.
    pub async fn call_at(&self, address: SocketAddr, call: Call) -> Answer {
        read(send(address, call).await).await
    }

    /// A token with these permissions (the `permissions` of a v3 grant) for an hour.
    pub async fn token(&self, permissions: &Value) -> String {
        let body = serde_json::json!({ "ttl": 60, "permissions": permissions });
        let granted = self.call_as_root(Call::new("POST", "/v3/pam/sub-c-test/grant").body(&body)).await;
        assert_eq!(granted.status, 200, "{}", granted.body);
        granted.json().pointer("/data/token").and_then(Value::as_str).expect("a token").to_owned()
    }

    /// The second that the server's clock shows.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.clock().load(Ordering::SeqCst) / 1_000
    }
}

async fn send(address: SocketAddr, call: Call) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let Call { method, target, headers, body } = call;
    let mut request = Request::builder().method(method).uri(format!("http://{address}{target}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    client.request(request.body(Full::from(body)).expect("a request")).await.expect("an answer")
}

async fn read(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap_or_default().to_owned())
    };
    let headers = parts.headers.iter().map(header).collect();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}
