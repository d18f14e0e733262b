//! Data on standard output, as a table for eyes or as JSON for programs.

use std::io::{self, Write};

use serde_json::Value;

/// How data is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    Eyes,
    Json,
}

impl Output {
    /// `value` for programs, `line` for eyes.
    pub(crate) fn line(self, value: &Value, line: &str) {
        match self {
            Self::Json => write(format!("{value}\n").as_bytes()),
            Self::Eyes => write(format!("{line}\n").as_bytes()),
        }
    }

    /// As [`Output::table`]; for eyes, the instants in the columns `dated` are dates.
    pub(crate) fn dated_table(self, mut value: Value, (rows, columns): (&str, &[&str]), dated: &[&str]) {
        if matches!(self, Self::Eyes) {
            for row in value.get_mut(rows).and_then(Value::as_array_mut).into_iter().flatten() {
                for field in dated {
                    if let Some(instant) = row.get_mut(field).filter(|instant| instant.is_u64()) {
                        *instant = instant.as_u64().map(date).into();
                    }
                }
            }
        }
        self.table(&value, rows, columns);
    }

    /// `value` for programs; for eyes, the named fields of each of its `rows` as columns.
    pub(crate) fn table(self, value: &Value, rows: &str, columns: &[&str]) {
        if matches!(self, Self::Json) {
            write(format!("{value}\n").as_bytes());
            return;
        }
        let kind = rows;
        let rows = value.get(rows).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut lines: Vec<Vec<String>> =
            vec![columns.iter().map(|name| name.to_uppercase().replace('_', " ")).collect()];
        lines.extend(rows.iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect()));
        let width =
            |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns.len()).filter_map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        write(text.as_bytes());
        if rows.is_empty() {
            eprintln!("usher: there are no {kind}");
        }
    }
}

/// A date as people of every country read it: `2027-01-15 08:00:00 UTC`. By the civil calendar, without leap seconds.
pub(crate) fn date(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that a leap day is the last day of its year; 719,468 days lie before 1970.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `1 grant`, `2 grants`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// Writes to standard output. Whoever reads it may have read enough, as `head` does; that is no failure.
pub(crate) fn write(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => eprintln!("usher: standard output: {error}"),
        Ok(()) | Err(_) => {}
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        // Names come from clients; none of them writes to the operator's terminal.
        Some(Value::String(text)) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(","),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_))) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_800_000_000, "2027-01-15 08:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(date(seconds), expected, "{seconds}");
        }
    }
}
