//! `usher functions`: what is deployed.

use clap::Args;
use usher_server::FunctionName;

use crate::failure::Failure;
use crate::output::Output;
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher functions                what is active, and at which paths
  usher functions chat-engine    every version of one function")]
pub(crate) struct Arguments {
    /// Show the versions of this function.
    name: Option<FunctionName>,
    /// The keyset, if there are several.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let functions = format!("/v1/keysets/{keyset}/functions");
    match arguments.name {
        None => output.table(
            &client.get(&functions, &[]).await?,
            "functions",
            &["name", "version", "policy", "paths", "artefact"],
        ),
        Some(name) => {
            let versions = client.get(&format!("{functions}/{name}"), &[]).await?;
            output.table(&versions, "versions", &["version", "active", "policy", "artefact", "created"]);
        }
    }
    Ok(())
}
