//! `kv`: key-value pairs and counters under the deployment's prefix.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{HasData, Linker};

use super::{Capability, not_granted};
use crate::bindings::usher::function::kv as wire;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::Recorder;

/// The longest key in characters, prefix not counted (PubNub Functions: 1,000).
pub const LONGEST_KEY: usize = 1_000;
/// The longest value in characters (PubNub Functions: 32,000).
pub const LONGEST_VALUE: usize = 32_000;
/// Minutes a pair lives when nothing is said: one day.
pub const DEFAULT_TTL: u32 = 1_440;
/// Minutes a pair lives at the most: one year.
pub const LONGEST_TTL: u32 = 525_600;
/// Keys in one answer of `keys`.
pub const PAGE: usize = 100;

/// Where pairs are. Keys arrive checked and carry no prefix; the implementation is bound to one.
pub trait KeyValue: Send + Sync + std::fmt::Debug {
    /// The live value of a key.
    ///
    /// # Errors
    /// When the store cannot be read. The same holds for every other operation.
    fn get(&self, key: &str) -> Result<Option<String>, Unavailable>;
    /// Sets a value for `minutes`.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn set(&self, key: &str, value: &str, minutes: u32) -> Result<(), Unavailable>;
    /// Sets a value if the present one is `expected`, in one step; says whether it did.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn swap(&self, key: &str, expected: Option<&str>, replacement: Replacement<'_>) -> Result<bool, Unavailable>;
    /// Removes a value.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove(&self, key: &str) -> Result<(), Unavailable>;
    /// At most [`PAGE`] keys of `kind` after `after`, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn keys(&self, kind: Kind, after: Option<&str>) -> Result<Vec<String>, Unavailable>;
    /// Adds to a counter, in one step, and returns its value.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn increment(&self, key: &str, by: i64) -> Result<i64, Unavailable>;
    /// A counter's value, 0 when it was never touched.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn counter(&self, key: &str) -> Result<i64, Unavailable>;
}

/// What [`KeyValue::swap`] puts in place.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'a> {
    /// The new value.
    pub value: &'a str,
    /// How long it lives.
    pub minutes: u32,
}

/// Pairs and counters are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Set by `set` and `swap`.
    Pair,
    /// Set by `increment`.
    Counter,
}

/// The store cannot be read or written; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// The pairs a deployment may touch.
#[derive(Debug)]
pub struct Granted {
    /// Bound to the deployment's prefix.
    pub pairs: Arc<dyn KeyValue>,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    request_id: &'a str,
    trace: &'a mut Recorder,
}

type Reply<T> = wasmtime::Result<Result<T, wire::KvError>>;

impl View<'_> {
    fn run<T>(
        &mut self,
        (call, key): (&'static str, &str),
        work: impl FnOnce(&dyn KeyValue) -> Result<T, Unavailable>,
    ) -> Reply<T> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Kv))?;
        let began = Instant::now();
        let answer = self.admit(key).and_then(|()| {
            work(granted.pairs.as_ref()).map_err(|Unavailable(text)| {
                tracing::error!(request = self.request_id, error = text, "key-value store unavailable");
                wire::KvError::Unavailable("the store cannot be used".into())
            })
        });
        self.trace.call((Capability::Kv, call), began, &answer, code);
        Ok(answer)
    }

    fn admit(&mut self, key: &str) -> Result<(), wire::KvError> {
        if !CallLimits::take(self.left) {
            return Err(wire::KvError::TooManyCalls);
        }
        if key.chars().count() > LONGEST_KEY {
            return Err(wire::KvError::Invalid(format!("a key has at most {LONGEST_KEY} characters")));
        }
        Ok(())
    }
}

impl wire::Host for View<'_> {
    fn get(&mut self, key: String) -> Reply<Option<String>> {
        self.run(("get", &key), |pairs| pairs.get(&key))
    }

    fn set(&mut self, key: String, value: String, ttl: Option<u32>) -> Reply<()> {
        if let Some(error) = too_long(&value) {
            return Ok(Err(error));
        }
        self.run(("set", &key), |pairs| pairs.set(&key, &value, clamp(ttl)))
    }

    fn swap(&mut self, key: String, expected: Option<String>, value: String, ttl: Option<u32>) -> Reply<bool> {
        if let Some(error) = too_long(&value) {
            return Ok(Err(error));
        }
        let replacement = Replacement { value: &value, minutes: clamp(ttl) };
        self.run(("swap", &key), |pairs| pairs.swap(&key, expected.as_deref(), replacement))
    }

    fn remove(&mut self, key: String) -> Reply<()> {
        self.run(("remove", &key), |pairs| pairs.remove(&key))
    }

    fn keys(&mut self, after: Option<String>) -> Reply<Vec<String>> {
        self.run(("keys", after.as_deref().unwrap_or_default()), |pairs| pairs.keys(Kind::Pair, after.as_deref()))
    }

    fn increment(&mut self, key: String, by: i64) -> Reply<i64> {
        self.run(("increment", &key), |pairs| pairs.increment(&key, by))
    }

    fn counter(&mut self, key: String) -> Reply<i64> {
        self.run(("counter", &key), |pairs| pairs.counter(&key))
    }

    fn counter_keys(&mut self, after: Option<String>) -> Reply<Vec<String>> {
        self.run(("counter-keys", after.as_deref().unwrap_or_default()), |pairs| {
            pairs.keys(Kind::Counter, after.as_deref())
        })
    }
}

const fn code(error: &wire::KvError) -> &'static str {
    match error {
        wire::KvError::Invalid(_) => "kv.invalid",
        wire::KvError::Unavailable(_) => "kv.unavailable",
        wire::KvError::TooManyCalls => "kv.too-many-calls",
    }
}

fn clamp(ttl: Option<u32>) -> u32 {
    ttl.unwrap_or(DEFAULT_TTL).clamp(1, LONGEST_TTL)
}

fn too_long(value: &str) -> Option<wire::KvError> {
    (value.chars().count() > LONGEST_VALUE)
        .then(|| wire::KvError::Invalid(format!("a value has at most {LONGEST_VALUE} characters")))
}

struct Pairs;

impl HasData for Pairs {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Pairs>(linker, |state| View {
        granted: state.capabilities.kv.as_ref(),
        left: &mut state.calls.kv,
        request_id: &state.context.request_id,
        trace: &mut state.recorder,
    })
}
