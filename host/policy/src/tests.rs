//! What the policy language promises, asked through the crate's public types.

mod anything;
mod faults;
mod language;
mod limits;
mod reasons;
mod records;
mod sections;
mod specificity;
mod valve;
mod wildcards;

use crate::{Action, Fetched, Json, Outcome, Payload, Policy, Question, Section, UnixMillis, User};

/// A document with one rule: who may publish the event of any name.
fn publish(rule: &str) -> String {
    let rule = serde_json::Value::from(rule);
    format!("{{\"record\": {{\"*\": {{}}}}, \"rpc\": {{\"*\": {{}}}}, \"event\": {{\"*\": {{\"publish\": {rule}}}}}}}")
}

/// What a rule decides on a payload; Alice asks.
fn decide(rule: &str, payload: &str) -> Outcome {
    let policy = Policy::parse(&publish(rule)).unwrap_or_else(|faults| panic!("{}", faults.faults[0]));
    let user = User::new(Json::Text("Alice".into()), Json::parse("{\"roles\": [\"admin\"]}").unwrap());
    let question = Question {
        action: Action::deepstream(Section::Event, "EMIT").unwrap(),
        name: "a/b",
        payload: Payload::Json(payload),
        user: &user,
        now: UnixMillis(1_700_000_000_000),
    };
    let verdict = policy.decide(&question, |_| Fetched::Nothing);
    assert!(!verdict.explain().to_string().is_empty() && !verdict.to_string().is_empty());
    verdict.outcome().clone()
}

/// The first fault of a rule.
fn fault(rule: &str) -> String {
    Policy::parse(&publish(rule)).expect_err(rule).faults[0].to_string()
}
