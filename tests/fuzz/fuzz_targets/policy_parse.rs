//! Any text is a policy or has faults, each with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_policy::Policy;

fuzz_target!(|text: &str| {
    if let Err(faults) = Policy::parse(text) {
        assert!(!faults.faults.is_empty());
        assert!(faults.faults.iter().all(|fault| fault.position.line > 0 && fault.position.column > 0));
        assert!(faults.faults.iter().all(|fault| !fault.to_string().is_empty()));
    }
});
