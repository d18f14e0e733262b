//! Writes refusals to disk from a thread of its own, behind a bounded queue.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::{KeptDecision, Key};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::kept as stored;

/// Refusals that wait to be written at the most; further ones are lost to the disk.
const MOST_WAITING: usize = 4_096;
/// Refusals in one batch at the most.
const MOST_AT_ONCE: usize = 256;
/// The rest after a full batch: a flood of refusals takes no more than a part of a core.
const REST: Duration = Duration::from_millis(25);

/// Ends its thread, all written, when it is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    metrics: Arc<Metrics>,
}

enum Message {
    Keep(Key, Arc<KeptDecision>),
    /// To be answered when all that came before is written.
    Flush(SyncSender<()>),
}

impl Writer {
    pub(super) fn start(store: &Arc<Store>, metrics: Arc<Metrics>) -> Self {
        let (queue, messages) = sync_channel(MOST_WAITING);
        let store = Arc::downgrade(store);
        let counted = Arc::clone(&metrics);
        let work = move || write_all(&messages, &store, &counted);
        let thread = Builder::new().name("kept-decisions".into()).spawn(work);
        let thread = thread.inspect_err(|error| tracing::error!(%error, "refusals are not written to disk")).ok();
        Self { queue: Some(queue), thread, metrics }
    }

    pub(super) fn write(&self, key: Key, decision: Arc<KeptDecision>) {
        let queued = self.queue.as_ref().is_some_and(|queue| queue.try_send(Message::Keep(key, decision)).is_ok());
        if !queued {
            self.metrics.lost_decisions(1);
        }
    }

    /// Returns when what was queued before is written.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.queue.as_ref().is_some_and(|queue| queue.send(Message::Flush(done)).is_ok()) {
            // An error says that the thread has gone, and with it whatever could still be written.
            let _: Result<(), std::sync::mpsc::RecvError> = written.recv();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes refusals failed");
        }
    }
}

fn write_all(messages: &Receiver<Message>, store: &Weak<Store>, metrics: &Metrics) {
    let mut count = store.upgrade().and_then(|store| stored::count(&store).ok()).unwrap_or_default();
    while let Ok(first) = messages.recv() {
        let (mut batch, mut flushed) = (Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(messages.try_iter()).take(MOST_AT_ONCE) {
            match message {
                Message::Keep(key, decision) => batch.push((key, decision.id.clone(), decision.json(key))),
                Message::Flush(done) => flushed.push(done),
            }
        }
        let written = store.upgrade().map(|store| stored::put_all(&store, &batch, &mut count));
        if let Some(Err(error)) = written {
            metrics.lost_decisions(batch.len());
            tracing::warn!(%error, lost = batch.len(), "refusals could not be written");
        }
        if batch.len() == MOST_AT_ONCE {
            std::thread::sleep(REST);
        }
        for done in flushed {
            // Nobody waits any more: nothing to tell.
            let _: Result<(), std::sync::mpsc::TrySendError<()>> = done.try_send(());
        }
    }
}
