//! Values as people read them, cut to a length.

use crate::evaluate::Thrown;
use crate::number;
use crate::value::Value;

/// How many characters are shown of one value.
const LONGEST: usize = 120;

pub(crate) fn result(result: &Result<Value<'_>, Thrown>) -> String {
    match result {
        Ok(value) => cut(&shown(value, 0)),
        Err(thrown) => format!("an error: {}", cut(&thrown.to_string())),
    }
}

fn shown(value: &Value<'_>, depth: usize) -> String {
    match value {
        Value::Undefined => "undefined".into(),
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number::to_text(*number),
        Value::Text(text) => format!("{:?}", text.chars().take(LONGEST).collect::<String>()),
        Value::Action(action) => format!("{} ({})", action.word(), action.number()),
        Value::User(user) => format!("{{\"id\": {}, \"data\": {}}}", user.id(), user.data()),
        Value::Json(json) => json.to_string(),
        Value::Regex(regex) => regex.to_string(),
        Value::List(_) | Value::Map(_) if depth > 2 => "…".into(),
        Value::List(list) => {
            let items = list.items.iter().take(LONGEST).map(|item| shown(item, depth + 1));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let members =
                map.0.iter().take(LONGEST).map(|(key, value)| format!("{key:?}: {}", shown(value, depth + 1)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into(),
    }
}
