//! Answers with a header that is none, or that would smuggle a second answer; `kind` picks one.

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let (name, value) = match request.query("kind")?.unwrap_or("split") {
        "split" => ("x-note", "a\r\nset-cookie: b=c"),
        "name" => ("x note", "a"),
        "empty" => ("", "a"),
        "length" => ("content-length", "1000000"),
        "encoding" => ("transfer-encoding", "chunked"),
        "upgrade" => ("connection", "upgrade"),
        kind => return Err(Error::new(format!("unknown kind `{kind}`"))),
    };
    Ok(Response::text(200, "header").with_header(name, value))
}

usher_sdk::function!(handle);
