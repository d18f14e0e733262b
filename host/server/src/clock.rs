//! The one place that reads the time of day; tests give their own.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time since 1970-01-01 UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
        }))
    }

    /// A clock that tells what `millis` tells.
    #[must_use]
    pub fn controlled(millis: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(millis))
    }

    /// Milliseconds.
    #[must_use]
    pub fn millis(&self) -> u64 {
        (self.0)()
    }

    /// Whole seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.millis() / 1_000
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Clock")
    }
}
