//! `usher keyset`: the keysets of a server, their secret keys and switches.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::secret::read_value;
use crate::failure::{Exit, Failure};
use crate::output::{Output, counted, date};
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher keyset create
  usher keyset create --subscribe-key sub-c-1 --publish-key pub-c-1 --secret-key-file secret.key
  usher keyset create --network https://ps.example.com
  usher keyset rotate --until 24h     a new primary secret key; the one before counts for another day
  usher keyset plan                   who would be cut off if a secret key were dropped now
  usher keyset retire 1 --until 7d
  usher keyset set --metadata-lists granted")]
pub(crate) struct Arguments {
    /// The keyset, if there are several.
    #[arg(long, global = true, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a keyset; keys that are not given are made, and a secret key that was made is shown this once.
    Create(Creation),
    /// List the keysets.
    List,
    /// Make a new primary secret key, shown this once if it is not given; the one before counts on.
    Rotate {
        /// A file with the new secret key; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
        /// How long the one before counts, such as `24h`; without end unless this is given.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Cut off tokens that would live longer than the key before.
        #[arg(long, requires = "until")]
        force: bool,
    },
    /// Drop a secret key, now or later, and with it the tokens that were granted under it.
    Retire {
        /// Its number, as `usher keyset plan` shows it.
        number: u32,
        /// How long it counts still, such as `24h`.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Cut off tokens that would live longer.
        #[arg(long)]
        force: bool,
    },
    /// Show every secret key with its live tokens: how many, when the last one expires, whose they are.
    Plan,
    /// Change the network behind the gateway and what is open to everyone.
    Set(Settings),
}

#[derive(Debug, Args)]
struct Creation {
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
    /// A PubNub-compatible origin behind the gateway: every allowed request is forwarded there.
    #[arg(long, value_name = "URL", conflicts_with = "origin")]
    network: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Settings {
    /// A PubNub-compatible origin behind the gateway.
    #[arg(long, value_name = "URL")]
    network: Option<String>,
    /// No network, and so no gateway.
    #[arg(long, conflicts_with = "network")]
    no_network: bool,
    /// Who lists all channel or user metadata: everyone, or who was granted it.
    #[arg(long, value_enum)]
    metadata_lists: Option<Opening>,
    /// Who sees the presence of all channels at once.
    #[arg(long, value_enum)]
    global_presence: Option<Opening>,
    /// Whether single tokens can be revoked.
    #[arg(long, value_enum)]
    revocation: Option<Switch>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Opening {
    Open,
    Granted,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let of_keyset = async || {
        keyset(arguments.keyset.as_deref(), &client).await.map(|subscribe_key| format!("/v1/keysets/{subscribe_key}"))
    };
    match arguments.action {
        Action::List => {
            let columns = ["subscribe_key", "publish_key", "origin", "network"];
            output.table(&client.get("/v1/keysets", &[]).await?, "keysets", &columns);
        }
        Action::Create(creation) => {
            let created = client.post("/v1/keysets", &body(creation)?).await?;
            output.line(&created, &lines(&created, &["subscribe_key", "publish_key", "secret_key"]));
        }
        Action::Rotate { secret_key_file, until, force } => {
            let secret_key = secret_key_file.map(|file| secret_key(&file)).transpose()?;
            let asked = json!({ "secret_key": secret_key, "until": until, "force": force });
            let path = of_keyset().await?;
            let rotated = client.post(&format!("{path}/keys/rotate"), &asked).await?;
            let shown = std::iter::once(lines(&rotated, &["number", "secret_key"])).chain(cut_off(&rotated));
            output.line(&rotated, &shown.collect::<Vec<_>>().join("\n"));
        }
        Action::Retire { number, until, force } => {
            let path = of_keyset().await?;
            let asked = json!({ "until": until, "force": force });
            let retired = client.post(&format!("{path}/keys/{number}/retire"), &asked).await?;
            output.line(&retired, &retirement(number, &retired));
        }
        Action::Plan => {
            let plan = client.get(&format!("{}/keys", of_keyset().await?), &[]).await?;
            let columns = ["number", "state", "until", "live", "last_expiry", "for_anyone", "uuids"];
            output.dated_table(plan, ("keys", &columns), &["until", "last_expiry"]);
        }
        Action::Set(settings) => {
            let set = client.patch(&of_keyset().await?, &changes(settings)).await?;
            let named: Vec<&str> = set.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            output.line(&set, &lines(&set, &named));
        }
    }
    Ok(())
}

/// `name = value` for each; a secret key that is not told was given.
fn lines(told: &Value, names: &[&str]) -> String {
    let line = |name: &&str| match told.get(name) {
        None => format!("{name} = as given"),
        Some(Value::Null) => format!("{name} = none"),
        Some(Value::String(text)) => format!("{name} = {text}"),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            format!("{name} = {other}")
        }
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn body(creation: Creation) -> Result<Value, Failure> {
    let Creation { subscribe_key, publish_key, secret_key_file, origin, network } = creation;
    let secret_key = secret_key_file.map(|file| secret_key(&file)).transpose()?;
    Ok(json!({
        "subscribe_key": subscribe_key,
        "publish_key": publish_key,
        "secret_key": secret_key,
        "origin": origin,
        "network": network,
    }))
}

/// Only what is named is changed.
fn changes(settings: Settings) -> Value {
    let Settings { network, no_network, metadata_lists, global_presence, revocation } = settings;
    let opening = |opening: Opening| match opening {
        Opening::Open => json!("open"),
        Opening::Granted => json!("granted"),
    };
    let switch = |switch: Switch| match switch {
        Switch::On => json!("on"),
        Switch::Off => json!("off"),
    };
    let network = if no_network { Some(Value::Null) } else { network.map(Value::from) };
    let named = [
        ("network", network),
        ("metadata_lists", metadata_lists.map(opening)),
        ("global_presence", global_presence.map(opening)),
        ("revocation", revocation.map(switch)),
    ];
    Value::Object(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>())
}

fn retirement(number: u32, retired: &Value) -> String {
    let until = retired.get("until").and_then(Value::as_u64).map(date);
    let end = until.map_or_else(|| "is dropped".to_owned(), |until| format!("counts until {until}"));
    format!("secret key {number} {end}; {}", cut_off(retired).unwrap_or_else(|| "no token is cut off".into()))
}

/// How many tokens a key's end cuts off, if any.
fn cut_off(answer: &Value) -> Option<String> {
    let live = answer.pointer("/cut/live").and_then(Value::as_u64).filter(|live| *live > 0)?;
    let verb = if live == 1 { "is" } else { "are" };
    Some(format!("{} {verb} cut off", counted(live, "live token")))
}

fn secret_key(file: &Path) -> Result<String, Failure> {
    let value = read_value(file)?;
    let text = std::str::from_utf8(&value).map_err(|_| Failure::new(Exit::Usage, "the secret key is not UTF-8"))?;
    Ok(text.to_owned())
}
