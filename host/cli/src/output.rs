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
