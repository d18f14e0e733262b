//! `usher logs`: the decisions that are kept, by outcome, user, code or function.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::Value;
use usher_server::{AdminClient, FunctionName};

use super::why::text;
use crate::failure::Failure;
use crate::output::{Output, date};
use crate::target::Target;

/// How often a server is asked for what is new.
const PAUSE: Duration = Duration::from_secs(1);
/// New decisions that are shown of one such second at the most.
const MOST_AT_ONCE: &str = "1000";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  usher logs --denied                      the latest refusals, the newest last
  usher logs --user alice --since 1h
  usher logs --code policy.denied --function chat-engine
  usher logs --denied --follow             goes on until Ctrl-C

`usher why ID` explains one of them. Refusals stay on disk, 100,000 of them; what functions allowed is in memory as long as there is
room, and what the gateway lets through is not kept.")]
pub(crate) struct Arguments {
    /// Refusals only.
    #[arg(long)]
    denied: bool,
    /// Of this user only.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// With this code only, such as `policy.denied`.
    #[arg(long)]
    code: Option<String>,
    /// Of this function only.
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// Of this keyset only.
    #[arg(long, value_name = "SUBSCRIBE_KEY", env = "USHER_KEYSET")]
    keyset: Option<String>,
    /// Not older than this, such as `90s`, `15m`, `1h` or `7d`.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<u64>,
    /// At most as many, at most 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: u32,
    /// Goes on with what is decided from now on.
    #[arg(long, short)]
    follow: bool,
}

impl Arguments {
    /// Whether it runs until it is stopped.
    pub(crate) const fn goes_on(&self) -> bool {
        self.follow
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let since = self.since.map(|ago| now().saturating_sub(ago.saturating_mul(1_000)).to_string());
        let function = self.function.as_ref().map(ToString::to_string);
        let given = [
            ("denied", self.denied.then(|| "true".to_owned())),
            ("user", self.user.clone()),
            ("code", self.code.clone()),
            ("function", function),
            ("subscribe_key", self.keyset.clone()),
            ("since", since),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

pub(crate) async fn run(arguments: &Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let client = target.client()?;
    let query = arguments.query();
    let first = list(&client, &query, &arguments.limit.to_string()).await?;
    let newest = key_of(decisions(&first).first());
    match (output, arguments.follow) {
        (Output::Json, false) => output.line(&first, ""),
        (Output::Json | Output::Eyes, _) => show(decisions(&first), output),
    }
    if !arguments.follow && decisions(&first).is_empty() {
        eprintln!("usher: no such decision is kept");
    }
    if arguments.follow {
        follow((&client, &query), newest, output).await?;
    }
    Ok(())
}

/// Goes on until it is stopped, or the server cannot be asked.
async fn follow(
    (client, query): (&AdminClient, &[(&str, String)]),
    mut newest: String,
    output: Output,
) -> Result<(), Failure> {
    loop {
        tokio::time::sleep(PAUSE).await;
        // From the moment of the newest on: the server need not look at what is known.
        let since = u64::from_str_radix(newest.get(..16).unwrap_or_default(), 16).unwrap_or_default();
        let others = query.iter().filter(|(name, _)| *name != "since" || newest.is_empty()).cloned();
        let fresh = (!newest.is_empty()).then(|| ("since", since.to_string()));
        let latest = list(client, &others.chain(fresh).collect::<Vec<_>>(), MOST_AT_ONCE).await?;
        let new = decisions(&latest).split(|decision| key_of(Some(decision)) <= newest).next().unwrap_or_default();
        show(new, output);
        newest = key_of(new.first()).max(newest);
    }
}

async fn list(client: &AdminClient, query: &[(&str, String)], limit: &str) -> Result<Value, Failure> {
    let query = query.iter().map(|(name, value)| (*name, value.as_str())).chain([("limit", limit)]);
    Ok(client.get("/v1/decisions", &query.collect::<Vec<_>>()).await?)
}

fn decisions(listed: &Value) -> &[Value] {
    listed.get("decisions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Keys are in order of time, as texts too.
fn key_of(decision: Option<&Value>) -> String {
    decision.and_then(|decision| decision.get("key")?.as_str()).unwrap_or_default().to_owned()
}

/// The newest last, where eyes are.
fn show(newest_first: &[Value], output: Output) {
    for decision in newest_first.iter().rev() {
        output.line(decision, &line(decision));
    }
}

fn line(decision: &Value) -> String {
    let at = date(decision.get("at").and_then(Value::as_u64).unwrap_or_default() / 1_000);
    let [code, user, asked, id] = ["code", "user", "asked", "id"].map(|name| text(decision, name));
    let function = decision.get("function").filter(|name| name.is_string()).map(|_| text(decision, "function"));
    let place = function.unwrap_or_else(|| text(decision, "road"));
    format!("{at}  {code:24}  {user:16}  {place:16}  {asked}  {id}")
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(text: &str) -> Result<u64, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let parsed = units.into_iter().find_map(|(unit, scale)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(scale)
    });
    parsed.ok_or_else(|| "write a whole number with a unit, such as 90s, 15m, 1h or 7d".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{line, seconds};

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h", Some(3_600)),
            ("7d", Some(604_800)),
            ("7", None),
            ("-1h", None),
            ("1.5h", None),
            ("h", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_line_ends_in_the_id_and_holds_no_control_characters() {
        let decision = json!({
            "at": 1_800_000_000_000_u64, "code": "grant.missing", "user": "a\u{1b}[2J", "road": "gateway", "function": null,
            "asked": "publish a", "id": "d-1",
        });
        let expected = "2027-01-15 08:00:00 UTC  grant.missing             a\u{fffd}[2J             gateway           publish a  d-1";
        assert_eq!(line(&decision), expected);
    }
}
