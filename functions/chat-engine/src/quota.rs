//! How much one user may leave behind in the key-value store, in a lifetime: nothing that is counted is counted back.

use usher_sdk::Host;

use crate::refusal::Refusal;
use crate::settings;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// Private chats claimed.
    Claims,
    /// Users let into private chats, each chat's counted apart.
    Invitations,
    /// Meta and states, by their first writer.
    Records,
}

/// Whose count it is. Neither name contains a `#`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) uuid: &'a str,
}

impl Quota {
    /// Counts one more; beyond the bound it is refused.
    pub(crate) fn take(self, user: User<'_>, host: &impl Host) -> Result<(), Refusal> {
        let most = i64::from(settings::most(self, host)?);
        // Counted first: requests at the same time must not pass the bound together.
        if host.kv_increment(&self.counter(user), 1)? <= most {
            return Ok(());
        }
        self.give_back(user, host)?;
        Err(Refusal::Forbidden)
    }

    /// Takes back a count whose record was not made.
    pub(crate) fn give_back(self, user: User<'_>, host: &impl Host) -> Result<(), Refusal> {
        host.kv_increment(&self.counter(user), -1)?;
        Ok(())
    }

    /// The name, as `[config]` and the counters have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Invitations => "invitations",
            Self::Records => "records",
        }
    }

    fn counter(self, user: User<'_>) -> String {
        format!("{}:{}#{}", self.name(), user.namespace, user.uuid)
    }
}

/// Stores a user's record for a year. A key not seen before counts against the user's records.
pub(crate) fn store(user: User<'_>, key: &str, value: &str, host: &impl Host) -> Result<(), Refusal> {
    if host.kv_get(key)?.is_none() {
        Quota::Records.take(user, host)?;
        if host.kv_swap(key, None, value, Some(settings::YEAR))? {
            return Ok(());
        }
        Quota::Records.give_back(user, host)?;
    }
    Ok(host.kv_set(key, value, Some(settings::YEAR))?)
}
