//! A real HTTP server that a test scripts: validators, remote origins, slow and broken ones, with TLS or without.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// `POST`
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What a webhook answers; raw bytes of an HTTP/1.1 answer, or nothing for ever.
type Script = dyn Fn(&Received) -> Option<String> + Send + Sync;

/// A listening webhook; it stops when dropped.
#[derive(Debug)]
pub struct Webhook {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    arrivals: watch::Receiver<usize>,
    gate: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What the connections of a webhook share.
#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    received: Arc<Mutex<Vec<Received>>>,
    arrivals: Arc<watch::Sender<usize>>,
    gate: watch::Receiver<bool>,
}

impl Webhook {
    /// Answers with `script`'s raw HTTP, on a free port; `None` never answers.
    pub async fn start(script: impl Fn(&Received) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::listen(None, script).await
    }

    /// As [`Webhook::start`], behind TLS with this certificate.
    pub async fn secure(
        certificate: &Certificate,
        script: impl Fn(&Received) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(TlsAcceptor::from(certificate.server_config())), script).await
    }

    /// Answers every request with this status and JSON.
    pub async fn answering(status: u16, body: &str) -> Self {
        let answer = Self::reply(status, body);
        Self::start(move |_| Some(answer.clone())).await
    }

    /// Answers what the second half last sent, as raw HTTP.
    pub async fn told() -> (Self, watch::Sender<String>) {
        let (tell, told) = watch::channel(String::new());
        (Self::start(move |_| Some(told.borrow().clone())).await, tell)
    }

    /// Reads every request and never answers.
    pub async fn silent() -> Self {
        Self::start(|_| None).await
    }

    /// As [`Webhook::answering`], but each answer waits for [`Webhook::release`].
    pub async fn holding(status: u16, body: &str) -> Self {
        let webhook = Self::answering(status, body).await;
        webhook.gate.send_replace(false);
        webhook
    }

    /// An address where nobody listens.
    pub async fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("an address")
    }

    /// The raw HTTP of a JSON answer.
    #[must_use]
    pub fn reply(status: u16, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    /// The raw HTTP of a redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> String {
        format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    /// Lets held answers go, and all that follow.
    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until `count` requests have arrived.
    pub async fn until_received(&self, count: usize) {
        let mut arrivals = self.arrivals.clone();
        arrivals.wait_for(|arrived| *arrived >= count).await.expect("the webhook listens");
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn listen(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let ((arrived, arrivals), (gate, opened)) = (watch::channel(0), watch::channel(true));
        let shared = Shared {
            script: Arc::new(script),
            received: Arc::clone(&received),
            arrivals: Arc::new(arrived),
            gate: opened,
        };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, received, arrivals, gate, task }
    }
}

impl Received {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut shared: Shared) {
    let Some(request) = read(&mut stream).await else { return };
    shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    shared.arrivals.send_modify(|arrived| *arrived += 1);
    if shared.gate.wait_for(|open| *open).await.is_err() {
        return;
    }
    match (shared.script)(&request) {
        Some(raw) => {
            // The other side may have hung up; then nobody reads the answer.
            let _: std::io::Result<()> = stream.write_all(raw.as_bytes()).await;
            let _: std::io::Result<()> = stream.shutdown().await;
        }
        None => std::future::pending().await,
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..head_end)?).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap_or(0));
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(bytes.get(head_end + 4..)?).into_owned();
    Some(Received { method, target, headers, body })
}
