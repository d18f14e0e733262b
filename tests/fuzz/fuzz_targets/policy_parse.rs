//! Any text is a policy or has faults, each with its place; a policy decides on any name, and what it allows for all names
//! with one beginning it allows for each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_policy::{Action, Fetched, Payload, Policy, Question, Section, UnixMillis, User};

fuzz_target!(|input: (&str, &str, &str)| {
    let (text, name, rest) = input;
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(faults) => {
            assert!(!faults.faults.is_empty());
            assert!(faults.faults.iter().all(|fault| fault.position.line > 0 && fault.position.column > 0));
            assert!(faults.faults.iter().all(|fault| !fault.to_string().is_empty()));
            return;
        }
    };
    let user = User::anonymous();
    let ask = |action, name: &str| {
        let question = Question { action, name, payload: Payload::None, user: &user, now: UnixMillis(1) };
        let verdict = policy.decide(&question, |_| Fetched::Nothing);
        assert!(!verdict.explain().to_string().is_empty() && !verdict.to_string().is_empty());
        verdict.is_allowed()
    };
    for section in Section::ALL {
        for rule in section.rule_types() {
            let action = Action::named(section, rule.name()).expect("every rule type has an action");
            let allowed = ask(action, name);
            let is_wildcard = matches!(section, Section::Channel | Section::Group) && name.ends_with(".*");
            // `*` stops at a line break, which no resource has in its name; a long name may match in too many ways.
            let is_plain = !rest.contains(['\n', '\r', '\u{2028}', '\u{2029}']) && name.len() + rest.len() < 256;
            if allowed && is_wildcard && is_plain {
                assert!(ask(action, &format!("{}{rest}", name.trim_end_matches('*'))));
            }
        }
    }
});
