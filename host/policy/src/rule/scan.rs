//! The checks that Valve makes on a rule's text before it is parsed, quotes and all.

use super::{Located, Place, RefusedRule, parse};
use crate::number::is_blank;
use crate::show;

/// What may stand before a bracket: Valve's list, and `duration`.
const CALLABLE: [&str; 10] =
    ["_", "startsWith", "endsWith", "includes", "indexOf", "match", "toUpperCase", "toLowerCase", "trim", "duration"];

pub(super) fn check(text: &str) -> Result<(), Located<RefusedRule>> {
    if text.is_empty() {
        return Err(Located::whole(RefusedRule::Empty));
    }
    if text.len() > parse::LONGEST {
        return Err(Located::whole(RefusedRule::TooLong));
    }
    let alone = |found: &Around| found.before.is_none_or(is_outside) && found.after.is_some_and(is_outside);
    if let Some(found) = around(text, "new").find(alone) {
        return Err(Located::at(RefusedRule::New, found.at..found.at + 3));
    }
    let function = around(text, "function").find(|found| found.before.is_some() && alone(found)).map(|found| found.at);
    if let Some(at) = function.or_else(|| text.find("=>")) {
        return Err(Located::at(RefusedRule::Function, at..at + 2));
    }
    text.match_indices('(').try_for_each(|(at, _)| check_call(text, at))
}

pub(super) fn check_variables(text: &str, place: Place<'_>) -> Result<(), Located<RefusedRule>> {
    let Place { section, rule, path: _ } = place;
    if let Some(found) = old_data(text).next().filter(|_| !section.has_old_data(rule)) {
        return Err(Located::at(RefusedRule::OldData { section, rule }, found.at..found.at + 7));
    }
    if let Some(found) = data(text).next().filter(|_| !section.has_data(rule)) {
        return Err(Located::at(RefusedRule::Data { section, rule }, found.at..found.at + 4));
    }
    Ok(())
}

pub(super) fn uses_data(text: &str) -> bool {
    data(text).next().is_some()
}

pub(super) fn uses_old_data(text: &str) -> bool {
    old_data(text).next().is_some()
}

/// Whether `oldData` is there, but only where Valve does not see it: as the last word.
pub(super) fn old_data_is_missed(text: &str) -> bool {
    let last = text.strip_suffix("oldData").map(|before| before.chars().next_back());
    let is_word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '$' | '.');
    last.is_some_and(|before| before.is_none_or(|before| !is_word(before))) && !uses_old_data(text)
}

/// The word or the `word']` before the bracket at `bracket` must be in the list, if there is one.
fn check_call(text: &str, bracket: usize) -> Result<(), Located<RefusedRule>> {
    let before = text.get(..bracket).unwrap_or_default().trim_end_matches(is_blank);
    let quoted = before.strip_suffix(']').and_then(|before| before.strip_suffix(['\'', '"', '`']));
    let word = quoted.unwrap_or(before);
    let start = word.trim_end_matches(is_word).len();
    let name = before.get(start..).unwrap_or_default();
    match start == word.len() || CALLABLE.contains(&name) {
        true => Ok(()),
        false => Err(Located::at(RefusedRule::Call { name: show::cut(name) }, start..start + name.len())),
    }
}

fn data(text: &str) -> impl Iterator<Item = Around> {
    let before = |character: char| is_apart(character) && character != '.';
    around(text, "data").filter(move |found| found.before.is_none_or(before) && found.after.is_none_or(is_apart))
}

fn old_data(text: &str) -> impl Iterator<Item = Around> {
    around(text, "oldData").filter(|found| found.before.is_none_or(is_apart) && found.after.is_some_and(is_apart))
}

/// A word found, with its neighbours.
struct Around {
    at: usize,
    before: Option<char>,
    after: Option<char>,
}

fn around(text: &str, word: &str) -> impl Iterator<Item = Around> {
    text.match_indices(word).map(|(at, word)| Around {
        at,
        before: text.get(..at).and_then(|before| before.chars().next_back()),
        after: text.get(at + word.len()..).and_then(|after| after.chars().next()),
    })
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

const fn is_outside(character: char) -> bool {
    !is_word(character) && character != '$'
}

const fn is_apart(character: char) -> bool {
    !is_word(character) && character != '~'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_valve_finds_them() {
        for (text, expected) in [
            ("", Err("a rule may not be empty")),
            (" ", Ok(())),
            ("user.data.new === 1", Err("a rule may not contain the word `new`, not even in quotes")),
            ("user.id === \"new\"", Err("a rule may not contain the word `new`, not even in quotes")),
            ("user.data.new", Ok(())),
            ("renew", Ok(())),
            ("$new.a", Ok(())),
            ("new.target", Err("a rule may not contain the word `new`, not even in quotes")),
            ("user.data.a => 1", Err("a rule may not contain functions: `function` or `=>`, not even in quotes")),
            ("'a function b'", Err("a rule may not contain functions: `function` or `=>`, not even in quotes")),
            ("parseInt ('a')", Err("`parseInt` cannot be called in a rule")),
            ("for(;;){}", Err("`for` cannot be called in a rule")),
            ("user.id.match(/x(a|b)/)", Err("`x` cannot be called in a rule")),
            ("user.id['trim']()", Err("`trim']` cannot be called in a rule")),
            ("user.id[x]()", Ok(())),
            ("(a) && (b)", Ok(())),
            ("f?.() || (f)() || f$(1) || f/**/(1)", Ok(())),
            ("_('x') && a.trim\n()", Ok(())),
            ("a_('x')", Err("`a_` cannot be called in a rule")),
        ] {
            let found = check(text).map_err(|found| found.what.to_string());
            assert_eq!(found.as_ref().map(|&()| ()).map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn variables_are_found_as_valve_finds_them() {
        for (text, data, old_data) in [
            ("data", true, false),
            ("user.data", false, false),
            ("!data.a", true, false),
            ("xdata.a || datax", false, false),
            ("~data || data~1", false, false),
            ("oldData.a", false, true),
            ("!oldData", false, false),
            ("oldData && data", true, true),
            ("xoldData.a", false, false),
            ("[...data]", false, false),
        ] {
            assert_eq!((uses_data(text), uses_old_data(text)), (data, old_data), "{text}");
        }
        assert!(old_data_is_missed("!oldData"));
        assert!(!old_data_is_missed("oldData.a && oldData"));
    }
}
