//! Any rule that is taken comes to a verdict on anything, the same each time, and can say why.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use usher_policy::{Action, Fetched, Json, Payload, Policy, Question, Section, UnixMillis, User};

fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (rule, name, payload, stored) = input;
    let mut quoted = String::new();
    rule.chars().for_each(|letter| quoted.push_str(&format!("\\u{:04x}", u32::from(letter) & 0xD7FF)));
    let document = format!(
        "{{\"record\":{{\"*\":{{\"write\":\"{quoted}\"}},\"$a/$b\":{{\"write\":\"{quoted}\"}}}},\"event\":{{\"*\":{{}}}},\"rpc\":{{\"*\":{{}}}}}}"
    );
    let Ok(policy) = Policy::parse(&document) else { return };
    let stored = Json::parse(stored).map_or(Json::Null, Json::into_owned);
    let user = User::new(stored.clone(), stored.clone());
    let action = Action::deepstream(Section::Record, "UPDATE").expect("an action");
    let question = Question { action, name, payload: Payload::Json(payload), user: &user, now: UnixMillis(1) };
    let fetch = |_: &str| Fetched::Value(Arc::new(stored.clone()));
    let verdict = policy.decide(&question, fetch);
    assert_eq!(verdict.outcome(), policy.decide(&question, fetch).outcome());
    assert!(!verdict.explain().to_string().is_empty() && !verdict.to_string().is_empty());
});
