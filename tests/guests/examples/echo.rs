//! Answers its request as JSON, the body as text.

use usher_sdk::{Error, Host, Request, Response};

fn handle(request: &Request, _: &impl Host) -> Result<Response, Error> {
    let answer = serde_json::json!({
        "id": request.id,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "body": String::from_utf8_lossy(&request.body),
        "clientIp": request.client_ip,
        "subscribeKey": request.subscribe_key,
    });
    Ok(Response::json(200, &answer)?)
}

usher_sdk::function!(handle);
