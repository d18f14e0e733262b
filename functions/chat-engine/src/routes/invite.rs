//! `invite`: a member of a private chat lets somebody in.

use usher_sdk::{Host, Request, Response};

use crate::caller::Caller;
use crate::fields::Fields;
use crate::membership;
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::validate::{self, Chat};

/// Adds `to` to the members of a private chat that the caller belongs to. Other chats, which the caller must have something
/// to do with, need no invitation.
pub(super) fn invite(request: &Request, host: &impl Host) -> Result<Response, Refusal> {
    let fields = Fields::from_body(request)?;
    let chat = Chat::of(&fields.value("chat"))?;
    let caller = Caller::identify(&fields, Route::Invite, host)?;
    let to = validate::uuid(&fields.value("to"))?;
    if caller.is_private(&chat.channel) {
        membership::invite(&caller, &to, &chat.channel, host)?;
    } else {
        caller.standing(&chat.channel, host)?;
    }
    Ok(Response::text(200, ""))
}
