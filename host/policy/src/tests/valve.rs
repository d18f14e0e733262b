//! deepstream's own decisions and validations, as data.

use std::sync::Arc;

use crate::{
    Action, Fetched, Json, Outcome, Path, Payload, Policy, Progress, Question, Section, UnixMillis, User, Verdict,
};
use serde_json::Value;

/// What was decided, in the words of the vectors.
fn decide(case: &Value) -> String {
    let policy = match Policy::parse(&case["permissions"].to_string()) {
        Ok(policy) => policy,
        Err(faults) => return format!("not loaded: {}", faults.faults[0]),
    };
    let policy = match case["options"]["maxRuleIterations"].as_u64() {
        Some(passes) => policy.with_passes(u32::try_from(passes).unwrap().try_into().unwrap()),
        None => policy,
    };
    let message = &case["message"];
    let section = Section::named(message["topic"].as_str().unwrap()).unwrap();
    let Some(action) = Action::deepstream(section, message["action"].as_str().unwrap()) else {
        return "allow".into();
    };
    assert_eq!(case["rule"], format!("{section}.{}", action.rule()), "{}", case["id"]);
    let data = message.get("data").map(Value::to_string);
    let raw = message.get("rawData").map(|raw| raw.as_str().unwrap().to_owned());
    let text = message.get("patches").map(Value::to_string).or(raw).or(data);
    let payload = match (action.word(), text.as_deref(), message["path"].as_str()) {
        ("PATCH", value, Some(path)) => Payload::Patch { path, value },
        ("PATCH_MULTI", text, _) => Payload::Patches(text.unwrap_or_default()),
        (_, Some(text), _) => Payload::Json(text),
        (_, None, _) => Payload::None,
    };
    let user = User::new(json(&case["user"]["id"]), json(&case["user"]["serverData"]));
    let question = Question {
        action,
        name: message["name"].as_str().unwrap_or("undefined"),
        payload,
        user: &user,
        now: UnixMillis(case["now"].as_u64().unwrap_or(1_700_000_000_000)),
    };
    let verdict = policy.decide(&question, |name| fetch(case, question.name, name));
    assert_eq!(verdict.is_allowed(), *verdict.outcome() == Outcome::Allowed);
    assert!(!verdict.explain().to_string().is_empty() && !verdict.to_string().is_empty());
    word(&verdict)
}

fn word(verdict: &Verdict<'_>) -> String {
    match verdict.outcome() {
        Outcome::Allowed => "allow".into(),
        Outcome::Denied | Outcome::NoRule => "deny".into(),
        Outcome::NotForAll(_) | Outcome::Failed(_) => "error".into(),
    }
}

fn fetch(case: &Value, own: &str, name: &str) -> Fetched {
    let record = if name == own { case.get("oldData") } else { case["records"].get(name) };
    match record {
        None | Some(Value::Null) => Fetched::Nothing,
        Some(record) if record.get("$load_error").is_some() => Fetched::Failed,
        Some(record) => Fetched::Value(Arc::new(json(record))),
    }
}

fn json(value: &Value) -> Json<'static> {
    Json::parse(&value.to_string()).unwrap().into_owned()
}

/// Decisions of the specification's authors, and of random rules, each as deepstream's own handler made it.
const DECISIONS: [&str; 2] = [
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/valve_cases.json")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/valve_javascript.json")),
];

#[test]
fn every_decision_is_deepstreams() {
    let cases: Vec<Value> =
        DECISIONS.into_iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).unwrap()).collect();
    let mut differing = Vec::new();
    for case in &cases {
        let decided = decide(case);
        if decided != case["expected"] {
            differing.push(format!("{} {}: {} and not {}", case["id"], case["name"], decided, case["expected"]));
        }
    }
    // `Object` is the server's, and rules do not reach it.
    let reasoned = ["\"ds-0423\""];
    differing.retain(|differing| !reasoned.iter().any(|id| differing.starts_with(id)));
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), cases.len(), differing.join("\n"));
}

#[test]
fn every_validation_is_deepstreams() {
    let cases: Vec<Value> = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/valve_config_cases.json"
    )))
    .unwrap();
    let mut differing = Vec::new();
    for case in &cases {
        let found = match case["kind"].as_str().unwrap() {
            "rule" => valid(&document_with(case)),
            "validate" => valid(&case["permissions"].to_string()),
            "path" => path(case),
            other => panic!("unknown kind {other}"),
        };
        if found != case["expected"] {
            differing.push(format!("{}: {found} and not {}", case["id"], case["expected"]));
        }
    }
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), cases.len(), differing.join("\n"));
}

fn valid(document: &str) -> String {
    Policy::parse(document).map_or("invalid", |_| "valid").into()
}

fn document_with(case: &Value) -> String {
    let mut document =
        serde_json::json!({ "record": {"*": {}}, "event": {"*": {}}, "rpc": {"*": {}}, "presence": {"*": {}} });
    document[case["section"].as_str().unwrap()]["x"] =
        serde_json::json!({ case["type"].as_str().unwrap(): case["rule"] });
    document.to_string()
}

/// The variables of a path are asked one by one: a rule says what each stands for.
fn path(case: &Value) -> String {
    let path = case["path"].as_str().unwrap();
    let Ok(parsed) = Path::parse(path) else { return "invalid".into() };
    let none = serde_json::Map::new();
    let expected = case["vars"].as_object().unwrap_or(&none);
    assert!(expected.keys().all(|variable| parsed.variables().any(|other| other == variable)), "{}", case["id"]);
    let equal = expected.iter().map(|(variable, value)| format!("{variable} === {value}"));
    let rule = equal.chain(["true".into()]).collect::<Vec<_>>().join(" && ");
    let document = serde_json::json!({ "channel": { path: { "read": rule } } });
    let Ok(policy) = Policy::parse(&document.to_string()) else { return "refused".into() };
    let read = usher_access::Permission::Read;
    let question = Question {
        action: Action::permission(usher_access::ResourceKind::Channel, read),
        name: case["recordName"].as_str().unwrap_or_default(),
        payload: Payload::None,
        user: &User::anonymous(),
        now: UnixMillis(0),
    };
    let Progress::Decided(verdict) = policy.start(&question) else { return "waits".into() };
    match case["matches"].as_bool() {
        Some(matches) if matches != verdict.is_allowed() => format!("valid, but matches: {}", !matches),
        Some(_) | None => "valid".into(),
    }
}
