//! Calls one capability, named by the query parameter `call`, until the host has enough; answers how often it worked.

use usher_sdk::{Claim, Error, Host, OutboundRequest, Request, Response, Target};

const MOST: u32 = 100_000;

fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    let call = request.query("call")?.unwrap_or("kv");
    for worked in 0..MOST {
        if let Err(error) = once(call, request, host) {
            return Ok(Response::text(200, format!("{worked} {error}")));
        }
    }
    Ok(Response::text(200, MOST.to_string()))
}

fn once(call: &str, request: &Request, host: &impl Host) -> Result<(), Error> {
    match call {
        "access" => {
            host.revoke(&[Target { channels: vec!["c".into()], groups: vec![], uuids: vec![], auth_keys: vec![] }])?
        }
        "config" => drop(host.config("name")),
        "groups" => drop(host.list_channels("group")?),
        "http" => {
            let url = request.query("url")?.unwrap_or("http://127.0.0.1:9/").to_owned();
            let (method, headers, body) = ("GET".to_owned(), Vec::new(), Vec::new());
            host.send(&OutboundRequest { method, url, headers, body, timeout_ms: None })?;
        }
        "identity" => {
            let (uuid, auth_key) = ("alice".to_owned(), "key".to_owned());
            host.authenticate(&Claim { uuid, auth_key, namespace: String::new(), route: "test".to_owned() })?;
        }
        "log" => host.log(usher_sdk::Level::Info, "again"),
        "vault" => drop(host.reveal("secret")?),
        "kv" => drop(host.kv_get("key")?),
        _ => return Err(Error::new(format!("unknown call `{call}`"))),
    }
    Ok(())
}

usher_sdk::function!(handle);
