//! `usher policy test`: the cases beside a policy, each with the answer that it is to have.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use usher_policy::{Case, Differing, Policy};

use super::check::{self, size};
use super::{plain, read};
use crate::failure::Failure;
use crate::output::{Output, counted, write};

#[derive(Debug, Args)]
#[command(after_help = "A case is a question and its answer:

  - case: everybody reads the global chat
    user: alice
    ask: channel read demo
    expect: allow

docs/policies.md has all keys.")]
pub(super) struct Arguments {
    /// The policy.
    file: PathBuf,
    /// The cases, if they are not in `FILE.test.yaml` beside the policy.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let policy = check::parse(&arguments.file, &read(&arguments.file)?)?;
    let file = arguments.cases.clone().unwrap_or_else(|| beside(&arguments.file));
    let text = read(&file).map_err(|failure| failure.hint("cases are kept beside the policy, see `--help`"))?;
    let cases = parse(&file, &text)?;
    let differing = run_all(&policy, &cases);
    let listed = differing.iter().map(|(case, differing)| {
        json!({
            "line": case.position.line,
            "case": case.title,
            "expected": case.expected.to_string(),
            "found": differing.found.to_string(),
            "path": differing.path,
            "explanation": differing.explanation.to_string(),
        })
    });
    let value = json!({ "ok": differing.is_empty(), "cases": cases.len(), "differing": listed.collect::<Vec<_>>() });
    if matches!(output, Output::Eyes) {
        differing.iter().for_each(|(case, differing)| write(told(&file, case, differing).as_bytes()));
    }
    let done = format!("{} as expected; {}", counted(cases.len() as u64, "case"), size(&policy));
    if differing.is_empty() || matches!(output, Output::Json) {
        output.line(&value, &done);
    }
    if differing.is_empty() { Ok(()) } else { Err(failed(differing.len(), cases.len())) }
}

/// The file of cases that belongs to a policy.
pub(super) fn beside(policy: &Path) -> PathBuf {
    policy.with_extension("test.yaml")
}

/// Reads cases; what is wrong with them is told on standard error.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Case>, Failure> {
    Case::parse_all(text).map_err(|faults| {
        faults.iter().for_each(|fault| eprintln!("{}:{}", file.display(), plain(&fault.to_string())));
        Failure::failed(format!("{}: {} in the cases", file.display(), counted(faults.len() as u64, "fault")))
    })
}

/// The cases that come out otherwise.
pub(super) fn run_all<'c>(policy: &Policy, cases: &'c [Case]) -> Vec<(&'c Case, Box<Differing>)> {
    cases.iter().filter_map(|case| Some((case, case.run(policy).err()?))).collect()
}

/// A case that came out otherwise, with the reasoning.
pub(super) fn told(file: &Path, case: &Case, differing: &Differing) -> String {
    let title = case.title.as_deref().map(|title| format!(" ({title})")).unwrap_or_default();
    let wanted = case.path.as_ref().map(|path| format!(" by `{path}`")).unwrap_or_default();
    let found = differing.path.as_ref().filter(|_| case.path.is_some()).map(|path| format!(" by `{path}`"));
    let head = format!(
        "{}:{}{title}: expected {}{wanted}, found {}{}\n",
        file.display(),
        case.position,
        case.expected,
        differing.found,
        found.unwrap_or_default(),
    );
    let reasoning = differing.explanation.to_string();
    plain(&format!("{head}{}\n", reasoning.lines().map(|line| format!("    {line}\n")).collect::<String>()))
}

pub(super) fn failed(differing: usize, all: usize) -> Failure {
    Failure::failed(format!("{differing} of {} not as expected", counted(all as u64, "case")))
}
