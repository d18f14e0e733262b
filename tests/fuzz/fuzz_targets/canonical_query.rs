//! A canonical query is its own canonical query, holds no signature, and does not depend on the order of parameters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::signature::canonical_query;

fuzz_target!(|query: &str| {
    let canonical = canonical_query(query);
    assert_eq!(canonical_query(&canonical), canonical);
    assert!(!canonical.split('&').any(|parameter| parameter.starts_with("signature=")));
    let reversed: Vec<&str> = query.split('&').rev().collect();
    assert_eq!(canonical_query(&reversed.join("&")), canonical);
});
