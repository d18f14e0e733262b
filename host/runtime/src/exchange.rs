//! The request a function answers and the response it gives, as the embedder sees them.

use crate::bindings::usher::function::types as wire;
use crate::fault::{Fault, FaultKind};
use crate::trace::Trace;

/// Headers of one answer at the most.
const MOST_HEADERS: usize = 100;

/// A name and a value; header names are lower case.
pub type Field = (String, String);

/// One request of one client, already bounded and decoded by the embedder.
#[derive(Clone, Default)]
pub struct Request {
    /// The id that client and operator both see.
    pub id: String,
    /// Upper case.
    pub method: String,
    /// What follows the subscribe key, percent-decoded.
    pub path: String,
    /// In order, percent-decoded; names may repeat.
    pub query: Vec<Field>,
    /// In order, lower-case names, UTF-8 values only.
    pub headers: Vec<Field>,
    /// At most `Limits::body` bytes.
    pub body: Vec<u8>,
    /// The address the request came from.
    pub client_ip: String,
    /// The keyset it was sent to.
    pub subscribe_key: String,
}

/// A function's answer, within its limits and with a status in 200–599.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// In order; not yet checked to be valid HTTP.
    pub headers: Vec<Field>,
    /// At most `Limits::reply` bytes.
    pub body: Vec<u8>,
}

/// How one invocation ended, and what it did on the way.
#[derive(Debug)]
pub struct Invoked {
    /// The answer, or why there is none and the client is to be refused.
    pub outcome: Result<Response, Fault>,
    /// For the operator.
    pub trace: Trace,
}

impl Request {
    pub(crate) fn into_wire(self) -> wire::Request {
        let Self { id, method, path, query, headers, body, client_ip, subscribe_key } = self;
        wire::Request { id, method, path, query, headers, body, client_ip, subscribe_key }
    }
}

impl Response {
    /// Takes a guest's answer if it is one that HTTP can carry and that the deployment's limit allows.
    pub(crate) fn from_wire(reply: wire::Response, longest: usize) -> Result<Self, Fault> {
        let wire::Response { status, headers, body } = reply;
        if !(200..=599).contains(&status) {
            return Err(Fault::of_guest(FaultKind::BadReply(format!("status {status} is outside 200 to 599"))));
        }
        if headers.len() > MOST_HEADERS {
            return Err(Fault::of_guest(FaultKind::BadReply(format!("more than {MOST_HEADERS} headers"))));
        }
        let header_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if body.len() + header_bytes > longest {
            return Err(Fault::of_guest(FaultKind::ReplyTooLarge { longest }));
        }
        Ok(Self { status, headers, body })
    }
}

/// Without what may carry auth keys and secrets.
impl std::fmt::Debug for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Request")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
