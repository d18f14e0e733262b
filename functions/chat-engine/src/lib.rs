//! The default function: the endpoint of the ChatEngine client, hardened.
//!
//! It answers the routes of PubNub's ChatEngine function, `…/chat-engine-server?route={route}` and `…/chat-engine/{route}`,
//! so that the npm clients 0.9 (which send `global`) and 0.10 (which send `namespace`) work unchanged; and one route more,
//! `connect`, which does the whole handshake in one request.
//!
//! Three things decide every answer: who the caller is ([`caller`], asked on every route), what the deployment's policy lets
//! it do with a channel of its tenant ([`policy`]; the rules are in `policy.yaml`), and who belongs to a private chat
//! ([`membership`], in the key-value store, where the policy reads it too). What a client says of a chat's privacy decides
//! nothing.

mod caller;
mod cors;
mod fields;
mod grants;
mod membership;
mod names;
mod namespace;
mod policy;
mod quota;
mod refusal;
mod routes;
mod routing;
mod settings;
mod validate;
mod webhook;

use usher_sdk::{Error, Host, Request, Response};

/// Answers one request. Never an error: what goes wrong is logged and answered with a fixed text, so that browsers get
/// their CORS headers with every answer.
pub fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    if request.method == "OPTIONS" {
        return Ok(cors::preflight());
    }
    let answer = routing::Route::of(request).and_then(|route| routes::answer(route, request, host));
    Ok(cors::open(answer.unwrap_or_else(|refusal| refusal.report(host))))
}

usher_sdk::function!(handle);
