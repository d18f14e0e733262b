//! The gateway: a request is one row of the operation table, decided, and when allowed handed to the keyset's network.

mod forward;
mod headers;
mod held;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderName, Request, Response, header};
use http_body_util::BodyExt;
use tokio::sync::watch;

use crate::authorize::{Authorizer, BODY_IN_VAIN, RawRequest, is_signed, refuse_overrides, takes_body};
use crate::body::Bodies;
use crate::network_origin::NetworkOrigin;
use crate::reply::{NetworkFault, REQUEST_ID, Refusal, identify, open_to_browsers};
use forward::ForwardError;
use held::Hold;

pub(crate) use forward::{Forwarder, Sender};

/// The longest body that decides by what it says, in bytes.
const LONGEST_DECIDING_BODY: usize = 1 << 20;
/// The longest body at all, in bytes: large publishes go up to 2 MiB.
const LONGEST_BODY: usize = 2 << 20;

/// Stands between clients and the networks of the keysets.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) authorizer: Authorizer,
    pub(crate) forwarder: Forwarder,
    /// The second that it is; moves when it changes.
    pub(crate) seconds: watch::Receiver<u64>,
    pub(crate) bodies: Bodies,
}

impl Gateway {
    /// Answers one request: what the network says, or why it was not asked.
    pub(crate) async fn answer(&self, request: Request<Body>, sender: Sender<'_>) -> Result<Response<Body>, Refusal> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let query = uri.query().unwrap_or_default();
        let opened = self.authorizer.open(method.as_str(), uri.path(), query)?;
        let origin = opened.live.record().network.clone().ok_or(Refusal::NoNetwork)?;
        refuse_overrides(request.headers().keys().map(HeaderName::as_str))?;
        let takes_body = takes_body(method.as_str());
        if !takes_body && !request.body().is_end_stream() {
            return Err(BODY_IN_VAIN);
        }
        let head = RawRequest { method: method.as_str(), path: uri.path(), query, body: &[] };
        opened.precheck(&head, self.authorizer.now())?;
        let longest = if opened.body_decides() { LONGEST_DECIDING_BODY } else { LONGEST_BODY };
        let (parts, body) = request.into_parts();
        let (body, bytes, unproven) = if is_signed(query) && takes_body {
            let (bytes, unproven) = self.bodies.read_unproven(&parts, body, longest).await?;
            (Body::from(bytes.clone()), bytes, Some(unproven))
        } else if opened.body_decides() {
            let bytes = self.bodies.read(&parts, body, longest).await?;
            (Body::from(bytes.clone()), bytes, None)
        } else {
            (self.bodies.stream(body, longest)?, Bytes::new(), None)
        };
        let request = Request::from_parts(parts, body);
        let raw = RawRequest { body: &bytes, ..head };
        let now = self.authorizer.now();
        let case = opened.case(&raw, now)?;
        drop(unproven);
        // INVARIANT: watched before it is decided, so that no change falls between.
        let changes = case.changes();
        let until = case.admit(now)?;
        let clock = self.authorizer.clock.clone();
        let hold = Hold { case, until, changes, seconds: self.seconds.clone(), clock, latest: now };
        self.hand_on(&origin, (request, sender), hold).await
    }

    /// Forwards, and ends the answer when what allowed it ends.
    async fn hand_on(
        &self,
        origin: &NetworkOrigin,
        (request, sender): (Request<Body>, Sender<'_>),
        hold: Hold,
    ) -> Result<Response<Body>, Refusal> {
        let mut ended = Box::pin(hold.ended());
        let answer = tokio::select! {
            biased;
            refusal = &mut ended => return Err(refusal),
            answer = self.forwarder.send(origin, request, sender) => answer,
        };
        let answer = answer.map_err(|error| not_forwarded(&error, sender.request_id))?;
        let (mut parts, mut body) = answer.into_parts();
        // A head without a body is held back: until something was said there is still a way to say why it ends.
        let first = tokio::select! {
            biased;
            refusal = &mut ended => return Err(refusal),
            first = body.frame() => first.transpose(),
        };
        let first = first.map_err(|error| not_forwarded(&forward::classify(&error), sender.request_id))?;
        if !parts.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            open_to_browsers(&mut parts.headers);
        }
        identify(&mut parts.headers, REQUEST_ID, sender.request_id);
        Ok(Response::from_parts(parts, held::until_ended(first, body, ended)))
    }
}

fn not_forwarded(error: &ForwardError, request_id: &str) -> Refusal {
    match error {
        ForwardError::Target => Refusal::Malformed("the target cannot be forwarded"),
        ForwardError::BodyTooLong => Refusal::BodyTooLarge { longest: LONGEST_BODY },
        ForwardError::BodyTooSlow(_) => Refusal::BodyTimedOut,
        ForwardError::TimedOut | ForwardError::Unreachable(_) => {
            tracing::warn!(request = request_id, %error, "the network did not answer");
            Refusal::Network(match error {
                ForwardError::TimedOut => NetworkFault::TimedOut,
                ForwardError::Target
                | ForwardError::BodyTooLong
                | ForwardError::BodyTooSlow(_)
                | ForwardError::Unreachable(_) => NetworkFault::Unreachable,
            })
        }
    }
}
