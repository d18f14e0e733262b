//! The `file` authenticator: names and passwords, checked away from the threads that serve requests.

use std::sync::Arc;

use usher_runtime::capability::identity::{Identity, IdentityError};
use zeroize::Zeroizing;

use super::Outcome;
use super::gate::Gate;
use super::password::LONGEST_PASSWORD;
use super::question::{Fingerprint, Question, Seed};
use super::remembered::{Lifetime, Remembered};
use super::webhook::Refuses;
use crate::manifest::Users;

/// The longest name that is looked up, in bytes.
const LONGEST_NAME: usize = 1 << 10;
/// Passwords that wait for their turn; further callers are told at once.
const MOST_WAITING: usize = 256;
/// How long a wrong password is believed to be wrong without being computed again.
const WRONG: std::time::Duration = std::time::Duration::from_secs(2);

/// The users of a file.
#[derive(Debug)]
pub(super) struct UsersFile {
    users: Arc<Users>,
    gate: Gate,
    remembered: Remembered,
    seed: Seed,
    /// What a caller without name or password is.
    refuses: Refuses,
}

impl UsersFile {
    pub(super) fn new(users: Arc<Users>, cache: std::time::Duration, (seed, refuses): (Seed, Refuses)) -> Self {
        // Half of the cores: whoever tries passwords leaves the others to everybody else.
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        let remembered = Remembered::new(Lifetime { known: cache, unknown: WRONG.min(cache) });
        Self { users, gate: Gate::new(cores, MOST_WAITING), remembered, seed, refuses }
    }

    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Outcome, IdentityError> {
        let (Some(name), Some(password)) = (question.name(), question.password()) else {
            return Ok(match self.refuses {
                Refuses::ForAll => Outcome::Refused,
                Refuses::ForItself => Outcome::Unknown,
            });
        };
        if name.len() > LONGEST_NAME || password.len() > LONGEST_PASSWORD {
            return Ok(Outcome::Refused);
        }
        let digest = self.seed.digest([name, password]);
        let fingerprint = Fingerprint { credential: digest, question: digest };
        self.remembered.or_ask(&fingerprint, self.check(name, password)).await
    }

    /// An unknown name costs what a known one does: a password is computed all the same, and then nobody is let in.
    async fn check(&self, name: &str, password: &str) -> Result<Outcome, IdentityError> {
        let turn = self.gate.enter().await.ok_or(IdentityError::Unavailable)?;
        let (users, name) = (Arc::clone(&self.users), name.to_owned());
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let decoy = u64::from_be_bytes(self.seed.digest([name.as_str()]).first_chunk().copied().unwrap_or_default());
        let checked = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, also when the caller has gone.
            let _turn = turn;
            let known = users.get(&name);
            let fits = known.or_else(|| users.any(decoy)).is_some_and(|user| user.password.is(&password));
            match known {
                Some(user) if fits => Outcome::Known(Arc::new(Identity {
                    id: name,
                    client_data: user.client_data.clone(),
                    server_data: user.server_data.clone(),
                })),
                Some(_) => Outcome::Refused,
                None => Outcome::Unknown,
            }
        });
        checked.await.map_err(|error| {
            tracing::error!(%error, "a password could not be checked");
            IdentityError::Unavailable
        })
    }
}
