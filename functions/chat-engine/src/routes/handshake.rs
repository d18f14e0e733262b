//! `bootstrap`, `group` and `grant`: what a client asks for before it subscribes.

use std::slice;

use usher_sdk::{Host, Response};

use super::membership;
use crate::caller::Caller;
use crate::grants::{self, Sheet};
use crate::policy::Inquiry;
use crate::refusal::Refusal;
use crate::validate::Chat;

/// Grants what every connected user has.
pub(super) fn bootstrap(caller: &Caller, host: &impl Host) -> Result<Response, Refusal> {
    let mut inquiry = Inquiry::of(caller);
    grants::ask_bootstrap(caller, &mut inquiry);
    let mut sheet = Sheet::default();
    sheet.bootstrap(caller, &inquiry.ask(host)?);
    sheet.grant(caller, host)?;
    Ok(granted())
}

/// Grants reading the caller's channel groups, without the channels that it may not read any more.
pub(super) fn group(caller: &Caller, host: &impl Host) -> Result<Response, Refusal> {
    let mut present = membership::present(caller, host)?;
    let mut inquiry = Inquiry::of(caller);
    grants::ask_groups(caller, &mut inquiry);
    present.iter().flat_map(|(_, channels)| channels).for_each(|channel| inquiry.reading(channel));
    let answers = inquiry.ask(host)?;
    membership::part(caller, &mut present, &answers, host)?;
    let mut sheet = Sheet::default();
    sheet.groups(caller, &answers);
    sheet.grant(caller, host)?;
    Ok(granted())
}

/// Grants one chat, as far as the policy goes; a public one along with all of them.
/// A new private chat becomes the caller's.
pub(super) fn grant(caller: &Caller, chat: &Chat, host: &impl Host) -> Result<Response, Refusal> {
    let standing = caller.standing_or_claim(&chat.channel, host)?;
    let mut sheet = Sheet::default();
    sheet.channel(&chat.channel, &standing);
    sheet.grant(caller, host)?;
    membership::take_back_if_left(caller, &[], slice::from_ref(&chat.channel), host)?;
    Ok(granted())
}

/// The answer to a grant; also to `user_read` and `user_write`, whose grants would be everybody's and are never made.
pub(super) fn granted() -> Response {
    Response::text(200, "200")
}
