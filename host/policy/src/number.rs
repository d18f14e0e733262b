//! Numbers as JavaScript writes and reads them.

/// The text of a number, as `String(number)` gives it.
pub(crate) fn to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if number == 0.0 {
        return "0".into();
    }
    // The shortest digits that read back, as `d.ddde±x`.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", place_point(&digits, point))
}

fn place_point(digits: &str, point: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    match point {
        1..=21 if point >= count => format!("{digits}{}", zeros(point - count)),
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{first}{dot}{rest}e{:+}", point - 1)
        }
    }
}

/// The number that a text means, as `Number(text)` gives it.
pub(crate) fn from_text(text: &str) -> f64 {
    let text = text.trim_matches(is_blank);
    if text.is_empty() {
        return 0.0;
    }
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            return from_digits(digits, radix);
        }
    }
    match text {
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

fn from_digits(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    let add = |number: f64, digit: char| Some(number.mul_add(f64::from(radix), f64::from(digit.to_digit(radix)?)));
    digits.chars().try_fold(0.0, add).unwrap_or(f64::NAN)
}

/// JavaScript's white space and line terminators.
pub(crate) const fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// Bit operations see a number modulo 2³².
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the remainder is below 2³²")]
pub(crate) fn to_uint32(number: f64) -> u32 {
    if !number.is_finite() {
        return 0;
    }
    number.trunc().rem_euclid(4_294_967_296.0) as u32
}

/// The number as a position, cut to whole and into `0..=longest`; not a number is 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is within a length")]
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2⁵³")]
pub(crate) fn to_position(number: f64, longest: usize) -> usize {
    if number.is_nan() { 0 } else { number.trunc().clamp(0.0, longest as f64) as usize }
}

/// A length or position as a number.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2⁵³")]
pub(crate) const fn from_length(length: usize) -> f64 {
    length as f64
}

/// The index that a number is, if it is a whole one that an array can have.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
pub(crate) fn to_index(number: f64) -> Option<usize> {
    ((0.0..4_294_967_295.0).contains(&number) && number.trunc() == number).then_some(number as usize)
}

/// The index that a key is, if it is written as one: `0`, `12`, never `012`.
pub(crate) fn index_of_key(key: &str) -> Option<usize> {
    let plain = key == "0" || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    plain.then(|| key.parse::<u32>().ok()).flatten().filter(|&index| index < u32::MAX).map(|index| index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e21, "1.25e+21"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (123_456.789, "123456.789"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(to_text(number), expected);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("", 0.0),
            (" \n\u{feff}12 ", 12.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("0o17", 15.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1e3", -1000.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(from_text(text).to_bits(), f64::to_bits(expected), "{text}");
        }
        for text in ["1px", "inf", "nan", "0x", "0b2", "-0x1", "1_0", "e1", ".", "1 2"] {
            assert!(from_text(text).is_nan(), "{text}");
        }
    }

    #[test]
    fn bits_wrap() {
        for (number, expected) in [(-1.0, u32::MAX), (4_294_967_296.0, 0), (1.9, 1), (-1.9, u32::MAX), (f64::NAN, 0)] {
            assert_eq!(to_uint32(number), expected);
        }
    }

    #[test]
    fn only_a_plain_number_is_an_index() {
        for (key, expected) in
            [("0", Some(0)), ("12", Some(12)), ("012", None), ("-1", None), ("", None), ("1.0", None)]
        {
            assert_eq!(index_of_key(key), expected);
        }
        assert_eq!(index_of_key("4294967295"), None);
        assert_eq!(to_index(1.5), None);
        assert_eq!(to_index(2.0), Some(2));
    }
}
