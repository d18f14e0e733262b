//! Bodies of requests: read whole within a length, a time and a budget of memory, or streamed within the first two.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::request::Parts;
use axum::http::{Version, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use crate::reply::Refusal;

/// What all bodies that are kept at once may take together, in bytes.
const BUDGET: usize = 64 << 20;

/// Reads the bodies of one server; clones share their budget.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    /// One permit for each byte that may still be kept.
    left: Arc<Semaphore>,
    /// What a client may take for a whole body.
    time: Duration,
}

/// The client took too long for a body that is handed on while it arrives.
#[derive(Debug, thiserror::Error)]
#[error("the request's body did not arrive in time")]
pub(crate) struct TooSlow;

impl Bodies {
    pub(crate) fn new(time: Duration) -> Self {
        Self::within(BUDGET, time)
    }

    fn within(budget: usize, time: Duration) -> Self {
        Self { left: Arc::new(Semaphore::new(budget)), time }
    }

    /// The bytes of a body of `longest` at the most; they count against the budget until the last copy is dropped.
    pub(crate) async fn read(&self, parts: &Parts, body: Body, longest: usize) -> Result<Bytes, Refusal> {
        let announced =
            parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > longest) {
            return Err(Refusal::BodyTooLarge { longest });
        }
        if announced.is_none_or(|length| length == 0)
            && !parts.headers.contains_key(header::TRANSFER_ENCODING)
            && parts.version <= Version::HTTP_11
        {
            return Ok(Bytes::new());
        }
        let collected = tokio::time::timeout(self.time, self.collect(Limited::new(body, longest), longest)).await;
        collected.unwrap_or(Err(Refusal::BodyTimedOut))
    }

    /// The body as it arrives. Its time is that of the whole body, so that no dribble keeps a connection to the origin.
    pub(crate) fn stream(&self, body: Body, longest: usize) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let timer = Box::pin(tokio::time::sleep(self.time));
        Body::new(Timed { body: Body::new(Limited::new(body, longest)), timer })
    }

    /// Pays for what has arrived, not for what is announced: else a budget could be taken without sending anything.
    async fn collect(&self, mut body: Limited<Body>, longest: usize) -> Result<Bytes, Refusal> {
        let mut bytes = Vec::new();
        let mut paid: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => Refusal::BodyTooLarge { longest },
                false => Refusal::Malformed("the body ended early"),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let price = u32::try_from(data.len()).map_err(|_| Refusal::Busy)?;
            let more = Arc::clone(&self.left).try_acquire_many_owned(price).map_err(|_| Refusal::Busy)?;
            match &mut paid {
                Some(paid) => paid.merge(more),
                none => *none = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from_owner(Kept { bytes, _paid: paid }))
    }
}

/// Bytes that are paid for.
struct Kept {
    bytes: Vec<u8>,
    _paid: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body that fails when its time is over.
struct Timed {
    body: Body,
    timer: Pin<Box<Sleep>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.timer.as_mut().poll(context).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(bodies: &Bodies, text: &'static str) -> Result<Bytes, Refusal> {
        let request = Request::builder().header(header::CONTENT_LENGTH, text.len()).body(Body::from(text)).unwrap();
        let (parts, body) = request.into_parts();
        bodies.read(&parts, body, 8).await
    }

    #[tokio::test]
    async fn bodies_that_are_kept_share_a_budget_until_they_are_dropped() {
        let bodies = Bodies::within(12, Duration::from_secs(10));
        let first = read(&bodies, "12345678").await.unwrap();
        let copy = first.clone();
        assert_eq!(read(&bodies.clone(), "12345").await, Err(Refusal::Busy));
        assert_eq!(read(&bodies, "1234").await.unwrap(), "1234", "one that still fits");
        drop(first);
        assert_eq!(read(&bodies, "12345").await, Err(Refusal::Busy), "a copy is left");
        drop(copy);
        assert_eq!(read(&bodies, "12345").await.unwrap(), "12345", "a body that was refused is paid back");
        assert_eq!(read(&bodies, "123456789").await, Err(Refusal::BodyTooLarge { longest: 8 }));
    }
}
