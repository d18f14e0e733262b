//! A path as written in a policy: literal text, `*` and `$variables`.

use std::collections::HashSet;
use std::fmt;

use crate::section::Section;

/// A checked path. All but `*` and `$name` stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: Box<str>,
    parts: Box<[Part]>,
    variables: Box<[Box<str>]>,
    /// What a variable ends at.
    separators: &'static [u8],
}

/// One piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Exactly this text.
    Literal(Box<str>),
    /// `*`: any run of characters but line breaks, also none.
    Any,
    /// `$name`: one or more characters other than the section's separators.
    Variable,
}

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPath {
    /// No text at all.
    #[error("a path may not be empty")]
    Empty,
    /// Names have no leading slash.
    #[error("a path may not start with `/`")]
    LeadingSlash,
    /// `$` must start a variable, or end the path.
    #[error("`$` must be followed by a letter or a digit")]
    Variable,
    /// Longer than any name needs.
    #[error("a path may not be longer than {} bytes", Path::LONGEST)]
    TooLong,
    /// Every wildcard multiplies the ways to match.
    #[error("a path may not have more than {} wildcards and variables", Path::MOST_WILDCARDS)]
    TooManyWildcards,
}

/// A name that can be held against a path in so many ways that trying them all would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name matches in too many ways")]
pub(crate) struct TooManyWays;

impl Path {
    /// The most bytes of a path.
    pub const LONGEST: usize = 4096;
    /// The most wildcards and variables of a path.
    pub const MOST_WILDCARDS: usize = 64;

    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, MalformedPath> {
        if text.is_empty() {
            return Err(MalformedPath::Empty);
        }
        if text.starts_with('/') {
            return Err(MalformedPath::LeadingSlash);
        }
        if text.len() > Self::LONGEST {
            return Err(MalformedPath::TooLong);
        }
        let (mut parts, mut variables, mut rest) = (Vec::new(), Vec::new(), text);
        while !rest.is_empty() {
            let (part, after) = next_part(rest, &mut variables)?;
            // `**` is `*`.
            if part != Part::Any || parts.last() != Some(&Part::Any) {
                parts.push(part);
            }
            rest = after;
        }
        if parts.iter().filter(|part| !matches!(part, Part::Literal(_))).count() > Self::MOST_WILDCARDS {
            return Err(MalformedPath::TooManyWildcards);
        }
        let separators = Section::Record.separators();
        Ok(Self { text: text.into(), parts: parts.into(), variables: variables.into(), separators })
    }

    /// The same path as one of a section's.
    pub(crate) const fn of(mut self, section: Section) -> Self {
        self.separators = section.separators();
        self
    }

    pub(crate) const fn separators(&self) -> &'static [u8] {
        self.separators
    }

    /// Whether every name that begins with `prefix` matches: the rest of each is taken by a `*` at the end.
    pub(crate) fn covers(&self, prefix: &str) -> Result<bool, TooManyWays> {
        Ok(self.parts.last() == Some(&Part::Any) && self.captures(prefix)?.is_some())
    }

    /// Whether a variable stands for the same in every name that this path covers with one beginning: no `*` comes before it,
    /// and a separator after it.
    pub(crate) fn is_settled(&self) -> bool {
        let ends = |part: Option<&Part>| match part {
            Some(Part::Literal(literal)) => literal.bytes().next().is_some_and(|byte| self.separators.contains(&byte)),
            Some(Part::Any | Part::Variable) | None => false,
        };
        let last = self.parts.len().saturating_sub(1);
        self.parts.iter().enumerate().take(last).all(|(place, part)| match part {
            Part::Literal(_) => true,
            Part::Variable => ends(self.parts.get(place + 1)),
            Part::Any => false,
        })
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, each with its `$`, from left to right.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(AsRef::as_ref)
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many characters are written, as JavaScript counts: the measure of how specific the path is.
    pub(crate) fn written_length(&self) -> usize {
        self.text.encode_utf16().count()
    }

    /// What each variable stands for in `name`, or `None` where the path does not match it.
    pub(crate) fn captures<'n>(&self, name: &'n str) -> Result<Option<Vec<&'n str>>, TooManyWays> {
        self.captures_within(name, &mut { BUDGET })
    }

    /// The same for one of many paths that share how many positions are tried.
    pub(crate) fn captures_within<'n>(
        &self,
        name: &'n str,
        budget: &mut u32,
    ) -> Result<Option<Vec<&'n str>>, TooManyWays> {
        let mut attempt = Attempt {
            path: self,
            name,
            captured: Vec::with_capacity(self.variables.len()),
            dead: HashSet::new(),
            budget: *budget,
        };
        let matched = attempt.walk(&self.parts, 0);
        *budget = attempt.budget;
        Ok(matched?.then_some(attempt.captured))
    }
}

/// How many positions are tried for one name.
const BUDGET: u32 = 200_000;

fn next_part<'t>(text: &'t str, variables: &mut Vec<Box<str>>) -> Result<(Part, &'t str), MalformedPath> {
    if let Some(after) = text.strip_prefix('*') {
        return Ok((Part::Any, after));
    }
    if let Some(named) = text.strip_prefix('$').filter(|named| !named.is_empty()) {
        let end = named.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(named.len());
        let (name, after) = named.split_at(end);
        if name.is_empty() {
            return Err(MalformedPath::Variable);
        }
        variables.push(format!("${name}").into());
        return Ok((Part::Variable, after));
    }
    // A `$` that ends the path stands for itself.
    let end =
        text.char_indices().find(|&(at, character)| character == '*' || (character == '$' && at + 1 < text.len()));
    let (literal, after) = text.split_at(end.map_or(text.len(), |(at, _)| at));
    Ok((Part::Literal(literal.into()), after))
}

/// One path held against one name, the longest reach of each wildcard first.
struct Attempt<'p, 'n> {
    path: &'p Path,
    name: &'n str,
    captured: Vec<&'n str>,
    /// Parts left and position from which nothing matches, so that no dead end is entered twice.
    dead: HashSet<(usize, usize)>,
    budget: u32,
}

impl Attempt<'_, '_> {
    fn walk(&mut self, parts: &[Part], at: usize) -> Result<bool, TooManyWays> {
        self.budget = self.budget.checked_sub(1).ok_or(TooManyWays)?;
        let rest = self.name.get(at..).unwrap_or_default();
        let Some((part, others)) = parts.split_first() else { return Ok(rest.is_empty()) };
        let (reach, shortest) = match part {
            Part::Literal(literal) => {
                return if rest.starts_with(literal.as_ref()) {
                    self.walk(others, at + literal.len())
                } else {
                    Ok(false)
                };
            }
            Part::Any => (rest.find(breaks_line).unwrap_or(rest.len()), 0),
            Part::Variable => {
                (rest.bytes().position(|byte| self.path.separators.contains(&byte)).unwrap_or(rest.len()), 1)
            }
        };
        if self.dead.contains(&(parts.len(), at)) {
            return Ok(false);
        }
        let reached = rest.get(..reach).unwrap_or_default();
        let ends = std::iter::once(reach).chain(reached.char_indices().rev().map(|(end, _)| end));
        for end in ends.take_while(|&end| end >= shortest) {
            let before = self.captured.len();
            if *part == Part::Variable {
                self.captured.push(reached.get(..end).unwrap_or_default());
            }
            if self.walk(others, at + end)? {
                return Ok(true);
            }
            self.captured.truncate(before);
        }
        self.dead.insert((parts.len(), at));
        Ok(false)
    }
}

/// The characters that `*` stops at: JavaScript's line terminators.
pub(crate) const fn breaks_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(path: &str, name: &str) -> Option<Vec<String>> {
        let captured = Path::parse(path).unwrap().captures(name).unwrap()?;
        Some(captured.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_path_is_checked() {
        for (text, expected) in [
            ("", Err(MalformedPath::Empty)),
            ("/a", Err(MalformedPath::LeadingSlash)),
            ("a/$/b", Err(MalformedPath::Variable)),
            ("$$x", Err(MalformedPath::Variable)),
            ("$_x", Err(MalformedPath::Variable)),
            ("a$", Ok(vec![])),
            ("x/$user_id/$2", Ok(vec!["$user", "$2"])),
        ] {
            let path = Path::parse(text);
            assert_eq!(
                path.as_ref().map(|path| path.variables().collect()).map_err(|error| *error),
                expected,
                "{text}"
            );
        }
        assert_eq!(Path::parse(&"*a".repeat(65)), Err(MalformedPath::TooManyWildcards));
        assert_eq!(Path::parse(&"a".repeat(5000)), Err(MalformedPath::TooLong));
    }

    #[test]
    fn wildcards_are_greedy_and_whole_names_match() {
        for (path, name, expected) in [
            ("a", "ba", None),
            ("*a", "xya", Some(vec![])),
            ("*", "", Some(vec![])),
            ("*", "a\nb", None),
            ("$x", "a\nb", Some(vec!["a\nb"])),
            ("a/$x", "a/", None),
            ("a/$x", "a/b/c", None),
            ("a/$x$y", "a/bcd", Some(vec!["bc", "d"])),
            ("$x-$y", "a-b-c", Some(vec!["a-b", "c"])),
            ("*/$x", "a/b/ć", Some(vec!["ć"])),
            ("$x*", "ab/c", Some(vec!["ab"])),
            ("x/$user_id", "x/bob_id", Some(vec!["bob"])),
            ("a.b", "axb", None),
            ("a|b(", "a|b(", Some(vec![])),
        ] {
            let expected = expected.map(|captured| captured.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(captures(path, name), expected, "{path} on {name:?}");
        }
    }

    #[test]
    fn a_name_made_to_be_slow_is_given_up() {
        let path = Path::parse(&format!("{}b", "*a".repeat(30))).unwrap();
        assert_eq!(path.captures(&"a".repeat(60_000)), Err(TooManyWays));
        assert_eq!(path.captures(&"a".repeat(60)), Ok(None));
    }
}
