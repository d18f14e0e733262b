//! Who is calling: a claim that every route puts to the authenticators before it does anything.

use usher_sdk::{Claim, Host};

use crate::fields::Fields;
use crate::namespace::Namespace;
use crate::quota::User;
use crate::refusal::Refusal;
use crate::rights::{Rights, rights};
use crate::routing::Route;
use crate::validate::{self, Group};
use crate::{membership, settings};

/// A caller whose auth key was proven to be its uuid's. Only [`Caller::identify`] makes one.
pub(crate) struct Caller {
    namespace: Namespace,
    uuid: String,
    auth_key: String,
    client_data: String,
}

/// What the caller may do with a channel, membership included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    ReadWrite,
    Read,
    Write,
    /// A private chat that the caller belongs to.
    Member,
}

impl Caller {
    /// Validates who the fields say is calling, and asks the authenticators.
    pub(crate) fn identify(fields: &Fields<'_>, route: Route, host: &impl Host) -> Result<Self, Refusal> {
        let namespace = Namespace::of(fields, host)?;
        let key = || validate::auth_key(&fields.value("authKey"), namespace.dialect);
        // The original's bootstrap looks at the key and never at the uuid.
        let early = if route == Route::Bootstrap { Some(key()?) } else { None };
        let uuid = validate::uuid(&fields.value("uuid"))?;
        if longest_group_name(&namespace.name, &uuid) > settings::group_name(host)? {
            return Err(Refusal::Invalid("UUID too long"));
        }
        let auth_key = early.map_or_else(key, Ok)?;
        let claim = Claim { uuid, auth_key, namespace: namespace.name.clone(), route: route.name().to_owned() };
        let proven = host.authenticate(&claim)?;
        if proven.id != claim.uuid {
            return Err(Refusal::Forbidden);
        }
        Ok(Self { namespace, uuid: claim.uuid, auth_key: claim.auth_key, client_data: proven.client_data })
    }

    /// What a channel's name says about the caller's rights.
    pub(crate) fn rights(&self, channel: &str) -> Rights {
        rights(&self.namespace.name, &self.uuid, channel)
    }

    /// What the caller may do with a channel. Asks the key-value store for private chats only.
    pub(crate) fn standing(&self, channel: &str, host: &impl Host) -> Result<Standing, Refusal> {
        match self.rights(channel) {
            Rights::ReadWrite => Ok(Standing::ReadWrite),
            Rights::Read => Ok(Standing::Read),
            Rights::Write => Ok(Standing::Write),
            Rights::Members if membership::holds(self, channel, host)? => Ok(Standing::Member),
            Rights::Members | Rights::Nothing => Err(Refusal::Forbidden),
        }
    }

    /// Like [`Caller::standing`], but a membership is renewed thereby.
    pub(crate) fn standing_renewed(&self, channel: &str, host: &impl Host) -> Result<Standing, Refusal> {
        match self.rights(channel) {
            Rights::Members => membership::renew(self, channel, host).map(|()| Standing::Member),
            Rights::ReadWrite | Rights::Read | Rights::Write | Rights::Nothing => self.standing(channel, host),
        }
    }

    /// Like [`Caller::standing_renewed`], but an unclaimed private chat becomes the caller's.
    pub(crate) fn standing_or_claim(&self, channel: &str, host: &impl Host) -> Result<Standing, Refusal> {
        match self.rights(channel) {
            Rights::Members => membership::hold_or_claim(self, channel, host).map(|()| Standing::Member),
            Rights::ReadWrite | Rights::Read | Rights::Write | Rights::Nothing => self.standing(channel, host),
        }
    }

    /// The name of the caller's own channel group.
    pub(crate) fn group(&self, group: Group) -> String {
        format!("{}#{}#{}", self.namespace.name, self.uuid, group.name())
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Whose quota the caller's doings count against.
    pub(crate) fn user(&self) -> User<'_> {
        User { namespace: &self.namespace.name, uuid: &self.uuid }
    }

    /// The channels that the clients open for every user.
    pub(crate) fn standard_channels(&self) -> [String; 4] {
        let own = [("read", "feed"), ("write", "direct"), ("me", "sync")];
        let [feed, direct, sync] =
            own.map(|(part, name)| format!("{}#user#{}#{part}.#{name}", self.namespace.name, self.uuid));
        [self.namespace.global_chat(), feed, direct, sync]
    }

    pub(crate) fn uuid(&self) -> &str {
        &self.uuid
    }

    pub(crate) fn auth_key(&self) -> &str {
        &self.auth_key
    }

    /// JSON that authentication meant for the client.
    pub(crate) fn client_data(&self) -> &str {
        &self.client_data
    }
}

fn longest_group_name(namespace: &str, uuid: &str) -> usize {
    namespace.len() + uuid.len() + "##custom-pnpres".len()
}
