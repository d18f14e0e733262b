//! Key-value pairs and counters of functions: read with their expiry, changed one at a time.

use std::sync::{Arc, Mutex, PoisonError};

use usher_runtime::capability::kv::{KeyValue, Kind, PAGE, Replacement, Unavailable};

use super::{Batch, Durability, Space, Store, StoreError};
use crate::clock::Clock;

/// Pairs in one sweep at the most.
const MOST_SWEPT: usize = 10_000;

/// All pairs of the store; hands out views bound to a prefix.
#[derive(Debug)]
pub(crate) struct Pairs {
    store: Arc<Store>,
    clock: Clock,
    writing: Mutex<()>,
}

/// The pairs of one deployment.
#[derive(Debug)]
pub(crate) struct Prefixed {
    pairs: Arc<Pairs>,
    prefix: String,
}

impl Pairs {
    pub(crate) fn new(store: Arc<Store>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { store, clock, writing: Mutex::new(()) })
    }

    /// The view of one deployment of a keyset.
    pub(crate) fn with_prefix(self: &Arc<Self>, subscribe_key: &str, prefix: &str) -> Prefixed {
        Prefixed { pairs: Arc::clone(self), prefix: format!("{subscribe_key}\0{prefix}\0") }
    }

    /// Removes what has expired; returns how many.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.clock.seconds();
        let mut candidates = Vec::new();
        self.store.visit(Space::Pairs, b"", None, |key, stored| {
            candidates.extend(live(stored, now).is_none().then(|| key.to_vec()));
            candidates.len() < MOST_SWEPT
        })?;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut expired) = (Batch::default(), 0);
        for key in candidates {
            // It may have been set again since it was seen.
            if self.store.get(Space::Pairs, &key)?.is_some_and(|stored| live(&stored, now).is_none()) {
                batch.remove(Space::Pairs, key);
                expired += 1;
            }
        }
        self.store.commit(batch, Durability::Journal)?;
        Ok(expired)
    }
}

impl Prefixed {
    fn key(&self, kind: Kind, key: &str) -> Vec<u8> {
        format!("{}{}{key}", self.prefix, letter(kind)).into_bytes()
    }

    fn read(&self, kind: Kind, key: &str) -> Result<Option<String>, Unavailable> {
        let stored = self.pairs.store.get(Space::Pairs, &self.key(kind, key))?;
        let now = self.pairs.clock.seconds();
        Ok(stored.as_deref().and_then(|stored| live(stored, now)).map(str::to_owned))
    }

    fn write(&self, kind: Kind, key: &str, replacement: Replacement<'_>) -> Result<(), Unavailable> {
        let expires = self.pairs.clock.seconds() + u64::from(replacement.minutes) * 60;
        let mut stored = expires.to_be_bytes().to_vec();
        stored.extend_from_slice(replacement.value.as_bytes());
        let mut batch = Batch::default();
        batch.put(Space::Pairs, self.key(kind, key), stored);
        Ok(self.pairs.store.commit(batch, Durability::Journal)?)
    }
}

impl KeyValue for Prefixed {
    fn get(&self, key: &str) -> Result<Option<String>, Unavailable> {
        self.read(Kind::Pair, key)
    }

    fn set(&self, key: &str, value: &str, minutes: u32) -> Result<(), Unavailable> {
        let _writing = self.pairs.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(Kind::Pair, key, Replacement { value, minutes })
    }

    fn swap(&self, key: &str, expected: Option<&str>, replacement: Replacement<'_>) -> Result<bool, Unavailable> {
        let _writing = self.pairs.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.read(Kind::Pair, key)?.as_deref() != expected {
            return Ok(false);
        }
        self.write(Kind::Pair, key, replacement)?;
        Ok(true)
    }

    fn remove(&self, key: &str) -> Result<(), Unavailable> {
        let _writing = self.pairs.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::default();
        batch.remove(Space::Pairs, self.key(Kind::Pair, key));
        Ok(self.pairs.store.commit(batch, Durability::Journal)?)
    }

    fn keys(&self, kind: Kind, after: Option<&str>) -> Result<Vec<String>, Unavailable> {
        let prefix = self.key(kind, "");
        let after = after.map(|after| self.key(kind, after));
        let now = self.pairs.clock.seconds();
        let mut keys = Vec::new();
        self.pairs.store.visit(Space::Pairs, &prefix, after.as_deref(), |key, stored| {
            if live(stored, now).is_some() {
                keys.extend(key.get(prefix.len()..).map(|rest| String::from_utf8_lossy(rest).into_owned()));
            }
            keys.len() < PAGE
        })?;
        Ok(keys)
    }

    fn increment(&self, key: &str, by: i64) -> Result<i64, Unavailable> {
        let _writing = self.pairs.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let value = self.counter(key)?.saturating_add(by);
        let minutes = usher_runtime::capability::kv::LONGEST_TTL;
        self.write(Kind::Counter, key, Replacement { value: &value.to_string(), minutes })?;
        Ok(value)
    }

    fn counter(&self, key: &str) -> Result<i64, Unavailable> {
        let stored = self.read(Kind::Counter, key)?;
        Ok(stored.and_then(|text| text.parse().ok()).unwrap_or(0))
    }
}

const fn letter(kind: Kind) -> char {
    match kind {
        Kind::Pair => 'p',
        Kind::Counter => 'c',
    }
}

/// The value of a stored pair (eight bytes of expiry in seconds, big-endian, then text) unless it has expired.
fn live(stored: &[u8], now: u64) -> Option<&str> {
    let (expires, text) = stored.split_first_chunk::<8>()?;
    (u64::from_be_bytes(*expires) > now).then(|| std::str::from_utf8(text).ok()).flatten()
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
