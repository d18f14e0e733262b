//! An issuer's published keys: fetched once for all, kept while they serve, and never fetched on a stranger's command.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use usher_runtime::capability::http::{Outbound, OutboundRequest};

use super::PublicKey;
use crate::clock::Clock;
use crate::identity::gate::{Gate, Turn};
use crate::manifest::RemoteKeys;

/// The longest set, in bytes.
const LONGEST_SET: usize = 256 << 10;
/// Keys of a set that are looked at.
const MOST_KEYS: usize = 100;
/// Unknown key ids that are remembered.
const MOST_ABSENT: usize = 1_000;
/// Callers that wait for a fetch; further ones are told at once.
const MOST_WAITING: usize = 256;
/// The longest key id that is looked up.
const LONGEST_ID: usize = 512;

/// The keys behind a URL.
#[derive(Debug)]
pub(in crate::identity) struct KeySet(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: RemoteKeys,
    client: Arc<dyn Outbound>,
    clock: Clock,
    /// One fetch at a time.
    gate: Gate,
    state: Mutex<State>,
}

/// The key that a token names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) algorithm: Algorithm,
}

#[derive(Debug, Default)]
struct State {
    keys: Arc<Vec<Entry>>,
    /// When the keys were fetched.
    fetched: Option<u64>,
    /// When a fetch was last begun.
    tried: Option<u64>,
    /// How many fetches have ended.
    ended: u64,
    is_under_way: bool,
    /// Until when an id is not worth a fetch.
    absent: HashMap<String, u64>,
}

/// No set that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKeys;

#[derive(Debug)]
struct Entry {
    id: Option<String>,
    key: PublicKey,
}

/// What is to be done for a key.
enum Next {
    Found(DecodingKey),
    /// The set does not have it, and asking again would be of no use yet.
    Absent,
    /// No set that could still be used, and asking again would be of no use yet.
    Down,
    /// A fetch is of use, or under way; so many had ended then.
    Fetch(u64),
}

impl KeySet {
    pub(in crate::identity) fn new(source: RemoteKeys, client: Arc<dyn Outbound>, clock: Clock) -> Self {
        let (gate, state) = (Gate::new(1, MOST_WAITING), Mutex::default());
        Self(Arc::new(Shared { source, client, clock, gate, state }))
    }

    /// Nothing when the set has no such key.
    pub(super) async fn find(&self, sought: Sought<'_>) -> Result<Option<DecodingKey>, NoKeys> {
        if sought.id.is_some_and(|id| id.len() > LONGEST_ID) {
            return Ok(None);
        }
        let seen = match self.0.next(sought) {
            Next::Found(key) => return Ok(Some(key)),
            Next::Absent => return Ok(None),
            Next::Down => return Err(NoKeys),
            Next::Fetch(seen) => seen,
        };
        let turn = self.0.gate.enter().await.ok_or(NoKeys)?;
        if self.0.state().ended == seen {
            // On its own, so that a caller that goes away neither ends it nor leaves others without keys.
            let fetch = tokio::spawn(Arc::clone(&self.0).fetch(turn, sought.id.map(str::to_owned)));
            fetch.await.map_err(|_| NoKeys)?;
        }
        match self.0.next(sought) {
            Next::Found(key) => Ok(Some(key)),
            Next::Absent => Ok(None),
            Next::Down | Next::Fetch(_) => Err(NoKeys),
        }
    }
}

impl Shared {
    fn next(&self, sought: Sought<'_>) -> Next {
        let now = self.clock.millis();
        let state = self.state();
        let found = pick(&state.keys, sought).map(|entry| entry.key.decoding().clone());
        let age = state.fetched.and_then(|fetched| now.checked_sub(fetched));
        let is_fresh = age.is_some_and(|age| age < millis(self.source.refresh));
        let is_usable =
            age.is_some_and(|age| age < millis(self.source.refresh.saturating_add(self.source.stale_if_error)));
        let tried = state.tried;
        let is_cooling =
            tried.and_then(|tried| now.checked_sub(tried)).is_some_and(|ago| ago < millis(self.source.cooldown));
        let last_failed = tried != state.fetched && !state.is_under_way;
        if let Some(key) = found
            && (is_fresh || is_cooling && is_usable)
        {
            return Next::Found(key);
        }
        let is_known_absent = is_fresh && state.is_absent(sought, now);
        if !is_known_absent && (state.is_under_way || !is_cooling) {
            return Next::Fetch(state.ended);
        }
        // What a failed fetch did not bring may well be there.
        if last_failed || !is_usable { Next::Down } else { Next::Absent }
    }

    /// Made for the token that names the key `id`.
    async fn fetch(self: Arc<Self>, _turn: Turn, id: Option<String>) {
        let began = self.clock.millis();
        {
            let mut state = self.state();
            (state.tried, state.is_under_way) = (Some(began), true);
        }
        let request = OutboundRequest {
            method: "GET".into(),
            url: self.source.url.clone(),
            headers: vec![("accept".into(), "application/json".into())],
            body: Vec::new(),
            timeout: self.source.timeout,
            longest_answer: LONGEST_SET,
        };
        let keys = match self.client.send(request).await {
            Ok(answer) if answer.status == 200 => read(&answer.body).ok_or_else(|| "no set of keys".to_owned()),
            Ok(answer) => Err(format!("status {}", answer.status)),
            Err(error) => Err(error.to_string()),
        };
        let mut state = self.state();
        (state.ended, state.is_under_way) = (state.ended + 1, false);
        match keys {
            Ok(keys) => {
                state.keys = Arc::new(keys);
                state.fetched = Some(began);
                state.remember_absent(id, (began, began.saturating_add(millis(self.source.negative_cache))));
            }
            Err(error) => {
                let url = self.source.url.split('?').next();
                tracing::warn!(url, "the keys of tokens could not be fetched: {error}");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_absent(&self, sought: Sought<'_>, now: u64) -> bool {
        sought.id.is_some_and(|id| self.absent.get(id).is_some_and(|until| now < *until))
    }

    /// Remembers an id that a fetch made for it did not bring, and forgets those whose time is over.
    fn remember_absent(&mut self, id: Option<String>, (now, until): (u64, u64)) {
        self.absent.retain(|_, until| now < *until);
        if let Some(id) = id
            && self.absent.len() < MOST_ABSENT
            && !self.keys.iter().any(|entry| entry.id.as_deref() == Some(&id))
        {
            self.absent.insert(id, until);
        }
    }
}

/// By id; without one, the only key that fits the algorithm.
fn pick<'a>(keys: &'a [Entry], sought: Sought<'_>) -> Option<&'a Entry> {
    let fits = |entry: &&Entry| entry.key.algorithms().iter().any(|algorithm| algorithm.is(sought.algorithm));
    let mut fitting = keys.iter().filter(fits).filter(|entry| sought.id.is_none() || entry.id.as_deref() == sought.id);
    let first = fitting.next()?;
    (sought.id.is_some() || fitting.next().is_none()).then_some(first)
}

/// The keys that can be used; one that cannot be does not spoil the others.
fn read(body: &[u8]) -> Option<Vec<Entry>> {
    let set: Value = serde_json::from_slice(body).ok()?;
    let keys = set.get("keys")?.as_array()?;
    let entry = |key: &Value| {
        let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
        Some(Entry { key: PublicKey::of_set(&jwk)?, id: jwk.common.key_id })
    };
    Some(keys.iter().take(MOST_KEYS).filter_map(entry).collect())
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
