//! Traps.

use usher_sdk::{Error, Host, Request, Response};

fn handle(_: &Request, _: &impl Host) -> Result<Response, Error> {
    std::process::abort()
}

usher_sdk::function!(handle);
