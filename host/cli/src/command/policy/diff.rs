//! `usher policy diff`: which recorded decisions another policy would change.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use usher_policy::{Policy, Verdict};

use super::decisions::{self, Recorded};
use super::source::Source;
use super::{OnServer, plain};
use crate::failure::Failure;
use crate::output::{Output, counted, write};
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_help = "A policy is a file, or with --function `active` or `version:N`.

Examples:
  usher policy diff active policy.yaml --function chat-engine
  usher policy diff version:3 version:4 --function chat-engine
  usher policy diff old.yaml new.yaml --decisions recorded.jsonl

Recorded decisions are those that the server remembers, each with the records it depended on. What a policy asks for beyond
them counts as absent, and the line says so.")]
pub(super) struct Arguments {
    /// The policy before.
    before: Source,
    /// The policy after.
    after: Source,
    #[command(flatten)]
    server: OnServer,
    /// Recorded decisions from a file instead of the server: one JSON object a line.
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
}

/// A decision that would change.
struct Change<'r> {
    recorded: &'r Recorded,
    effect: Effect,
    before: String,
    after: String,
    /// Records that were not recorded.
    absent: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Loses,
    Gains,
}

/// What one policy says.
struct Said {
    is_allowed: bool,
    by: String,
    absent: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let (before, _) = arguments.before.load(&arguments.server, target).await?;
    let (after, _) = arguments.after.load(&arguments.server, target).await?;
    let recorded = match &arguments.decisions {
        Some(file) => decisions::of_file(file)?,
        None => decisions::of_server(&arguments.server, target).await?,
    };
    let mut changes: Vec<Change<'_>> =
        recorded.iter().filter_map(|recorded| change(recorded, (&before, &after))).collect();
    changes.sort_by(|one, other| {
        let key =
            |change: &Change<'_>| (change.effect, change.recorded.user.clone(), change.recorded.asked.name.clone());
        key(one).cmp(&key(other))
    });
    tell(&changes, recorded.len(), output);
    Ok(())
}

fn change<'r>(recorded: &'r Recorded, (before, after): (&Policy, &Policy)) -> Option<Change<'r>> {
    let (was, is) = (said(recorded, before), said(recorded, after));
    let effect = match (was.is_allowed, is.is_allowed) {
        (true, false) => Effect::Loses,
        (false, true) => Effect::Gains,
        (true, true) | (false, false) => return None,
    };
    let mut absent: Vec<String> = was.absent.into_iter().chain(is.absent).collect();
    absent.sort();
    absent.dedup();
    Some(Change { recorded, effect, before: was.by, after: is.by, absent })
}

fn said(recorded: &Recorded, policy: &Policy) -> Said {
    recorded.asked.put_to(policy, |verdict| {
        let needed = verdict.explain().records;
        let absent = needed.into_iter().filter(|name| !recorded.asked.records.contains_key(name)).collect();
        Said { is_allowed: verdict.is_allowed(), by: by(verdict), absent }
    })
}

fn by(verdict: &Verdict<'_>) -> String {
    match (verdict.path(), verdict.position()) {
        (Some(path), Some(position)) => format!("`{path}` at {position}"),
        _ => "no rule".into(),
    }
}

fn tell(changes: &[Change<'_>], asked: usize, output: Output) {
    let of = |effect: Effect| changes.iter().filter(move |change| change.effect == effect);
    if matches!(output, Output::Json) {
        let listed = |effect| of(effect).map(as_json).collect::<Vec<Value>>();
        output.line(&json!({ "asked": asked, "loses": listed(Effect::Loses), "gains": listed(Effect::Gains) }), "");
        return;
    }
    for change in changes {
        write(plain(&format!("{}\n", as_line(change))).as_bytes());
    }
    let (loses, gains) = (of(Effect::Loses).count(), of(Effect::Gains).count());
    let same = asked.saturating_sub(changes.len());
    output.line(
        &Value::Null,
        &format!("{}: {loses} lost, {gains} gained, {same} the same", counted(asked as u64, "recorded decision")),
    );
}

fn as_line(change: &Change<'_>) -> String {
    let Change { recorded, effect, before, after, absent } = change;
    let (action, name) = (recorded.asked.action, &recorded.asked.name);
    let verb = match effect {
        Effect::Loses => "loses",
        Effect::Gains => "gains",
    };
    let unknown = if absent.is_empty() { String::new() } else { format!(" (not recorded: {})", absent.join(", ")) };
    format!("{} {verb} {} {} `{name}`: {before} → {after}{unknown}", recorded.user, action.section(), action.word())
}

fn as_json(change: &Change<'_>) -> Value {
    let Change { recorded, effect: _, before, after, absent } = change;
    let action = recorded.asked.action;
    json!({
        "user": recorded.user,
        "section": action.section().name(),
        "action": action.word(),
        "name": recorded.asked.name,
        "before": before,
        "after": after,
        "not_recorded": absent,
    })
}
