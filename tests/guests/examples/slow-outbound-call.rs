//! Calls the URL of the query parameter `url` and answers what came back, or why nothing did.

use usher_sdk::{Error, Host, OutboundRequest, Request, Response};

fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    let url = request.query("url")?.ok_or_else(|| Error::new("no url"))?.to_owned();
    let timeout_ms = request.query("timeout_ms")?.map(str::parse).transpose()?;
    let method = request.query("method")?.unwrap_or("GET").to_owned();
    let outbound = OutboundRequest { method, url, headers: Vec::new(), body: request.body.clone(), timeout_ms };
    Ok(match host.send(&outbound) {
        Ok(answer) => Response::new(answer.status, "text/plain", answer.body),
        Err(error) => Response::text(502, error.to_string()),
    })
}

usher_sdk::function!(handle);
