//! A text as a regular expression sees it: UTF-16 units, or code points under the flag `u`.

use std::borrow::Cow;

use super::Flags;

/// The units of a text.
pub(crate) enum Units<'t> {
    /// Every byte is a unit.
    Ascii(&'t str),
    Wide(Vec<u32>),
}

impl<'t> Units<'t> {
    pub(crate) fn new(text: &'t str, flags: Flags) -> Self {
        match (text.is_ascii(), flags.unicode) {
            (true, _) => Self::Ascii(text),
            (false, true) => Self::Wide(text.chars().map(u32::from).collect()),
            (false, false) => Self::Wide(text.encode_utf16().map(u32::from).collect()),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Ascii(text) => text.len(),
            Self::Wide(units) => units.len(),
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<u32> {
        match self {
            Self::Ascii(text) => text.as_bytes().get(at).map(|&byte| u32::from(byte)),
            Self::Wide(units) => units.get(at).copied(),
        }
    }

    /// How many UTF-16 units come before the unit at `at`.
    pub(crate) fn utf16_before(&self, at: usize) -> usize {
        match self {
            Self::Ascii(_) => at,
            Self::Wide(units) => units.iter().take(at).map(|&unit| if unit > 0xFFFF { 2 } else { 1 }).sum(),
        }
    }

    /// The text of some units; `None` where a surrogate pair would be cut.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Option<Cow<'t, str>> {
        match self {
            Self::Ascii(text) => text.get(from..to).map(Cow::Borrowed),
            Self::Wide(units) => {
                let units = units.get(from..to)?;
                let characters = char::decode_utf16(units.iter().flat_map(|&unit| encode(unit)));
                characters.collect::<Result<String, _>>().ok().map(Cow::Owned)
            }
        }
    }
}

fn encode(unit: u32) -> impl Iterator<Item = u16> {
    let (high, low) = match unit.checked_sub(0x10000) {
        Some(above) => (0xD800 + (above >> 10), Some(0xDC00 + (above & 0x3FF))),
        None => (unit, None),
    };
    [Some(high), low].into_iter().flatten().filter_map(|unit| u16::try_from(unit).ok())
}
