//! The server's configuration: `usher.toml`, then `USHER_SECTION__KEY`, then flags; checked whole and split among its owners.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use usher_runtime::EngineSettings;

use crate::document::{Document, Problems, Section};

/// Everything a server is told at its start. Taken apart before the port opens.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sockets.
    pub listen: Listen,
    /// Where everything is kept.
    pub data: DataFolder,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// What clients may use.
    pub limits: ClientLimits,
    /// Sandboxes.
    pub engine: EngineSettings,
    /// What kept decisions may take in memory, in bytes. Default 64 MiB.
    pub decisions_kept: usize,
    /// The operator's log.
    pub log: Log,
}

/// Sockets and certificates.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The data plane. Default `127.0.0.1:8080`.
    pub data_plane: SocketAddr,
    /// The admin API. Default `127.0.0.1:8081`.
    pub admin: SocketAddr,
    /// Metrics and health. Default `127.0.0.1:9464`.
    pub metrics: SocketAddr,
    /// Decisions for proxies and other servers, over HTTP/1.1 and HTTP/2 without TLS. Default `127.0.0.1:8082`.
    pub decisions: SocketAddr,
    /// TLS for the data plane.
    pub tls: Option<TlsFiles>,
    /// How long requests may go on after SIGTERM. Default 10 s.
    pub drain: Duration,
    /// Connections at once. Default 10,000.
    pub connections: u32,
    /// How long a client may take to send its request's head. Default 10 s.
    pub header_time: Duration,
    /// How long a client may take to send its request's body. Default 10 s.
    pub body_time: Duration,
}

/// PEM files; both are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The leaf's private key.
    pub key: PathBuf,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataFolder {
    /// In a folder of ours.
    Disk(PathBuf),
    /// Nowhere: for trials and measurements. The folder holds the admin token and the compiled artefacts only.
    Memory(PathBuf),
}

/// Where the master key is read from.
#[derive(Clone, PartialEq, Eq)]
pub enum MasterKeySource {
    /// A file of 64 hexadecimal digits.
    File(PathBuf),
    /// The same, but made with mode 0600 when neither it nor a vault exists.
    CreatedFile(PathBuf),
    /// The digits themselves, from `USHER_MASTER_KEY`.
    Text(String),
}

/// What clients may use of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Requests per second and address; 0 is no limit. Default 200, with bursts of ten times that.
    pub per_address: u32,
    /// Authentications per second and uuid; 0 is no limit. Default 20, with bursts of ten times that.
    pub per_user: u32,
}

/// The operator's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// JSON lines or text.
    pub format: LogFormat,
    /// A `tracing` filter such as `info` or `usher_server=debug`.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// `file` is the name shown in messages; `variables` is the environment.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(
        file: &str,
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let variables: Vec<(String, String)> = variables.into_iter().collect();
        let variable = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let (key, credentials) = (variable("USHER_MASTER_KEY"), variable("CREDENTIALS_DIRECTORY"));
        let mut document = Document::parse(file, text);
        document.overlay(variables);
        let mut root = document.root();
        let mut store = root.section("store");
        let data = read_data(&mut store);
        store.finish();
        let vault = root.section("vault");
        let master_key = read_master_key(vault, key, credentials, &data);
        let mut server = root.section("server");
        let listen = read_listen(&mut server, root.section("tls"));
        let decisions_kept = server.size("decisions_kept").unwrap_or(64 << 20);
        server.finish();
        let config = Self {
            listen,
            data,
            master_key,
            limits: read_limits(root.section("limits")),
            engine: read_engine(root.section("engine")),
            decisions_kept,
            log: read_log(root.section("log")),
        };
        root.finish();
        document.finish(Some(config))
    }
}

impl DataFolder {
    /// The folder, whatever is kept in it.
    #[must_use]
    pub const fn path(&self) -> &PathBuf {
        match self {
            Self::Disk(path) | Self::Memory(path) => path,
        }
    }
}

fn read_data(store: &mut Section) -> DataFolder {
    let folder = store.text("data").map_or_else(|| PathBuf::from("usher-data"), PathBuf::from);
    match store.text("kind").as_deref() {
        None | Some("disk") => DataFolder::Disk(folder),
        Some("memory") => DataFolder::Memory(folder),
        Some(other) => {
            store.wrong("kind", format!("`{other}` is neither \"disk\" nor \"memory\""));
            DataFolder::Disk(folder)
        }
    }
}

fn read_master_key(
    mut vault: Section,
    text: Option<String>,
    credentials: Option<String>,
    data: &DataFolder,
) -> MasterKeySource {
    let file = vault.text("master_key_file").map(PathBuf::from);
    vault.finish();
    let credential =
        credentials.map(|folder| PathBuf::from(folder).join("usher-master-key")).filter(|file| file.exists());
    match (file, text, credential) {
        (Some(file), _, _) | (None, None, Some(file)) => MasterKeySource::File(file),
        (None, Some(text), _) => MasterKeySource::Text(text),
        (None, None, None) => MasterKeySource::File(data.path().join("master.key")),
    }
}

fn read_listen(server: &mut Section, tls: Section) -> Listen {
    let mut address = |key, default: ([u8; 4], u16)| server.parsed(key).unwrap_or_else(|| SocketAddr::from(default));
    let data_plane = address("listen", ([127, 0, 0, 1], 8080));
    let admin = address("admin", ([127, 0, 0, 1], 8081));
    let metrics = address("metrics", ([127, 0, 0, 1], 9464));
    let decisions = address("decisions", ([127, 0, 0, 1], 8082));
    if !admin.ip().is_loopback() {
        server.wrong("admin", "the admin API speaks plain HTTP, so it listens on a loopback address only");
    }
    let drain = server.duration("drain").unwrap_or(Duration::from_secs(10));
    let connections = server.number("connections", 1..=1_000_000).unwrap_or(10_000);
    let header_time = server.duration("header_time").unwrap_or(Duration::from_secs(10));
    let body_time = server.duration("body_time").unwrap_or(Duration::from_secs(10));
    Listen { data_plane, admin, metrics, decisions, tls: read_tls(tls), drain, connections, header_time, body_time }
}

fn read_tls(mut tls: Section) -> Option<TlsFiles> {
    let (certificate, key) = (tls.text("certificate"), tls.text("key"));
    if certificate.is_some() != key.is_some() {
        tls.wrong("certificate", "`tls.certificate` and `tls.key` go together");
    }
    tls.finish();
    Some(TlsFiles { certificate: certificate?.into(), key: key?.into() })
}

fn read_limits(mut limits: Section) -> ClientLimits {
    let per_address = limits.number("per_address", 0..=1_000_000).unwrap_or(200);
    let per_user = limits.number("per_user", 0..=1_000_000).unwrap_or(20);
    limits.finish();
    ClientLimits { per_address, per_user }
}

fn read_engine(mut engine: Section) -> EngineSettings {
    let default = EngineSettings::default();
    let settings = EngineSettings {
        concurrency: engine.number("concurrency", 1..=10_000).unwrap_or(default.concurrency),
        queue_time: engine.duration("queue_time").unwrap_or(default.queue_time),
        max_memory: engine.size("max_memory").unwrap_or(default.max_memory),
        cache: None,
    };
    engine.finish();
    settings
}

fn read_log(mut log: Section) -> Log {
    let format = match log.text("format").as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            log.wrong("format", format!("`{other}` is neither \"text\" nor \"json\""));
            LogFormat::Text
        }
    };
    let level = log.text("level").unwrap_or_else(|| "info".into());
    if let Err(error) = EnvFilter::try_new(&level) {
        log.wrong("level", format!("`{level}` is no filter such as `info` or `usher_server=debug`: {error}"));
    }
    log.finish();
    Log { format, level }
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => out.debug_tuple("File").field(path).finish(),
            Self::CreatedFile(path) => out.debug_tuple("CreatedFile").field(path).finish(),
            Self::Text(_) => out.write_str("Text(..)"),
        }
    }
}

#[cfg(test)]
mod tests;
