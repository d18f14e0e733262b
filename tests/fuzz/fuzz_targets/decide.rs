//! Deciding agrees with a plainly written reference on any keyset, credential and request.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../host/access/tests/decide/reference.rs"]
mod reference;
#[path = "../../../host/access/tests/decide/scenario.rs"]
mod scenario;

fuzz_target!(|bytes: &[u8]| scenario::check(&scenario::case(bytes)));
