//! `usher policy explain`: how one question is decided, part by part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;
use usher_policy::{Action, Asked, Json, Message, Section, UnixMillis, User};

use super::source::Source;
use super::{OnServer, plain};
use crate::failure::{Exit, Failure};
use crate::output::{Output, write};
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher policy explain policy.yaml --user alice --section channel --action read --name demo
  usher policy explain policy.yaml --user bob --user-data '{\"role\":\"admin\"}' --section record --action write \\
    --name doc/1 --payload '{\"title\":\"x\"}' --record 'doc/1={\"owner\":\"bob\"}'
  usher policy explain active --function chat-engine --section channel --action read --name demo")]
pub(super) struct Arguments {
    /// The policy's file; with --function also `active` or `version:N`.
    policy: Source,
    #[command(flatten)]
    server: OnServer,
    /// Who asks; without it, somebody unknown.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// What the server knows of the user, as JSON: `user.data`.
    #[arg(long, value_name = "JSON", requires = "user")]
    user_data: Option<String>,
    /// record, event, rpc, presence, channel, group or uuid.
    #[arg(long, value_parser = section)]
    section: Section,
    /// A permission such as read; in deepstream's sections a rule type such as write, or deepstream's own word.
    #[arg(long)]
    action: String,
    /// What it is about.
    #[arg(long)]
    name: String,
    /// What the message carries, as JSON: `data`.
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// A record that a rule may refer to; can be given several times. `oldData` is the one of --name.
    #[arg(long = "record", value_name = "NAME=JSON", value_parser = record)]
    records: Vec<(String, Record)>,
    /// The time of the question, in milliseconds since 1970; the present if it is not given.
    #[arg(long, value_name = "MS")]
    now: Option<u64>,
}

/// The value of a record.
type Record = Arc<Json<'static>>;

pub(super) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let (policy, _) = arguments.policy.load(&arguments.server, target).await?;
    let asked = asked(arguments)?;
    let (value, told) = asked.put_to(&policy, |verdict| {
        let explanation = verdict.explain();
        let position = verdict.position().map(|at| json!({ "line": at.line, "column": at.column }));
        let value = json!({
            "allowed": verdict.is_allowed(),
            "outcome": verdict.outcome().to_string(),
            "path": verdict.path(),
            "rule": verdict.rule(),
            "position": position,
            "passes": verdict.passes(),
            "records": explanation.records,
            "steps": explanation.steps.iter().map(|step| json!([step.depth, step.expression, step.value])).collect::<Vec<_>>(),
        });
        (value, explanation.to_string())
    });
    match output {
        Output::Json => output.line(&value, ""),
        Output::Eyes => write(plain(&told).as_bytes()),
    }
    Ok(())
}

fn asked(arguments: Arguments) -> Result<Asked, Failure> {
    let Arguments { user, user_data, section, action, name, payload, records, now, .. } = arguments;
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let action = Action::named(section, &action).ok_or_else(|| {
        let types: Vec<&str> = section.rule_types().iter().map(|rule| rule.name()).collect();
        usage(format!("`{section}` has no action `{action}`; its rules are {}", types.join(", ")))
    })?;
    let data = user_data.as_deref().map_or(Ok(Json::Null), json_value);
    let data = data.map_err(|problem| usage(format!("--user-data: {problem}")))?;
    let user = user.map_or_else(User::anonymous, |id| User::new(Json::Text(id.into()), data));
    let message = payload.map_or(Message::Empty, Message::Raw);
    let records: BTreeMap<_, _> = records.into_iter().collect();
    Ok(Asked { action, name, message, user, now: UnixMillis(now.unwrap_or_else(present)), records })
}

fn present() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn section(text: &str) -> Result<Section, String> {
    Section::named(text).ok_or_else(|| "record, event, rpc, presence, channel, group or uuid".into())
}

fn record(text: &str) -> Result<(String, Record), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=JSON")?;
    Ok((name.to_owned(), Arc::new(json_value(value)?)))
}

fn json_value(text: &str) -> Result<Json<'static>, String> {
    Json::parse(text).map(Json::into_owned).map_err(|error| format!("no JSON: {error}"))
}
