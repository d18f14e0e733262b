//! Nothing hangs or exhausts: neither a document nor a rule nor a message.

use super::{decide, fault, publish};
use crate::{Action, Failure, Fetched, Outcome, Payload, Policy, Question, Thrown, UnixMillis, User};
use usher_access::{Permission, ResourceKind};

#[test]
fn nested_rules_are_refused_and_not_followed() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{a:", "}"),
        ("!", ""),
        ("-", ""),
        ("typeof ", ""),
        ("a?b:", ""),
        ("a**", ""),
        ("a=", ""),
        ("`${", "}`"),
        ("a:", ""),
        ("_(", ")"),
        ("a[", "]"),
        ("do ", ""),
    ] {
        for many in [60, 200, 1_000, 3_000, 10_000] {
            let rule = format!("{}1{}", open.repeat(many), close.repeat(many));
            let parsed = Policy::parse(&publish(&rule));
            assert!(parsed.is_err() || open == "(" || many == 60, "{open} {many}");
        }
    }
    let groups = format!("/{}a{}/", "(?:".repeat(1_500), ")".repeat(1_500));
    assert!(Policy::parse(&publish(&groups)).is_err());
}

#[test]
fn long_rules_without_depth_are_taken() {
    let names: Vec<String> = (0..2_000).map(|n| format!("user.id === 'user{n}'")).collect();
    assert_eq!(decide(&format!("{} || user.id === 'Alice'", names.join(" || ")), "1"), Outcome::Allowed);
    let calls: Vec<String> = (0..1_500).map(|n| format!("user.id.includes('x{n}')")).collect();
    assert_eq!(decide(&calls.join(" || "), "1"), Outcome::Denied);
}

#[test]
fn a_rule_of_nothing_but_quotes_is_refused() {
    for quote in ["'", "\"", "`", "\\", "'\"`"] {
        assert!(Policy::parse(&publish(&quote.repeat(9_999))).is_err());
    }
    assert!(fault(&"a".repeat(70_000)).contains("may not be longer than 65536 bytes"));
}

#[test]
fn the_deepest_rule_fits_any_stack() {
    let rule = format!("{}data{}", "[".repeat(120), "]".repeat(120));
    let deep = format!("{}1{}", "[".repeat(250), "]".repeat(250));
    assert_eq!(decide(&format!("({rule} + '').length > 0"), &deep), Outcome::Allowed);
    let choices = format!("{}true", "data ? ".repeat(100)) + &" : 1".repeat(100);
    assert_eq!(decide(&choices, "1"), Outcome::Allowed);
}

#[test]
fn slow_patterns_end_in_a_refusal() {
    let text = format!("\"{}b\"", "a".repeat(30_000));
    for rule in
        ["!data.match(/^(a+)+$/)", "!data.match(/(a*)*c/)", "!data.match('(a|aa)+c')", "!data.match(/(?=(a+))a*c\\1/)"]
    {
        assert_eq!(decide(rule, &text), Outcome::Failed(Failure::Rule(Thrown::TooManySteps)), "{rule}");
    }
    assert_eq!(decide("data.match(/ba?$/) !== null", &text), Outcome::Allowed);
}

#[test]
fn texts_do_not_grow_without_bound() {
    let sum = vec!["data"; 60].join(" + ");
    let text = format!("\"{}\"", "é".repeat(50_000));
    assert_eq!(decide(&format!("({sum}).length > 0"), &text), Outcome::Failed(Failure::Rule(Thrown::TooLong)));
    let list = format!("[{}]", vec!["1"; 200_000].join(","));
    let spread = format!("[{}].length > 0", vec!["... data"; 50].join(","));
    assert_eq!(decide(&spread, &list), Outcome::Failed(Failure::Rule(Thrown::TooManySteps)));
}

#[test]
fn malformed_payloads_are_refused_where_they_are_read() {
    for payload in ["{", "[".repeat(100_000).as_str(), "\"\\ud800\"", "nul"] {
        assert!(matches!(decide("data === 1 || true", payload), Outcome::Failed(Failure::Payload(_))));
        assert_eq!(decide("user.id === 'Alice'", payload), Outcome::Allowed);
    }
}

#[test]
fn ten_megabytes_of_anything_come_to_an_end() {
    let fill = |unit: &str| unit.repeat((10 << 20) / unit.len());
    for document in [
        format!("channel: {{a: {{read: '{}'}}}}", fill("x")),
        format!("{{\"channel\": {{\"{}\": {{\"read\": true}}}}}}", fill("x")),
        format!("{{\"channel\": {{\"a\": {{\"{}\": true}}}}}}", fill("read")),
        format!("{{\"{}\": {{\"a\": {{\"read\": true}}}}}}", fill("channel")),
        format!("channel:\n  a:\n    read: |\n{}", fill("      user.id\n")),
        format!("{{\"channel\": {{\"a\": {{\"read\": \"{}\"}}}}}}", fill("\\\"")),
        fill("'"),
        fill("\""),
        fill("# x\n"),
        fill("a: b\n"),
        fill("[],"),
        fill("{a: 1},\n"),
        fill("&a *a "),
        fill("\t"),
        fill("%"),
        fill("---\n"),
    ] {
        let start: String = document.chars().take(30).collect();
        let faults = Policy::parse(&document).expect_err(&start);
        assert!(faults.faults.iter().all(|fault| fault.to_string().len() < 1_000), "{start}");
    }
}

#[test]
fn reasons_are_bounded_as_well() {
    let paths: String = (0..20_000).map(|n| format!("  '{}{n}*': {{read: true}}\n", "*a".repeat(20))).collect();
    let policy = Policy::parse(&format!("channel:\n{paths}")).unwrap();
    let name = "a".repeat(2_000);
    let action = Action::permission(ResourceKind::Channel, Permission::Read);
    let user = User::anonymous();
    let question = Question { action, name: &name, payload: Payload::None, user: &user, now: UnixMillis(0) };
    let verdict = policy.decide(&question, |_| Fetched::Nothing);
    assert!(!verdict.is_allowed() && verdict.explain().candidates.is_empty());
    let slow = format!("[{}].length < 0", vec!["data.match(/(a*)*c/)"; 1_000].join(", "));
    assert_eq!(decide(&slow, "\"aaaaaaaaa\""), Outcome::Failed(Failure::Rule(Thrown::TooManySteps)));
    assert_eq!(decide(&slow, "\"\""), Outcome::Denied);
}

#[test]
fn large_documents_are_read() {
    let paths: String = (0..100_000).map(|n| format!("  a{n}/$x/*: {{read: \"user.id === $x\"}}\n")).collect();
    let policy = Policy::parse(&format!("channel:\n{paths}")).unwrap();
    assert_eq!((policy.path_count(), policy.rule_count()), (100_000, 100_000));
    let long = format!("channel:\n  a: {{read: \"user.id === '{}'\"}}\n  b: {{read: oops(}}\n", "x".repeat(60_000));
    assert!(Policy::parse(&long).is_err());
    let text = format!("{{\"channel\": {{\"a\": {{\"read\": \"{}\"}}}}}}", "x".repeat(10 << 20));
    assert_eq!(Policy::parse(&text).unwrap_err().faults.len(), 1);
    let many: String = (0..100_000).map(|n| format!("  a{n}: {{raed: true}}\n")).collect();
    let faults = Policy::parse(&format!("channel:\n{many}")).unwrap_err();
    assert_eq!((faults.faults.len(), faults.more), (1_000, 99_000));
}
