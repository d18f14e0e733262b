//! Any path and query can be verified; what was signed here is valid here, and with no other secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::signature::{SignedRequest, SigningRequest, canonical_query, sign_v2, verify};

fuzz_target!(|input: (&str, &str, &[u8], bool)| {
    let (path, query, body, post) = input;
    let method = if post { "POST" } else { "GET" };
    let (subscribe_key, publish_key) = ("sub-c-1".parse().expect("a key"), "pub-c-1".parse().expect("a key"));
    let request =
        |query| SignedRequest { subscribe_key: &subscribe_key, publish_key: &publish_key, method, path, query, body };
    assert!(verify(&request(query), []).is_err());
    let canonical = canonical_query(query);
    let signature =
        sign_v2(&SigningRequest { method, publish_key: &publish_key, path, query: &canonical, body }, b"secret");
    let signed = format!("{canonical}&signature={signature}");
    assert!(verify(&request(&signed), [b"secret".as_slice()]).is_ok());
    assert!(verify(&request(&signed), [b"another".as_slice()]).is_err());
});
