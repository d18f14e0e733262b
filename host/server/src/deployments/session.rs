//! Grants of a function that asks a policy: each keeps in mind for whom it was made.

use std::sync::Arc;

use usher_access::{Approved, Ttl, UnixSeconds};
use usher_runtime::capability::Answer;
use usher_runtime::capability::access::{Entry, GrantError, Grants};
use usher_runtime::capability::identity::Subject;

use crate::clock::Clock;
use crate::store::grants::{EmbeddedGrants, unavailable};
use crate::store::sessions::{Session, Sessions};

/// Seconds by which a session outlives its last grant, which is made a little later than the time is read.
const SLACK: u64 = 60;

/// The keyset's grants, as one function makes them.
#[derive(Debug)]
pub(super) struct GrantsInSession {
    pub(super) grants: Arc<EmbeddedGrants>,
    pub(super) sessions: Sessions,
    /// The longest that any of them may last.
    pub(super) longest: Ttl,
    pub(super) clock: Clock,
}

impl GrantsInSession {
    fn apply_in(&self, approved: &[Approved], subject: &Subject) -> Result<(), GrantError> {
        // What no grant can name holds none.
        let Ok(auth_key) = subject.auth_key.parse() else {
            return self.grants.apply_now(approved, None).map(drop).map_err(|error| unavailable(&error));
        };
        let Subject { id, server_data, auth_key: _ } = subject;
        let until = self.longest.expiry(UnixSeconds::new(self.clock.seconds().saturating_add(SLACK)));
        let session = Session { auth_key, id: id.clone(), server_data: server_data.clone(), until };
        self.grants.apply_in(approved, &self.sessions, &session).map_err(|error| unavailable(&error))
    }
}

impl Grants for GrantsInSession {
    fn apply(&self, approved: Vec<Approved>) -> Answer<'_, Result<(), GrantError>> {
        self.grants.apply(approved)
    }

    fn apply_for(&self, approved: Vec<Approved>, subject: Arc<Subject>) -> Answer<'_, Result<(), GrantError>> {
        Box::pin(async move { self.apply_in(&approved, &subject) })
    }

    fn audit(&self, asked: Approved) -> Answer<'_, Result<Vec<Entry>, GrantError>> {
        self.grants.audit(asked)
    }
}
