//! Who belongs to a private chat: its owner, who claimed it first, and whom members invited.
//!
//! An owner's record is `{claim} {uuid}`, the claim being random; a member's record is the claim it was invited under, so
//! that a membership ends with the ownership. A uuid contains neither `#` nor a blank: keys and records read one way only.

use usher_sdk::Host;

use crate::caller::Caller;
use crate::quota::Quota;
use crate::refusal::Refusal;
use crate::settings;

/// Random bytes of a claim.
const CLAIM: u32 = 16;

/// How the caller stands to a private chat.
enum Membership {
    Owner(Ownership),
    Member(Ownership),
    Stranger,
    Unclaimed,
}

/// An owner's record.
struct Ownership(String);

/// Whether the caller owns the chat or was invited to it.
fn holds(caller: &Caller, channel: &str, host: &impl Host) -> Result<bool, Refusal> {
    match membership(caller, channel, host)? {
        Membership::Owner(_) | Membership::Member(_) => Ok(true),
        Membership::Stranger | Membership::Unclaimed => Ok(false),
    }
}

/// Renews the caller's membership, and with it the ownership, if there is one. Who has none is the policy's to judge.
pub(crate) fn renew(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    renewed(membership(caller, channel, host)?, caller, channel, host).map(drop)
}

/// Like [`renew`], but a chat that nobody owns becomes the caller's.
pub(crate) fn renew_or_claim(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    match membership(caller, channel, host)? {
        Membership::Unclaimed => claim(caller, channel, host),
        known @ (Membership::Owner(_) | Membership::Member(_) | Membership::Stranger) => {
            renewed(known, caller, channel, host).map(drop)
        }
    }
}

/// Lets `to` into a chat that the caller belongs to. Who is let in anew counts against the caller's invitations.
pub(crate) fn invite(caller: &Caller, to: &str, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    let ownership = renewed(membership(caller, channel, host)?, caller, channel, host)?.ok_or(Refusal::Forbidden)?;
    if to == ownership.owner() {
        return Ok(());
    }
    if host.kv_get(&member_key(to, channel))?.as_deref() != Some(ownership.claim()) {
        Quota::Invitations.take(caller.user(), host)?;
    }
    admit(to, &ownership, channel, host)
}

/// Ends the caller's membership. An owner stays one: else the next caller would own the chat with its history.
pub(crate) fn resign(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    Ok(host.kv_remove(&member_key(caller.uuid(), channel))?)
}

fn membership(caller: &Caller, channel: &str, host: &impl Host) -> Result<Membership, Refusal> {
    let Some(ownership) = host.kv_get(&owner_key(channel))?.map(Ownership) else { return Ok(Membership::Unclaimed) };
    if ownership.owner() == caller.uuid() {
        return Ok(Membership::Owner(ownership));
    }
    let invited = host.kv_get(&member_key(caller.uuid(), channel))?;
    let is_member = invited.is_some_and(|claim| claim == ownership.claim());
    Ok(if is_member { Membership::Member(ownership) } else { Membership::Stranger })
}

fn renewed(known: Membership, caller: &Caller, channel: &str, host: &impl Host) -> Result<Option<Ownership>, Refusal> {
    match known {
        Membership::Owner(ownership) => {
            keep(&ownership, channel, host)?;
            Ok(Some(ownership))
        }
        Membership::Member(ownership) => {
            keep(&ownership, channel, host)?;
            admit(caller.uuid(), &ownership, channel, host)?;
            Ok(Some(ownership))
        }
        Membership::Stranger | Membership::Unclaimed => Ok(None),
    }
}

fn claim(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    Quota::Claims.take(caller.user(), host)?;
    let record = format!("{} {}", hex::encode(host.random(CLAIM)), caller.uuid());
    if host.kv_swap(&owner_key(channel), None, &record, Some(settings::YEAR))? {
        return Ok(());
    }
    Quota::Claims.give_back(caller.user(), host)?;
    // Somebody was faster; the caller's own other device perhaps.
    if holds(caller, channel, host)? { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Gives an ownership another year, unless it ended meanwhile.
fn keep(ownership: &Ownership, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    let record = ownership.0.as_str();
    let kept = host.kv_swap(&owner_key(channel), Some(record), record, Some(settings::YEAR))?;
    if kept { Ok(()) } else { Err(Refusal::Forbidden) }
}

fn admit(uuid: &str, ownership: &Ownership, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    Ok(host.kv_set(&member_key(uuid, channel), ownership.claim(), Some(settings::YEAR))?)
}

impl Ownership {
    fn claim(&self) -> &str {
        self.0.split_once(' ').map_or("", |(claim, _)| claim)
    }

    fn owner(&self) -> &str {
        self.0.split_once(' ').map_or("", |(_, uuid)| uuid)
    }
}

fn owner_key(channel: &str) -> String {
    format!("owner:{channel}")
}

fn member_key(uuid: &str, channel: &str) -> String {
    format!("member:{uuid}#{channel}")
}
