//! The servers that are measured, each in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use usher_tests::Process;

/// A measured server; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) url: String,
}

/// Usher with the chat-engine function.
pub(crate) struct Usher {
    pub(crate) process: Process,
    folder: TempDir,
}

/// Whether grants and groups are journaled.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store {
    Disk,
    Memory,
}

impl Usher {
    /// Release binary, no rate limits, quiet log.
    pub(crate) fn start(store: Store) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kind = match store {
            Store::Disk => "disk",
            Store::Memory => "memory",
        };
        let config =
            format!("[store]\nkind = \"{kind}\"\n[limits]\nper_address = 0\nper_user = 0\n[log]\nlevel = \"error\"\n");
        fs::write(folder.path().join("usher.toml"), config).expect("a configuration");
        Self { process: Self::process(folder.path()), folder }
    }

    /// The same again on the same folder, after a kill.
    pub(crate) fn restart(self) -> Self {
        let Self { process, folder } = self;
        process.kill();
        Self { process: Self::process(folder.path()), folder }
    }

    fn process(folder: &Path) -> Process {
        let config = folder.join("usher.toml");
        Process::dev(&folder.join("data"), &["--config", config.to_str().expect("a plain path")])
    }

    pub(crate) fn connect_url(&self) -> String {
        format!("{}?route=connect", self.process.field("endpoint"))
    }

    /// A path of the decisions port.
    pub(crate) fn decisions_url(&self, path: &str) -> String {
        format!("{}{path}", self.process.field("decisions"))
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid())).expect("a live process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    }
}

/// The native handler; `path` is `/?route=connect` or `/constant`.
pub(crate) fn native(path: &str) -> Peer {
    let own = std::env::current_exe().expect("a path");
    let mut child =
        Command::new(own.with_file_name("native")).stderr(Stdio::piped()).spawn().expect("the native handler starts");
    let mut address = String::new();
    BufReader::new(child.stderr.as_mut().expect("piped")).read_line(&mut address).expect("its address");
    Peer { child, url: format!("http://{}{path}", address.trim()) }
}

/// workerd with the same handler, if it is installed.
pub(crate) fn workerd() -> Option<Peer> {
    let binary = PathBuf::from(std::env::var_os("USHER_WORKERD")?);
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/workerd/config.capnp");
    let child = Command::new(binary)
        .args(["serve", "--socket-addr", &format!("http=127.0.0.1:{port}")])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let peer = Peer { child, url: format!("http://127.0.0.1:{port}/?route=connect") };
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(peer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
