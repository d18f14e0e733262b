//! JavaScript's regular expressions with every step counted: a pattern may be slow, but never for long.

use std::cell::Cell;
use std::fmt;

use oxc_allocator::Allocator;
use oxc_regular_expression::ast::Pattern;
use oxc_regular_expression::{LiteralParser, Options};

mod class;
mod compile;
mod run;
mod units;

pub(crate) use units::Units;

use compile::Step;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Regex {
    source: Box<str>,
    flags: Flags,
    steps: Box<[Step]>,
    /// How many slots a run needs: two for each group, the whole match first, then one for each loop.
    slots: usize,
    groups: usize,
    names: Box<[(Box<str>, usize)]>,
}

/// The flags that are supported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) global: bool,
    pub(crate) ignore_case: bool,
    pub(crate) multiline: bool,
    pub(crate) dot_all: bool,
    pub(crate) unicode: bool,
}

/// Why an expression is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRegex {
    /// Not a regular expression.
    #[error("{message}")]
    Malformed {
        /// The parser's words.
        message: String,
    },
    /// A construct that rules do not have.
    #[error("{what} is not supported in a regular expression")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// Its counted repetitions multiply to too much.
    #[error("the regular expression is too large")]
    TooLarge,
}

/// What one evaluation may still spend.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u32>);

/// Nothing is left to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule takes too many steps")]
pub(crate) struct Exhausted;

/// Where each group matched, in units; the whole match first.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// The longest pattern that is compiled while a rule is evaluated, in bytes.
const LONGEST_DYNAMIC: usize = 1024;

/// The most brackets of such a pattern: its parser calls itself for each.
const DEEPEST_DYNAMIC: usize = 48;

impl Regex {
    pub(crate) fn compile(source: &str, pattern: &Pattern<'_>, flags: Flags) -> Result<Self, RefusedRegex> {
        let compiled = compile::compile(pattern, flags)?;
        Ok(Self {
            source: source.into(),
            flags,
            steps: compiled.steps.into(),
            slots: compiled.slots,
            groups: compiled.groups,
            names: compiled.names.into(),
        })
    }

    /// What `text.match("source")` searches for.
    pub(crate) fn from_text(source: &str) -> Result<Self, RefusedRegex> {
        let brackets = source.bytes().filter(|byte| matches!(byte, b'(' | b'[')).count();
        if source.len() > LONGEST_DYNAMIC || brackets > DEEPEST_DYNAMIC {
            return Err(RefusedRegex::TooLarge);
        }
        let allocator = Allocator::default();
        let pattern = LiteralParser::new(&allocator, source, None, Options::default())
            .parse()
            .map_err(|error| RefusedRegex::Malformed { message: error.to_string() })?;
        Self::compile(source, &pattern, Flags::default())
    }

    pub(crate) const fn flags(&self) -> Flags {
        self.flags
    }

    /// The named groups, with their number.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names.iter().map(|(name, group)| (name.as_ref(), *group))
    }

    /// The first match that starts at unit `from` or later.
    pub(crate) fn find(&self, units: &Units<'_>, from: usize, budget: &Budget) -> Result<Option<Groups>, Exhausted> {
        let first = match self.steps.get(1) {
            Some(Step::Unit(unit, _)) if !self.flags.ignore_case => Some(*unit),
            Some(_) | None => None,
        };
        for start in from..=units.len() {
            if first.is_some() && units.get(start) != first {
                // Passing by is cheaper than trying.
                budget.spend(u32::from(start % 32 == 0))?;
                continue;
            }
            if let Some(groups) = run::run(self, units, start, budget)? {
                return Ok(Some(groups));
            }
            if matches!(self.steps.get(1), Some(Step::Start)) && !self.flags.multiline {
                break;
            }
        }
        Ok(None)
    }
}

impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flags { global, ignore_case, multiline, dot_all, unicode } = self.flags;
        let flags = [(global, 'g'), (ignore_case, 'i'), (multiline, 'm'), (dot_all, 's'), (unicode, 'u')];
        write!(f, "/{}/", self.source)?;
        flags.into_iter().filter(|(set, _)| *set).try_for_each(|(_, flag)| write!(f, "{flag}"))
    }
}

impl Budget {
    pub(crate) const fn new(steps: u32) -> Self {
        Self(Cell::new(steps))
    }

    pub(crate) fn spend(&self, steps: u32) -> Result<(), Exhausted> {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.map(drop).ok_or(Exhausted)
    }

    /// Spends for reading or copying a text.
    pub(crate) fn spend_length(&self, length: usize) -> Result<(), Exhausted> {
        self.spend(u32::try_from(length / 32).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(source: &str, flags: &str, text: &str) -> Option<Vec<Option<String>>> {
        let allocator = Allocator::default();
        let pattern = LiteralParser::new(&allocator, source, Some(flags), Options::default()).parse().unwrap();
        let flags = Flags {
            global: false,
            ignore_case: flags.contains('i'),
            multiline: flags.contains('m'),
            dot_all: flags.contains('s'),
            unicode: flags.contains('u'),
        };
        let regex = Regex::compile(source, &pattern, flags).unwrap();
        let units = Units::new(text, flags);
        let groups = regex.find(&units, 0, &Budget::new(100_000)).unwrap()?;
        Some(groups.into_iter().map(|group| group.map(|(from, to)| units.slice(from, to).unwrap().into())).collect())
    }

    /// Expected: the groups joined with `|`, `-` for one without a match, or nothing.
    #[test]
    fn matches_are_javascripts() {
        for (source, flags, text, expected) in [
            ("^4[0-9]{12}(?:[0-9]{3})?$", "", "4111111111111111", Some("4111111111111111")),
            ("^4[0-9]{12}(?:[0-9]{3})?$", "", "411111111111111", None),
            ("a|ab", "", "ab", Some("a")),
            ("((a)|(ab))((c)|(bc))", "", "abc", Some("abc|a|a|-|bc|-|bc")),
            ("(z)((a+)?(b+)?(c))*", "", "zaacbbbcac", Some("zaacbbbcac|z|ac|a|-|c")),
            ("(?=(a+))a*b\\1", "", "baaabac", Some("aba|a")),
            ("(.*?)a(?!(a+)b\\2c)\\2(.*)", "", "baaabaac", Some("baaabaac|ba|-|abaac")),
            ("a[a-z]{2,4}?", "", "abcdefghi", Some("abc")),
            ("(a*)*", "", "b", Some("|-")),
            ("(?:a?)*?$", "", "aa", Some("aa")),
            ("(?<=\\$)\\d+", "", "a$42", Some("42")),
            ("(?<!\\$)\\b\\d+", "", "$42 7", Some("7")),
            ("(?<=(\\d+)(\\d+))$", "", "1053", Some("|1|053")),
            ("(?<y>\\d{4})-\\k<y>", "", "2020-2020", Some("2020-2020|2020")),
            ("^b$", "m", "a\nb\nc", Some("b")),
            ("^b$", "", "a\nb\nc", None),
            ("a.c", "", "a\nc", None),
            ("a.c", "s", "a\nc", Some("a\nc")),
            ("STRASSE|é", "i", "É", Some("É")),
            ("[^a]", "i", "A", None),
            ("k", "i", "\u{212a}", None),
            ("k\\B", "iu", "\u{212a}\u{212a}", Some("\u{212a}")),
            ("\\W", "iu", "ſ", None),
            ("\\w\\W\\d\\D\\s\\S", "", "a-1b\u{feff}c", Some("a-1b\u{feff}c")),
            ("[\\d-x]+", "", "1-x", Some("1-x")),
            ("[^]", "", "\n", Some("\n")),
            ("[]", "", "a", None),
            ("^..$", "", "😀", Some("😀")),
            ("^.$", "u", "😀", Some("😀")),
            ("^[😀]$", "u", "😀", Some("😀")),
            ("\\u{1F600}", "u", "😀", Some("😀")),
            ("\\bfoo\\b", "", "a foo.", Some("foo")),
            ("x\\Bo", "", "xo", Some("xo")),
            ("\\x41\\u0042\\cJ?", "", "AB", Some("AB")),
        ] {
            let found = find(source, flags, text).map(|groups| {
                groups.into_iter().map(|group| group.unwrap_or("-".into())).collect::<Vec<_>>().join("|")
            });
            assert_eq!(found.as_deref(), expected, "/{source}/{flags} on {text:?}");
        }
    }

    #[test]
    fn a_pattern_that_would_run_for_ages_is_stopped() {
        let regex = Regex::from_text("^(a+)+$").unwrap();
        let text = format!("{}b", "a".repeat(40));
        assert_eq!(regex.find(&Units::new(&text, Flags::default()), 0, &Budget::new(100_000)), Err(Exhausted));
    }

    #[test]
    fn what_is_not_supported_is_said() {
        for (source, expected) in [
            ("(?i:a)", "a modifier such as `(?i:` is not supported in a regular expression"),
            ("((a{1000}){1000}){1000}", "the regular expression is too large"),
        ] {
            assert_eq!(Regex::from_text(source).unwrap_err().to_string(), expected);
        }
        assert!(matches!(Regex::from_text("(").unwrap_err(), RefusedRegex::Malformed { .. }));
        assert_eq!(Regex::from_text(&"(".repeat(500)).unwrap_err(), RefusedRegex::TooLarge);
    }
}
