//! `usher check`: every mistake of a configuration or a function's folder at once.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use usher_server::Problems;

use super::deploy::{self, ReadError};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher check                         the configuration: usher.toml, environment and flags
  usher --config staging.toml check
  usher check functions/examples/hello   a function's manifest and component

Every mistake is reported with its file and line. Exit code 2 when there are any.")]
pub(crate) struct Arguments {
    /// A function's folder; without one, the configuration is checked.
    folder: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let checked = match &arguments.folder {
        Some(folder) => match deploy::read(folder) {
            Ok((manifest, _)) => Ok(format!("the function `{}` is fine", manifest.name)),
            Err(ReadError::Manifest(problems)) => Err(problems),
            Err(ReadError::File(failure)) => return Err(failure),
        },
        None => target
            .read_config()?
            .map(|config| format!("the configuration is fine; data folder {}", config.data.path().display())),
    };
    match checked {
        Ok(fine) => output.line(&json!({ "ok": true }), &fine),
        Err(problems) => return Err(report(&problems, output)),
    }
    Ok(())
}

/// Mistakes are the data of this command when a program asks for it.
fn report(problems: &Problems, output: Output) -> Failure {
    let listed = problems.0.iter().map(|problem| json!({ "place": problem.place, "message": problem.message }));
    if matches!(output, Output::Json) {
        output.line(&json!({ "ok": false, "problems": listed.collect::<Vec<_>>() }), "");
    }
    Failure::new(Exit::Usage, problems)
}
