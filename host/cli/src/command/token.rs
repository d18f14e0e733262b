//! `usher token`: mints tokens, shows what is in one, says whether it counts, takes tokens back.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use usher_server::describe_token;

use super::secret::read_value;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{Target, keyset};

mod asked;

use asked::Asked;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher token mint --ttl 60 --uuid alice --channel room-1=read,write --group friends=read
  usher token mint --ttl 60 --channel-pattern '^room-[a-z]+$=read' --meta '{\"plan\":\"free\"}'
  usher token mint --file grant.json        the body of a v3 grant
  usher token parse TOKEN                   needs no server
  usher token verify - < token.txt          exit code 4 when it does not count
  usher token revoke TOKEN
  usher token revoke --uuid alice           every token of a user so far")]
pub(crate) struct Arguments {
    /// The keyset, if there are several.
    #[arg(long, global = true, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Grant a token, and print it.
    Mint(Mint),
    /// Show what a token says, whether it counts or not.
    Parse {
        /// The token; `-` reads standard input.
        token: String,
    },
    /// Say whether a token, or the Ed25519 twin of one, counts now; exit code 4 when not.
    Verify {
        /// The token or twin; `-` reads standard input.
        token: String,
    },
    /// Take back a token, or several at once; in force when the command ends.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Mint {
    #[command(flatten)]
    asked: Asked,
    /// A file with the JSON body of a v3 grant instead; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "Asked")]
    file: Option<PathBuf>,
    /// The number of the secret key to grant it under; the primary one unless given.
    #[arg(long, value_name = "NUMBER")]
    key: Option<u32>,
    /// Print its Ed25519 twin as well, on a second line.
    #[arg(long)]
    twin: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Revoke {
    /// The token; `-` reads standard input.
    token: Option<String>,
    /// Every token that was granted to this user so far.
    #[arg(long, value_name = "UUID")]
    uuid: Option<String>,
    /// Every token that was granted at this time or before, in seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    before: Option<u64>,
    /// Every token of the keyset.
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let Arguments { keyset: named, action } = arguments;
    if let Action::Parse { token } = &action {
        return parse(token, output);
    }
    let client = target.client()?;
    let tokens = format!("/v1/keysets/{}/tokens", keyset(named.as_deref(), &client).await?);
    match action {
        Action::Parse { .. } => {}
        Action::Mint(Mint { asked, file, key, twin }) => {
            let body = match file {
                Some(file) => read_grant(&file)?,
                None => asked.into_grant()?,
            };
            let key = key.map(|number| format!("key={number}"));
            let query: Vec<String> = key.into_iter().chain(twin.then(|| "twin=ed25519".into())).collect();
            let minted = client.post(&format!("{tokens}?{}", query.join("&")), &body).await?;
            let texts = ["token", "twin"].into_iter().filter_map(|name| minted.get(name)?.as_str());
            output.line(&minted, &texts.collect::<Vec<_>>().join("\n"));
        }
        Action::Verify { token } => {
            let standing = client.post(&format!("{tokens}/verify"), &json!({ "token": text(&token)? })).await?;
            let reason = standing.get("reason").and_then(Value::as_str).unwrap_or_default();
            output.line(&standing, reason);
            if standing.get("valid") != Some(&Value::Bool(true)) {
                return Err(Failure::new(Exit::Denied, "the token does not count"));
            }
        }
        Action::Revoke(revoke) => {
            let (body, what) = taken(revoke)?;
            let revoked = client.post(&format!("{tokens}/revoke"), &body).await?;
            output.line(&revoked, &what);
        }
    }
    Ok(())
}

fn parse(token: &str, output: Output) -> Result<(), Failure> {
    let shown = describe_token(&text(token)?).map_err(|error| Failure::new(Exit::Usage, error))?;
    let lines = serde_json::to_string_pretty(&shown).map_err(Failure::failed)?;
    output.line(&shown, &lines);
    Ok(())
}

fn taken(revoke: Revoke) -> Result<(Value, String), Failure> {
    Ok(match revoke {
        Revoke { token: Some(token), .. } => (json!({ "token": text(&token)? }), "the token is revoked".into()),
        Revoke { uuid: Some(uuid), .. } => {
            (json!({ "uuid": uuid }), format!("every token that was granted to `{uuid}` so far is revoked"))
        }
        Revoke { before: Some(at), .. } => {
            (json!({ "before": at }), format!("every token that was granted up to {at} is revoked"))
        }
        Revoke { token: None, uuid: None, before: None, all: _ } => {
            (json!({ "all": true }), "every token of the keyset is revoked".into())
        }
    })
}

fn read_grant(file: &Path) -> Result<Value, Failure> {
    let bytes = read_value(file)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))
}

/// A token as an argument, or from standard input.
fn text(token: &str) -> Result<String, Failure> {
    if token != "-" {
        return Ok(token.to_owned());
    }
    let bytes = read_value(Path::new("-"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::new(Exit::Usage, "the token is not UTF-8"))?;
    Ok(text.trim().to_owned())
}
