//! Who is calling: a claim that every route puts to the authenticators before it does anything.

use std::cell::OnceCell;

use usher_sdk::{Claim, Host};

use crate::fields::Fields;
use crate::membership;
use crate::names::{self, Kind};
use crate::namespace::Namespace;
use crate::policy::{Inquiry, Standing};
use crate::quota::User;
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::settings;
use crate::validate::{self, Group};

/// A caller whose auth key was proven to be its uuid's. Only [`Caller::identify`] makes one.
pub(crate) struct Caller {
    namespace: Namespace,
    uuid: String,
    auth_key: String,
    client_data: String,
    /// Made when first asked for.
    wildcards: OnceCell<[String; 4]>,
    /// Likewise.
    standard: OnceCell<[String; 4]>,
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
        Ok(Self {
            namespace,
            uuid: claim.uuid,
            auth_key: claim.auth_key,
            client_data: proven.client_data,
            wildcards: OnceCell::new(),
            standard: OnceCell::new(),
        })
    }

    /// What kind of chat of the caller's tenant a channel is.
    pub(crate) fn kind(&self, channel: &str) -> Option<Kind> {
        names::kind(&self.namespace.name, channel.strip_suffix(".*").unwrap_or(channel))
    }

    /// Whether a channel is a private chat of the caller's tenant.
    pub(crate) fn is_private(&self, channel: &str) -> bool {
        self.kind(channel) == Some(Kind::Private)
    }

    /// What the policy lets the caller do with a channel; who may do nothing is refused.
    pub(crate) fn standing(&self, channel: &str, host: &impl Host) -> Result<Standing, Refusal> {
        let mut inquiry = Inquiry::of(self);
        inquiry.channel(channel);
        let standing = inquiry.ask(host)?.standing(channel);
        if standing.rights.are_none() { Err(Refusal::Forbidden) } else { Ok(standing) }
    }

    /// Like [`Caller::standing`], but a membership is renewed thereby, and an unclaimed private chat becomes the caller's.
    pub(crate) fn standing_or_claim(&self, channel: &str, host: &impl Host) -> Result<Standing, Refusal> {
        if self.is_private(channel) {
            membership::renew_or_claim(self, channel, host)?;
        }
        self.standing(channel, host)
    }

    /// What every connected user asks for as a whole: all public chats, and its own channels.
    pub(crate) fn wildcards(&self) -> &[String; 4] {
        self.wildcards.get_or_init(|| names::wildcards(&self.namespace.name, &self.uuid))
    }

    /// The name of the caller's own channel group.
    pub(crate) fn group(&self, group: Group) -> String {
        [&self.namespace.name, "#", &self.uuid, "#", group.name()].concat()
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Whose quota the caller's doings count against.
    pub(crate) fn user(&self) -> User<'_> {
        User { namespace: &self.namespace.name, uuid: &self.uuid }
    }

    /// The channels that the clients open for every user.
    pub(crate) fn standard_channels(&self) -> &[String; 4] {
        self.standard.get_or_init(|| {
            let own = ["read.#feed", "write.#direct", "me.#sync"];
            let [feed, direct, sync] = own.map(|rest| names::of_user(&self.namespace.name, &self.uuid, rest));
            [self.namespace.global_chat(), feed, direct, sync]
        })
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
