//! The routes, one file per family.

mod chat;
mod connect;
mod handshake;
mod invite;
mod membership;
mod user_state;

use usher_sdk::{Host, Request, Response};

use crate::caller::Caller;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::routing::Route;
use crate::validate::Chat;

/// Answers a route. What a client reads on success is the original's.
pub(crate) fn answer<H: Host>(route: Route, request: &Request, host: &H) -> Result<Response, Refusal> {
    match route {
        Route::Bootstrap => handshake::bootstrap(&caller(request, route, host)?, host),
        Route::UserRead | Route::UserWrite => caller(request, route, host).map(|_| handshake::granted()),
        Route::Group => handshake::group(&caller(request, route, host)?, host),
        Route::Grant => {
            with_chat(request, route, host).and_then(|(caller, chat)| handshake::grant(&caller, &chat, host))
        }
        Route::Join => {
            with_chat(request, route, host).and_then(|(caller, chat)| membership::join(&caller, &chat, host))
        }
        Route::Leave => {
            with_chat(request, route, host).and_then(|(caller, chat)| membership::leave(&caller, &chat, host))
        }
        Route::Invite => invite::invite(request, host),
        Route::SetChat => with_chat(request, route, host).and_then(|(caller, chat)| chat::set(&caller, &chat, host)),
        Route::GetChat => chat::get(request, host),
        Route::SetUserState => user_state::set(request, host),
        Route::GetUserState => user_state::get(request, host),
        Route::Connect => connect::connect(request, host),
    }
}

fn caller(request: &Request, route: Route, host: &impl Host) -> Result<Caller, Refusal> {
    Caller::identify(&Fields::from_body(request)?, route, host)
}

/// The original looks at the chat before it looks at anything else.
fn with_chat(request: &Request, route: Route, host: &impl Host) -> Result<(Caller, Chat), Refusal> {
    let fields = Fields::from_body(request)?;
    let chat = Chat::of(&fields.value("chat"))?;
    Ok((Caller::identify(&fields, route, host)?, chat))
}
