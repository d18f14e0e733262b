//! A verdict says which path, which rule and which part of it decided, with the values.

use crate::{Action, Fetched, Json, Payload, Policy, Question, Section, UnixMillis, User};

const POLICY: &str = "
record: {'*': {}}
rpc: {'*': {}}
event:
  '*': {publish: false, subscribe: true}
  room/$room: {publish: \"user.isAuthenticated && (user.id === $room || user.data.admin)\"}
  room/*: {listen: true}
  loud/$room: {publish: \"data.text.length < 5 && data.text !== name\"}
";

fn ask<T>(word: &str, name: &str, payload: &str, see: impl FnOnce(crate::Verdict<'_>) -> T) -> T {
    let policy = Policy::parse(POLICY).unwrap();
    let user = User::new(Json::Text("bob".into()), Json::parse("{\"admin\": 0}").unwrap());
    let action = Action::deepstream(Section::Event, word).unwrap();
    let question = Question { action, name, payload: Payload::Json(payload), user: &user, now: UnixMillis(0) };
    see(policy.decide(&question, |_| Fetched::Nothing))
}

#[test]
fn a_verdict_reads_aloud() {
    for (word, name, payload, expected) in [
        ("EMIT", "x", "1", "denied by `publish` of `*` at 5:9"),
        ("LISTEN", "x", "1", "denied: no path that matches has such a rule"),
        ("SUBSCRIBE", "room/a", "1", "allowed by `subscribe` of `*` at 5:25"),
        (
            "EMIT",
            "room/bob",
            "1",
            "allowed by `publish` of `room/$room` at 6:16: `user.id === $room` is true, `user.id` is \"bob\", `$room` is \
             \"bob\"",
        ),
        (
            "EMIT",
            "room/a",
            "1",
            "denied by `publish` of `room/$room` at 6:16: `user.data.admin` is 0, `user.data` is {\"admin\": 0}",
        ),
        (
            "EMIT",
            "loud/a",
            "{\"text\": \"0123456\"}",
            "denied by `publish` of `loud/$room` at 8:16: `data.text.length < 5` is false, `data.text.length` is 7",
        ),
        (
            "EMIT",
            "loud/a",
            "{}",
            "denied: cannot read `length` of undefined by `publish` of `loud/$room` at 8:16: `data.text.length` is an \
             error: cannot read `length` of undefined, `data.text` is undefined",
        ),
    ] {
        assert_eq!(ask(word, name, payload, |verdict| verdict.to_string()), expected);
    }
}

#[test]
fn an_explanation_tells_all() {
    let explained = ask("EMIT", "room/a", "1", |verdict| verdict.explain().to_string());
    let expected = "\
event publish `room/a`: denied
  path `room/$room` at 6:3, 10 characters: decides
  path `room/*` at 7:3, 6 characters: has no such rule
  path `*` at 5:3, 1 characters: is less specific
  $room is \"a\"
  rule: user.isAuthenticated && (user.id === $room || user.data.admin)
  user.isAuthenticated && (user.id === $room || user.data.admin) → 0
    user.isAuthenticated → true
      user → {\"id\": \"bob\", \"data\": {\"admin\": 0}}
    user.id === $room || user.data.admin → 0
      user.id === $room → false
        user.id → \"bob\"
          user → {\"id\": \"bob\", \"data\": {\"admin\": 0}}
        $room → \"a\"
      user.data.admin → 0
        user.data → {\"admin\": 0}
          user → {\"id\": \"bob\", \"data\": {\"admin\": 0}}
";
    assert_eq!(explained, expected);
}
