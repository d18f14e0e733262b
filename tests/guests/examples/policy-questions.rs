//! Asks the policy what the JSON body says; answers with the list of answers, or an error's text.
//!
//! The body is `[uuid to claim or null, [[section, action, name, payload or null]], how often to ask]`.

use serde_json::json;
use usher_sdk::{Claim, Error, Host, PolicyQuestion, Request, Response, Section};

type Body = (Option<String>, Vec<Asked>, u32);
/// Section, action, name, payload.
type Asked = (String, String, String, Option<String>);

fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
    let (claim, ask, times): Body = request.json()?;
    if let Some(uuid) = claim {
        let (auth_key, namespace, route) = ("key".to_owned(), String::new(), "test".to_owned());
        host.authenticate(&Claim { uuid, auth_key, namespace, route })?;
    }
    let questions = ask.into_iter().map(question).collect::<Result<Vec<_>, _>>()?;
    for _ in 1..times {
        host.policy(&questions)?;
    }
    match host.policy(&questions) {
        Ok(answers) => Ok(Response::json(200, &answers)?),
        Err(error) => Ok(Response::json(403, &json!(error.to_string()))?),
    }
}

fn question((section, action, name, payload): Asked) -> Result<PolicyQuestion, Error> {
    let section = match section.as_str() {
        "channel" => Section::Channel,
        "group" => Section::Group,
        "uuid" => Section::Uuid,
        "record" => Section::Record,
        "event" => Section::Event,
        "rpc" => Section::Rpc,
        "presence" => Section::Presence,
        _ => return Err(Error::new("no such section")),
    };
    Ok(PolicyQuestion { section, action, name, payload })
}

usher_sdk::function!(handle);
