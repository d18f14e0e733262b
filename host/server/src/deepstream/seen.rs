//! What a checked question was decided by, so that it can be explained, and asked again of another policy.

use serde_json::Value;
use usher_policy::Verdict;
use usher_runtime::{Trace, TracedQuestion};

use crate::kept::Detail;

/// A message and records as texts; not of every question can both be written so.
pub(super) struct Seen {
    message: Message,
    records: Vec<(String, Option<String>)>,
}

/// What a question's message is to a record of it.
pub(super) enum Message {
    /// One text, or none.
    Whole(Option<String>),
    /// Patches, or beside it a record that no stored text stands for.
    Unwritten,
}

impl Seen {
    pub(super) const fn new(message: Message) -> Self {
        Self { message, records: Vec::new() }
    }

    /// A record that came with the question.
    pub(super) fn sent(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => self.records.push((name.to_owned(), None)),
            Value::Array(_) | Value::Object(_) => self.records.push((name.to_owned(), Some(value.to_string()))),
            Value::String(text) if !text.starts_with(['{', '[']) => {
                self.records.push((name.to_owned(), Some(text.clone())));
            }
            Value::String(_) | Value::Bool(_) | Value::Number(_) => self.message = Message::Unwritten,
        }
    }

    /// A record of the deployment's pairs.
    pub(super) fn stored(&mut self, name: &str, text: Option<String>) {
        self.records.push((name.to_owned(), text));
    }

    /// The whole question where it can be written, else the rule and the part of it that decided.
    pub(super) fn detail(
        self,
        verdict: &Verdict<'_>,
        question: impl FnOnce(Option<String>, Vec<(String, Option<String>)>) -> TracedQuestion,
    ) -> Detail {
        match self.message {
            Message::Whole(message) => {
                let mut trace = Box::new(Trace::default());
                trace.questions.push(question(message, self.records));
                Detail::Invocation { trace, fault: None }
            }
            Message::Unwritten => Detail::Findings(findings(verdict)),
        }
    }
}

fn findings(verdict: &Verdict<'_>) -> Vec<String> {
    let Some((path, rule)) = verdict.path().zip(verdict.rule()) else {
        return vec!["no path that matches has such a rule".to_owned()];
    };
    let line = verdict.position().map(|at| format!(" in line {}", at.line)).unwrap_or_default();
    let by = format!("by `{path}`{line}: {rule}");
    let deciding = verdict.deciding();
    let whole = deciding.iter().map(|deciding| format!("`{}` is {}", deciding.expression, deciding.value));
    let parts =
        deciding.iter().flat_map(|deciding| &deciding.parts).map(|(words, value)| format!("`{words}` is {value}"));
    std::iter::once(by).chain(whole).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Message, Seen};

    #[test]
    fn a_record_is_written_only_if_its_text_stands_for_it() {
        for (value, written) in [
            (json!(null), Some(None)),
            (json!({ "a": 1 }), Some(Some("{\"a\":1}"))),
            (json!([1]), Some(Some("[1]"))),
            (json!("gold"), Some(Some("gold"))),
            (json!("[1]"), None),
            (json!(1), None),
            (json!(true), None),
        ] {
            let mut seen = Seen::new(Message::Whole(None));
            seen.sent("r", &value);
            let found = matches!(seen.message, Message::Whole(_))
                .then(|| seen.records.first().and_then(|(_, text)| text.as_deref()));
            assert_eq!(found, written, "{value}");
        }
    }
}
