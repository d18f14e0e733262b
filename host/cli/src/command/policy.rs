//! `usher policy`: check, test, explain, compare and apply policies.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use usher_server::FunctionName;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

pub(crate) mod apply;
pub(crate) mod check;
mod decisions;
mod diff;
mod explain;
mod source;
mod test;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher policy check policy.yaml
  usher policy test policy.yaml
  usher policy explain policy.yaml --user alice --section channel --action read --name demo
  usher policy diff active policy.yaml --function chat-engine
  usher policy apply policy.yaml --function chat-engine
  usher policy rollback chat-engine

`check`, `test` and `explain` need no server. docs/policies.md has the whole round.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Report every fault of policies, each with its line; exit code 1 when there are any.
    Check {
        /// The policies, YAML or JSON.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run the cases in `FILE.test.yaml` beside a policy; exit code 1 when one comes out otherwise.
    Test(test::Arguments),
    /// Tell how one question is decided, and by what.
    Explain(explain::Arguments),
    /// Tell which recorded decisions another policy would change: who gains, who loses.
    Diff(diff::Arguments),
    /// Make a policy the one in force; what it no longer allows is taken back from who has it.
    Apply(apply::Arguments),
    /// Go back to the version of a function that was active before.
    Rollback(super::rollback::Arguments),
}

/// A function on a server.
#[derive(Debug, Args)]
struct OnServer {
    /// The function; `usher functions` lists them.
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// The keyset, if there are several.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    match arguments.action {
        Action::Check { files } => check::run(&files, output),
        Action::Test(arguments) => test::run(&arguments, output),
        Action::Explain(arguments) => explain::run(arguments, target, output).await,
        Action::Diff(arguments) => diff::run(&arguments, target, output).await,
        Action::Apply(arguments) => apply::run(&arguments, target, output).await,
        Action::Rollback(arguments) => super::rollback::run(&arguments, target, output).await,
    }
}

/// Bytes of a file that is read; policies are 16 MiB at the most.
const LONGEST: u64 = (16 << 20) + 1;

/// A file's text, or the beginning of one that is too long for what reads it next.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let of_file = |error| Failure::of_file(file, &error);
    let mut bytes = Vec::new();
    File::open(file).and_then(|opened| opened.take(LONGEST).read_to_end(&mut bytes)).map_err(of_file)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::Usage, format!("{}: the text is not UTF-8", file.display())))
}

/// As [`read`], for a file that may be missing.
fn read_if_there(file: &Path) -> Result<Option<String>, Failure> {
    match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Ok(_) | Err(_) => read(file).map(Some),
    }
}

/// Text for a terminal: what comes from files and clients writes no control characters there.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
