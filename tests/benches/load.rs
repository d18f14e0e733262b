//! Load by wrk, from a process of its own.

use std::process::Command;

/// One run's figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Answers in all.
    pub(crate) answers: u64,
    /// Microseconds.
    pub(crate) p50: f64,
    /// Microseconds.
    pub(crate) p99: f64,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script<'a> {
    /// POSTs of `connect` by a thousand users in turn.
    Connect,
    /// POSTs of `connect`, each by a user never seen before.
    ConnectNew,
    /// Plain GETs.
    Get,
    /// GETs as nginx asks whether a user of [`Script::Connect`] may publish.
    Decide { subscribe_key: &'a str, publish_key: &'a str },
}

/// POSTs a connect for one of a thousand users.
const CONNECT: &str = r#"
local n = 0
request = function()
  n = (n + 1) % 1000
  local body = '{"uuid":"user-' .. n .. '","namespace":"demo","authKey":"key-' .. n .. '"}'
  return wrk.format("POST", nil, { ["content-type"] = "application/json;charset=utf-8" }, body)
end
"#;

/// The same without end, each thread with users of its own.
const CONNECT_NEW: &str = r#"
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end
local n = 0
request = function()
  n = n + 1
  local user = os.time() .. "-" .. id .. "-" .. n
  local body = '{"uuid":"user-' .. user .. '","namespace":"demo","authKey":"key-' .. user .. '"}'
  return wrk.format("POST", nil, { ["content-type"] = "application/json;charset=utf-8" }, body)
end
"#;

/// The same users publish.
const DECIDE: &str = r#"
local n = 0
request = function()
  n = (n + 1) % 1000
  local target = "/publish/PUBLISH_KEY/SUBSCRIBE_KEY/0/demo/0/1?uuid=user-" .. n .. "&auth=key-" .. n
  return wrk.format("GET", nil, { ["x-original-method"] = "GET", ["x-original-uri"] = target })
end
"#;

/// Loads `url` for `seconds`; every answer has to be 2xx.
pub(crate) fn run(url: &str, script: Script<'_>, (connections, seconds): (u32, u32)) -> Run {
    let file = tempfile::NamedTempFile::with_suffix(".lua").expect("a temporary file");
    let lua = match script {
        Script::Connect => CONNECT.to_owned(),
        Script::ConnectNew => CONNECT_NEW.to_owned(),
        Script::Get => String::new(),
        Script::Decide { subscribe_key, publish_key } => {
            DECIDE.replace("SUBSCRIBE_KEY", subscribe_key).replace("PUBLISH_KEY", publish_key)
        }
    };
    std::fs::write(file.path(), lua).expect("a script");
    let threads = connections.min(2);
    let output = Command::new("wrk")
        .args([
            "--latency",
            "-t",
            &threads.to_string(),
            "-c",
            &connections.to_string(),
            "-d",
            &format!("{seconds}s"),
            "-s",
        ])
        .arg(file.path())
        .arg(url)
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{url}: {text}");
    let after = |word: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(word))
            .unwrap_or_else(|| panic!("{text}"))
            .trim()
            .to_owned()
    };
    let counted =
        text.lines().find_map(|line| line.trim().split_once(" requests in ")).unwrap_or_else(|| panic!("{text}"));
    Run {
        answers: counted.0.parse().expect("a count"),
        rate: after("Requests/sec:").parse().expect("a rate"),
        p50: microseconds(&after("50%")),
        p99: microseconds(&after("99%")),
    }
}

fn microseconds(text: &str) -> f64 {
    let (number, scale) = [("us", 1.0), ("ms", 1e3), ("s", 1e6)]
        .into_iter()
        .find_map(|(unit, scale)| text.strip_suffix(unit).map(|number| (number, scale)))
        .expect("a unit");
    number.parse::<f64>().expect("a number") * scale
}
