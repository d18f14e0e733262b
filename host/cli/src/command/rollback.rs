//! `usher rollback`: back to the version that was active before.

use clap::Args;
use serde_json::json;
use usher_server::FunctionName;

use super::policy::apply::in_force;
use crate::failure::Failure;
use crate::output::Output;
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  usher rollback chat-engine

Each call goes back one activation. Exit code 6 when there is none before.")]
pub(crate) struct Arguments {
    /// The function's name; `usher functions` lists them.
    name: FunctionName,
    /// The keyset, if there are several.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let path = format!("/v1/keysets/{keyset}/functions/{}/rollback", arguments.name);
    let active = client.post(&path, &json!({})).await?;
    let version = active.get("version").map(ToString::to_string).unwrap_or_default();
    output.line(&active, &in_force(format!("{} is at version {version} again", arguments.name), &active));
    Ok(())
}
