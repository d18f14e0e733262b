//! Positions in texts: JavaScript counts UTF-16 units, we keep UTF-8.

use super::Thrown;

/// `text.length`.
pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The unit at an index; an error where that is half a surrogate pair.
pub(super) fn unit(text: &str, index: usize) -> Result<Option<char>, Thrown> {
    if text.is_ascii() {
        return Ok(text.as_bytes().get(index).map(|&byte| char::from(byte)));
    }
    text.encode_utf16().nth(index).map(|unit| char::from_u32(unit.into()).ok_or_else(half)).transpose()
}

/// The byte at which a unit begins.
pub(super) fn byte_of_unit(text: &str, index: usize) -> Result<usize, Thrown> {
    if text.is_ascii() {
        return Ok(index.min(text.len()));
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        if units >= index {
            return if units == index { Ok(at) } else { Err(half()) };
        }
        units += character.len_utf16();
    }
    if units > index { Err(half()) } else { Ok(text.len()) }
}

/// The unit that begins at a byte.
pub(super) fn unit_of_byte(text: &str, byte: usize) -> usize {
    text.get(..byte).map_or(0, length)
}

pub(super) fn half() -> Thrown {
    Thrown::Unsupported { what: "half a surrogate pair".into() }
}
