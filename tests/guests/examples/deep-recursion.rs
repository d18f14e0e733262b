//! Calls itself until the stack ends.

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let start = request.id.len() as u64;
    Ok(Response::text(200, descend(start).to_string()))
}

#[expect(unconditional_recursion, reason = "that is this guest's behaviour")]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    // Two operations behind the call keep it from becoming a loop.
    descend(depth.wrapping_add(1)).wrapping_mul(3) ^ depth
}

usher_sdk::function!(handle);
