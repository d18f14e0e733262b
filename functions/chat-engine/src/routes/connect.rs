//! `connect`: the whole handshake in one request, one grant and one change of each channel group.

use serde::Serialize;
use serde_json::value::RawValue;
use usher_sdk::{Host, Permissions, Proposal, Request, Response};

use super::membership;
use crate::caller::Caller;
use crate::fields::{Field, Fields};
use crate::grants::{self, Sheet};
use crate::membership as memberships;
use crate::namespace::Dialect;
use crate::policy::{Answers, Inquiry, Rights};
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
    let mut present = membership::present(&caller, host)?;
    let answers = ask(&caller, (&asked, &present), host)?;
    membership::part(&caller, &mut present, &answers, host)?;
    let mut sheet = Sheet::default();
    let mut joins = Joins::default();
    sheet.bootstrap(&caller, &answers);
    sheet.groups(&caller, &answers);
    standard(&caller, &answers, &mut sheet, &mut joins);
    for chat in &asked {
        let standing = answers.standing(&chat.channel);
        if standing.rights.are_none() {
            return Err(Refusal::Forbidden);
        }
        sheet.channel(&chat.channel, &standing);
        joins.add(chat.group, chat.channel.clone(), standing.rights);
    }
    let ttl = settings::ttl(host)?;
    let proposals = sheet.into_proposals(&caller, ttl)?;
    host.grant(&proposals)?;
    let joined = joins.enter(&caller, &present, host);
    // Whatever became of the joins: the grants are made.
    let chats: Vec<_> = asked.into_iter().map(|chat| chat.channel).collect();
    membership::take_back_if_left(&caller, &Group::ALL, &chats, host)?;
    joined?;
    Connected::new(&caller, &proposals, now / 1000 + u64::from(ttl) * 60).answer()
}

/// Renews memberships, which the policy looks at, and asks about everything at once.
fn ask<'a>(
    caller: &'a Caller,
    (chats, present): (&[Chat], &[(Group, Vec<String>)]),
    host: &impl Host,
) -> Result<Answers<'a>, Refusal> {
    let private = chats.iter().filter(|chat| caller.is_private(&chat.channel));
    private.into_iter().try_for_each(|chat| memberships::renew(caller, &chat.channel, host))?;
    let mut inquiry = Inquiry::of(caller);
    grants::ask_bootstrap(caller, &mut inquiry);
    grants::ask_groups(caller, &mut inquiry);
    let standard = caller.standard_channels();
    standard.iter().chain(chats.iter().map(|chat| &chat.channel)).for_each(|channel| inquiry.channel(channel));
    present.iter().flat_map(|(_, channels)| channels).for_each(|channel| inquiry.reading(channel));
    inquiry.ask(host)
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

/// What the clients open by themselves, as far as the policy goes, sorted as their generation does. The session's channel is joined by the clients
/// that synchronize.
fn standard(caller: &Caller, answers: &Answers<'_>, sheet: &mut Sheet, joins: &mut Joins) {
    let standard = caller.standard_channels();
    standard.iter().for_each(|channel| sheet.channel(channel, &answers.standing(channel)));
    let [global_chat, feed, direct, _sync] = standard;
    let [of_global, of_feed, of_direct] = [global_chat, feed, direct].map(|channel| answers.standing(channel).rights);
    let group = match caller.namespace().dialect {
        Dialect::Global => Group::System,
        Dialect::Namespace => Group::Custom,
    };
    joins.add(group, global_chat.clone(), of_global);
    joins.add(Group::System, feed.clone(), of_feed);
    joins.add(Group::System, direct.clone(), of_direct);
}

/// Channels by the group they go into.
#[derive(Default)]
struct Joins(Vec<(Group, Vec<String>)>);

impl Joins {
    /// A channel that may be read; others are not joined.
    fn add(&mut self, group: Group, channel: String, rights: Rights) {
        match self.0.iter_mut().find(|(known, _)| *known == group) {
            _ if !rights.read => {}
            Some((_, channels)) => channels.push(channel),
            None => self.0.push((group, vec![channel])),
        }
    }

    /// Adds the channels to the groups, beside those that are there.
    fn enter(&self, caller: &Caller, present: &[(Group, Vec<String>)], host: &impl Host) -> Result<(), Refusal> {
        self.0.iter().try_for_each(|(group, channels)| {
            let there = present.iter().find(|(known, _)| known == group).map(|(_, channels)| channels.as_slice());
            membership::add(caller, *group, (channels, there.unwrap_or_default()), host)
        })
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
