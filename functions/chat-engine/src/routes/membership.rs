//! `join` and `leave`: the caller's own channel groups, through which it reads.
//!
//! Reading through a group takes the group's grant only, so that joining is gated exactly like a grant to read.

use std::slice;

use usher_sdk::{Host, Response};

use crate::caller::Caller;
use crate::policy::{Answers, Inquiry};
use crate::refusal::Refusal;
use crate::validate::{Chat, Group};
use crate::{grants, membership, settings};

const JOINED: &str = r#"{"status":200,"message":"OK","service":"channel-registry","error":false}"#;

/// Adds a chat that the caller may read to its group. Another's direct chat answers the same and is not added, since
/// clients join it on their way to sending an invitation.
pub(super) fn join(caller: &Caller, chat: &Chat, host: &impl Host) -> Result<Response, Refusal> {
    let Chat { channel, group, .. } = chat;
    if caller.standing(channel, host)?.rights.read {
        // The standard channels are few and everybody has them: only what comes on top is worth a look at the group.
        let is_standard = caller.standard_channels().contains(channel);
        let present = if is_standard { Vec::new() } else { listed(caller, *group, host)? };
        let channels = slice::from_ref(channel);
        add(caller, *group, (channels, &present), host)?;
        take_back_if_left(caller, &[*group], channels, host)?;
    }
    Ok(Response::new(200, "application/json; charset=utf-8", JOINED))
}

/// Adds channels, which the caller may read, to one of its groups, as far as `config.group_channels` goes beside those present.
pub(super) fn add(
    caller: &Caller,
    group: Group,
    (channels, present): (&[String], &[String]),
    host: &impl Host,
) -> Result<(), Refusal> {
    let standard = caller.standard_channels();
    if channels.iter().any(|channel| !standard.contains(channel)) {
        let more = channels.iter().filter(|channel| !present.contains(channel)).count();
        if more > 0 && present.len() + more > settings::group_channels(host)? {
            return Err(Refusal::Forbidden);
        }
    }
    host.add_channels(&caller.group(group), channels).map_err(|error| Refusal::JoinFailed { cause: error.to_string() })
}

/// What is in the caller's channel groups, for [`part`] to judge before the groups are granted.
pub(super) fn present(caller: &Caller, host: &impl Host) -> Result<Vec<(Group, Vec<String>)>, Refusal> {
    Group::ALL.into_iter().map(|group| listed(caller, group, host).map(|channels| (group, channels))).collect()
}

fn listed(caller: &Caller, group: Group, host: &impl Host) -> Result<Vec<String>, Refusal> {
    host.list_channels(&caller.group(group)).map_err(|error| Refusal::JoinFailed { cause: error.to_string() })
}

/// Takes channels that the caller may not read any more out of its groups, and out of `present`.
pub(super) fn part(
    caller: &Caller,
    present: &mut [(Group, Vec<String>)],
    answers: &Answers<'_>,
    host: &impl Host,
) -> Result<(), Refusal> {
    for (group, channels) in present {
        let denied: Vec<_> = channels.extract_if(.., |channel| !answers.may_read(channel)).collect();
        remove(caller, &[*group], &denied, host)?;
    }
    Ok(())
}

/// Takes the grants of private chats back, and the chats out of `groups`, if the caller left them while the request ran. Of
/// other channels nothing is asked.
pub(super) fn take_back_if_left(
    caller: &Caller,
    groups: &[Group],
    channels: &[String],
    host: &impl Host,
) -> Result<(), Refusal> {
    let private: Vec<_> = channels.iter().filter(|channel| caller.is_private(channel)).cloned().collect();
    let mut inquiry = Inquiry::of(caller);
    private.iter().for_each(|channel| inquiry.channel(channel));
    let asked = inquiry.ask(host);
    let is_kept = |channel: &str| asked.as_ref().is_ok_and(|answers| !answers.channel(channel).are_none());
    let lost: Vec<_> = private.into_iter().filter(|channel| !is_kept(channel)).collect();
    if !lost.is_empty() {
        grants::revoke(caller, &lost, host)?;
        remove(caller, groups, &lost, host)?;
    }
    match asked {
        Ok(_) if lost.is_empty() => Ok(()),
        Ok(_) => Err(Refusal::Forbidden),
        Err(refusal) => Err(refusal),
    }
}

/// Takes a chat out of the caller's own group, and its own grant back; what every user has of public chats stays. Who
/// leaves a private chat needs a new invitation, unless the chat is its own. Leaving twice is no error, nor is
/// leaving what the policy does not allow any more.
pub(super) fn leave(caller: &Caller, chat: &Chat, host: &impl Host) -> Result<Response, Refusal> {
    let channels = slice::from_ref(&chat.channel);
    let groups = if caller.is_private(&chat.channel) {
        // First of all: a request at the same time, or after a failure here, must not find a member.
        membership::resign(caller, &chat.channel, host)?;
        grants::revoke(caller, channels, host)?;
        // The caller chose the group when it joined; a private chat must not stay readable through another one.
        Group::ALL.to_vec()
    } else {
        match caller.standing(&chat.channel, host) {
            Ok(standing) if standing.wildcard.is_some() => {}
            Ok(_) => grants::revoke(caller, channels, host)?,
            Err(Refusal::Forbidden) if caller.kind(&chat.channel).is_some() => {
                // What the ceiling does not speak of was never granted or joined: it looks like any channel that is forbidden.
                grants::revoke(caller, channels, host).map_err(|refusal| {
                    if matches!(refusal, Refusal::GrantRefused { .. }) { Refusal::Forbidden } else { refusal }
                })?;
            }
            Err(refusal) => return Err(refusal),
        }
        vec![chat.group]
    };
    remove(caller, &groups, channels, host)?;
    Ok(Response::text(200, ""))
}

fn remove(caller: &Caller, groups: &[Group], channels: &[String], host: &impl Host) -> Result<(), Refusal> {
    for group in groups.iter().filter(|_| !channels.is_empty()) {
        let removed = host.remove_channels(&caller.group(*group), channels);
        removed.map_err(|error| Refusal::LeaveFailed { cause: error.to_string() })?;
    }
    Ok(())
}
