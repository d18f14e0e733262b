//! The canonical query: one spelling for all the ways in which clients encode the same parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{decoded, parameters};

/// All but `A-Z a-z 0-9 - _ .` is encoded, `~` too.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Every parameter but `signature`, its value decoded and strictly encoded again, sorted by name and then by value.
///
/// A `+` is a plus, never a space. Names stay as they are. Repeated names are sorted by their decoded values.
pub fn canonical_query(query: &str) -> String {
    let signed = parameters(query).filter(|&(name, _)| name != "signature");
    let mut pairs: Vec<_> = signed.map(|(name, value)| (name, decoded(value))).collect();
    pairs.sort();
    let written = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    written.collect::<Vec<_>>().join("&")
}

/// A value as a canonical query spells it.
pub(crate) fn encoded(value: &[u8]) -> String {
    percent_encode(value, STRICT).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_has_one_spelling() {
        for (query, expected) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("sort=name%3Aasc&sort=id", "sort=id&sort=name%3Aasc"),
            ("signature=v2.x&a=1", "a=1"),
            ("ee=&x", "ee=&x="),
            ("a=1&&", "a=1"),
            ("a=b+c%20d e", "a=b%2Bc%20d%20e"),
            ("a=~!*'()/,:=", "a=%7E%21%2A%27%28%29%2F%2C%3A%3D"),
            ("a=%c5%bb%zz%", "a=%C5%BB%25zz%25"),
            ("a=%ff", "a=%FF"),
            ("A=1&a=2&B=3", "A=1&B=3&a=2"),
        ] {
            assert_eq!(canonical_query(query), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_query_stays_as_it_is(query in "\\PC{0,60}") {
            let once = canonical_query(&query);
            prop_assert_eq!(canonical_query(&once), once);
        }

        #[test]
        fn encoding_is_undone_by_decoding(value: Vec<u8>) {
            let encoded = encoded(&value);
            prop_assert_eq!(&*decoded(&encoded), &*value);
        }
    }
}
