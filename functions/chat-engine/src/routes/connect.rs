//! `connect`: the whole handshake in one request, one grant and one change of each channel group.

use serde::Serialize;
use serde_json::value::RawValue;
use usher_sdk::{Host, Permissions, Proposal, Request, Response};

use super::membership;
use crate::caller::{Caller, Standing};
use crate::fields::{Field, Fields};
use crate::grants::Sheet;
use crate::namespace::Dialect;
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::settings;
use crate::validate::{Chat, Group};

/// Chats that one request may open besides the standard ones; a private one costs six calls of the key-value store.
const MOST_CHATS: usize = 5;

/// Bootstraps, grants the groups, and grants and joins the global chat, the caller's feed and direct chat, and `chats`.
/// Memberships of private chats among them are renewed, and none is claimed.
pub(super) fn connect(request: &Request, host: &impl Host) -> Result<Response, Refusal> {
    // Read first: what the client is told must not outlast the grants.
    let now = host.now();
    let fields = Fields::from_body(request)?;
    let asked = chats(&fields)?;
    let caller = Caller::identify(&fields, Route::Connect, host)?;
    let mut sheet = Sheet::default();
    let mut joins = Joins::default();
    sheet.bootstrap(&caller);
    sheet.groups(&caller);
    standard(&caller, &mut sheet, &mut joins);
    for chat in asked {
        let standing = caller.standing_renewed(&chat.channel, host)?;
        sheet.channel(&caller, &chat.channel, standing);
        joins.add(chat.group, chat.channel, standing);
    }
    let ttl = settings::ttl(host)?;
    let proposals = sheet.into_proposals(&caller, ttl);
    host.grant(&proposals)?;
    for (group, channels) in joins.0 {
        membership::add(&caller, group, &channels, host)?;
    }
    Connected::new(&caller, &proposals, now / 1000 + u64::from(ttl) * 60).answer()
}

/// The field `chats`: chats as `grant` takes them.
fn chats(fields: &Fields<'_>) -> Result<Vec<Chat>, Refusal> {
    match fields.value("chats") {
        Field::Undefined | Field::Null => Ok(Vec::new()),
        Field::Array(json) => {
            let chats: Vec<&RawValue> = serde_json::from_str(json)?;
            if chats.len() > MOST_CHATS {
                return Err(Refusal::Invalid("Too many chats"));
            }
            chats.into_iter().map(|chat| Chat::of(&Field::from_json(chat))).collect()
        }
        Field::Bool(_) | Field::Number(_) | Field::Text(_) | Field::Object(_) => {
            Err(Refusal::Invalid("Chats must be a list"))
        }
    }
}

/// What the clients open by themselves, sorted as their generation does. The session's channel is joined by the clients
/// that synchronize.
fn standard(caller: &Caller, sheet: &mut Sheet, joins: &mut Joins) {
    let standard = caller.standard_channels();
    standard.iter().for_each(|channel| sheet.channel(caller, channel, Standing::ReadWrite));
    let [global_chat, feed, direct, _sync] = standard;
    let group = match caller.namespace().dialect {
        Dialect::Global => Group::System,
        Dialect::Namespace => Group::Custom,
    };
    joins.add(group, global_chat, Standing::ReadWrite);
    joins.add(Group::System, feed, Standing::ReadWrite);
    joins.add(Group::System, direct, Standing::ReadWrite);
}

/// Channels by the group they go into.
#[derive(Default)]
struct Joins(Vec<(Group, Vec<String>)>);

impl Joins {
    fn add(&mut self, group: Group, channel: String, standing: Standing) {
        match (standing, self.0.iter_mut().find(|(known, _)| *known == group)) {
            (Standing::Write, _) => {}
            (_, Some((_, channels))) => channels.push(channel),
            (_, None) => self.0.push((group, vec![channel])),
        }
    }
}

/// What the client reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    uuid: &'a str,
    namespace: &'a str,
    grants: Vec<Granted<'a>>,
    /// Seconds since 1970-01-01 UTC.
    expires: u64,
    client_data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Granted<'a> {
    #[serde(skip_serializing_if = "no_names")]
    channels: &'a [String],
    #[serde(skip_serializing_if = "no_names")]
    groups: &'a [String],
    permissions: Vec<&'static str>,
}

impl<'a> Connected<'a> {
    fn new(caller: &'a Caller, proposals: &'a [Proposal], expires: u64) -> Self {
        let grants = proposals.iter().map(|proposal| Granted {
            channels: &proposal.target.channels,
            groups: &proposal.target.groups,
            permissions: names(proposal.permissions),
        });
        Self {
            uuid: caller.uuid(),
            namespace: &caller.namespace().name,
            grants: grants.collect(),
            expires,
            client_data: serde_json::from_str(caller.client_data()).ok(),
        }
    }

    fn answer(&self) -> Result<Response, Refusal> {
        Ok(Response::json(200, self)?)
    }
}

fn names(permissions: Permissions) -> Vec<&'static str> {
    let all = [(Permissions::READ, "read"), (Permissions::WRITE, "write")];
    all.into_iter().filter(|(permission, _)| permissions.contains(*permission)).map(|(_, name)| name).collect()
}

fn no_names(names: &&[String]) -> bool {
    names.is_empty()
}
