//! Answers with as many bytes as the query parameter `bytes` says, else 64 MiB.

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let bytes = request.query("bytes")?.map_or(Ok(64 * 1024 * 1024), str::parse)?;
    Ok(Response::new(200, "application/octet-stream", vec![b'x'; bytes]))
}

usher_sdk::function!(handle);
