//! `usher keyset`: the keysets of a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::secret::read_value;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher keyset create
  usher keyset create --subscribe-key sub-c-1 --publish-key pub-c-1 --secret-key-file secret.key
  usher keyset list")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a keyset; keys that are not given are made, and a secret key that was made is shown this once.
    Create {
        /// The subscribe key.
        #[arg(long, value_name = "KEY")]
        subscribe_key: Option<String>,
        /// The publish key.
        #[arg(long, value_name = "KEY")]
        publish_key: Option<String>,
        /// A file with the secret key; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
        /// A PubNub-compatible origin that keeps this keyset's grants, such as `https://ps.example.com`.
        #[arg(long, value_name = "URL")]
        origin: Option<String>,
    },
    /// List the keysets.
    List,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    match arguments.action {
        Action::List => {
            output.table(
                &client.get("/v1/keysets", &[]).await?,
                "keysets",
                &["subscribe_key", "publish_key", "origin"],
            );
        }
        Action::Create { subscribe_key, publish_key, secret_key_file, origin } => {
            let secret_key = secret_key_file.map(|file| read_value(&file)).transpose()?;
            let secret_key = secret_key.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
            let secret_key = secret_key.map_err(|_| Failure::new(Exit::Usage, "the secret key is not UTF-8"))?;
            let keys = json!({ "subscribe_key": subscribe_key, "publish_key": publish_key, "secret_key": secret_key, "origin": origin });
            let created = client.post("/v1/keysets", &keys).await?;
            let field = |name: &str| created.get(name).and_then(Value::as_str).unwrap_or("as given");
            let lines = ["subscribe_key", "publish_key", "secret_key"].map(|name| format!("{name} = {}", field(name)));
            output.line(&created, &lines.join("\n"));
        }
    }
    Ok(())
}
