//! A users file in deepstream's form: name → password, client data and server data; checked whole when it is read.

use std::fmt;

use serde_json::Value;
use usher_policy::{Entry, Json, Position, read_entries};

use crate::identity::password::{Scheme, Stored};

/// The most bytes of a users file.
const LONGEST_FILE: usize = 8 << 20;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 260;
/// The most bytes of a user's client data, and of its server data.
const LONGEST_DATA: usize = 16 << 10;
/// Mistakes told at once.
const MOST_FAULTS: usize = 20;

/// Everybody who can log in.
///
/// INVARIANT: sorted by name, and no name is there twice.
#[derive(Clone)]
pub struct Users(Vec<(String, User)>);

/// One user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) password: Stored,
    /// JSON.
    pub(crate) client_data: String,
    /// JSON.
    pub(crate) server_data: String,
}

/// One mistake of a users file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UsersFault {
    at: Position,
    problem: String,
}

impl Users {
    /// Reads a users file; some of the mistakes at once.
    pub(super) fn parse(text: &str, scheme: Scheme) -> Result<Self, Vec<UsersFault>> {
        let start = Position { line: 1, column: 1 };
        let whole = |at: Position, problem: String| vec![UsersFault { at, problem }];
        if text.len() > LONGEST_FILE {
            return Err(whole(start, format!("a users file has {} MiB at the most", LONGEST_FILE >> 20)));
        }
        let entries = read_entries(text).map_err(|(error, at)| whole(at, error.to_string()))?.unwrap_or_default();
        if entries.is_empty() {
            return Err(whole(
                start,
                "a users file is a map of names, `alice: {password: …}`, with one at least".into(),
            ));
        }
        let (mut users, mut faults) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries {
            match read_user(&entry, scheme) {
                Ok(user) => users.push((entry.name, user)),
                Err(problem) => {
                    faults.push(UsersFault { at: entry.at, problem: format!("`{}`: {problem}", entry.name) })
                }
            }
        }
        users.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        faults.truncate(MOST_FAULTS);
        if faults.is_empty() { Ok(Self(users)) } else { Err(faults) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&User> {
        let place = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.0.get(place).map(|(_, user)| user)
    }

    /// Some user, the same for every `number` of the same remainder.
    pub(crate) fn any(&self, number: u64) -> Option<&User> {
        let place = number.checked_rem(self.0.len() as u64)?;
        self.0.get(usize::try_from(place).ok()?).map(|(_, user)| user)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read_user(entry: &Entry, scheme: Scheme) -> Result<User, String> {
    if entry.name.is_empty() || entry.name.len() > LONGEST_NAME {
        return Err(format!("a name has 1 to {LONGEST_NAME} bytes"));
    }
    if entry.name.eq_ignore_ascii_case("open") {
        return Err("`open` is what deepstream calls users who are nobody".into());
    }
    let Json::Object(fields) = &entry.value else { return Err("a user is a map with a `password`".into()) };
    let known = ["password", "clientData", "serverData"];
    if let Some((unknown, _)) = fields.iter().find(|(name, _)| !known.contains(name)) {
        return Err(format!("unknown key `{unknown}`; known keys: {}", known.join(", ")));
    }
    let Some(Json::Text(password)) = fields.get("password") else { return Err("`password` is to be a text".into()) };
    let password = scheme.read(password).map_err(|error| format!("`password` {error}"))?;
    let (client_data, server_data) = (read_data(fields.get("clientData"))?, read_data(fields.get("serverData"))?);
    Ok(User { password, client_data, server_data })
}

fn read_data(value: Option<&Json<'_>>) -> Result<String, String> {
    let text = value.map_or_else(|| Some(Value::Null), to_value).map(|value| value.to_string());
    text.filter(|text| text.len() <= LONGEST_DATA)
        .ok_or_else(|| format!("its data is no JSON of {} KiB at the most", LONGEST_DATA >> 10))
}

/// `None` for a number that JSON cannot write.
fn to_value(json: &Json<'_>) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => whole(*number).map_or_else(|| serde_json::Number::from_f64(*number), Some)?.into(),
        Json::Text(text) => Value::String(text.clone().into_owned()),
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect::<Option<_>>()?),
        Json::Object(object) => {
            let member = |(name, value): (&str, &Json<'_>)| Some((name.to_owned(), to_value(value)?));
            Value::Object(object.iter().map(member).collect::<Option<_>>()?)
        }
    })
}

/// A whole number is written as one.
fn whole(number: f64) -> Option<serde_json::Number> {
    let is_exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    is_exact.then(|| format!("{number:.0}").parse::<i64>().ok()).flatten().map(serde_json::Number::from)
}

impl fmt::Display for UsersFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.at.line, self.at.column, self.problem)
    }
}

/// Only how many there are.
impl fmt::Debug for Users {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Users({})", self.0.len())
    }
}
