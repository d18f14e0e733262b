//! `usher grant`: what is granted, and whether it lets somebody do something.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher grant list --auth alice-key
  usher grant check --as alice-key read demo
  usher grant check --as alice-key --kind group read 'demo#alice#rooms'")]
pub(crate) struct Arguments {
    /// The keyset, if there are several.
    #[arg(long, global = true, value_name = "SUBSCRIBE_KEY")]
    keyset: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List live grants.
    List {
        /// Only those of this auth key.
        #[arg(long, value_name = "KEY")]
        auth: Option<String>,
        /// Only those on this resource, by its literal name.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Say whether an auth key may do something, and why; exit code 4 when it may not.
    Check {
        /// The auth key the client shows.
        #[arg(long = "as", value_name = "KEY")]
        auth: Option<String>,
        /// The client's uuid.
        #[arg(long, value_name = "UUID")]
        uuid: Option<String>,
        /// The kind of resource.
        #[arg(long, value_enum, default_value_t = Kind::Channel)]
        kind: Kind,
        /// What it wants to do: read, write, manage, delete, get, update or join.
        permission: String,
        /// The resource.
        name: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Channel,
    Group,
    Uuid,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let grants = format!("/v1/keysets/{keyset}/grants");
    match arguments.action {
        Action::List { auth, name } => {
            let selection = [("auth", auth.as_deref()), ("name", name.as_deref())];
            let query: Vec<(&str, &str)> =
                selection.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            let listed = client.get(&grants, &query).await?;
            output.table(&listed, "grants", &["level", "name", "auth", "permissions", "ttl"]);
            Ok(())
        }
        Action::Check { auth, uuid, kind, permission, name } => {
            let kind = kind.to_possible_value().map(|value| value.get_name().to_owned());
            let question = json!({ "auth": auth, "uuid": uuid, "kind": kind, "name": name, "permission": permission });
            let verdict = client.post(&format!("{grants}/check"), &question).await?;
            let reason = verdict.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
            if verdict.get("allowed") == Some(&Value::Bool(true)) {
                output.line(&verdict, &reason);
                return Ok(());
            }
            output.line(&verdict, &reason);
            Err(Failure::new(Exit::Denied, "denied"))
        }
    }
}
