//! `bootstrap`, `group` and `grant`: what a client asks for before it subscribes.

use usher_sdk::{Host, Response};

use super::membership;
use crate::caller::Caller;
use crate::grants::Sheet;
use crate::refusal::Refusal;
use crate::validate::Chat;

/// Grants what every connected user has.
pub(super) fn bootstrap(caller: &Caller, host: &impl Host) -> Result<Response, Refusal> {
    let mut sheet = Sheet::default();
    sheet.bootstrap(caller);
    sheet.grant(caller, host)?;
    Ok(granted())
}

/// Grants reading the caller's channel groups.
pub(super) fn group(caller: &Caller, host: &impl Host) -> Result<Response, Refusal> {
    let mut sheet = Sheet::default();
    sheet.groups(caller);
    sheet.grant(caller, host)?;
    Ok(granted())
}

/// Grants one chat, as far as its name and the caller's membership go; a public one along with all of them.
/// A new private chat becomes the caller's.
pub(super) fn grant(caller: &Caller, chat: &Chat, host: &impl Host) -> Result<Response, Refusal> {
    let standing = caller.standing_or_claim(&chat.channel, host)?;
    let mut sheet = Sheet::default();
    sheet.channel(caller, &chat.channel, standing);
    sheet.grant(caller, host)?;
    membership::take_back_if_left(caller, &chat.channel, host)?;
    Ok(granted())
}

/// The answer to a grant; also to `user_read` and `user_write`, whose grants would be everybody's and are never made.
pub(super) fn granted() -> Response {
    Response::text(200, "200")
}
