//! Templates of resource names, such as `${namespace}#user#${uuid}#*`.

use std::fmt;
use std::str::FromStr;

use super::Bindings;
use crate::resource::{ResourceKind, ResourceName};

/// A pattern of names in a ceiling.
///
/// * `${name}` stands for one of the values bound to that variable, and for nothing when there are none;
/// * `*` at the end stands for any rest, also an empty one; elsewhere for one or more characters other than `#`;
/// * everything else stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: Box<str>,
    pieces: Vec<Piece>,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedTemplate {
    /// No text at all.
    #[error("the template is empty")]
    Empty,
    /// A `${` without its `}`.
    #[error("the template `{template}` has a `${{` without its `}}`")]
    Unclosed {
        /// The text as given.
        template: String,
    },
    /// A variable name other than `[a-z_][a-z0-9_]*`.
    #[error("the template `{template}` has a variable `{variable}` that is not a name")]
    Variable {
        /// The text as given.
        template: String,
        /// What stands between the braces.
        variable: String,
    },
    /// A comma or control character, which no name holds.
    #[error("the template `{}` holds a character that no name can hold", template.escape_debug())]
    Character {
        /// The text as given.
        template: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(Box<str>),
    Variable(Box<str>),
    /// One or more characters other than `#`.
    Some,
    /// Anything up to the end. INVARIANT: only ever the last piece.
    Rest,
}

impl Template {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The variables that have to be bound for a name to fit, in order and as often as they occur.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(&**name),
            Piece::Literal(_) | Piece::Some | Piece::Rest => None,
        })
    }

    /// Whether everything that a grant on `name` opens fits the template.
    ///
    /// A channel that ends in `.*` opens all names before its star, so the star has to meet the final `*` of the
    /// template. A variable or a `*` further in never yields it: a client that calls itself `x.*` gets no wildcard.
    pub(super) fn fits(&self, kind: ResourceKind, name: &ResourceName, bindings: &Bindings) -> bool {
        let opened = name.as_str().strip_suffix('*').filter(|lead| lead.ends_with('.'));
        match (kind, opened) {
            (ResourceKind::Channel, Some(lead)) => {
                self.pieces.last() == Some(&Piece::Rest) && self.matches(lead, bindings)
            }
            (ResourceKind::Channel, None) | (ResourceKind::Group | ResourceKind::Uuid, _) => {
                self.matches(name.as_str(), bindings)
            }
        }
    }

    /// Walks all ways to match at once, so the effort is bounded by pieces times characters.
    /// Follows the pieces as long as there is one way only, which is nearly always to the end.
    fn matches(&self, name: &str, bindings: &Bindings) -> bool {
        let (mut rest, mut pieces) = (name, self.pieces.as_slice());
        while let Some((piece, tail)) = pieces.split_first() {
            let text = match piece {
                Piece::Literal(text) => &**text,
                Piece::Variable(variable) => match Values::of(bindings.values(variable)) {
                    Values::None => return false,
                    Values::One(text) => text,
                    Values::Several => return reaches(pieces, rest, bindings),
                },
                Piece::Some => return reaches(pieces, rest, bindings),
                Piece::Rest => return true,
            };
            match rest.strip_prefix(text) {
                Some(behind) => (rest, pieces) = (behind, tail),
                None => return false,
            }
        }
        rest.is_empty()
    }

    #[cfg(test)]
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

/// How many texts a variable stands for.
enum Values<'a> {
    None,
    One(&'a str),
    Several,
}

impl<'a> Values<'a> {
    fn of(mut values: impl Iterator<Item = &'a str>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(only), None) => Self::One(only),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}

/// Follows the pieces on every way at once, so that no template and no name makes it take long.
fn reaches(pieces: &[Piece], name: &str, bindings: &Bindings) -> bool {
    let mut reached = Reached::start();
    for piece in pieces {
        if reached.is_nowhere() {
            return false;
        }
        reached = match piece {
            Piece::Literal(text) => reached.past_any(name, std::iter::once(&**text)),
            Piece::Variable(variable) => reached.past_any(name, bindings.values(variable)),
            Piece::Some => reached.past_some(name),
            Piece::Rest => return true,
        };
    }
    reached.is_set(name.len())
}

/// The byte offsets of a name up to which the pieces so far can match, one bit each; on the stack, since names are short.
#[derive(Clone, Copy)]
struct Reached([u64; WORDS]);

/// Words enough for an offset before every byte of the longest name and one behind it.
const WORDS: usize = ResourceName::MAX_LEN / 64 + 1;

impl Reached {
    const NOWHERE: Self = Self([0; WORDS]);

    fn start() -> Self {
        let mut reached = Self::NOWHERE;
        reached.set(0);
        reached
    }

    fn set(&mut self, offset: usize) {
        if let Some(word) = self.0.get_mut(offset / 64) {
            *word |= 1 << (offset % 64);
        }
    }

    fn is_set(&self, offset: usize) -> bool {
        self.0.get(offset / 64).is_some_and(|word| word & (1 << (offset % 64)) != 0)
    }

    fn is_nowhere(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn offsets(self) -> impl Iterator<Item = usize> {
        (0..WORDS).flat_map(move |index| {
            let word = self.0.get(index).copied().filter(|word| *word != 0);
            let without_lowest = |word: &u64| Some(word & word.wrapping_sub(1)).filter(|word| *word != 0);
            std::iter::successors(word, without_lowest).map(move |word| index * 64 + word.trailing_zeros() as usize)
        })
    }

    fn past_any<'a>(&self, name: &str, texts: impl Iterator<Item = &'a str>) -> Self {
        let mut next = Self::NOWHERE;
        for text in texts {
            for offset in self.offsets() {
                if name.get(offset..).is_some_and(|rest| rest.starts_with(text)) {
                    next.set(offset + text.len());
                }
            }
        }
        next
    }

    fn past_some(&self, name: &str) -> Self {
        let mut next = Self::NOWHERE;
        for (offset, c) in name.char_indices() {
            if c != '#' && (self.is_set(offset) || next.is_set(offset)) {
                next.set(offset + c.len_utf8());
            }
        }
        next
    }
}

impl FromStr for Template {
    type Err = MalformedTemplate;

    fn from_str(text: &str) -> Result<Self, MalformedTemplate> {
        if text.is_empty() {
            return Err(MalformedTemplate::Empty);
        }
        if text.contains(|c: char| c == ',' || c.is_control()) {
            return Err(MalformedTemplate::Character { template: text.into() });
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, tail) = next_piece(rest, text)?;
            pieces.push(piece);
            rest = tail;
        }
        Ok(Self { text: text.into(), pieces })
    }
}

fn next_piece<'a>(rest: &'a str, template: &str) -> Result<(Piece, &'a str), MalformedTemplate> {
    if let Some(after) = rest.strip_prefix("${") {
        let unclosed = || MalformedTemplate::Unclosed { template: template.into() };
        let (variable, tail) = after.split_once('}').ok_or_else(unclosed)?;
        if !is_variable_name(variable) {
            let (template, variable) = (template.into(), variable.into());
            return Err(MalformedTemplate::Variable { template, variable });
        }
        return Ok((Piece::Variable(variable.into()), tail));
    }
    if let Some(tail) = rest.strip_prefix('*') {
        return Ok((if tail.is_empty() { Piece::Rest } else { Piece::Some }, tail));
    }
    let ends = [rest.find("${"), rest.find('*')];
    let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
    let (literal, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    Ok((Piece::Literal(literal.into()), tail))
}

fn is_variable_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
