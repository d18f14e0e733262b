//! Answers with a status that is none: the query parameter `status`, else 9999.

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let status = request.query("status")?.map_or(Ok(9999), str::parse)?;
    Ok(Response::text(status, "status"))
}

usher_sdk::function!(handle);
