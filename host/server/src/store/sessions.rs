//! Sessions: for whom a function granted to an auth key, so that a changed policy can be asked about it again.

use std::sync::Arc;

use usher_access::{AuthKey, Expiry, SubscribeKey, UnixSeconds};

use super::{Batch, Space, Store, StoreError};
use crate::manifest::FunctionName;

/// Sessions in one sweep at the most.
const MOST_SWEPT: usize = 10_000;
/// The expiry of what lasts for ever.
const NEVER: u64 = u64::MAX;

/// Whom a function granted to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// What the grants are for. Never logged.
    pub(crate) auth_key: AuthKey,
    /// The identity that showed it.
    pub(crate) id: String,
    /// What the server knows of the identity, as JSON.
    pub(crate) server_data: String,
    /// When the last of the grants is over at the latest.
    pub(crate) until: Expiry,
}

/// The sessions of one function.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    store: Arc<Store>,
    prefix: String,
}

impl Sessions {
    pub(crate) fn new(store: Arc<Store>, subscribe_key: &SubscribeKey, function: &FunctionName) -> Self {
        Self { store, prefix: format!("{}\0{function}\0", subscribe_key.as_str()) }
    }

    /// Adds a session to the batch that carries its grants.
    pub(crate) fn add_to(&self, batch: &mut Batch, session: &Session) -> Result<(), StoreError> {
        let until = session.until.instant().map_or(NEVER, UnixSeconds::get);
        let identity = (&session.id, &session.server_data);
        let mut value = until.to_be_bytes().to_vec();
        serde_json::to_writer(&mut value, &identity).map_err(|error| StoreError::other(&error))?;
        batch.put(Space::Sessions, self.key(&session.auth_key), value);
        Ok(())
    }

    /// Every session that may have live grants; what cannot be read is logged and left out.
    pub(crate) fn all(&self) -> Result<Vec<Session>, StoreError> {
        let mut sessions = Vec::new();
        self.store.visit(Space::Sessions, self.prefix.as_bytes(), None, |key, value| {
            let session = key.get(self.prefix.len()..).and_then(|auth_key| read(auth_key, value));
            if session.is_none() {
                tracing::error!("a stored session is damaged; its grants cannot be checked again");
            }
            sessions.extend(session);
            true
        })?;
        Ok(sessions)
    }

    fn key(&self, auth_key: &AuthKey) -> Vec<u8> {
        format!("{}{}", self.prefix, auth_key.reveal()).into_bytes()
    }
}

/// The keys of a keyset's sessions that are over, as far as one sweep goes.
pub(crate) fn over(store: &Store, prefix: &str, now: UnixSeconds) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut over = Vec::new();
    store.visit(Space::Sessions, prefix.as_bytes(), None, |key, value| {
        over.extend(is_over(value, now).then(|| key.to_vec()));
        over.len() < MOST_SWEPT
    })?;
    Ok(over)
}

/// Whether a stored session has no live grants left. What cannot be read has none.
pub(crate) fn is_over(value: &[u8], now: UnixSeconds) -> bool {
    until(value).is_none_or(|until| until.is_over(now))
}

fn until(value: &[u8]) -> Option<Expiry> {
    let seconds = u64::from_be_bytes(*value.first_chunk::<8>()?);
    Some(if seconds == NEVER { Expiry::NEVER } else { Expiry::at(UnixSeconds::new(seconds)) })
}

fn read(auth_key: &[u8], value: &[u8]) -> Option<Session> {
    let (id, server_data) = serde_json::from_slice(value.get(8..)?).ok()?;
    let auth_key = std::str::from_utf8(auth_key).ok()?.parse().ok()?;
    Some(Session { auth_key, id, server_data, until: until(value)? })
}

/// Without the auth key.
impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session").field("id", &self.id).field("until", &self.until).finish_non_exhaustive()
    }
}
