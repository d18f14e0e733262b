//! Makes the authenticators of a deployment from what its manifest says.

use std::sync::Arc;

use usher_runtime::capability::http::Outbound;
use usher_runtime::capability::vault::Secrets;

use super::jwt::{KeySet, Keys, SHORTEST_SECRET, Tokens};
use super::question::Seed;
use super::users::UsersFile;
use super::webhook::{Means, Refuses, Webhook};
use super::{Authenticators, Source};
use crate::clock::Clock;
use crate::manifest::{Authenticator, FileAuthenticator, HttpAuthenticator, JwtAuthenticator, KeySource, UserList};
use crate::outbound::{AllowedHost, ClientError};

/// What authenticators are made of besides their manifest.
pub(crate) struct Ingredients<'a> {
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) clock: &'a Clock,
    /// Makes what calls one host, and no other.
    pub(crate) connect: &'a Connect<'a>,
    /// Authentications a second, address and user; 0 is no limit.
    pub(crate) per_user: u32,
}

/// Makes what calls one host.
pub(crate) type Connect<'a> = dyn Fn(&AllowedHost) -> Result<Arc<dyn Outbound>, ClientError> + 'a;

/// Why a deployment's authenticators cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssemblyError {
    #[error("the users file `{0}` did not come with the manifest; `usher deploy` sends it along")]
    FileMissing(String),
    #[error("the secret of tokens has fewer than {SHORTEST_SECRET} bytes: it can be guessed from one token")]
    ShortSecret,
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("the system gives no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl Authenticators {
    /// The secrets that the manifest names are taken to exist.
    pub(crate) fn assemble(chain: &[Authenticator], from: &Ingredients<'_>) -> Result<Self, AssemblyError> {
        let seed = Seed::new()?;
        // Deepstream's rule: where several are asked, not knowing a caller leaves it to the next.
        let unless_said = if chain.len() == 1 { Refuses::ForAll } else { Refuses::ForItself };
        let sources = chain.iter().map(|authenticator| from.source(authenticator, seed, unless_said));
        Ok(Self::new(sources.collect::<Result<_, _>>()?, from.per_user, seed))
    }
}

impl Ingredients<'_> {
    fn source(&self, authenticator: &Authenticator, seed: Seed, unless_said: Refuses) -> Result<Source, AssemblyError> {
        let refuses = |reports: Option<bool>| match reports {
            Some(true) => Refuses::ForAll,
            Some(false) => Refuses::ForItself,
            None => unless_said,
        };
        Ok(match authenticator {
            Authenticator::None => Source::None,
            Authenticator::File(file) => {
                Source::File(Box::new(users(file, (seed, refuses(file.report_invalid_parameters)))?))
            }
            Authenticator::Http(http) => {
                Source::Http(Box::new(self.webhook(http, (seed, refuses(http.report_invalid_parameters)))?))
            }
            Authenticator::Jwt(jwt) => Source::Jwt(Box::new(self.tokens(jwt, refuses(jwt.report_invalid_parameters))?)),
        })
    }

    fn webhook(&self, http: &HttpAuthenticator, (seed, refuses): (Seed, Refuses)) -> Result<Webhook, AssemblyError> {
        let (client, clock) = ((self.connect)(&http.host)?, self.clock.clone());
        let means = Means { secrets: Arc::clone(&self.secrets), client, clock, seed };
        Ok(Webhook::new(http.clone(), means, refuses))
    }

    fn tokens(&self, jwt: &JwtAuthenticator, refuses: Refuses) -> Result<Tokens, AssemblyError> {
        let keys = match &jwt.keys {
            KeySource::Secret(name) => {
                if self.secrets.open(name).is_ok_and(|secret| secret.reveal().len() < SHORTEST_SECRET) {
                    return Err(AssemblyError::ShortSecret);
                }
                Keys::Secret(Arc::clone(&self.secrets), name.clone())
            }
            KeySource::PublicKey(key) => Keys::Public(key.clone()),
            KeySource::Remote(remote) => {
                Keys::Remote(KeySet::new(remote.clone(), (self.connect)(&remote.host)?, self.clock.clone()))
            }
        };
        Ok(Tokens::new(jwt.clone(), keys, (self.clock.clone(), refuses)))
    }
}

fn users(file: &FileAuthenticator, means: (Seed, Refuses)) -> Result<UsersFile, AssemblyError> {
    match &file.users {
        UserList::Read(users) => Ok(UsersFile::new(Arc::clone(users), file.cache, means)),
        UserList::Missing(name) => Err(AssemblyError::FileMissing(name.clone())),
    }
}
