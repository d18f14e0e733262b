//! Recorded decisions: what was asked of a policy, with everything the answer depended on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use usher_policy::{Action, Asked, Json, Message, Section, UnixMillis, User};

use super::{OnServer, read};
use crate::failure::{Exit, Failure};
use crate::target::{Target, keyset};

/// A question that was asked, and by whom.
pub(super) struct Recorded {
    pub(super) asked: Asked,
    /// The user's id, or the word for somebody unknown.
    pub(super) user: String,
}

/// The questions that a function asked lately on a server.
pub(super) async fn of_server(server: &OnServer, target: &Target) -> Result<Vec<Recorded>, Failure> {
    let Some(function) = &server.function else {
        let message =
            "name the function whose recorded decisions are compared with --function, or a file with --decisions";
        return Err(Failure::new(Exit::Usage, message));
    };
    let client = target.client()?;
    let keyset = keyset(server.keyset.as_deref(), &client).await?;
    let found = client.get(&format!("/v1/keysets/{keyset}/functions/{function}/questions"), &[]).await?;
    let listed = found.get("questions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(listed.iter().filter_map(recorded).collect())
}

/// The questions in a file: one JSON object a line, or what the server answers.
pub(super) fn of_file(file: &Path) -> Result<Vec<Recorded>, Failure> {
    let text = read(file)?;
    if let Ok(whole) = serde_json::from_str::<Value>(&text)
        && let Some(listed) = whole.get("questions").and_then(Value::as_array)
    {
        return Ok(listed.iter().filter_map(recorded).collect());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(number, line)| {
        let value = serde_json::from_str(line).ok();
        let wrong = || format!("{}:{}: no recorded decision", file.display(), number + 1);
        value.as_ref().and_then(recorded).ok_or_else(|| Failure::new(Exit::Usage, wrong()))
    });
    parsed.collect()
}

fn recorded(value: &Value) -> Option<Recorded> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let section = Section::named(text("section")?)?;
    let action = Action::named(section, text("action")?)?;
    let message = match value.get("payload") {
        None | Some(Value::Null) => Message::Empty,
        // A text is the message as it arrived, unless it is no JSON: then it is the value itself.
        Some(Value::String(raw)) if Json::parse(raw).is_ok() => Message::Raw(raw.clone()),
        Some(other) => Message::Value(json(other)?),
    };
    let of_user = |name: &str| value.pointer(&format!("/user/{name}")).map_or(Some(Json::Null), json);
    let (id, data) = (of_user("id")?, of_user("data")?);
    let user = match &id {
        Json::Null => "(nobody)".into(),
        Json::Text(id) => id.clone().into_owned(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => other.to_string(),
    };
    let records = value.get("records").and_then(Value::as_object).into_iter().flatten();
    let records: BTreeMap<_, _> =
        records.filter_map(|(name, value)| Some((name.clone(), Arc::new(stored(value)?)))).collect();
    let now = value.get("at").and_then(Value::as_u64).map_or(Asked::USUAL_TIME, UnixMillis);
    let name = text("name")?.to_owned();
    Some(Recorded { asked: Asked { action, name, message, user: User::new(id, data), now, records }, user })
}

/// A stored text that is a JSON map or list is its value, as the capability `policy` takes it.
fn stored(value: &Value) -> Option<Json<'static>> {
    if let Value::String(text) = value
        && text.starts_with(['{', '['])
        && let Ok(parsed) = Json::parse(text)
    {
        return Some(parsed.into_owned());
    }
    json(value)
}

fn json(value: &Value) -> Option<Json<'static>> {
    Json::parse(&value.to_string()).ok().map(Json::into_owned)
}
