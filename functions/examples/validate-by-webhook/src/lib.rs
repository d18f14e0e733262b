//! An authorizer that asks a validator over HTTP before it grants.
//!
//! ```text
//! POST /v1/blocks/sub-key/{subscribe key}/authorize   {"uuid": "alice", "authKey": "k"}
//!   → POST {config.validator}                         {"uuid": "alice", "authKey": "k"}, Authorization: Bearer {webhook-token}
//!   ← 200 {"allowed": true}
//! 200 {"channels": ["room.*", "user.alice"], "ttl": 60}
//! ```
//!
//! Only a 2xx answer with `"allowed": true` grants: read and write on the channels of `config.rooms` and on the caller's
//! own channel `user.{uuid}`, to this one auth key, for `config.ttl` minutes. Every other answer is 403 and grants
//! nothing; a validator that does not answer is 503 and grants nothing either.
//!
//! ```text
//! usher secret set webhook-token
//! cargo build --release --target wasm32-unknown-unknown -p validate-by-webhook
//! usher deploy functions/examples/validate-by-webhook
//! ```
//!
//! What it may do stands in `function.toml` beside it: which secret it opens, which host it calls, and the most it can
//! ever grant. `tests/` runs it natively against a fake host.

use serde::{Deserialize, Serialize};
use usher_sdk::{
    Claim, Error, Host, HttpError, IdentityError, Level, OutboundRequest, OutboundResponse, Permissions, Proposal,
    Request, Response, Target, json,
};

/// Minutes a grant lasts where the manifest does not say.
const TTL: u32 = 60;
/// What the validator is given to answer.
const TIMEOUT_MS: u32 = 2_000;
const LONGEST: usize = 128;

/// Who says to be calling; sent on as it came. No `Debug`: an auth key is a secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Caller {
    uuid: String,
    auth_key: String,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    allowed: bool,
}

#[derive(Debug, Serialize)]
struct Granted<'a> {
    channels: &'a [String],
    ttl: u32,
}

/// Grants what a caller that the validator allows may have.
pub fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    if request.method != "POST" {
        return Ok(Response::text(405, "use POST").with_header("allow", "POST"));
    }
    let Some(caller) = request.json::<Caller>().ok().filter(Caller::is_plain) else {
        return Ok(Response::text(400, "body must be {\"uuid\": …, \"authKey\": …}"));
    };
    match ask(&caller, host)? {
        Ok(answer) if allows(&answer) => grant(&caller, host),
        Ok(_) => Ok(Response::text(403, "refused")),
        Err(error) => {
            host.log(Level::Error, &format!("the validator did not answer: {error}"));
            Ok(Response::text(503, "validator unavailable").with_header("retry-after", "5"))
        }
    }
}

usher_sdk::function!(handle);

impl Caller {
    /// Whether the names can stand in a channel's name and in a grant: a `*`, `,` or `.` would widen them.
    fn is_plain(&self) -> bool {
        let is_plain = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=LONGEST).contains(&name.len()) && name.bytes().all(allowed)
        };
        is_plain(&self.uuid) && is_plain(&self.auth_key)
    }
}

fn ask(caller: &Caller, host: &impl Host) -> Result<Result<OutboundResponse, HttpError>, Error> {
    let url = host.config("validator").ok_or_else(|| Error::new("`validator` is not configured"))?;
    let token = String::from_utf8(host.reveal("webhook-token")?)?;
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("authorization".to_owned(), format!("Bearer {token}")),
    ];
    let body = serde_json::to_vec(caller)?;
    let request = OutboundRequest { method: "POST".to_owned(), url, headers, body, timeout_ms: Some(TIMEOUT_MS) };
    Ok(host.send(&request))
}

fn allows(answer: &OutboundResponse) -> bool {
    let said = json::parse::<Verdict>(&answer.body);
    (200..300).contains(&answer.status) && said.is_ok_and(|verdict| verdict.allowed)
}

fn grant(caller: &Caller, host: &impl Host) -> Result<Response, Error> {
    let (uuid, auth_key) = (caller.uuid.clone(), caller.auth_key.clone());
    match host.authenticate(&Claim { uuid, auth_key, namespace: String::new(), route: "authorize".to_owned() }) {
        Ok(proven) if proven.id == caller.uuid => {}
        Ok(_) | Err(IdentityError::Denied) => return Ok(Response::text(403, "refused")),
        Err(error @ (IdentityError::Unavailable | IdentityError::RateLimited(_) | IdentityError::TooManyCalls)) => {
            return Err(error.into());
        }
    }
    let ttl = host.config("ttl").and_then(|text| text.parse().ok()).filter(|ttl| *ttl > 0).unwrap_or(TTL);
    let mut channels = host.config_list("rooms");
    channels.push(format!("user.{}", caller.uuid));
    let auth_keys = vec![caller.auth_key.clone()];
    let target = Target { channels, groups: Vec::new(), uuids: Vec::new(), auth_keys };
    let proposal = Proposal { target, permissions: Permissions::READ | Permissions::WRITE, ttl };
    host.grant(std::slice::from_ref(&proposal))?;
    Ok(Response::json(200, &Granted { channels: &proposal.target.channels, ttl })?)
}
