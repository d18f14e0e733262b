//! Any text is a manifest or has mistakes, each with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_server::Manifest;

fuzz_target!(|text: &str| {
    if let Err(problems) = Manifest::parse("function.toml", text) {
        assert!(!problems.0.is_empty());
        assert!(problems.0.iter().all(|problem| problem.place.starts_with("function.toml")));
    }
});
