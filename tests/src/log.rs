//! Everything this process logs, at every level, kept for tests to search.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

/// What was logged; every test of a process writes to the same log, so look for what only one of them says.
#[derive(Debug, Clone, Copy)]
pub struct Log;

impl Log {
    /// Begins to keep what is logged, in the form of `log.format = "text"`; later calls change nothing.
    pub fn start() {
        STARTED.call_once(|| {
            let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false).with_writer(|| Self);
            tracing_subscriber::registry().with(layer).init();
        });
    }

    /// Everything so far.
    #[must_use]
    pub fn text() -> String {
        String::from_utf8_lossy(&WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The lines that contain `marker`.
    #[must_use]
    pub fn lines_with(marker: &str) -> Vec<String> {
        Self::text().lines().filter(|line| line.contains(marker)).map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
