//! deepstream's own permission handler in a Node process, asked in turns.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The handler; ended when dropped.
pub(super) struct Peer {
    child: Child,
    turns: ChildStdin,
    rates: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// The handler, if Node and the package are installed; it has answered every case as it says.
    pub(super) fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/deepstream");
        folder.join("node_modules").is_dir().then_some(())?;
        let mut child = Command::new("node")
            .arg(folder.join("peer.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (turns, rates) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Some(Self { child, turns, rates: BufReader::new(rates).lines() })
    }

    /// Decisions a second on one group of cases.
    pub(super) fn rate(&mut self, group: &str, turn: Duration) -> f64 {
        self.turn(&json!({ "group": group, "milliseconds": turn.as_millis() }))
    }

    /// Decisions a second on names never seen before.
    pub(super) fn rate_unseen(&mut self, permissions: &Value, paths: usize, turn: Duration) -> f64 {
        let milliseconds = turn.as_millis();
        self.turn(
            &json!({ "group": "unseen", "permissions": permissions, "paths": paths, "milliseconds": milliseconds }),
        )
    }

    fn turn(&mut self, turn: &Value) -> f64 {
        writeln!(self.turns, "{turn}").expect("deepstream's handler reads");
        let line = self.rates.next().expect("deepstream's handler answers").expect("a line");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        answer["rate"].as_f64().expect("a rate")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
