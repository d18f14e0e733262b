//! `chat`: what a chat's users wrote down about it, its meta.

use serde::Serialize;
use serde_json::value::RawValue;
use usher_sdk::{Host, Request, Response};

use crate::caller::Caller;
use crate::fields::Fields;
use crate::policy::Rights;
use crate::quota;
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::validate::{self, Chat};

/// Bytes of stored meta.
const LONGEST_META: usize = 32_000;

/// Stores a chat's meta and nothing else of it. Clients send it for every chat they connect to, so that one the caller
/// may not change answers the same and stays as it is.
pub(super) fn set(caller: &Caller, chat: &Chat, host: &impl Host) -> Result<Response, Refusal> {
    if caller.standing(&chat.channel, host)?.rights == Rights::ALL {
        if chat.meta.len() > LONGEST_META {
            return Err(Refusal::TooLarge);
        }
        quota::store(caller.user(), &meta_key(&chat.channel), &chat.meta, host)?;
    }
    Ok(Response::text(200, ""))
}

/// Reads a chat's meta. Of another's direct chat there is none to see.
pub(super) fn get(request: &Request, host: &impl Host) -> Result<Response, Refusal> {
    let fields = Fields::from_query(request)?;
    let channel = validate::channel(&fields.value("channel"))?;
    let caller = Caller::identify(&fields, Route::GetChat, host)?;
    let may_read = caller.standing(&channel, host)?.rights.read;
    let meta = if may_read { host.kv_get(&meta_key(&channel))? } else { None };
    let private = caller.is_private(&channel);
    let meta = meta.map(RawValue::from_string).transpose()?;
    let chat = meta.as_deref().map(|meta| StoredChat { channel: &channel, private, meta });
    Ok(Response::json(200, &Found { found: chat.is_some(), chat })?)
}

#[derive(Serialize)]
struct Found<'a> {
    found: bool,
    chat: Option<StoredChat<'a>>,
}

#[derive(Serialize)]
struct StoredChat<'a> {
    channel: &'a str,
    private: bool,
    meta: &'a RawValue,
}

fn meta_key(channel: &str) -> String {
    format!("meta:{channel}")
}
