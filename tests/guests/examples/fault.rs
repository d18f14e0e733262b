//! Gives up with an error text for the operator, which the client must not read.

use usher_sdk::{Error, Host, Request, Response};

fn handle(_: &Request, _: &impl Host) -> Result<Response, Error> {
    Err(Error::new("the operator's eyes only"))
}

usher_sdk::function!(handle);
