//! The guest that does what it is told: every capability in one deployment, driven by steps.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::guests::guest;

const CAPABILITIES: &str =
    r#"["vault", "http", "access", "groups", "kv", "identity", "config", "log", "clock", "random"]"#;

/// A manifest with every capability: `top` are more of its keys, `tables` more of its tables.
///
/// Callers are believed unless `tables` brings an `[[authentication]]` of its own. The path is the name.
#[must_use]
pub fn every_capability(name: &str, top: &str, tables: &str) -> String {
    let believed = if tables.contains("[[authentication]]") { "" } else { "[[authentication]]\nkind = \"none\"\n" };
    format!("name = \"{name}\"\npaths = [\"{name}\"]\ncapabilities = {CAPABILITIES}\n{top}\n{tables}\n{believed}")
}

impl Bed {
    /// Deploys the guest `every-capability` at the path `every` under [`every_capability`].
    pub async fn deploy_every(&self, top: &str, tables: &str) {
        let manifest = every_capability("every", top, tables);
        self.deploy(&manifest, guest("every-capability")).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Runs steps in one invocation of the guest; one outcome each, `{"error": text}` where a step failed.
    pub async fn steps(&self, steps: &[&[&str]]) -> Vec<Value> {
        self.steps_at("every", steps).await
    }

    /// As [`Bed::steps`], for a deployment at another path.
    pub async fn steps_at(&self, path: &str, steps: &[&[&str]]) -> Vec<Value> {
        let answer = self.post(path, json!(steps).to_string()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json().as_array().expect("a list of outcomes").clone()
    }

    /// Runs one step.
    pub async fn step(&self, step: &[&str]) -> Value {
        self.steps(&[step]).await.pop().expect("an outcome")
    }
}

/// Whether a step failed with a text that contains `part`.
#[must_use]
pub fn failed_with(outcome: &Value, part: &str) -> bool {
    outcome.get("error").and_then(Value::as_str).is_some_and(|text| text.contains(part))
}
