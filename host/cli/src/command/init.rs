//! `usher init`: a configuration and a master key to start from; nothing that exists is touched.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use usher_server::create_master_key;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

/// What a new configuration says.
const CONFIGURATION: &str = include_str!("init/usher.toml");

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher init
  usher --data /var/lib/usher init /etc/usher.toml

Nothing that exists is overwritten. Keep a copy of the master key apart from the data folder.")]
pub(crate) struct Arguments {
    /// Where the configuration goes.
    #[arg(default_value = "usher.toml")]
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let data = target.data.clone().unwrap_or_else(|| PathBuf::from("usher-data"));
    if arguments.file.exists() {
        let failure =
            Failure::new(Exit::Conflict, format!("{} exists already; nothing was changed", arguments.file.display()));
        return Err(failure.hint("give another name, or edit it and run `usher check`"));
    }
    let quoted = data.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let text = CONFIGURATION.replace("usher-data", &quoted);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&data);
    made.map_err(|error| Failure::of_file(&data, &error))?;
    write_new(&arguments.file, &text)?;
    let key = data.join("master.key");
    if !key.exists() {
        create_master_key(&key).map_err(Failure::failed)?;
    }
    let (file, key) = (arguments.file.display(), key.display());
    let lines = format!(
        "wrote {file} and {key}\nkeep a copy of {key} apart from the data folder: without it the vault stays closed\nnext: usher serve"
    );
    output.line(&json!({ "config": file.to_string(), "master_key_file": key.to_string() }), &lines);
    Ok(())
}

fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let mut opened =
        OpenOptions::new().write(true).create_new(true).open(file).map_err(|error| Failure::of_file(file, &error))?;
    opened.write_all(text.as_bytes()).map_err(Failure::failed)
}
