//! `usher deploy`: uploads a function's folder and activates it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use usher_server::{FunctionFiles, Manifest, Problems, Serves};

use super::policy::apply::activated;
use super::{policy, users_file};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(
    after_help = "The folder holds `function.toml`, and the component and the policy it names. The server checks and compiles it; requests
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
    /// The manifest or the policy has mistakes.
    Manifest(Problems),
}

pub(crate) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let (manifest, files) = read(&arguments.folder)?;
    match manifest.serves {
        Serves::Requests => {
            eprintln!("usher: uploading {} KiB; the server compiles it", files.component.len().div_ceil(1_024));
        }
        Serves::Deepstream => eprintln!("usher: no component: authentication and policy for a deepstream server"),
    }
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let active = client.deploy(&keyset, &files).await?;
    output.line(&active, &activated(&active, &keyset));
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
    let (manifest, checked) = users_file::inlined(folder, manifest, checked)?;
    for warning in checked.warnings() {
        eprintln!("usher: {warning}");
    }
    let component = match checked.serves {
        Serves::Requests => read_component(folder, &checked)?,
        Serves::Deepstream => Vec::new(),
    };
    let policy = read_policy(folder, &checked)?;
    Ok((checked, FunctionFiles { manifest, policy, component }))
}

fn read_component(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>, ReadError> {
    let named = || format!("{}.wasm", manifest.name).replace('-', "_");
    let component = folder.join(manifest.component.clone().unwrap_or_else(named));
    fs::read(&component).map_err(|error| {
        let build = "build it with `cargo build --release --target wasm32-unknown-unknown` and put the module there";
        ReadError::File(Failure::of_file(&component, &error).hint(build))
    })
}

/// The policy that the manifest names; its faults are mistakes of the folder, known before anything is sent.
fn read_policy(folder: &Path, manifest: &Manifest) -> Result<Option<String>, ReadError> {
    let Some(named) = &manifest.policy else {
        let unnamed = folder.join("policy.yaml");
        if unnamed.exists() {
            let file = unnamed.display();
            eprintln!("usher: {file} protects nothing: add `policy = \"policy.yaml\"` to function.toml");
        }
        return Ok(None);
    };
    let file = folder.join(named.as_str());
    let text =
        policy::read(&file).map_err(|failure| ReadError::File(failure.hint("function.toml names it as `policy`")))?;
    policy::check::problems(&file, &text).map_err(ReadError::Manifest)?;
    Ok(Some(text))
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::File(failure) => failure,
            ReadError::Manifest(problems) => Self::new(Exit::Usage, problems),
        }
    }
}
