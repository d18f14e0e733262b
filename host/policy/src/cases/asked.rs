//! A question that owns all it holds: as cases, command lines and recorded decisions bring it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::json::Json;
use crate::policy::Policy;
use crate::question::{Payload, Question, UnixMillis, User};
use crate::records::Fetched;
use crate::verdict::Verdict;

/// A question with the records that its rule may refer to.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is to be done.
    pub action: Action,
    /// What it is to be done to.
    pub name: String,
    /// What the message carries.
    pub message: Message,
    /// Who asks.
    pub user: User,
    /// The time of the question.
    pub now: UnixMillis,
    /// Every record there is, by name; `oldData` is the one of the question's name.
    pub records: BTreeMap<String, Arc<Json<'static>>>,
}

/// What a message carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Nothing.
    Empty,
    /// A value.
    Value(Json<'static>),
    /// A text as it arrived, which may be no JSON.
    Raw(String),
    /// A change of the stored record.
    Patch {
        /// Where.
        path: String,
        /// The new value as JSON; nothing removes what is there.
        value: Option<String>,
    },
    /// Several changes, as a JSON list.
    Patches(String),
}

impl Asked {
    /// The time of a question that says none.
    pub const USUAL_TIME: UnixMillis = UnixMillis(1_700_000_000_000);

    /// Asks a policy and shows its verdict.
    pub fn put_to<T>(&self, policy: &Policy, show: impl FnOnce(&Verdict<'_>) -> T) -> T {
        let payload = match &self.message {
            Message::Empty => Payload::None,
            Message::Value(value) => Payload::Value(value),
            Message::Raw(text) => Payload::Json(text),
            Message::Patch { path, value } => Payload::Patch { path, value: value.as_deref() },
            Message::Patches(list) => Payload::Patches(list),
        };
        let (action, name, user, now) = (self.action, self.name.as_str(), &self.user, self.now);
        let question = Question { action, name, payload, user, now };
        show(&policy.decide(&question, |name| {
            self.records.get(name).map_or(Fetched::Nothing, |value| match value.as_ref() {
                Json::Null => Fetched::Nothing,
                Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Array(_) | Json::Object(_) => {
                    Fetched::Value(Arc::clone(value))
                }
            })
        }))
    }
}
