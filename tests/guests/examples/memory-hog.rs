//! Allocates for ever, and touches what it gets.

use std::hint::black_box;

use usher_sdk::{Error, Host, Request, Response};

const MEGABYTE: usize = 1024 * 1024;

fn handle(_: &Request, _: &impl Host) -> Result<Response, Error> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; MEGABYTE]);
        black_box(&hoard);
        if hoard.len() == usize::MAX {
            return Ok(Response::empty(200));
        }
    }
}

usher_sdk::function!(handle);
