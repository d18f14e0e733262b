//! The policy that the default function ships with gives the rights that its cases tell.

use usher_policy::{Case, Policy};

#[test]
fn every_case_of_the_shipped_policy_is_decided_as_told() {
    let policy = Policy::parse(include_str!("../../functions/chat-engine/policy.yaml")).expect("a policy");
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    let cases = Case::parse_all(include_str!("../../functions/chat-engine/policy.test.yaml")).expect("cases");
    assert!(cases.len() > 100);
    for case in cases {
        if let Err(differing) = case.run(&policy) {
            panic!("line {}: {}", case.position.line, differing.explanation);
        }
    }
}
