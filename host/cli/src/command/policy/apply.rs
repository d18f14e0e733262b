//! `usher policy apply`: a policy becomes the one in force, at once and whole, or nothing changes.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use usher_server::FunctionName;

use super::{check, read, read_if_there, test};
use crate::failure::Failure;
use crate::output::{Output, counted};
use crate::target::{Target, keyset};

#[derive(Debug, Args)]
#[command(
    after_help = "The cases in `FILE.test.yaml` beside the policy are run before anything is sent, and the server checks the policy
again. Requests under way finish under the policy before; what the new one no longer allows is then taken back from those
who have it, and their open subscriptions end. `usher policy rollback NAME` goes back."
)]
pub(super) struct Arguments {
    /// The policy.
    file: PathBuf,
    /// The function whose policy it is.
    #[arg(long, value_name = "NAME")]
    function: FunctionName,
    /// The keyset, if there are several.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
    /// Apply it whatever its cases say.
    #[arg(long)]
    untested: bool,
}

pub(super) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let document = read(&arguments.file)?;
    let policy = check::parse(&arguments.file, &document)?;
    let cases = test::beside(&arguments.file);
    if let (false, Some(text)) = (arguments.untested, read_if_there(&cases)?) {
        let parsed = test::parse(&cases, &text)?;
        let differing = test::run_all(&policy, &parsed);
        if !differing.is_empty() {
            differing.iter().for_each(|(case, differing)| eprint!("{}", test::told(&cases, case, differing)));
            return Err(test::failed(differing.len(), parsed.len()).hint("nothing was changed; --untested applies it"));
        }
        eprintln!("usher: {} as expected", counted(parsed.len() as u64, "case"));
    }
    let client = target.client()?;
    let keyset = keyset(arguments.keyset.as_deref(), &client).await?;
    let path = format!("/v1/keysets/{keyset}/functions/{}/policy", arguments.function);
    let active = client.post(&path, &json!({ "document": document })).await?;
    output.line(&active, &activated(&active, &keyset));
    Ok(())
}

/// What an activation did, in a sentence and, where a policy is in force, two.
pub(crate) fn activated(active: &Value, keyset: &str) -> String {
    let text = |name: &str| active.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = active.get("version").unwrap_or(&Value::Null);
    in_force(format!("{} version {version} is active on {keyset}", text("name")), active)
}

/// The sentence, and the policy that is in force with it, if there is one.
pub(crate) fn in_force(head: String, active: &Value) -> String {
    let Some(policy) = active.get("policy").filter(|policy| !policy.is_null()) else { return head };
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).unwrap_or_default();
    let digest = policy.get("digest").and_then(Value::as_str).unwrap_or_default();
    let rules = counted(number(policy, "rules"), "rule");
    let (rechecked, taken_back) = (number(active, "rechecked"), number(active, "taken_back"));
    let left = match number(active, "left_groups") {
        0 => String::new(),
        left => format!(", {} taken out of channel groups", counted(left, "channel")),
    };
    format!(
        "{head}\npolicy {digest} is in force, {rules}; {} checked again, {taken_back} taken back{left}",
        counted(rechecked, "grant")
    )
}
