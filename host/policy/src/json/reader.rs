//! Reads the tokens of JSON from a text, for values and for documents alike.

use std::borrow::Cow;

use super::MalformedJson;

/// A text and how far it is read.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn wrong(&self, problem: &'static str) -> MalformedJson {
        MalformedJson { at: self.at, problem }
    }

    /// The next byte that is no blank; stays before it.
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(blank).count();
        self.rest().first().copied()
    }

    /// Whether the next byte is this one, which is then read.
    pub(crate) fn skip(&mut self, byte: u8) -> bool {
        let found = self.next_byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), MalformedJson> {
        match self.skip(byte) {
            true => Ok(()),
            false => Err(self.wrong(match byte {
                b'{' => "`{` is missing",
                b':' => "`:` is missing",
                b'}' => "`,` or `}` is missing",
                b']' => "`,` or `]` is missing",
                _ => "a text is missing",
            })),
        }
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), MalformedJson> {
        match self.rest().starts_with(word.as_bytes()) {
            true => {
                self.at += word.len();
                Ok(())
            }
            false => Err(self.wrong("a value is missing")),
        }
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), MalformedJson> {
        self.next_byte().map_or(Ok(()), |_| Err(self.wrong("something follows the value")))
    }

    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, MalformedJson> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        if self.skip_exactly(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while !self.skip_exactly(b'"') {
            text.push(self.escape()?);
            text.push_str(self.plain()?);
        }
        Ok(Cow::Owned(text))
    }

    pub(crate) fn number(&mut self) -> Result<f64, MalformedJson> {
        let start = self.at;
        self.skip_exactly(b'-');
        let first = self.at;
        let whole = self.digits();
        if whole == 0 {
            self.at = start;
            return Err(self.wrong("a value is missing"));
        }
        if whole > 1 && self.text.as_bytes().get(first) == Some(&b'0') {
            self.at = first + 1;
            return Err(self.wrong("a number may not start with 0"));
        }
        if self.skip_exactly(b'.') && self.digits() == 0 {
            return Err(self.wrong("a digit is missing"));
        }
        if self.skip_exactly(b'e') || self.skip_exactly(b'E') {
            let _sign = self.skip_exactly(b'+') || self.skip_exactly(b'-');
            if self.digits() == 0 {
                return Err(self.wrong("a digit is missing"));
            }
        }
        let written = self.text.get(start..self.at).unwrap_or_default();
        written.parse().map_err(|_| self.wrong("a value is missing"))
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_exactly(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Up to the next quote or backslash.
    fn plain(&mut self) -> Result<&'a str, MalformedJson> {
        let start = self.at;
        let length = self.rest().iter().position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at = length.map_or(self.text.len(), |length| start + length);
        match self.rest().first() {
            Some(b'"' | b'\\') => Ok(self.text.get(start..self.at).unwrap_or_default()),
            Some(_) => Err(self.wrong("a control character in a text")),
            None => Err(self.wrong("a text has no end")),
        }
    }

    fn escape(&mut self) -> Result<char, MalformedJson> {
        let escaped = self.rest().get(1).copied();
        if escaped == Some(b'u') {
            return self.surrogates();
        }
        let character = match escaped {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(_) | None => return Err(self.wrong("an unknown escape in a text")),
        };
        self.at += 2;
        Ok(character)
    }

    /// `\uXXXX`, or two of them that are one character.
    fn surrogates(&mut self) -> Result<char, MalformedJson> {
        let first = self.unit(0).ok_or_else(|| self.wrong("four hexadecimal digits are missing"))?;
        if let Some(character) = char::from_u32(first) {
            self.at += 6;
            return Ok(character);
        }
        let pair = match (first, self.unit(6)) {
            (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => (first - 0xD800) * 0x400 + (second - 0xDC00) + 0x10000,
            (_, Some(_) | None) => return Err(self.wrong("half a surrogate pair")),
        };
        self.at += 12;
        char::from_u32(pair).ok_or_else(|| self.wrong("half a surrogate pair"))
    }

    fn unit(&self, from: usize) -> Option<u32> {
        let digits = self.rest().get(from..from + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
    }
}
