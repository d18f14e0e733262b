//! Sets of characters, and which characters are the same when case is ignored.

use crate::path::breaks_line;

/// A set of units.
#[derive(Debug, Default)]
pub(crate) struct Class {
    pub(super) ranges: Vec<(u32, u32)>,
    pub(super) negative: bool,
}

/// The last code point.
const LAST: u32 = 0x10_FFFF;

/// `\d`, `\s` and `\w`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    Digit,
    Blank,
    Word,
    /// `\w` under the flags `i` and `u`: with the two others that are the same as a letter of ASCII.
    FoldedWord,
}

impl Class {
    pub(crate) fn add(&mut self, first: u32, last: u32) {
        self.ranges.push((first, last));
    }

    pub(crate) fn add_named(&mut self, named: Named) {
        self.ranges.extend(named.ranges());
    }

    /// Adds all that is not in a set.
    pub(crate) fn add_all_but(&mut self, named: Named) {
        let mut from = 0;
        let mut ranges = named.ranges();
        ranges.sort_unstable();
        for (first, last) in ranges {
            if let Some(before) = first.checked_sub(1).filter(|&before| before >= from) {
                self.ranges.push((from, before));
            }
            from = last + 1;
        }
        self.ranges.push((from, LAST));
    }

    pub(crate) fn contains(&self, unit: u32, fold: Option<Fold>) -> bool {
        let holds = |unit: u32| self.ranges.iter().any(|&(first, last)| (first..=last).contains(&unit));
        let found = match fold {
            None => holds(unit),
            Some(fold) => fold.alike(unit).any(holds),
        };
        found != self.negative
    }
}

impl Named {
    fn ranges(self) -> Vec<(u32, u32)> {
        let of = |ranges: &[(char, char)]| {
            ranges.iter().map(|&(first, last)| (u32::from(first), u32::from(last))).collect::<Vec<_>>()
        };
        match self {
            Self::Digit => of(&[('0', '9')]),
            Self::Word => of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
            Self::FoldedWord => {
                of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'), ('\u{17f}', '\u{17f}'), ('\u{212a}', '\u{212a}')])
            }
            Self::Blank => of(&[
                ('\t', '\r'),
                (' ', ' '),
                ('\u{a0}', '\u{a0}'),
                ('\u{1680}', '\u{1680}'),
                ('\u{2000}', '\u{200a}'),
                ('\u{2028}', '\u{2029}'),
                ('\u{202f}', '\u{202f}'),
                ('\u{205f}', '\u{205f}'),
                ('\u{3000}', '\u{3000}'),
                ('\u{feff}', '\u{feff}'),
            ]),
        }
    }
}

/// How case is ignored: by upper case, or under the flag `u` by case folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Upper,
    Unicode,
}

impl Fold {
    /// The one unit that stands for all that are the same.
    pub(crate) fn canonical(self, unit: u32) -> u32 {
        let Some(character) = char::from_u32(unit) else { return unit };
        match self {
            Self::Upper => match single(character.to_uppercase()) {
                // Without `u` no other character becomes ASCII.
                Some(upper) if u32::from(upper) <= 0xFFFF && (character.is_ascii() || !upper.is_ascii()) => {
                    upper.into()
                }
                Some(_) | None => unit,
            },
            Self::Unicode => {
                let upper = single(character.to_uppercase()).unwrap_or(character);
                single(upper.to_lowercase()).map_or(unit, u32::from)
            }
        }
    }

    fn alike(self, unit: u32) -> impl Iterator<Item = u32> {
        let character = char::from_u32(unit).unwrap_or('\0');
        let upper = single(character.to_uppercase()).unwrap_or(character);
        let others = [Some(upper), single(character.to_lowercase()), single(upper.to_lowercase())];
        let canonical = self.canonical(unit);
        let same = move |other: &u32| self.canonical(*other) == canonical;
        std::iter::once(unit).chain(others.into_iter().flatten().map(u32::from).filter(same))
    }
}

fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

pub(crate) fn is_word(unit: Option<u32>, fold: Option<Fold>) -> bool {
    let more = |character: char| fold == Some(Fold::Unicode) && matches!(character, '\u{17f}' | '\u{212a}');
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_' || more(character);
    unit.and_then(char::from_u32).is_some_and(is_word)
}

pub(crate) fn ends_line(unit: u32) -> bool {
    char::from_u32(unit).is_some_and(breaks_line)
}
