//! Reading JSON without trusting its depth.

use std::fmt;

use serde::Deserialize;

/// Levels of arrays and objects. `serde_json` stops at 128, which its recursion reaches only beyond a stack of 32 KiB.
pub const DEEPEST: usize = 32;

/// Parses a JSON text that is nested at most [`DEEPEST`] levels.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, InvalidJson> {
    if nesting(text) > DEEPEST {
        return Err(InvalidJson::TooDeep);
    }
    serde_json::from_slice(text).map_err(InvalidJson::Malformed)
}

/// The deepest nesting of arrays and objects in a JSON text; what is no JSON has some number too.
#[must_use]
pub fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A text is no JSON of the wanted shape.
#[derive(Debug)]
pub enum InvalidJson {
    /// Nested deeper than [`DEEPEST`] levels.
    TooDeep,
    /// Malformed, or of another shape.
    Malformed(serde_json::Error),
}

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "json is nested deeper than {DEEPEST} levels"),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidJson {}

#[cfg(test)]
mod tests {
    use super::{DEEPEST, InvalidJson, nesting, parse};

    #[test]
    fn brackets_in_strings_do_not_nest() {
        let cases = [("{}", 1), (r#"{"a":[[1]]}"#, 3), (r#"{"a":"[[[\"[["}"#, 1), ("[[],[],[]]", 2), ("1", 0), ("", 0)];
        for (json, expected) in cases {
            assert_eq!(nesting(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn depth_is_bounded_before_parsing() {
        for (depth, parses) in [(DEEPEST, true), (DEEPEST + 1, false), (100_000, false)] {
            let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let parsed = parse::<serde_json::Value>(json.as_bytes());
            assert_eq!(parsed.is_ok(), parses, "{depth}");
            assert!(parses || matches!(parsed, Err(InvalidJson::TooDeep)));
        }
    }
}
