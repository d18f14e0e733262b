//! What tests of real processes share: running the binary to its end, and looking at a data folder's bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_tests::{Answer, Process, binary};

/// No command of these tests runs longer.
const LONGEST: Duration = Duration::from_secs(30);

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command about to run.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

impl Run {
    /// `usher` with arguments that spaces separate, in an environment without any `USHER_…`.
    pub(crate) fn usher(arguments: &str) -> Self {
        Self::with(Command::new(binary()), arguments.split_whitespace())
    }

    /// The same through bash, after `preparation`.
    pub(crate) fn prepared(preparation: &str, arguments: &str) -> Self {
        let line = format!("{preparation}; exec \"$0\" {arguments}");
        let mut command = Command::new("bash");
        command.arg("-c").arg(line).arg(binary());
        Self::with(command, [])
    }

    fn with<'a>(mut command: Command, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("USHER_")) {
            command.env_remove(name);
        }
        command.args(arguments);
        Self { command, input: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn input(mut self, input: &str) -> Self {
        self.input = input.as_bytes().to_vec();
        self
    }

    /// Starts `usher dev --json` or another server, and waits for its first line on standard output.
    pub(crate) fn start(mut self) -> Started {
        let errors = tempfile::NamedTempFile::new().unwrap();
        let command = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Started { child, line, stdout, errors }
    }

    /// Starts `usher serve`, and waits until standard error has this text.
    pub(crate) fn ready(mut self, text: &str) -> Started {
        let errors = tempfile::NamedTempFile::new().unwrap();
        let command = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let started = Started { child, line: String::new(), stdout, errors };
        let deadline = Instant::now() + LONGEST;
        while !started.errors().contains(text) {
            assert!(Instant::now() < deadline, "never ready: {}", started.errors());
            std::thread::sleep(Duration::from_millis(5));
        }
        started
    }

    /// Runs to the end; a command that does not end is a failure of the test.
    pub(crate) fn end(mut self) -> Ended {
        let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let command = self.command.stdin(Stdio::piped()).stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may be gone already.
        let _: std::io::Result<()> = child.stdin.take().unwrap().write_all(&self.input);
        let deadline = Instant::now() + LONGEST;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("did not end: {:?}\n{}", self.command, fs::read_to_string(err.path()).unwrap());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let read =
            |file: &tempfile::NamedTempFile| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned();
        Ended { code: status.code(), stdout: read(&out), stderr: read(&err) }
    }
}

/// A server whose output is looked at; killed when dropped.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    /// Its first line on standard output.
    pub(crate) line: String,
    stdout: BufReader<ChildStdout>,
    errors: tempfile::NamedTempFile,
}

impl Started {
    /// A field of the line of JSON.
    pub(crate) fn field(&self, name: &str) -> String {
        let ready: Value =
            serde_json::from_str(&self.line).unwrap_or_else(|error| panic!("{error}: {} {}", self.line, self.errors()));
        ready[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote on standard error so far.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.errors.path()).unwrap()
    }

    /// SIGTERM, and waits: the exit code, the rest of standard output, and standard error.
    pub(crate) fn stop(mut self) -> Ended {
        assert!(Command::new("kill").arg(self.pid().to_string()).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        Ended { code, stdout, stderr: self.errors() }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

impl Ended {
    /// Asserts the exit code and what standard error mentions; there are no escape codes anywhere.
    pub(crate) fn check(&self, code: i32, mentions: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in mentions {
            assert!(self.stderr.contains(text), "no `{text}` in {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        assert!(!self.stdout.contains('\u{1b}') && !self.stderr.contains('\u{1b}'), "{self:?}");
        self
    }

    /// Standard output as one line of JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Every file's bytes. Journals are made longer than they are and shortened when opened: zeros at their end do not count.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            let mut bytes = fs::read(&path).unwrap();
            if path.extension().is_some_and(|kind| kind == "jnl") {
                bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            }
            files.insert(path, bytes);
        }
    }
    files
}

/// Asserts that two looks at a folder saw the same, naming the files that differ.
pub(crate) fn assert_same(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) {
    let names = before.keys().chain(after.keys());
    let differing: Vec<_> = names.filter(|name| before.get(*name) != after.get(*name)).collect();
    assert!(differing.is_empty(), "changed: {differing:?}");
}

/// One connect.
pub(crate) async fn connect(server: &Process, (uuid, auth_key): (&str, &str)) -> Answer {
    try_connect(server.field("endpoint"), (uuid, auth_key)).await.unwrap()
}

/// One connect that the server may not live to answer.
pub(crate) async fn try_connect(endpoint: &str, (uuid, auth_key): (&str, &str)) -> reqwest::Result<Answer> {
    let body = json!({ "uuid": uuid, "namespace": "demo", "authKey": auth_key }).to_string();
    let http = reqwest::Client::builder().no_proxy().timeout(LONGEST).build()?;
    let request = http.post(format!("{endpoint}?route=connect")).header("content-type", "application/json");
    let answer = request.body(body).send().await?;
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap_or_default().to_owned())
    };
    let headers = answer.headers().iter().map(header).collect();
    Ok(Answer { status: answer.status().as_u16(), headers, body: answer.text().await? })
}

/// Status and body of a GET.
pub(crate) async fn get(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The live grants of the demo keyset, without what changes with time.
pub(crate) async fn grants(server: &Process) -> Vec<String> {
    let path = format!("/v1/keysets/{}/grants", server.field("subscribe_key"));
    let listed = server.admin().get(&path, &[]).await.unwrap();
    let line = |grant: &Value| {
        format!("{} {} {} {} {}", grant["level"], grant["name"], grant["auth"], grant["permissions"], grant["expires"])
    };
    let mut lines: Vec<String> = listed["grants"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}
