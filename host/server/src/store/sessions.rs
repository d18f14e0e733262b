//! Sessions: for whom a function granted to an auth key, so that a changed policy can be asked about it again.

use std::sync::Arc;

use sha2::{Digest, Sha256};
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

    /// Adds a session to the batch that carries its grants. One that is stored already never ends the earlier for it.
    pub(crate) fn add_to(&self, batch: &mut Batch, session: &Session) -> Result<(), StoreError> {
        let key = self.key(session);
        let stored = self.store.get(Space::Sessions, &key)?.and_then(|value| until(&value));
        let until = stored.map_or(session.until, |stored| stored.max(session.until));
        let until = until.instant().map_or(NEVER, UnixSeconds::get);
        let identity = (&session.id, &session.server_data);
        let mut value = until.to_be_bytes().to_vec();
        serde_json::to_writer(&mut value, &identity).map_err(|error| StoreError::other(&error))?;
        batch.put(Space::Sessions, key, value);
        Ok(())
    }

    /// Every session that may have live grants; what cannot be read is logged and left out.
    pub(crate) fn all(&self) -> Result<Vec<Session>, StoreError> {
        let mut sessions = Vec::new();
        self.store.visit(Space::Sessions, self.prefix.as_bytes(), None, |key, value| {
            let session = key.get(self.prefix.len()..).and_then(|key| read(key, value));
            if session.is_none() {
                tracing::error!("a stored session is damaged; its grants cannot be checked again");
            }
            sessions.extend(session);
            true
        })?;
        Ok(sessions)
    }

    /// One for each identity that shows an auth key. Ids are as long as they please, keys of the store are not.
    fn key(&self, session: &Session) -> Vec<u8> {
        let id = hex::encode(Sha256::digest(&session.id));
        format!("{}{}\0{id}", self.prefix, session.auth_key.reveal()).into_bytes()
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

fn read(key: &[u8], value: &[u8]) -> Option<Session> {
    let (id, server_data) = serde_json::from_slice(value.get(8..)?).ok()?;
    // No auth key holds a control character; before there was one for each identity, the auth key was all of it.
    let auth_key = std::str::from_utf8(key).ok()?.split('\0').next()?.parse().ok()?;
    Some(Session { auth_key, id, server_data, until: until(value)? })
}

/// Without the auth key.
impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session").field("id", &self.id).field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    fn sessions() -> Sessions {
        Sessions::new(Store::in_memory(), &"sub-c-1".parse().unwrap(), &"every".parse().unwrap())
    }

    fn add(sessions: &Sessions, (auth_key, id, until): (&str, &str, Expiry)) {
        let session =
            Session { auth_key: auth_key.parse().unwrap(), id: id.to_owned(), server_data: "{}".to_owned(), until };
        let mut batch = Batch::default();
        sessions.add_to(&mut batch, &session).unwrap();
        sessions.store.commit(batch, Durability::Journal).unwrap();
    }

    fn stored(sessions: &Sessions) -> Vec<(String, String, Expiry)> {
        let told = |session: Session| (session.auth_key.reveal().to_owned(), session.id, session.until);
        sessions.all().unwrap().into_iter().map(told).collect()
    }

    #[test]
    fn a_session_lasts_as_long_as_the_longest_that_was_stored() {
        let at = |seconds| Expiry::at(UnixSeconds::new(seconds));
        let sessions = sessions();
        for (until, expected) in
            [(at(200), at(200)), (at(100), at(200)), (at(300), at(300)), (Expiry::NEVER, Expiry::NEVER)]
        {
            add(&sessions, ("k1", "alice", until));
            assert_eq!(stored(&sessions), [("k1".into(), "alice".into(), expected)]);
        }
        add(&sessions, ("k1", "alice", at(400)));
        assert_eq!(stored(&sessions), [("k1".into(), "alice".into(), Expiry::NEVER)]);
    }

    #[test]
    fn each_identity_that_shows_an_auth_key_has_a_session() {
        let (sessions, long) = (sessions(), "i".repeat(100_000));
        for id in ["alice", "bob", "a\0b", "", &long] {
            add(&sessions, ("k1", id, Expiry::NEVER));
            add(&sessions, ("k1", id, Expiry::NEVER));
        }
        let mut ids: Vec<_> = stored(&sessions).into_iter().map(|(auth_key, id, _)| (auth_key, id)).collect();
        ids.sort();
        assert_eq!(ids, ["", "a\0b", "alice", "bob", &long].map(|id| ("k1".to_owned(), id.to_owned())));
    }

    #[test]
    fn a_session_of_before_there_was_one_for_each_identity_is_read() {
        let sessions = sessions();
        let mut value = 500_u64.to_be_bytes().to_vec();
        value.extend_from_slice(br#"["alice", "{}"]"#);
        let mut batch = Batch::default();
        batch.put(Space::Sessions, format!("{}k1", sessions.prefix), value);
        sessions.store.commit(batch, Durability::Journal).unwrap();
        assert_eq!(stored(&sessions), [("k1".into(), "alice".into(), Expiry::at(UnixSeconds::new(500)))]);
    }
}
