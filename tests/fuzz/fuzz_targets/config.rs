//! Any text and any variable is a configuration or has mistakes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_server::Config;

fuzz_target!(|input: (&str, &str, &str)| {
    let (text, name, value) = input;
    let variables = [(format!("USHER_{name}"), value.to_owned())];
    if let Err(problems) = Config::read("usher.toml", text, variables) {
        assert!(!problems.0.is_empty());
    }
});
