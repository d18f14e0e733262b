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

/// The part of that for bodies whose signature is still to be verified, a quarter: any stranger can send them.
const UNPROVEN_SHARE: usize = 4;

/// Reads the bodies of one listener; clones share their budget.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    /// One permit for each byte that may still be kept.
    left: Arc<Semaphore>,
    /// One permit for each byte that may still be kept before its signature is verified.
    unproven: Arc<Semaphore>,
    /// What a client may take for a whole body.
    time: Duration,
}

/// The place of a body among those that are unproven; to be dropped once its signature is verified or refused.
#[derive(Debug)]
#[must_use]
pub(crate) struct Probation {
    _paid: Option<OwnedSemaphorePermit>,
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
        let [left, unproven] = [budget, budget / UNPROVEN_SHARE].map(|bytes| Arc::new(Semaphore::new(bytes)));
        Self { left, unproven, time }
    }

    /// The bytes of a body of `longest` at the most; they count against the budget until the last copy is dropped.
    pub(crate) async fn read(&self, parts: &Parts, body: Body, longest: usize) -> Result<Bytes, Refusal> {
        self.read_within(parts, body, (longest, &mut Paid::default())).await
    }

    /// As [`Self::read`], for a body that a signature covers: until that is verified, it counts against a smaller budget too.
    pub(crate) async fn read_unproven(
        &self,
        parts: &Parts,
        body: Body,
        longest: usize,
    ) -> Result<(Bytes, Probation), Refusal> {
        let mut unproven = Paid { from: Some(&self.unproven), paid: None };
        let bytes = self.read_within(parts, body, (longest, &mut unproven)).await?;
        Ok((bytes, Probation { _paid: unproven.paid }))
    }

    async fn read_within(
        &self,
        parts: &Parts,
        body: Body,
        (longest, also): (usize, &mut Paid<'_>),
    ) -> Result<Bytes, Refusal> {
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
        let collected = tokio::time::timeout(self.time, self.collect(body, (longest, also))).await;
        collected.unwrap_or(Err(Refusal::BodyTimedOut))
    }

    /// The body as it arrives. Its time is that of the whole body, so that no dribble keeps a connection to the origin.
    ///
    /// One that is announced to be longer is refused: its limit would be taken for its length, and what fits be sent as the whole.
    pub(crate) fn stream(&self, body: Body, longest: usize) -> Result<Body, Refusal> {
        if body.is_end_stream() {
            return Ok(body);
        }
        if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > longest) {
            return Err(Refusal::BodyTooLarge { longest });
        }
        let timer = Box::pin(tokio::time::sleep(self.time));
        Ok(Body::new(Timed { body: Body::new(Limited::new(body, longest)), timer }))
    }

    /// Pays for what has arrived, not for what is announced: else a budget could be taken without sending anything.
    async fn collect(&self, body: Body, (longest, also): (usize, &mut Paid<'_>)) -> Result<Bytes, Refusal> {
        let mut body = Limited::new(body, longest);
        let mut bytes = Vec::new();
        let mut paid = Paid { from: Some(&self.left), paid: None };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => Refusal::BodyTooLarge { longest },
                false => Refusal::Malformed("the body ended early"),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            also.pay(data.len())?;
            paid.pay(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from_owner(Kept { bytes, _paid: paid.paid }))
    }
}

/// What was taken from a budget, or nothing from none.
#[derive(Default)]
struct Paid<'a> {
    from: Option<&'a Arc<Semaphore>>,
    paid: Option<OwnedSemaphorePermit>,
}

impl Paid<'_> {
    fn pay(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(budget) = self.from else { return Ok(()) };
        let price = u32::try_from(bytes).map_err(|_| Refusal::Busy)?;
        let more = Arc::clone(budget).try_acquire_many_owned(price).map_err(|_| Refusal::Busy)?;
        match &mut self.paid {
            Some(paid) => paid.merge(more),
            none => *none = Some(more),
        }
        Ok(())
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

    fn announced(text: &'static str) -> Request<Body> {
        Request::builder().header(header::CONTENT_LENGTH, text.len()).body(Body::from(text)).unwrap()
    }

    async fn read(bodies: &Bodies, text: &'static str) -> Result<Bytes, Refusal> {
        let (parts, body) = announced(text).into_parts();
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

    #[tokio::test]
    async fn bodies_that_nobody_proved_take_a_quarter_at_the_most() {
        let bodies = Bodies::within(32, Duration::from_secs(10));
        let unproven = async |text| {
            let (parts, body) = announced(text).into_parts();
            bodies.read_unproven(&parts, body, 8).await
        };
        let (first, place) = unproven("12345").await.unwrap();
        assert_eq!(unproven("1234").await.map(|_| ()), Err(Refusal::Busy));
        assert_eq!(read(&bodies, "12345678").await.unwrap(), "12345678", "the rest is not theirs");
        drop(place);
        let (second, _place) = unproven("12345678").await.unwrap();
        assert_eq!((first, second), ("12345".into(), "12345678".into()), "what is proven makes room");
    }

    #[tokio::test]
    async fn a_body_that_is_announced_too_long_is_not_begun() {
        let bodies = Bodies::within(12, Duration::from_secs(10));
        for (text, fits) in [("", true), ("12345678", true), ("123456789", false)] {
            let begun = bodies.stream(Body::from(text), 8).map(|_| ());
            assert_eq!(begun.is_ok(), fits, "{text}");
        }
    }
}
