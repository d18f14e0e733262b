//! A bounded queue: so many at once, so many waiting, and nobody beyond.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets few in at once.
#[derive(Debug)]
pub(super) struct Gate {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// A turn; the next one's begins when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(at_once: usize, most_waiting: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0), most_waiting }
    }

    /// Waits for a turn; nothing at once where too many wait already.
    pub(super) async fn enter(&self) -> Option<Turn> {
        if let Ok(permit) = Arc::clone(&self.turns).try_acquire_owned() {
            return Some(Turn { _permit: permit });
        }
        let _place = Place::take(&self.waiting, self.most_waiting)?;
        Arc::clone(&self.turns).acquire_owned().await.ok().map(|permit| Turn { _permit: permit })
    }
}

/// A place in the queue, given back however the waiting ends.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        (before < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Gate;

    #[tokio::test]
    async fn so_many_are_let_in_so_many_wait_and_the_next_is_told_at_once() {
        let gate = Arc::new(Gate::new(1, 1));
        let first = gate.enter().await.unwrap();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.is_some() }
        });
        while gate.waiting.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(gate.enter().await.is_none());
        drop(first);
        assert!(waiting.await.unwrap());
        assert!(gate.enter().await.is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _first = gate.enter().await.unwrap();
        for _ in 0..3 {
            let waited = tokio::time::timeout(std::time::Duration::from_millis(5), gate.enter()).await;
            assert!(waited.is_err(), "the queue has a place");
        }
    }
}
