//! The binary `usher` in a process of its own: for what only real processes show.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use usher_server::AdminClient;

/// A running `usher dev`; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    /// `usher dev --json --data {data} --port 0` with more arguments, ready to serve.
    #[must_use]
    pub fn dev(data: &Path, more: &[&str]) -> Self {
        Self::try_dev(data, more).unwrap_or_else(|error| panic!("usher dev: {error}"))
    }

    /// As [`Process::dev`]; the error is what it wrote on standard error before it gave up.
    ///
    /// # Errors
    /// The text of standard error.
    pub fn try_dev(data: &Path, more: &[&str]) -> Result<Self, String> {
        let errors = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new(binary());
        command.args(["dev", "--json", "--port", "0", "--data"]).arg(data).args(more);
        command.stdout(Stdio::piped()).stderr(errors.reopen().expect("the file opens again"));
        let mut child = command.spawn().expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        match serde_json::from_str(&line) {
            Ok(ready) => Ok(Self { child, ready }),
            Err(_) => {
                child.wait().expect("it ended");
                Err(std::fs::read_to_string(errors.path()).unwrap_or_default())
            }
        }
    }

    /// A field of the line it printed, such as `endpoint`.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.ready.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no `{name}` in {}", self.ready))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its admin API.
    #[must_use]
    pub fn admin(&self) -> AdminClient {
        let token = std::fs::read_to_string(Path::new(self.field("data")).join("admin.token")).expect("an admin token");
        AdminClient::new(self.field("admin"), &token).expect("a client")
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ended");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it ends by itself; its exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().expect("it ended").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

/// Runs `usher` with arguments to its end.
pub fn usher<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1");
    command.output().expect("the binary runs")
}

/// The binary under test: `USHER_BIN`, or the one beside this test's own.
#[must_use]
pub fn binary() -> PathBuf {
    let named = std::env::var_os("USHER_BIN").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let own = std::env::current_exe().expect("this test has a path");
        let folder = own.parent().and_then(Path::parent).expect("target/debug/deps");
        folder.join("usher")
    })
}
