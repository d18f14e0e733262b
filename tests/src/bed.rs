//! A server in this process: on free ports, with a data folder of its own and a clock that the test moves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usher_server::{
    Addresses, AdminClient, CallError, Clock, Config, DataFolder, FunctionFiles, MasterKeySource, Server, StartError,
};

use crate::compiled;
use crate::log::Log;

/// The bed's keyset.
const SUBSCRIBE_KEY: &str = "sub-c-test";

/// A running server with one keyset.
#[derive(Debug)]
pub struct Bed {
    server: Option<Server>,
    addresses: Addresses,
    admin: AdminClient,
    http: reqwest::Client,
    clock: Arc<AtomicU64>,
    settings: Settings,
    data: TempDir,
}

/// What a test wants to be different.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// More of `usher.toml`; it begins inside `[server]`.
    pub config: String,
    /// PEM certificates that outbound calls trust.
    pub roots: Vec<Vec<u8>>,
}

/// An HTTP answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// As received.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// As received; lossy where it is no UTF-8.
    pub body: String,
}

impl Bed {
    /// A server with default settings.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A server with `settings` and the keyset `sub-c-test`.
    pub async fn with(settings: Settings) -> Self {
        Self::within(tempfile::tempdir().expect("a temporary folder"), settings).await
    }

    /// A server with `settings` and the keyset, on a fresh folder.
    pub async fn within(data: TempDir, settings: Settings) -> Self {
        let clock = Arc::new(AtomicU64::new(1_800_000_000_000));
        let server = Self::open(data.path(), &settings, &clock).await.unwrap_or_else(|error| panic!("start: {error}"));
        let bed = Self::around(server, data, (clock, settings));
        let keys = json!({ "subscribe_key": SUBSCRIBE_KEY, "publish_key": "pub-c-test", "secret_key": "sec-c-test" });
        bed.admin.post("/v1/keysets", &keys).await.expect("a keyset");
        bed
    }

    /// Starts a server on a folder; the error is what a user would read.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn open(data: &Path, settings: &Settings, clock: &Arc<AtomicU64>) -> Result<Server, StartError> {
        Log::start();
        compiled::borrow(data);
        let listen = "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\ndecisions = \"127.0.0.1:0\"\n";
        let text = format!("{listen}{}", settings.config);
        let mut config = Config::read("test.toml", &text, []).unwrap_or_else(|problems| panic!("{problems}"));
        config.data = match config.data {
            DataFolder::Disk(_) => DataFolder::Disk(data.to_owned()),
            DataFolder::Memory(_) => DataFolder::Memory(data.to_owned()),
        };
        if matches!(config.master_key, MasterKeySource::File(_)) {
            config.master_key = MasterKeySource::CreatedFile(data.join("master.key"));
        }
        let of_server = Arc::clone(clock);
        let clock = Clock::controlled(move || of_server.load(Ordering::SeqCst));
        Server::start(config, clock, settings.roots.clone()).await
    }

    fn around(server: Server, data: TempDir, (clock, settings): (Arc<AtomicU64>, Settings)) -> Self {
        let addresses = server.addresses();
        let token = std::fs::read_to_string(data.path().join("admin.token")).expect("an admin token");
        let admin = AdminClient::new(&format!("http://{}", addresses.admin), &token).expect("a client");
        let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
        let http = builder.build().expect("a client");
        Self { server: Some(server), addresses, admin, http, clock, settings, data }
    }

    /// Stops the server and starts another on the same folder.
    pub async fn restart(mut self) -> Self {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        let Self { clock, settings, data, .. } = self;
        Self::resume(data, (clock, settings)).await
    }

    /// Starts a server on a folder that an earlier one has left.
    pub async fn resume(data: TempDir, (clock, settings): (Arc<AtomicU64>, Settings)) -> Self {
        let opened = Self::open(data.path(), &settings, &clock).await;
        let server = opened.unwrap_or_else(|error| panic!("restart: {error}"));
        Self::around(server, data, (clock, settings))
    }

    /// Stops the server and hands over its folder and clock.
    pub async fn stop(mut self) -> (TempDir, Arc<AtomicU64>) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        (self.data, self.clock)
    }

    /// Where the server listens.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The server's folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// The admin API.
    #[must_use]
    pub const fn admin(&self) -> &AdminClient {
        &self.admin
    }

    /// Does what the server otherwise does every few seconds.
    pub async fn tidy(&self) {
        self.server.as_ref().expect("a running server").tidy().await;
    }

    /// The server's clock, in milliseconds.
    pub(crate) fn clock(&self) -> &AtomicU64 {
        &self.clock
    }

    /// Puts a network behind the keyset.
    pub async fn set_network(&self, url: &str) {
        let path = format!("/v1/keysets/{SUBSCRIBE_KEY}");
        self.admin.patch(&path, &json!({ "network": url })).await.expect("a keyset with a network");
    }

    /// Moves the clock back.
    pub fn rewind(&self, by: Duration) {
        self.clock.fetch_sub(u64::try_from(by.as_millis()).expect("a short while"), Ordering::SeqCst);
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_millis()).expect("a short while"), Ordering::SeqCst);
    }

    /// Deploys a component under a manifest.
    ///
    /// # Errors
    /// As the admin API refuses.
    pub async fn deploy(&self, manifest: &str, component: Vec<u8>) -> Result<Value, CallError> {
        self.deploy_with_policy(manifest, None, component).await
    }

    /// Deploys a component under a manifest that names a policy.
    ///
    /// # Errors
    /// As the admin API refuses.
    pub async fn deploy_with_policy(
        &self,
        manifest: &str,
        policy: Option<&str>,
        component: Vec<u8>,
    ) -> Result<Value, CallError> {
        let files = FunctionFiles { manifest: manifest.to_owned(), policy: policy.map(str::to_owned), component };
        let deployed = self.admin.deploy(SUBSCRIBE_KEY, &files).await;
        compiled::lend(self.data.path());
        deployed
    }

    /// The default function, as it ships.
    pub async fn deploy_chat_engine(&self) {
        let manifest = include_str!("../../functions/chat-engine/function.toml");
        let policy = Some(include_str!("../../functions/chat-engine/policy.yaml"));
        let component = crate::guests::function("chat-engine");
        self.deploy_with_policy(manifest, policy, component).await.expect("the default function deploys");
    }

    /// Sets a secret.
    pub async fn set_secret(&self, name: &str, value: &str) {
        self.admin.put(&format!("/v1/secrets/{name}"), value.as_bytes().to_vec()).await.expect("a secret");
    }

    /// The URL of a path of the bed's keyset; `path` may carry a query.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/v1/blocks/sub-key/{SUBSCRIBE_KEY}/{path}", self.addresses.data_plane)
    }

    /// GETs a function's path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// POSTs bytes to a function's path.
    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.http.post(self.url(path)).header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    /// The HTTP client, for requests of other forms.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends any request and reads its answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = answer.headers().iter().map(header).collect();
        let status = answer.status().as_u16();
        Answer { status, headers, body: String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned() }
    }

    /// Writes bytes to the data plane and reads until it hangs up; what cannot be written any more does not matter.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.addresses.data_plane).await.expect("the data plane listens");
        let _: std::io::Result<()> = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _: std::io::Result<usize> = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks the admin API whether an auth key may do something on a channel.
    pub async fn allows(&self, auth_key: &str, permission: &str, channel: &str) -> bool {
        let question = json!({ "auth": auth_key, "kind": "channel", "name": channel, "permission": permission });
        let path = format!("/v1/keysets/{SUBSCRIBE_KEY}/grants/check");
        self.admin.post(&path, &question).await.expect("a verdict").get("allowed") == Some(&Value::Bool(true))
    }

    /// What `/metrics` shows.
    pub async fn metrics(&self) -> String {
        self.send(self.http.get(format!("http://{}/metrics", self.addresses.metrics))).await.body
    }

    /// The live grants, as the admin API lists them.
    pub async fn grants(&self) -> Vec<Value> {
        let listed = self.admin.get(&format!("/v1/keysets/{SUBSCRIBE_KEY}/grants"), &[]).await.expect("a list");
        listed.get("grants").and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
