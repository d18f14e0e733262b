//! `user_state`: the state a user last set in a chat, stored by a presence webhook or by the user, read by the chat's users.

use std::borrow::Cow;

use serde_json::value::RawValue;
use usher_sdk::{Host, Request, Response};

use crate::caller::Caller;
use crate::fields::{Field, Fields};
use crate::namespace;
use crate::quota::{self, User};
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::validate;
use crate::webhook::{self, Sender};

/// Bytes of one stored state.
const LONGEST_STATE: usize = 32_000;

/// Stores `data` (or `state`) of `uuid` in `channel`. A presence event without state stores nothing.
pub(super) fn set(request: &Request, host: &impl Host) -> Result<Response, Refusal> {
    let fields = Fields::from_json_or_form(request)?;
    match webhook::sender(request, host)? {
        Sender::Webhook => {
            let uuid = validate::uuid(&fields.value("uuid"))?;
            // The query is not signed.
            let channel = validate::channel(&fields.value("channel"))?;
            let namespace = namespace::holding(&channel, host).ok_or(Refusal::Forbidden)?;
            store(User { namespace: &namespace, uuid: &uuid }, &channel, &fields, host)?;
        }
        Sender::Client => {
            let channel = channel_of(request, &fields)?;
            let caller = Caller::identify(&fields, Route::SetUserState, host)?;
            readable(&caller, &channel, host)?;
            store(caller.user(), &channel, &fields, host)?;
        }
    }
    Ok(Response::text(200, ""))
}

/// Reads the state of `user` in `channel`, or in the global chat of the 0.9 clients, which send no channel.
pub(super) fn get(request: &Request, host: &impl Host) -> Result<Response, Refusal> {
    let fields = Fields::from_query(request)?;
    let caller = Caller::identify(&fields, Route::GetUserState, host)?;
    let user = validate::uuid(&fields.value("user"))?;
    let global_chat = Field::Text(Cow::Borrowed(&caller.namespace().name));
    let channel = validate::channel(&fields.value("channel").or(global_chat))?;
    readable(&caller, &channel, host)?;
    let state = host.kv_get(&state_key(&user, &channel))?;
    Ok(Response::new(200, "application/json; charset=utf-8", state.unwrap_or_else(|| "{}".to_owned())))
}

/// The channel has one source: what is checked is what is stored under.
fn channel_of(request: &Request, fields: &Fields<'_>) -> Result<String, Refusal> {
    let asked = request.query("channel")?.map_or(Field::Undefined, |channel| Field::Text(Cow::Borrowed(channel)));
    match (asked, fields.value("channel")) {
        (asked, Field::Undefined) => validate::channel(&asked),
        (asked, sent) if asked == Field::Undefined || asked == sent => validate::channel(&sent),
        _ => Err(Refusal::ConflictingChannels),
    }
}

fn store(user: User<'_>, channel: &str, fields: &Fields<'_>, host: &impl Host) -> Result<(), Refusal> {
    match state_of(fields)? {
        Some(state) => quota::store(user, &state_key(user.uuid, channel), &state, host),
        None => Ok(()),
    }
}

fn readable(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    if caller.standing(channel, host)?.rights.read { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// The state as JSON text. A form carries it as text, a JSON body as an object.
fn state_of(fields: &Fields<'_>) -> Result<Option<String>, Refusal> {
    let sent = fields.value("data").or(fields.value("state"));
    let state = match &sent {
        Field::Undefined | Field::Null => return Ok(None),
        Field::Object(json) => Some(*json),
        Field::Text(text) => serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get),
        Field::Bool(_) | Field::Number(_) | Field::Array(_) => None,
    };
    let state = state.filter(|json| json.starts_with('{')).ok_or(Refusal::Invalid("State must be an object"))?;
    if state.len() > LONGEST_STATE { Err(Refusal::TooLarge) } else { Ok(Some(state.to_owned())) }
}

fn state_key(uuid: &str, channel: &str) -> String {
    format!("state:{uuid}#{channel}")
}
