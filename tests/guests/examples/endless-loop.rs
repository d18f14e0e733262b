//! Never answers.

use std::hint::black_box;

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let mut turns = 0_u64;
    // The length is never that of all turns, which the compiler cannot know.
    while black_box(request.body.len()) != usize::MAX {
        turns = turns.wrapping_add(1);
    }
    Ok(Response::text(200, turns.to_string()))
}

usher_sdk::function!(handle);
