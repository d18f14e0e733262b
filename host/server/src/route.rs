//! The paths of functions: what follows the subscribe key, exact or with a final `*`.

use std::str::FromStr;

/// `chat-engine-server` or `chat-engine/*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathPattern {
    text: String,
}

/// The text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path: 1 to 200 of `A-Z a-z 0-9 - _ . / *`, not beginning with `/`, with `*` at the very end only")]
pub struct MalformedPath(String);

impl PathPattern {
    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request's path is meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.text.strip_suffix('*').map_or(self.text == path, |head| path.starts_with(head))
    }

    /// Whether some path is meant by both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.text.strip_suffix('*'), other.text.strip_suffix('*')) {
            (Some(one), Some(two)) => one.starts_with(two) || two.starts_with(one),
            (_, None) => self.matches(&other.text),
            (None, Some(_)) => other.matches(&self.text),
        }
    }
}

impl FromStr for PathPattern {
    type Err = MalformedPath;

    fn from_str(text: &str) -> Result<Self, MalformedPath> {
        let head = text.strip_suffix('*').unwrap_or(text);
        let fits = (1..=200).contains(&text.len())
            && !text.starts_with('/')
            && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        if fits { Ok(Self { text: text.to_owned() }) } else { Err(MalformedPath(text.chars().take(80).collect())) }
    }
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_final_star_means_any_rest_and_everything_else_itself() {
        for (written, path, expected) in [
            ("chat-engine-server", "chat-engine-server", true),
            ("chat-engine-server", "chat-engine-server/", false),
            ("chat-engine/*", "chat-engine/bootstrap", true),
            ("chat-engine/*", "chat-engine/", true),
            ("chat-engine/*", "chat-engine", false),
            ("*", "anything/at/all", true),
        ] {
            assert_eq!(pattern(written).matches(path), expected, "{written} {path}");
        }
    }

    #[test]
    fn overlapping_patterns_are_seen() {
        for (one, two, expected) in
            [("a/*", "a/b", true), ("a/*", "a/b/*", true), ("a", "a", true), ("a/*", "b/*", false), ("a", "ab", false)]
        {
            assert_eq!(pattern(one).overlaps(&pattern(two)), expected, "{one} {two}");
            assert_eq!(pattern(two).overlaps(&pattern(one)), expected, "{two} {one}");
        }
    }

    #[test]
    fn odd_paths_are_refused() {
        for text in ["", "/a", "a*b", "a b", "a?b", "ä", &"x".repeat(201)] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
    }
}
