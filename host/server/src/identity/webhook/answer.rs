//! What a webhook's answer means; whatever is no answer in the agreed form is garbage.

use serde_json::Value;
use usher_runtime::capability::http::OutboundResponse;
use usher_runtime::capability::identity::Identity;

use super::bare;

/// What a webhook said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes(Identity),
    /// In so many words.
    No,
    /// By its status: perhaps another authenticator knows the caller.
    Unknown,
    /// Nothing that can be understood, and why.
    Garbage(String),
    /// By its status: it does not answer now, though it is there.
    Reluctant(String),
    /// By its status: a gateway does not reach it.
    Gone(String),
}

/// Reads an answer. Empty `permitted` are all of 2xx; `claimed` is who is meant when the answer names nobody.
pub(super) fn read(answer: &OutboundResponse, permitted: &[u16], claimed: Option<&str>) -> Answer {
    let status = answer.status;
    let is_permitted = if permitted.is_empty() { (200..=299).contains(&status) } else { permitted.contains(&status) };
    match status {
        _ if is_permitted => read_body(&answer.body, claimed),
        400..=499 if status != 408 && status != 429 => Answer::Unknown,
        408 | 429 => Answer::Reluctant(format!("status {status}")),
        502..=504 => Answer::Gone(format!("status {status}")),
        _ => Answer::Garbage(format!("status {status}")),
    }
}

fn read_body(body: &[u8], claimed: Option<&str>) -> Answer {
    let garbage = || Answer::Garbage("the answer is neither text nor a JSON object of the agreed form".into());
    let Ok(text) = std::str::from_utf8(body) else { return garbage() };
    let text = text.trim();
    if text.is_empty() {
        return named("", claimed).map_or_else(nameless, Answer::Yes);
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => {
            if !["isValid", "id", "clientData", "serverData"].iter().any(|known| fields.contains_key(*known)) {
                return garbage();
            }
            if fields.get("isValid").is_some_and(|valid| valid != &Value::Bool(true)) {
                return Answer::No;
            }
            let id = match fields.get("id") {
                None | Some(Value::Null) => "",
                Some(Value::String(id)) => id,
                Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => return garbage(),
            };
            let data = |name: &str| fields.get(name).unwrap_or(&Value::Null).to_string();
            let (client_data, server_data) = (data("clientData"), data("serverData"));
            let identity = named(id, claimed).map(|identity| Identity { client_data, server_data, ..identity });
            identity.map_or_else(nameless, Answer::Yes)
        }
        Ok(Value::String(id)) => named(&id, claimed).map_or_else(nameless, Answer::Yes),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | Err(_) => garbage(),
    }
}

fn named(id: &str, claimed: Option<&str>) -> Option<Identity> {
    if id.is_empty() { claimed.map(bare) } else { Some(bare(id)) }
}

fn nameless() -> Answer {
    Answer::Garbage("the answer does not say who the caller is".into())
}
