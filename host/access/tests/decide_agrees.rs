//! Deciding agrees with a plainly written reference on any keyset, credential and request.

#[cfg(test)]
#[path = "decide/reference.rs"]
mod reference;
#[cfg(test)]
#[path = "decide/scenario.rs"]
mod scenario;

use std::collections::BTreeMap;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn deciding_agrees_with_the_reference(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        scenario::check(&scenario::case(&bytes));
    }
}

#[test]
fn the_cases_reach_every_answer() {
    let mut seen = BTreeMap::<&str, u32>::new();
    let mut state = 1_u32;
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..100).map(|_| next(&mut state)).collect();
        let code = match reference::answer(&scenario::case(&bytes)) {
            reference::Answer::Allow(_) => "allow",
            reference::Answer::Deny(code, _) => code,
        };
        *seen.entry(code).or_default() += 1;
    }
    let expected = [
        "allow",
        "credential.missing",
        "grant.expired",
        "grant.lacks",
        "grant.missing",
        "presence.read-only",
        "token.expired",
        "token.invalid",
        "token.lacks",
        "token.other-user",
        "token.revoked",
    ];
    assert!(seen.keys().copied().eq(expected), "{seen:?}");
    assert!(seen.values().all(|&count| count > 100), "{seen:?}");
}

/// A byte of a linear congruential generator.
fn next(state: &mut u32) -> u8 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    let [highest, ..] = state.to_be_bytes();
    highest
}
