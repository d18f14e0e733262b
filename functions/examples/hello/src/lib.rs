//! The smallest function: it greets the caller.
//!
//! `GET /v1/blocks/sub-key/{subscribe key}/hello?uuid=alice` answers `hello, alice`. The greeting comes from the manifest's
//! `[config]` table, the only capability that the function has. Build and deploy it:
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p hello
//! usher deploy functions/examples/hello
//! ```
//!
//! A native test calls [`handle`] with a [`usher_sdk::fake::Host`]; see `tests/greeting.rs`.

use usher_sdk::{Error, Host, Request, Response};

/// Greets the query parameter `uuid`, or a stranger.
pub fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    let greeting = host.config("greeting").unwrap_or_else(|| "hello".to_owned());
    let caller = match request.query("uuid") {
        Ok(uuid) => uuid.unwrap_or("stranger"),
        Err(duplicate) => return Ok(Response::text(400, duplicate.to_string())),
    };
    Ok(Response::text(200, format!("{greeting}, {caller}")))
}

usher_sdk::function!(handle);
