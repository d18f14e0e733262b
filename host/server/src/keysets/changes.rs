//! Tells whoever holds a request open that something of a keyset was taken away, so that it is decided anew.

use std::sync::Arc;

use tokio::sync::watch;

/// A count that moves whenever access may have shrunk. Cheap to clone; clones move together.
#[derive(Debug, Clone)]
pub(crate) struct Changes(Arc<watch::Sender<u64>>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Something was taken away. To be called once it is in force.
    pub(crate) fn note(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
