//! Records are asked for by name, loaded together where they can be, and for no more passes than allowed.

use std::sync::Arc;

use crate::{Action, Failure, Fetched, Json, Outcome, Payload, Policy, Progress, Question, Section, UnixMillis, User};

/// The names asked for in each round, and what was decided at last.
fn rounds(rule: &str, payload: Payload<'_>) -> (Vec<Vec<String>>, Outcome) {
    let rule = serde_json::Value::from(rule);
    let document = format!(
        "{{\"record\": {{\"*\": {{\"write\": {rule}}}}}, \"rpc\": {{\"*\": {{}}}}, \"event\": {{\"*\": {{}}}}}}"
    );
    let policy = Policy::parse(&document).unwrap();
    let user = User::anonymous();
    let word = if matches!(payload, Payload::Patch { .. }) { "PATCH" } else { "UPDATE" };
    let action = Action::deepstream(Section::Record, word).unwrap();
    let question = Question { action, name: "own", payload, user: &user, now: UnixMillis(0) };
    let (mut asked, mut progress) = (Vec::new(), policy.start(&question));
    loop {
        match progress {
            Progress::Decided(verdict) => return (asked, verdict.outcome().clone()),
            Progress::Needs(waiting) => {
                let names: Vec<String> = waiting.names().map(str::to_owned).collect();
                progress = waiting.resume(names.iter().map(|name| record(name)));
                asked.push(names);
            }
        }
    }
}

fn record(name: &str) -> Fetched {
    match name {
        "broken" => Fetched::Failed,
        "nothing" => Fetched::Nothing,
        _ => Fetched::Value(Arc::new(Json::parse("{\"v\": 1, \"next\": \"b\"}").unwrap().into_owned())),
    }
}

#[test]
fn records_are_asked_for_when_the_rule_reaches_them() {
    for (rule, expected, outcome) in [
        ("[_('a'), _('b'), _('a')].length === 3", vec!["a b"], Outcome::Allowed),
        ("_('a').v && _('b').v", vec!["a", "b"], Outcome::Allowed),
        ("_(_('a').next).v === 1", vec!["a", "b"], Outcome::Allowed),
        ("_('nothing') === null", vec!["nothing"], Outcome::Allowed),
        ("false && _('a')", vec![], Outcome::Denied),
        ("oldData.v === 1 && _('own').v === 1", vec!["own"], Outcome::Allowed),
        ("oldData === null || _('a').v", vec!["own a"], Outcome::Allowed),
        ("_(name).v === 1 && _(name).next === 'b'", vec!["own"], Outcome::Allowed),
        ("oldData.v === _(name).v", vec!["own"], Outcome::Allowed),
        ("_(undefined) === undefined && _('xundefinedx') === undefined && _() === undefined", vec![], Outcome::Allowed),
        ("_('a').v && _('b').v && _('c').v", vec!["a", "b"], Outcome::Failed(Failure::TooManyPasses { most: 3 })),
        ("_('broken') || true", vec!["broken"], Outcome::Failed(Failure::Load { name: "broken".into() })),
        ("!oldData", vec![], Outcome::Allowed),
    ] {
        let (asked, decided) = rounds(rule, Payload::Json("{}"));
        let asked: Vec<String> = asked.iter().map(|names| names.join(" ")).collect();
        assert_eq!((asked, decided), (expected.into_iter().map(str::to_owned).collect(), outcome), "{rule}");
    }
}

#[test]
fn a_patch_is_seen_as_the_record_it_makes() {
    let patch = |path, value| rounds("data.v === 2 && data.next === 'b'", Payload::Patch { path, value });
    assert_eq!(patch("v", Some("2")), (vec![vec!["own".into()]], Outcome::Allowed));
    assert_eq!(patch("v", None).1, Outcome::Denied);
    assert!(matches!(patch("v", Some("{")).1, Outcome::Failed(Failure::Payload(_))));
    assert!(matches!(patch("__proto__", Some("2")).1, Outcome::Failed(Failure::Patch(_))));
}

#[test]
fn a_record_that_is_not_given_has_failed() {
    let document = "{record: {'*': {write: \"_('a').v\"}}, event: {'*': {}}, rpc: {'*': {}}}";
    let policy = Policy::parse(document).unwrap();
    let user = User::anonymous();
    let action = Action::deepstream(Section::Record, "UPDATE").unwrap();
    let question = Question { action, name: "own", payload: Payload::None, user: &user, now: UnixMillis(0) };
    let Progress::Needs(waiting) = policy.start(&question) else { panic!("no record is asked for") };
    let Progress::Decided(verdict) = waiting.resume([]) else { panic!("no verdict") };
    assert_eq!(*verdict.outcome(), Outcome::Failed(Failure::Load { name: "a".into() }));
}
