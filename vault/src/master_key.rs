//! The master key: the one key that lives outside the vault.

use std::{fmt, str::FromStr};

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{RandomnessError, key::Key};

/// The key that unlocks a vault's header: 32 random bytes, written as 64 hexadecimal digits.
pub struct MasterKey(Key);

/// Why a text is not a master key. Never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not 64 bytes long, after one line end was taken off.
    #[error("a master key is 64 hexadecimal digits, this text has {found} bytes")]
    Length {
        /// Bytes in the text.
        found: usize,
    },
    /// Something that is not a hexadecimal digit, such as a space.
    #[error("a master key is 64 hexadecimal digits, character {position} of this text is none")]
    NotHex {
        /// Counted from 1.
        position: usize,
    },
}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Result<Self, RandomnessError> {
        Key::random().map(Self)
    }

    /// Reads the content of a key file: 64 hexadecimal digits, then at most one line end. The caller wipes `text`.
    pub fn parse(text: &[u8]) -> Result<Self, MasterKeyError> {
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        let digits = line.strip_suffix(b"\r").unwrap_or(line);
        if digits.len() != 2 * Key::LEN {
            return Err(MasterKeyError::Length { found: digits.len() });
        }
        let mut key = Key::blank();
        let (pairs, _) = digits.as_chunks::<2>();
        for (index, (to, [high, low])) in key.bytes_mut().iter_mut().zip(pairs).enumerate() {
            *to = digit(*high, 2 * index + 1)? << 4 | digit(*low, 2 * index + 2)?;
        }
        Ok(Self(key))
    }

    /// The key itself as 64 lower-case hexadecimal digits, for writing the key file and for nothing else.
    pub fn expose_hex(&self) -> Zeroizing<String> {
        // INVARIANT: the capacity is the final length; growing would leave a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * Key::LEN));
        for byte in self.0.bytes() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
            }
        }
        text
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0
    }
}

fn digit(byte: u8, position: usize) -> Result<u8, MasterKeyError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(MasterKeyError::NotHex { position }),
    }
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl ZeroizeOnDrop for MasterKey {}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0";

    #[test]
    fn the_content_of_a_key_file_parses_with_or_without_its_line_end() {
        for text in [DIGITS.to_owned(), format!("{DIGITS}\n"), format!("{DIGITS}\r\n"), DIGITS.to_uppercase()] {
            assert_eq!(*text.parse::<MasterKey>().unwrap().expose_hex(), DIGITS);
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_reason_that_quotes_nothing() {
        let cases: [(&[u8], &str); 7] = [
            (b"", "a master key is 64 hexadecimal digits, this text has 0 bytes"),
            (b"\n", "a master key is 64 hexadecimal digits, this text has 0 bytes"),
            (&DIGITS.as_bytes()[1..], "a master key is 64 hexadecimal digits, this text has 63 bytes"),
            (&[DIGITS.as_bytes(), b"\n\n"].concat(), "a master key is 64 hexadecimal digits, this text has 65 bytes"),
            (
                &[b"g", &DIGITS.as_bytes()[1..]].concat(),
                "a master key is 64 hexadecimal digits, character 1 of this text is none",
            ),
            (
                &[&DIGITS.as_bytes()[1..], b" "].concat(),
                "a master key is 64 hexadecimal digits, character 64 of this text is none",
            ),
            (&[0xff; 64], "a master key is 64 hexadecimal digits, character 1 of this text is none"),
        ];
        for (text, reason) in cases {
            assert_eq!(MasterKey::parse(text).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn a_generated_key_survives_its_text_and_is_not_the_next_one() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(key.expose_hex(), key.expose_hex().parse::<MasterKey>().unwrap().expose_hex());
        assert_ne!(key.expose_hex(), MasterKey::generate().unwrap().expose_hex());
    }
}
