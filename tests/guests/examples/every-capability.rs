//! Imports every interface and does with it what the JSON body says; a manifest that lists fewer must refuse it.
//!
//! The body is a list of steps, each a list of texts: `["kv.set", "key", "value"]`. The answer is the list of outcomes.

use serde_json::{Value, json};
use usher_sdk::{Claim, Entry, Error, Host, Level, Permissions, Proposal, Request, Response, Target};

fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    let steps: Vec<Vec<String>> = request.json()?;
    let outcomes = steps.iter().map(|step| run(step, host).unwrap_or_else(|error| json!({"error": error.to_string()})));
    Ok(Response::json(200, &outcomes.collect::<Vec<_>>())?)
}

fn run(step: &[String], host: &impl Host) -> Result<Value, Error> {
    let words: Vec<&str> = step.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        ["vault.reveal", name] => json!(String::from_utf8_lossy(&host.reveal(name)?)),
        ["vault.hmac", name, message] => json!(host.hmac_sha256(name, message.as_bytes())?),
        ["access.grant", auth_key, ttl, channels @ ..] => {
            let ttl = ttl.parse()?;
            let proposal =
                |channel: &&str| proposal(target(channel, auth_key), Permissions::READ | Permissions::WRITE, ttl);
            json!(host.grant(&channels.iter().map(proposal).collect::<Vec<_>>())?)
        }
        ["access.grant-more", auth_key, ttl, channel] => {
            json!(host.grant(&[proposal(target(channel, auth_key), Permissions::all(), ttl.parse()?)])?)
        }
        ["access.grant-nothing", auth_key, ttl, channel] => {
            json!(host.grant(&[proposal(target(channel, auth_key), Permissions::empty(), ttl.parse()?)])?)
        }
        ["access.grant-group", auth_key, ttl, group] => {
            let target = Target { channels: vec![], groups: vec![(*group).to_owned()], ..target("-", auth_key) };
            json!(host.grant(&[proposal(target, Permissions::READ, ttl.parse()?)])?)
        }
        ["access.grant-uuid", auth_key, ttl, uuid] => {
            let target = Target { channels: vec![], uuids: vec![(*uuid).to_owned()], ..target("-", auth_key) };
            json!(host.grant(&[proposal(target, Permissions::GET | Permissions::UPDATE, ttl.parse()?)])?)
        }
        ["access.grant-keyset", ttl] => {
            let target = Target { channels: vec![], ..target("-", "") };
            json!(host.grant(&[proposal(target, Permissions::READ, ttl.parse()?)])?)
        }
        ["access.revoke", channel, auth_key] => json!(host.revoke(&[target(channel, auth_key)])?),
        ["access.audit", channel, auth_key] => {
            json!(host.audit(&target(channel, auth_key))?.iter().map(entry).collect::<Vec<_>>())
        }
        ["groups.add", group, channels @ ..] => json!(host.add_channels(group, &owned(channels))?),
        ["groups.remove", group, channels @ ..] => json!(host.remove_channels(group, &owned(channels))?),
        ["groups.list", group] => json!(host.list_channels(group)?),
        ["kv.get", key] => json!(host.kv_get(key)?),
        ["kv.set", key, value] => json!(host.kv_set(key, value, None)?),
        ["kv.set", key, value, minutes] => json!(host.kv_set(key, value, Some(minutes.parse()?))?),
        ["kv.swap", key, expected, value] => json!(host.kv_swap(key, Some(expected), value, None)?),
        ["kv.claim", key, value] => json!(host.kv_swap(key, None, value, None)?),
        ["kv.remove", key] => json!(host.kv_remove(key)?),
        ["kv.keys"] => json!(host.kv_keys(None)?),
        ["kv.keys", after] => json!(host.kv_keys(Some(after))?),
        ["kv.increment", key, by] => json!(host.kv_increment(key, by.parse()?)?),
        ["kv.counter", key] => json!(host.kv_counter(key)?),
        ["kv.counter-keys"] => json!(host.kv_counter_keys(None)?),
        ["kv.counter-keys", after] => json!(host.kv_counter_keys(Some(after))?),
        ["identity.authenticate", uuid, auth_key] => authenticate(uuid, auth_key, "", host)?,
        ["identity.authenticate", uuid, auth_key, namespace] => authenticate(uuid, auth_key, namespace, host)?,
        ["config.get", name] => json!(host.config(name)),
        ["log.debug", message] => json!(host.log(Level::Debug, message)),
        ["log.info", message] => json!(host.log(Level::Info, message)),
        ["log.warn", message] => json!(host.log(Level::Warn, message)),
        ["log.error", message] => json!(host.log(Level::Error, message)),
        ["clock.now"] => json!(host.now()),
        ["random.bytes", length] => json!(host.random(length.parse()?)),
        ["http.get", url] => json!(send(url, host)?),
        _ => return Err(Error::new(format!("unknown step `{}`", step.join(" ")))),
    })
}

fn authenticate(uuid: &str, auth_key: &str, namespace: &str, host: &impl Host) -> Result<Value, Error> {
    let (uuid, auth_key, namespace) = (uuid.to_owned(), auth_key.to_owned(), namespace.to_owned());
    let proven = host.authenticate(&Claim { uuid, auth_key, namespace, route: "test".to_owned() })?;
    Ok(json!([proven.id, proven.client_data, proven.server_data]))
}

fn target(channel: &str, auth_key: &str) -> Target {
    let auth_keys = if auth_key.is_empty() { Vec::new() } else { vec![auth_key.to_owned()] };
    Target { channels: vec![channel.to_owned()], groups: Vec::new(), uuids: Vec::new(), auth_keys }
}

fn proposal(target: Target, permissions: Permissions, ttl: u32) -> Proposal {
    Proposal { target, permissions, ttl }
}

/// Level, name, auth key, names of permissions, minutes.
fn entry(entry: &Entry) -> Value {
    let permissions: Vec<&str> = entry.permissions.iter_names().map(|(name, _)| name).collect();
    json!([entry.level, entry.name, entry.auth_key, permissions, entry.ttl])
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn send(url: &str, host: &impl Host) -> Result<u16, Error> {
    let (method, url) = ("GET".to_owned(), url.to_owned());
    let request = usher_sdk::OutboundRequest { method, url, headers: Vec::new(), body: Vec::new(), timeout_ms: None };
    Ok(host.send(&request)?.status)
}

usher_sdk::function!(handle);
