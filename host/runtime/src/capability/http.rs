//! `http`: calls to the hosts that a manifest lists.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{HasData, Linker};

use super::{Answer, Capability, not_granted};
use crate::bindings::usher::function::http as wire;
use crate::exchange::Field;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::Recorder;

/// Sends requests for functions.
///
/// The implementation owns the allow-list: it checks host and port, the resolved address and every redirect.
pub trait Outbound: Send + Sync + std::fmt::Debug {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: OutboundRequest) -> Answer<'_, Result<OutboundResponse, OutboundError>>;
}

/// One call to the outside.
#[derive(Clone)]
pub struct OutboundRequest {
    /// As the function wrote it; not yet checked.
    pub method: String,
    /// As the function wrote it; not yet checked.
    pub url: String,
    /// Not yet checked.
    pub headers: Vec<Field>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// For the whole call, redirects included.
    pub timeout: Duration,
    /// The longest answer in bytes.
    pub longest_answer: usize,
}

/// The answer to one call.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// As received.
    pub status: u16,
    /// Lower-case names, UTF-8 values only.
    pub headers: Vec<Field>,
    /// At most `longest_answer` bytes.
    pub body: Vec<u8>,
}

/// Why a call gave no answer; texts are for the function's author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Host, port or resolved address is not on the allow-list.
    #[error("not allowed: {0}")]
    NotAllowed(String),
    /// Method, URL or a header is malformed.
    #[error("invalid request: {0}")]
    InvalidRequest(String),
    /// A time-out passed.
    #[error("timed out")]
    TimedOut,
    /// No connection, or it broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The answer is longer than allowed.
    #[error("answer too large")]
    TooLarge,
}

/// The calls a deployment may make.
#[derive(Debug)]
pub struct Granted {
    /// Sends them, knowing the deployment's allow-list.
    pub client: Arc<dyn Outbound>,
    /// `limits.outbound_body`.
    pub longest_answer: usize,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    deadline: Instant,
    trace: &'a mut Recorder,
}

impl wire::Host for View<'_> {
    async fn send(
        &mut self,
        request: wire::OutboundRequest,
    ) -> wasmtime::Result<Result<wire::OutboundResponse, wire::HttpError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Http))?;
        let began = Instant::now();
        let answer = self.send_counted(granted, request).await;
        self.trace.call((Capability::Http, "send"), began, &answer, code);
        Ok(answer)
    }
}

impl View<'_> {
    async fn send_counted(
        &mut self,
        granted: &Granted,
        request: wire::OutboundRequest,
    ) -> Result<wire::OutboundResponse, wire::HttpError> {
        if !CallLimits::take(self.left) {
            return Err(wire::HttpError::TooManyCalls);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let wire::OutboundRequest { method, url, headers, body, timeout_ms } = request;
        let timeout = timeout_ms.map_or(left, |ms| left.min(Duration::from_millis(ms.into())));
        let request = OutboundRequest { method, url, headers, body, timeout, longest_answer: granted.longest_answer };
        granted.client.send(request).await.map(into_wire).map_err(wire::HttpError::from)
    }
}

fn into_wire(response: OutboundResponse) -> wire::OutboundResponse {
    let OutboundResponse { status, headers, body } = response;
    wire::OutboundResponse { status, headers, body }
}

impl From<OutboundError> for wire::HttpError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::NotAllowed(what) => Self::NotAllowed(what),
            OutboundError::InvalidRequest(what) => Self::InvalidRequest(what),
            OutboundError::TimedOut => Self::TimedOut,
            OutboundError::Unreachable(what) => Self::Unreachable(what),
            OutboundError::TooLarge => Self::TooLarge,
        }
    }
}

const fn code(error: &wire::HttpError) -> &'static str {
    match error {
        wire::HttpError::NotAllowed(_) => "http.not-allowed",
        wire::HttpError::InvalidRequest(_) => "http.invalid-request",
        wire::HttpError::TimedOut => "http.timed-out",
        wire::HttpError::Unreachable(_) => "http.unreachable",
        wire::HttpError::TooLarge => "http.too-large",
        wire::HttpError::TooManyCalls => "http.too-many-calls",
    }
}

struct Http;

impl HasData for Http {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Http>(linker, |state| View {
        granted: state.capabilities.http.as_ref(),
        left: &mut state.calls.outbound,
        deadline: state.context.deadline,
        trace: &mut state.recorder,
    })
}

/// Without what may carry auth keys and secrets.
impl std::fmt::Debug for OutboundRequest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
