//! Any rule made of the words of the language is refused or comes to a verdict, the same each time, with its reasons.

use std::sync::Arc;

use proptest::prelude::*;

use super::publish;
use crate::{Action, Fetched, Json, Payload, Policy, Question, Section, UnixMillis, User};

/// What rules are made of; joined at random, many of them parse.
const WORDS: [&str; 64] = [
    "user",
    ".id",
    ".data",
    "data",
    "oldData",
    "now",
    "action",
    "name",
    "$x",
    "_('r')",
    "_(",
    "_(data",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "?.",
    "??",
    "&&",
    "||",
    "!",
    "===",
    "!==",
    "==",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "**",
    "%",
    "/",
    "<<",
    ">>>",
    "&",
    "~",
    " in ",
    "typeof ",
    "void ",
    "'a'",
    "\"\"",
    "`${",
    "}`",
    "`a`",
    "/a+(b)?/g",
    "/(a*)*$/i",
    "0",
    "1e9",
    "-1",
    "null",
    "true",
    ".length",
    "['a']",
    "[0]",
    ".trim()",
    ".match(",
    ".includes(",
    ".indexOf('b', ",
    "...",
];

/// Rules that parse, to be put together.
const RULES: [&str; 12] = [
    "data.a",
    "user.data.roles[0]",
    "data.list.includes(user.id)",
    "_(data.name).owner === user.id",
    "`${data.a}-${$x}`",
    "(data.n ?? 1) % 2",
    "data.s.match(/(?<y>a+)/)?.groups.y",
    "[...data.list, 1].indexOf(1)",
    "({...data, a: 1}).a",
    "typeof data",
    "name.toUpperCase() < 'ROOM'",
    "duration('1h') + now",
];

fn ask(rule: &str, payload: &str) {
    let document = publish(rule).replace("\"*\": {\"publish\"", "\"*\": {}, \"a/$x\": {\"publish\"");
    let Ok(policy) = Policy::parse(&document) else { return };
    let user = User::new(Json::Text("Alice".into()), Json::parse("{\"roles\": [\"admin\"]}").unwrap());
    let action = Action::deepstream(Section::Event, "EMIT").unwrap();
    let payload = Payload::Json(payload);
    let question = Question { action, name: "a/b", payload, user: &user, now: UnixMillis(1_700_000_000_000) };
    let record = Arc::new(Json::parse("{\"owner\": \"Alice\"}").unwrap());
    let fetch = |name: &str| if name.is_empty() { Fetched::Nothing } else { Fetched::Value(Arc::clone(&record)) };
    let verdict = policy.decide(&question, fetch);
    assert_eq!(verdict.outcome(), policy.decide(&question, fetch).outcome());
    assert!(verdict.explain().to_string().starts_with("event publish `a/b`: ") && !verdict.to_string().is_empty());
}

const PAYLOAD: &str = r#"{"a": "aab", "n": 5, "s": "aaa", "list": [1, "Alice", null], "name": "room"}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn words_in_any_order(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 1..14)) {
        ask(&words.concat(), PAYLOAD);
    }

    #[test]
    fn rules_put_together(
        rules in prop::collection::vec(prop::sample::select(&RULES[..]), 1..5),
        signs in prop::collection::vec(prop::sample::select(&["&&", "||", "===", "==", "<", "+", "in", ",", "**"][..]), 5),
        payload in prop_oneof![Just(PAYLOAD.to_owned()), "[-0-9a-z\\[\\]{}\":,]{0,12}"],
    ) {
        let rule: Vec<String> = rules.iter().zip(signs).map(|(rule, sign)| format!("({rule}) {sign} ")).collect();
        ask(&format!("{}true", rule.concat()), &payload);
    }

    #[test]
    fn texts_of_any_kind(rule: String, payload: String) {
        ask(&rule, &payload);
    }
}
