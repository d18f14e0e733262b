//! Reads cases from their document; everything that is wrong is said at once.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{Asked, Case, Expected, Message};
use crate::action::Action;
use crate::document::{self, MalformedDocument, Position, Tree, Values};
use crate::json::Json;
use crate::question::{UnixMillis, User};
use crate::section::Section;

/// Faults that are kept.
const MOST_FAULTS: usize = 1_000;

/// The keys of a case.
const KEYS: [&str; 14] = [
    "case", "user", "ask", "section", "action", "name", "payload", "raw", "patch", "patches", "records", "now",
    "expect", "path",
];

/// What is wrong with a document of cases, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedCase {
    /// Where.
    pub position: Position,
    /// What.
    pub problem: CaseProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseProblem {
    /// No document at all.
    #[error(transparent)]
    Document(#[from] MalformedDocument),
    /// The document is no list.
    #[error("cases are a list, each beginning with `- `")]
    NotAList,
    /// Something in the list is no map.
    #[error("a case is a map: `- ask: channel read NAME`, `expect: allow` and more")]
    NotAMap,
    /// A key that no case has.
    #[error("a case has no `{key}`; its keys are {}", KEYS.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A value of another form.
    #[error("`{key}` is to be {form}")]
    Form {
        /// The key.
        key: &'static str,
        /// What is taken.
        form: &'static str,
    },
    /// What has to be there.
    #[error("`{key}` is missing: {form}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What is taken.
        form: &'static str,
    },
    /// A section of another name.
    #[error("there is no section `{name}`: record, event, rpc, presence, channel, group and uuid")]
    Section {
        /// The word.
        name: String,
    },
    /// An action that the section has not.
    #[error("`{section}` has no action `{word}`")]
    Action {
        /// The section.
        section: Section,
        /// The word.
        word: String,
    },
    /// Two forms of one thing.
    #[error("`{one}` and `{other}` exclude each other")]
    Both {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
}

const SHORT_FORM: &str = "`ask: SECTION ACTION NAME`, or `section`, `action` and `name`";
const VERDICTS: &str = "`allow` or `deny`";

pub(super) fn cases(text: &str) -> Result<Vec<Case>, Vec<MalformedCase>> {
    let at = |(problem, position): (MalformedDocument, Position)| MalformedCase { position, problem: problem.into() };
    let root = document::read_values(text).map_err(|misplaced| vec![at(misplaced)])?;
    let Values::List(items) = &root.content else {
        return Err(vec![MalformedCase { position: root.at, problem: CaseProblem::NotAList }]);
    };
    let mut faults = Vec::new();
    let read = items.iter().filter_map(|item| Reader { item, faults: &mut faults }.case());
    let cases: Vec<Case> = read.collect();
    faults.truncate(MOST_FAULTS);
    if faults.is_empty() { Ok(cases) } else { Err(faults) }
}

struct Reader<'t, 'f> {
    item: &'t Tree,
    faults: &'f mut Vec<MalformedCase>,
}

impl<'t> Reader<'t, '_> {
    fn case(mut self) -> Option<Case> {
        let before = self.faults.len();
        let Values::Map(members) = &self.item.content else {
            self.fault(self.item.at, CaseProblem::NotAMap);
            return None;
        };
        for (key, at, _) in members.iter().filter(|(key, ..)| !KEYS.contains(&key.as_str())) {
            self.fault(*at, CaseProblem::UnknownKey { key: key.clone() });
        }
        let title = self.text("case");
        let subject = self.subject();
        let message = self.message();
        let (user, now, records) = (self.user(), self.now(), self.records());
        let (expected, path) = (self.expected(), self.text("path"));
        let ((action, name), expected) = (subject?, expected?);
        let asked = Asked { action, name, message, user, now, records };
        let case = Case { title, position: self.item.at, asked, expected, path };
        (self.faults.len() == before).then_some(case)
    }

    fn get(&self, key: &str) -> Option<&'t Rc<Tree>> {
        let Values::Map(members) = &self.item.content else { return None };
        members.iter().find(|(other, ..)| other == key).map(|(_, _, value)| value)
    }

    fn fault(&mut self, position: Position, problem: CaseProblem) {
        self.faults.push(MalformedCase { position, problem });
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.get(key)?;
        let text = value.text().map(str::to_owned);
        if text.is_none() {
            self.fault(value.at, CaseProblem::Form { key, form: "a text" });
        }
        text
    }

    /// Action and name.
    fn subject(&mut self) -> Option<(Action, String)> {
        let (long, at) = (["section", "action", "name"], self.item.at);
        if let Some(asked) = self.get("ask") {
            for other in long.into_iter().filter(|key| self.get(key).is_some()).collect::<Vec<_>>() {
                self.fault(asked.at, CaseProblem::Both { one: "ask", other });
            }
            let mut words = asked.text().unwrap_or_default().trim().splitn(3, char::is_whitespace);
            let (Some(section), Some(word), Some(name)) = (words.next(), words.next(), words.next()) else {
                self.fault(asked.at, CaseProblem::Form { key: "ask", form: "`SECTION ACTION NAME`" });
                return None;
            };
            return Some((self.action(section, word, asked.at)?, name.trim_start().to_owned()));
        }
        if long.into_iter().any(|key| self.get(key).is_none()) {
            self.fault(at, CaseProblem::Missing { key: "ask", form: SHORT_FORM });
            return None;
        }
        let [section, word, name] = long.map(|key| self.text(key));
        Some((self.action(&section?, &word?, at)?, name?))
    }

    fn action(&mut self, section: &str, word: &str, at: Position) -> Option<Action> {
        let Some(section) = Section::named(section) else {
            self.fault(at, CaseProblem::Section { name: section.into() });
            return None;
        };
        let action = Action::named(section, word);
        if action.is_none() {
            self.fault(at, CaseProblem::Action { section, word: word.into() });
        }
        action
    }

    fn message(&mut self) -> Message {
        let forms = ["payload", "raw", "patch", "patches"];
        let written: Vec<(&'static str, &Rc<Tree>)> =
            forms.into_iter().filter_map(|key| Some((key, self.get(key)?))).collect();
        match written.as_slice() {
            [] => Message::Empty,
            [("payload", value)] => Message::Value(value.to_json()),
            [("raw", _)] => self.text("raw").map_or(Message::Empty, Message::Raw),
            [("patches", list)] => Message::Patches(json_text(&list.to_json())),
            [(_, patch)] => self.patch(patch),
            [(one, _), (other, value), ..] => {
                self.fault(value.at, CaseProblem::Both { one, other });
                Message::Empty
            }
        }
    }

    fn patch(&mut self, patch: &Tree) -> Message {
        let Json::Object(fields) = patch.to_json() else {
            self.fault(patch.at, CaseProblem::Form { key: "patch", form: "a map of `path` and `value`" });
            return Message::Empty;
        };
        match fields.get("path") {
            Some(Json::Text(path)) if fields.iter().all(|(key, _)| matches!(key, "path" | "value")) => {
                Message::Patch { path: path.clone().into_owned(), value: fields.get("value").map(json_text) }
            }
            _ => {
                self.fault(patch.at, CaseProblem::Form { key: "patch", form: "a map of `path` and `value`" });
                Message::Empty
            }
        }
    }

    fn user(&mut self) -> User {
        let Some(value) = self.get("user") else { return User::anonymous() };
        match value.to_json() {
            Json::Null => User::anonymous(),
            Json::Text(id) => User::new(Json::Text(id), Json::Null),
            Json::Object(fields) if fields.iter().all(|(key, _)| matches!(key, "id" | "data")) => {
                let field = |key| fields.get(key).cloned().unwrap_or(Json::Null);
                User::new(field("id"), field("data"))
            }
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                let form = "an id, a map of `id` and `data`, or null for somebody unknown";
                self.fault(value.at, CaseProblem::Form { key: "user", form });
                User::anonymous()
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
    fn now(&mut self) -> UnixMillis {
        let Some(value) = self.get("now") else { return Asked::USUAL_TIME };
        if let Json::Number(now) = value.to_json()
            && now.fract() == 0.0
            && (0.0..9e15).contains(&now)
        {
            return UnixMillis(now as u64);
        }
        self.fault(value.at, CaseProblem::Form { key: "now", form: "milliseconds since 1970" });
        Asked::USUAL_TIME
    }

    fn records(&mut self) -> BTreeMap<String, Arc<Json<'static>>> {
        let Some(value) = self.get("records") else { return BTreeMap::new() };
        let Values::Map(members) = &value.content else {
            self.fault(value.at, CaseProblem::Form { key: "records", form: "a map of names and values" });
            return BTreeMap::new();
        };
        members.iter().map(|(name, _, value)| (name.clone(), Arc::new(value.to_json()))).collect()
    }

    fn expected(&mut self) -> Option<Expected> {
        let Some(value) = self.get("expect") else {
            self.fault(self.item.at, CaseProblem::Missing { key: "expect", form: VERDICTS });
            return None;
        };
        match value.text() {
            Some("allow") => Some(Expected::Allow),
            Some("deny") => Some(Expected::Deny),
            Some(_) | None => {
                self.fault(value.at, CaseProblem::Form { key: "expect", form: VERDICTS });
                None
            }
        }
    }
}

/// Strict JSON.
fn json_text(value: &Json<'_>) -> String {
    match value {
        Json::Null | Json::Bool(_) => value.to_string(),
        // JSON has no number that is none; `null` is what JavaScript writes.
        Json::Number(number) if !number.is_finite() => "null".into(),
        Json::Number(_) => value.to_string(),
        Json::Text(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(json_text).collect::<Vec<_>>().join(",")),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{}:{}", quoted(key), json_text(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

impl std::fmt::Display for MalformedCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.position, self.problem)
    }
}
