//! `usher why`: what led to a decision, found by the id that a client was given.

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{Output, counted, date, write};
use crate::target::Target;

/// The column in which values begin.
const INDENT: usize = 12;

#[derive(Debug, Args)]
#[command(
    after_help = "Clients get the id as `decision_id`, or in the header X-Usher-Decision-Id; `usher logs --denied` lists ids too.

Examples:
  usher why 8b1f0c6a94d2e35700000012
  usher why 8b1f0c6a94d2e35700000012 --json

Refusals stay on disk. What was allowed is kept in memory only, until later decisions need the room."
)]
pub(crate) struct Arguments {
    /// The decision's id.
    id: String,
}

pub(crate) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let found = client.get(&format!("/v1/decisions/{}", in_path(&arguments.id)), &[]).await?;
    let decisions = found.get("decisions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if matches!(output, Output::Json) {
        output.line(&found, "");
        return Ok(());
    }
    let told: Vec<String> = decisions.iter().map(tell).collect();
    if told.len() > 1 {
        write(
            format!("{} have this id; the newest comes first\n\n", counted(told.len() as u64, "decision")).as_bytes(),
        );
    }
    write(told.join("\n").as_bytes());
    Ok(())
}

/// An id as one segment of a path.
fn in_path(id: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    id.bytes().map(escape).collect()
}

/// A decision for eyes: the outcome first, then who, what and by which rule, then what happened, then what to do.
fn tell(decision: &Value) -> String {
    let mut lines = vec![headline(decision)];
    lines.push(field("id", &text(decision, "id")));
    lines.push(field("at", &date(decision.get("at").and_then(Value::as_u64).unwrap_or_default() / 1_000)));
    lines.extend(deployment(decision).map(|told| field("function", &told)));
    lines.push(field("keyset", &text(decision, "subscribe_key")));
    lines.push(field("user", &user(decision)));
    lines.push(field("asked", &format!("{} ({})", text(decision, "asked"), text(decision, "road"))));
    lines.extend(items(decision, "findings").iter().map(|finding| field("because", &of(finding))));
    lines.extend(decision.get("fault").filter(|fault| fault.is_string()).map(|fault| field("fault", &of(fault))));
    lines.extend(questions(decision));
    lines.extend(calls(decision));
    if let Some(took) = decision.get("took_us").and_then(Value::as_u64) {
        lines.push(field("took", &millis(took)));
    }
    if decision.get("clipped") == Some(&Value::Bool(true)) {
        lines.push(field("details", "left out: they were too long to be kept on disk"));
    }
    lines.extend(decision.get("next").filter(|next| next.is_string()).map(|next| field("next", &of(next))));
    lines.join("\n") + "\n"
}

fn headline(decision: &Value) -> String {
    let code = text(decision, "code");
    let status = decision.get("status").and_then(Value::as_u64).map(|status| format!(" (HTTP {status})"));
    match decision.get("allowed") == Some(&Value::Bool(true)) {
        true => format!("ALLOWED{}", status.unwrap_or_default()),
        false => format!("DENIED: {code}{}", status.unwrap_or_default()),
    }
}

fn deployment(decision: &Value) -> Option<String> {
    let name = decision.get("function").filter(|name| name.is_string())?;
    let version = decision.get("version").map(of).unwrap_or_default();
    let policy = decision.get("policy").filter(|policy| policy.is_string());
    let policy = policy.map(|policy| format!(", policy {}", of(policy)));
    Some(format!("{} version {version}{}", of(name), policy.unwrap_or_default()))
}

fn user(decision: &Value) -> String {
    let Some(identity) = decision.get("identity").filter(|identity| identity.is_object()) else {
        return text(decision, "user");
    };
    let (claimed, data) = (text(identity, "claimed"), text(identity, "server_data"));
    match identity.get("id").filter(|id| id.is_string()) {
        Some(id) => format!("{} (said to be `{claimed}`; server data {data})", of(id)),
        None => format!("nobody: it said to be `{claimed}`, and no authenticator agreed"),
    }
}

/// What was denied with rule and values; what was allowed is only counted.
fn questions(decision: &Value) -> Vec<String> {
    let all = items(decision, "questions");
    if all.is_empty() {
        return Vec::new();
    }
    let is_allowed = |question: &&Value| question.get("allowed") == Some(&Value::Bool(true));
    let allowed = all.iter().filter(is_allowed).count();
    let more = decision.get("more_questions").and_then(Value::as_u64).unwrap_or_default();
    let more = if more == 0 { String::new() } else { format!(", {more} more not shown") };
    let asked = counted(all.len() as u64, "question");
    let mut lines = vec![field("policy", &format!("{asked}: {allowed} allowed, {} denied{more}", all.len() - allowed))];
    let shown = all.iter().filter(|question| !is_allowed(question) || all.len() == 1);
    lines.extend(shown.flat_map(question));
    lines
}

fn question(question: &Value) -> Vec<String> {
    let about = format!("{} {} `{}`", text(question, "section"), text(question, "action"), text(question, "name"));
    let mut lines = vec![field("", &format!("{about}: {}", text(question, "outcome")))];
    if question.get("path").is_some_and(Value::is_string) {
        let place = format!("line {}, column {}", text(question, "line"), text(question, "column"));
        lines.push(field("", &format!("  by `{}` at {place}: {}", text(question, "path"), text(question, "rule"))));
    }
    if let Some(deciding) = question.get("deciding").filter(|deciding| deciding.is_object()) {
        let said = |part: &Value| format!("`{}` is {}", text(part, "expression"), text(part, "value"));
        let parts = items(deciding, "parts").iter().map(said);
        lines.push(field("", &format!("  {}", said(deciding))));
        lines.extend(parts.map(|part| field("", &format!("    {part}"))));
    }
    lines
}

fn calls(decision: &Value) -> Vec<String> {
    let all = items(decision, "calls");
    let line = |(number, call): (usize, &Value)| {
        let at = |name: &str| millis(call.get(name).and_then(Value::as_u64).unwrap_or_default());
        let told = format!("{:24} {:20}", text(call, "call"), text(call, "outcome"));
        let label = if number == 0 { "calls" } else { "" };
        field(label, &format!("{told} at {}, took {}", at("at_us"), at("took_us")))
    };
    let more = decision.get("more_calls").and_then(Value::as_u64).filter(|more| *more > 0);
    let more = more.map(|more| field("", &format!("{more} more")));
    all.iter().enumerate().map(line).chain(more).collect()
}

fn field(label: &str, value: &str) -> String {
    format!("  {label:INDENT$}{value}").trim_end().to_owned()
}

fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).map_or_else(|| "-".into(), of)
}

/// A value in one line; names come from clients, and none of them writes to the operator's terminal.
fn of(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let plain = |character: char| match character {
        '\n' | '\t' => ' ',
        other if other.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(plain).collect()
}

fn millis(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_told_from_its_outcome_to_the_next_step() {
        let decision = json!({
            "id": "d-1", "at": 1_800_000_000_000_u64, "road": "function", "subscribe_key": "sub-c-1",
            "function": "chat", "version": 3, "policy": "ab12", "user": "alice", "asked": "POST chat/join",
            "allowed": false, "code": "policy.denied", "status": 403, "next": "ask for access",
            "identity": { "claimed": "al\u{1b}ice", "id": "alice", "server_data": { "plan": "free" } },
            "calls": [{ "call": "policy.check", "outcome": "policy.denied", "at_us": 1_250, "took_us": 90 }],
            "more_calls": 2, "more_questions": 0, "took_us": 4_000,
            "questions": [
                { "section": "channel", "action": "read", "name": "a", "allowed": true },
                { "section": "channel", "action": "write", "name": "room", "allowed": false, "outcome": "the rule says no",
                  "path": "room", "rule": "user.data.plan === 'paid'", "line": 4, "column": 5,
                  "deciding": { "expression": "user.data.plan === 'paid'", "value": "false",
                                "parts": [{ "expression": "user.data.plan", "value": "\"free\"" }] } },
            ],
        });
        let expected = "\
DENIED: policy.denied (HTTP 403)
  id          d-1
  at          2027-01-15 08:00:00 UTC
  function    chat version 3, policy ab12
  keyset      sub-c-1
  user        alice (said to be `al\u{fffd}ice`; server data {\"plan\":\"free\"})
  asked       POST chat/join (function)
  policy      2 questions: 1 allowed, 1 denied
              channel write `room`: the rule says no
                by `room` at line 4, column 5: user.data.plan === 'paid'
                `user.data.plan === 'paid'` is false
                  `user.data.plan` is \"free\"
  calls       policy.check             policy.denied        at 1.2 ms, took 0.0 ms
              2 more
  took        4.0 ms
  next        ask for access
";
        assert_eq!(tell(&decision), expected);
    }

    #[test]
    fn what_grants_and_tokens_lacked_is_told_in_their_words() {
        let decision = json!({
            "id": "d-2", "at": 0, "road": "gateway", "subscribe_key": null, "user": null, "asked": "publish a",
            "allowed": false, "code": "grant.missing", "status": null, "findings": ["no grant on `a`"],
        });
        let told = tell(&decision);
        assert!(told.starts_with("DENIED: grant.missing\n"), "{told}");
        assert!(told.contains("  user        -\n") && told.contains("  because     no grant on `a`\n"), "{told}");
    }

    #[test]
    fn an_id_stays_within_its_segment() {
        assert_eq!(in_path("a-1_B.2"), "a-1_B.2");
        assert_eq!(in_path("../x?y ü"), "..%2Fx%3Fy%20%C3%BC");
    }
}
