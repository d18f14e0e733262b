//! `usher deploy`: uploads a function's folder and activates it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use usher_server::{FunctionFiles, Manifest, Problems};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(
    after_help = "The folder holds `function.toml` and the component it names. The server checks and compiles it; requests
under way finish on the version before. `usher rollback NAME` goes back.

Example:
  usher deploy functions/examples/hello"
)]
pub(crate) struct Arguments {
    /// The folder with `function.toml` and the component.
    folder: PathBuf,
    /// The keyset, if there are several.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
}

/// Why a function's folder cannot be used.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// A file is missing or cannot be read.
    File(Failure),
    /// The manifest has mistakes.
    Manifest(Problems),
}

pub(crate) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let (_, files) = read(&arguments.folder)?;
    eprintln!("usher: uploading {} KiB; the server compiles it", files.component.len().div_ceil(1_024));
    if files.policy.is_some() {
        eprintln!(
            "usher: policy.yaml is stored with the version, but this version of Usher evaluates no policies: it protects nothing yet"
        );
    }
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let active = client.deploy(&keyset, &files).await?;
    let field =
        |name: &str| active.get(name).map(|value| value.to_string().trim_matches('"').to_owned()).unwrap_or_default();
    output.line(&active, &format!("{} version {} is active on {keyset}", field("name"), field("version")));
    Ok(())
}

/// Reads a function's folder; the manifest is checked here so that mistakes show their lines before anything is sent.
pub(crate) fn read(folder: &Path) -> Result<(Manifest, FunctionFiles), ReadError> {
    let file = folder.join("function.toml");
    let manifest = fs::read_to_string(&file).map_err(|error| {
        ReadError::File(
            Failure::of_file(&file, &error).hint("a function's folder holds `function.toml` and the component"),
        )
    })?;
    let checked = Manifest::parse(&file.display().to_string(), &manifest).map_err(ReadError::Manifest)?;
    let component =
        folder.join(checked.component.clone().unwrap_or_else(|| format!("{}.wasm", checked.name).replace('-', "_")));
    let bytes = fs::read(&component).map_err(|error| {
        let build = "build it with `cargo build --release --target wasm32-unknown-unknown` and put the module there";
        ReadError::File(Failure::of_file(&component, &error).hint(build))
    })?;
    let policy = match fs::read_to_string(folder.join("policy.yaml")) {
        Ok(policy) => Some(policy),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(ReadError::File(Failure::of_file(&folder.join("policy.yaml"), &error))),
    };
    Ok((checked, FunctionFiles { manifest, policy, component: bytes }))
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::File(failure) => failure,
            ReadError::Manifest(problems) => Self::new(Exit::Usage, problems),
        }
    }
}
