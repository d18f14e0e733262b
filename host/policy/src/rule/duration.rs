//! Durations with their unit, in milliseconds.

/// `90s`, `1.5h`, `7d`: a number and one of ms, s, m, h and d.
pub(super) fn milliseconds(text: &str) -> Option<f64> {
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, expected) in [
            ("250ms", Some(250.0)),
            ("90s", Some(90_000.0)),
            ("1.5h", Some(5_400_000.0)),
            ("7d", Some(604_800_000.0)),
            ("7", None),
            ("7w", None),
            ("d", None),
            ("-1s", None),
            ("1 s", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
