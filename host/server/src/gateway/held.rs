//! A held answer: it ends when the token, grant or key behind it does, whether or not it has begun.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;
use usher_access::{Expiry, UnixSeconds};

use crate::authorize::Case;
use crate::clock::Clock;
use crate::reply::Refusal;

/// An allowed request that is being answered.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) case: Case,
    pub(super) until: Expiry,
    /// Seen up to the decision.
    pub(super) changes: watch::Receiver<u64>,
    pub(super) seconds: watch::Receiver<u64>,
    pub(super) clock: Clock,
    /// The highest second seen: what was over once is over, even if the clock is set back.
    pub(super) latest: UnixSeconds,
}

impl Hold {
    /// Waits until the request would be refused, and says how.
    pub(super) async fn ended(mut self) -> Refusal {
        loop {
            self.moved().await;
            self.see(self.clock.seconds());
            match self.case.admit(self.latest) {
                Ok(until) => self.until = until,
                Err(refusal) => return refusal,
            }
        }
    }

    /// Waits until the verdict may have become wrong.
    async fn moved(&mut self) {
        loop {
            let second = *self.seconds.borrow_and_update();
            self.see(second);
            if self.until.is_over(self.latest) {
                return;
            }
            // An error is the end of the server or of the keyset, which ends the connection by itself.
            tokio::select! {
                Ok(()) = self.changes.changed() => return,
                Ok(()) = self.seconds.changed() => {}
                else => std::future::pending().await,
            }
        }
    }

    fn see(&mut self, second: u64) {
        self.latest = self.latest.max(UnixSeconds::new(second));
    }
}

/// The body after its first frame was awaited, cut off in the middle when `ended` comes before its end.
pub(super) fn until_ended(
    first: Option<Frame<Bytes>>,
    rest: Body,
    ended: Pin<Box<impl Future<Output = Refusal> + Send + 'static>>,
) -> Body {
    if first.is_none() {
        return rest;
    }
    Body::new(Guarded { first, rest, ended })
}

struct Guarded<F> {
    first: Option<Frame<Bytes>>,
    rest: Body,
    ended: Pin<Box<F>>,
}

impl<F> Guarded<F> {
    fn first_length(&self) -> u64 {
        let data = self.first.as_ref().and_then(Frame::data_ref);
        data.map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }
}

/// Why an answer breaks off.
#[derive(Debug, thiserror::Error)]
#[error("no longer allowed")]
struct Ended;

impl<F: Future<Output = Refusal>> HttpBody for Guarded<F> {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Ended.into())));
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        Pin::new(&mut self.rest).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (first, rest) = (self.first_length(), self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}
