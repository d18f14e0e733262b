//! `usher policy check`: every fault of a policy with its line, a mark under it, and what to write instead.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use usher_policy::{Fault, Faults, Policy, Position, Warning};
use usher_server::{Problem, Problems};

use super::{plain, read};
use crate::failure::Failure;
use crate::output::{Output, counted};

/// Characters of a line that are shown on either side of the mark.
const AROUND: usize = 60;

/// A policy with its file and text.
struct Document<'a> {
    file: &'a str,
    text: &'a str,
}

pub(super) fn run(files: &[PathBuf], output: Output) -> Result<(), Failure> {
    let (mut checked, mut faulty) = (Vec::new(), 0);
    for file in files {
        let text = read(file)?;
        let shown = file.display().to_string();
        let document = Document { file: &shown, text: &text };
        let parsed = Policy::parse(&text);
        faulty += u64::from(parsed.is_err());
        checked.push(as_json(&shown, &parsed));
        match (&parsed, output) {
            (_, Output::Json) => {}
            (Ok(policy), Output::Eyes) => {
                document.warn(policy);
                output.line(&Value::Null, &format!("{shown} is fine: {}", size(policy)));
            }
            (Err(faults), Output::Eyes) => eprint!("{}", document.tell(faults)),
        }
    }
    if matches!(output, Output::Json) {
        output.line(&json!({ "ok": faulty == 0, "files": checked }), "");
    }
    match faulty {
        0 => Ok(()),
        _ => {
            Err(Failure::failed(format!("{} of {} cannot be used", faulty, counted(files.len() as u64, "policy file"))))
        }
    }
}

/// Reads a policy from a file; its faults are told on standard error.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Policy, Failure> {
    Document { file: &file.display().to_string(), text }.parse()
}

/// Tells a policy's warnings, or hands its faults over for a report with others.
pub(crate) fn problems(file: &Path, text: &str) -> Result<(), Problems> {
    let shown = file.display().to_string();
    let problem = |fault: &Fault| {
        let hint = fault.kind.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        let message = plain(&format!("{}{}{hint}", fault.place, fault.kind));
        Problem { place: format!("{shown}:{}", fault.position), message }
    };
    let policy = Policy::parse(text).map_err(|faults| Problems(faults.faults.iter().map(problem).collect()))?;
    Document { file: &shown, text }.warn(&policy);
    Ok(())
}

impl Document<'_> {
    /// The policy, with its warnings told; or a failure, with its faults told.
    fn parse(&self) -> Result<Policy, Failure> {
        match Policy::parse(self.text) {
            Ok(policy) => {
                self.warn(&policy);
                Ok(policy)
            }
            Err(faults) => {
                eprint!("{}", self.tell(&faults));
                Err(Failure::failed(format!("{}: {faults}", self.file)))
            }
        }
    }

    fn warn(&self, policy: &Policy) {
        let lines = self.lines(policy.warnings().iter().map(|warning| warning.position));
        for (warning, line) in policy.warnings().iter().zip(lines) {
            eprint!("{}", self.told(("warning: ", &about(warning)), warning.position, line, None));
        }
    }

    fn tell(&self, faults: &Faults) -> String {
        let lines = self.lines(faults.faults.iter().map(|fault| fault.position));
        let told = faults.faults.iter().zip(lines).map(|(fault, line)| {
            let what = format!("{}{}", fault.place, fault.kind);
            self.told(("", &what), fault.position, line, fault.kind.hint())
        });
        let mut told: String = told.collect();
        if faults.more > 0 {
            let _infallible = writeln!(told, "… and {} more", faults.more);
        }
        told
    }

    /// The lines of places that come in the document's order, found in one walk.
    fn lines(&self, positions: impl Iterator<Item = Position>) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        positions.map(|at| lines.get(at.line.saturating_sub(1)).copied().unwrap_or_default()).collect()
    }

    fn told(&self, (kind, what): (&str, &str), at: Position, line: &str, hint: Option<&str>) -> String {
        let (window, column) = window(line, at.column);
        let number = at.line.to_string();
        let margin = " ".repeat(number.len());
        let mut told = format!("{}:{at}: {kind}{}\n", self.file, plain(what));
        if !window.trim().is_empty() {
            let _infallible = write!(told, "{margin} |\n{number} | {}\n{margin} | {}^\n", window, " ".repeat(column));
        }
        if let Some(hint) = hint {
            let _infallible = writeln!(told, "{margin} = {hint}");
        }
        told
    }
}

/// How large a policy is.
pub(super) fn size(policy: &Policy) -> String {
    format!("{}, {}", counted(policy.path_count() as u64, "path"), counted(policy.rule_count() as u64, "rule"))
}

/// The part of a line around a column, and how many characters are before the column there.
fn window(line: &str, column: usize) -> (String, usize) {
    let before = column.saturating_sub(1);
    let start = before.saturating_sub(AROUND);
    let shown: String = line.chars().skip(start).take(2 * AROUND).collect();
    let cut = if start > 0 { "…" } else { "" };
    (format!("{cut}{}", plain(&shown)), before - start + cut.chars().count())
}

fn about(warning: &Warning) -> String {
    format!("{}{}", warning.place, warning.kind)
}

fn as_json(file: &str, parsed: &Result<Policy, Faults>) -> Value {
    let place = |at: Position| (at.line, at.column);
    match parsed {
        Ok(policy) => {
            let warnings = policy.warnings().iter().map(|warning| {
                let (line, column) = place(warning.position);
                json!({ "line": line, "column": column, "message": about(warning) })
            });
            json!({
                "file": file,
                "ok": true,
                "paths": policy.path_count(),
                "rules": policy.rule_count(),
                "warnings": warnings.collect::<Vec<_>>(),
            })
        }
        Err(faults) => {
            let listed = faults.faults.iter().map(|fault| {
                let (line, column) = place(fault.position);
                let message = format!("{}{}", fault.place, fault.kind);
                json!({ "line": line, "column": column, "message": message, "hint": fault.kind.hint() })
            });
            json!({ "file": file, "ok": false, "faults": listed.collect::<Vec<_>>(), "more": faults.more })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn a_long_line_is_shown_around_its_fault() {
        for (line, column, expected, before) in
            [("read: x", 7, "read: x", 6), ("a\tb", 3, "a\u{fffd}b", 2), ("", 1, "", 0), ("x", 9, "x", 8)]
        {
            assert_eq!(window(line, column), (expected.to_owned(), before));
        }
        let long = "é".repeat(10_000);
        let (shown, before) = window(&long, 5_000);
        assert_eq!((shown.chars().count(), before), (121, 61));
    }
}
