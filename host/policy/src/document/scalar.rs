//! What a plain YAML scalar means: the core schema, with dates.

use crate::number;

pub(super) enum Meaning {
    Null,
    Bool(bool),
    Number(f64),
    Date,
    Text,
}

pub(super) fn meaning(scalar: &str) -> Meaning {
    match scalar {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        "true" | "True" | "TRUE" => Meaning::Bool(true),
        "false" | "False" | "FALSE" => Meaning::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Meaning::Number(f64::NAN),
        _ if is_date(scalar) => Meaning::Date,
        _ => as_number(scalar).map_or(Meaning::Text, Meaning::Number),
    }
}

fn as_number(scalar: &str) -> Option<f64> {
    let (sign, magnitude) = match scalar.as_bytes().first()? {
        b'-' => (-1.0, scalar.get(1..)?),
        b'+' => (1.0, scalar.get(1..)?),
        _ => (1.0, scalar),
    };
    if matches!(magnitude, ".inf" | ".Inf" | ".INF") {
        return Some(sign * f64::INFINITY);
    }
    if !magnitude.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let number = number::from_text(&magnitude.replace('_', ""));
    (!number.is_nan() && !magnitude.starts_with('_')).then_some(sign * number)
}

/// `2001-12-14`, with or without a time.
fn is_date(scalar: &str) -> bool {
    let date = scalar.split(['T', 't', ' ']).next().unwrap_or_default();
    let mut parts = date.split('-');
    let digits = |part: Option<&str>, lengths: &[usize]| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let shaped = digits(parts.next(), &[4]) && digits(parts.next(), &[1, 2]) && digits(parts.next(), &[1, 2]);
    let time = scalar.get(date.len()..).unwrap_or_default();
    shaped && parts.next().is_none() && (time.is_empty() || time.trim_start_matches(['T', 't', ' ']).contains(':'))
}
