//! `usher grant`: what is granted, to whom, and whether it lets somebody do something.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use usher_access::{Need, Operation, Permission, ResourceKind};

use crate::failure::{Exit, Failure};
use crate::output::{Output, counted};
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher grant create --auth alice-key --channel room-1 --ttl 60 read write
  usher grant list --auth alice-key
  usher grant check --as alice-key --uuid alice publish room-1
  usher grant check --as alice-key --uuid alice subscribe room-1 --group friends
  usher grant check --as alice-key read demo
  usher grant check --as alice-key --kind group read 'demo#alice#rooms'
  usher grant revoke --auth alice-key --channel room-1")]
pub(crate) struct Arguments {
    /// The keyset, if there are several.
    #[arg(long, global = true, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Grant permissions, to auth keys or to everyone; a grant takes the place of an earlier one on the same target.
    Create {
        #[command(flatten)]
        named: Named,
        /// Minutes; 0 is for ever.
        #[arg(long, value_name = "MINUTES", default_value_t = 1440)]
        ttl: u64,
        /// read, write, manage, delete, get, update, join.
        #[arg(required = true, value_name = "PERMISSION")]
        permissions: Vec<String>,
    },
    /// List live grants.
    List {
        /// Only those of this auth key.
        #[arg(long, value_name = "KEY")]
        auth: Option<String>,
        /// Only those on this resource, by its literal name.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Say whether somebody may do something, and why; exit code 4 when not.
    Check(Check),
    /// Take grants back, by the names and auth keys they were made with.
    Revoke {
        #[command(flatten)]
        named: Named,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// A channel, or a wildcard such as `a.*`; can be given several times.
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// A channel group; can be given several times.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// A user whose metadata it is about; can be given several times, and not with channels or groups.
    #[arg(long = "target-uuid", value_name = "UUID")]
    uuids: Vec<String>,
    /// Every channel and channel group of the keyset, for everyone.
    #[arg(long, conflicts_with_all = ["channels", "groups", "uuids", "auth"])]
    whole_keyset: bool,
    /// The auth key it is for; can be given several times. Without one, it is for everyone.
    #[arg(long, value_name = "KEY")]
    auth: Vec<String>,
}

#[derive(Debug, Args)]
struct Check {
    /// The auth key or token that the client shows.
    #[arg(long = "as", value_name = "KEY")]
    auth: Option<String>,
    /// The client's uuid.
    #[arg(long, value_name = "UUID")]
    uuid: Option<String>,
    /// What NAME names; an operation has a kind of its own.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// More channels of the operation.
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// More channel groups of the operation.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// More users of the operation.
    #[arg(long = "target-uuid", value_name = "UUID")]
    uuids: Vec<String>,
    /// What it wants to do: an operation such as publish or subscribe, or a permission such as read.
    #[arg(value_name = "OPERATION")]
    what: String,
    /// The resources.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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
        Action::Create { named, ttl, permissions } => {
            let mut asked = body(named)?;
            if let Some(fields) = asked.as_object_mut() {
                fields.insert("ttl".into(), ttl.into());
                fields.insert("permissions".into(), permissions.into());
            }
            let granted = client.post(&grants, &asked).await?;
            output.line(&granted, &format!("{} granted", grants_of(&granted, "granted")));
        }
        Action::List { auth, name } => {
            let selection = [("auth", auth.as_deref()), ("name", name.as_deref())];
            let query: Vec<(&str, &str)> =
                selection.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            let listed = client.get(&grants, &query).await?;
            output.table(&listed, "grants", &["level", "name", "auth", "permissions", "ttl"]);
        }
        Action::Check(check) => {
            let verdict = client.post(&format!("{grants}/check"), &question(check)?).await?;
            let reason = verdict.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
            output.line(&verdict, &reason);
            if verdict.get("allowed") != Some(&Value::Bool(true)) {
                return Err(Failure::new(Exit::Denied, "denied"));
            }
        }
        Action::Revoke { named } => {
            let revoked = client.post(&format!("{grants}/revoke"), &body(named)?).await?;
            output.line(&revoked, &format!("{} revoked", grants_of(&revoked, "revoked")));
        }
    }
    Ok(())
}

/// A forgotten name is not taken for the whole keyset.
fn body(named: Named) -> Result<Value, Failure> {
    let Named { channels, groups, uuids, whole_keyset, auth } = named;
    if !whole_keyset && channels.is_empty() && groups.is_empty() && uuids.is_empty() {
        let message = "name a --channel, --group or --target-uuid; --whole-keyset means all channels and groups";
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(json!({ "channels": channels, "groups": groups, "uuids": uuids, "auth": auth }))
}

fn grants_of(answer: &Value, what: &str) -> String {
    answer.get(what).and_then(Value::as_u64).map_or_else(|| "nothing".into(), |count| counted(count, "grant"))
}

fn question(check: Check) -> Result<Value, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let Check { auth, uuid, kind, mut channels, mut groups, mut uuids, what, mut names } = check;
    if let Ok(permission) = what.parse::<Permission>() {
        let (Some(name), true) = (names.pop(), names.is_empty()) else {
            return Err(usage(format!("the permission `{permission}` is checked on one <NAME>")));
        };
        let kind = kind.unwrap_or(Kind::Channel).to_possible_value().map(|value| value.get_name().to_owned());
        return Ok(json!({ "auth": auth, "uuid": uuid, "kind": kind, "name": name, "permission": permission.name() }));
    }
    let operation = Operation::named(&what).ok_or_else(|| {
        let words: Vec<&str> = Operation::ALL.iter().map(Operation::word).collect();
        usage(format!("`{what}` is neither a permission nor one of these operations: {}", words.join(", ")))
    })?;
    match kind.unwrap_or_else(|| kind_of(operation)) {
        Kind::Channel => channels.append(&mut names),
        Kind::Group => groups.append(&mut names),
        Kind::Uuid => uuids.append(&mut names),
    }
    Ok(json!({
        "auth": auth,
        "uuid": uuid,
        "operation": operation.word(),
        "channels": channels,
        "groups": groups,
        "uuids": uuids,
    }))
}

/// What an operation is about in the first place.
fn kind_of(operation: &Operation) -> Kind {
    let named = operation.needs().iter().find_map(|need| match need {
        Need::Named { kind, .. } => Some(*kind),
        Need::KeysetWide { .. } | Need::Category { .. } => None,
    });
    match named {
        None | Some(ResourceKind::Channel) => Kind::Channel,
        Some(ResourceKind::Group) => Kind::Group,
        Some(ResourceKind::Uuid) => Kind::Uuid,
    }
}
