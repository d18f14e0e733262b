//! Any request is an operation or refused, and what is recognised names nothing that a server could read otherwise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_access::{Intent, Recognised, Wants, recognise};

fuzz_target!(|input: (&str, &str, &str, &[u8])| {
    let (method, path, query, body) = input;
    let Ok(recognised) = recognise(method, path, query) else { return };
    check_decoded(&recognised, method, path, query);
    let intent = match recognised.wants {
        Wants::Ready(intent) => intent,
        Wants::Body(unread) => match unread.with_body(body) {
            Ok(intent) => intent,
            Err(_) => return,
        },
    };
    check_names(&intent);
});

/// A server that decodes a path before it splits it reads the same operation on the same names, or none.
fn check_decoded(recognised: &Recognised, method: &str, path: &str, query: &str) {
    let decoded = percent_decode(path);
    // What is still encoded would be decoded twice.
    if decoded.contains('%') {
        return;
    }
    if let Ok(reread) = recognise(method, &decoded, query) {
        assert_eq!(reread.wants, recognised.wants);
        assert_eq!(reread.subscribe_key, recognised.subscribe_key);
    }
}

fn percent_decode(path: &str) -> String {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (escape, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(escape, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn check_names(intent: &Intent) {
    for resource in intent.resources() {
        let name = resource.name.as_str();
        assert!(!name.is_empty() && !name.contains(',') && !name.contains(char::is_control));
    }
}
