//! A stored grant is read as it was written, and anything else is refused, never misread.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::Grant;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (key, value) = input;
    if let Ok(grant) = Grant::decode(key, value) {
        assert_eq!((grant.target.encode().as_slice(), grant.encode_value().as_slice()), (key, value));
    }
});
