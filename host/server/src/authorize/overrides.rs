//! Headers by which some servers take a request for another than the one that was decided.

use crate::reply::Refusal;

/// Their names; to some servers with `_` for `-`.
const OVERRIDES: [&str; 6] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
];

/// Refuses names of headers that would make the server behind answer something else than what is decided here.
pub(crate) fn refuse_overrides<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    match names.into_iter().any(overrides) {
        true => Err(Refusal::Malformed("a header would override the method or the target")),
        false => Ok(()),
    }
}

fn overrides(name: &str) -> bool {
    let dashed = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    OVERRIDES.into_iter().any(|known| known.len() == name.len() && name.bytes().map(dashed).eq(known.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_overrides_the_request_is_refused() {
        for (name, is_refused) in [
            ("x-http-method", true),
            ("X-HTTP-Method-Override", true),
            ("x-method-override", true),
            ("x-original-url", true),
            ("x-original-uri", true),
            ("x_original_uri", true),
            ("x-rewrite-url", true),
            ("x-original", false),
            ("x-original-method", false),
            ("x-own", false),
        ] {
            assert_eq!(refuse_overrides(["accept", name]).is_err(), is_refused, "{name}");
        }
    }
}
