//! A pattern: the regular expression of a v3 grant, searched for anywhere in a name.

pub(crate) mod compiled;
mod syntax;
#[cfg(test)]
mod tests;

use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatternFault {
    /// Not a regular expression, or one that RE2 would read differently.
    Syntax {
        /// What is wrong, without full stop.
        message: Box<str>,
    },
    /// A capturing group, named or not.
    Capturing,
    /// More than [`LONGEST`] bytes.
    TooLong,
    /// Its automaton takes more memory than a pattern may, or those of a grant do together.
    TooLarge,
}

/// Most bytes of a pattern.
pub(crate) const LONGEST: usize = 1_000;
/// Most bytes of one automaton of a compiled pattern; `^\p{L}{1,3}$` fits, `a{1000}{1000}` is far beyond.
const COMPILED_LIMIT: usize = 128 * 1024;
/// Most bytes of the automata of all patterns of one grant, so that what one token takes is bounded.
pub(crate) const COMPILED_TOGETHER: usize = 1024 * 1024;
/// Most bytes that a search may keep beside the automaton, for every thread that searches at the same time.
const SEARCH_LIMIT: usize = 32 * 1024;

impl PatternFault {
    /// The sentence that a v3 answer carries.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Syntax { message } => format!("Syntax error: {message}."),
            Self::Capturing => "Only non-capturing groups are allowed. Try replacing `(` with `(?:`.".into(),
            Self::TooLong => format!("Pattern is longer than {LONGEST} bytes."),
            Self::TooLarge => "Pattern is too complex.".into(),
        }
    }
}

/// Checks a pattern and builds its automaton, in time linear in both: 1 to 1,000 bytes in RE2's syntax, without capturing
/// groups.
///
/// As in RE2, `\d`, `\s`, `\w` and `\b` speak of ASCII only. What RE2 and the engine here read differently (set
/// operations and nested classes, the flags `x`, `u` and `R`, `\<` and its kin) is refused, and so is what only the engine
/// has (`\u` and `\U`, Unicode properties other than categories and scripts). What is taken here is not all taken by RE2:
/// a script may go by its short name, and repetitions within others may come to more than 1,000.
///
/// # Errors
/// [`PatternFault`] for the first fault.
pub(crate) fn compile(source: &str) -> Result<Regex, PatternFault> {
    if source.len() > LONGEST {
        return Err(PatternFault::TooLong);
    }
    let ascii = syntax::checked(source)?;
    let config = Config::new()
        .nfa_size_limit(Some(COMPILED_LIMIT))
        .hybrid_cache_capacity(SEARCH_LIMIT)
        .which_captures(WhichCaptures::None)
        .dfa(false)
        .onepass(false);
    let built = Regex::builder().configure(config).build(&ascii);
    built.map_err(|error| match error.size_limit() {
        Some(_) => PatternFault::TooLarge,
        // What the syntax tree does not show, such as a Unicode class of an unknown name.
        None => PatternFault::Syntax { message: "invalid character class".into() },
    })
}

/// About how many bytes a compiled pattern takes: the automaton, and what one search at a time keeps beside it.
pub(crate) fn memory(regex: &Regex) -> usize {
    regex.memory_usage() + SEARCH_LIMIT / 4
}
