//! A network behind the gateway that a test conducts: it records targets as they came, echoes, holds polls and streams.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::io::AsyncBufReadExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::webhook::Received;

/// What the origin does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Answers at once with what it was asked.
    Echo,
    /// Reads, and answers once the conduct is another.
    Hold,
    /// Answers that it goes on in another protocol.
    Switch,
    /// Sends the head, then a chunk for each [`Origin::say`]; an empty one ends the answer.
    Stream,
    /// Sends the head and closes.
    Break,
}

/// A listening origin; it stops when dropped.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    shared: Shared,
    arrivals: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    arrived: Arc<watch::Sender<usize>>,
    begun: Arc<watch::Sender<usize>>,
    left: Arc<watch::Sender<usize>>,
    conduct: Arc<watch::Sender<Conduct>>,
    chunks: broadcast::Sender<String>,
}

impl Origin {
    /// Listens on a free port and echoes.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (arrived, arrivals) = watch::channel(0);
        let shared = Shared {
            received: Arc::default(),
            arrived: Arc::new(arrived),
            begun: Arc::new(watch::channel(0).0),
            left: Arc::new(watch::channel(0).0),
            conduct: Arc::new(watch::channel(Conduct::Echo).0),
            chunks: broadcast::channel(64).0,
        };
        let of_task = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(of_task.clone().serve(stream));
            }
        });
        Self { address, shared, arrivals, task }
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is done with requests from now on; held ones are let go.
    pub fn conduct(&self, conduct: Conduct) {
        self.shared.conduct.send_replace(conduct);
    }

    /// The next chunk of every streamed answer.
    pub fn say(&self, chunk: &str) {
        self.shared.chunks.send(chunk.to_owned()).expect("an answer that is being streamed");
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` requests have arrived.
    pub async fn until_received(&self, count: usize) {
        self.arrivals.clone().wait_for(|arrived| *arrived >= count).await.expect("the origin listens");
    }

    /// Waits until the heads of `count` streamed answers were sent.
    pub async fn until_begun(&self, count: usize) {
        self.shared.begun.subscribe().wait_for(|begun| *begun >= count).await.expect("the origin listens");
    }

    /// Waits until `count` connections were closed in the middle of an answer.
    pub async fn until_left(&self, count: usize) {
        self.shared.left.subscribe().wait_for(|left| *left >= count).await.expect("the origin listens");
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn serve(self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        while let Some(request) = read(&mut reader).await {
            let mut chunks = self.chunks.subscribe();
            self.received.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            self.arrived.send_modify(|arrived| *arrived += 1);
            let mut conduct = self.conduct.subscribe();
            let answered = tokio::select! {
                answered = answer(&mut writer, &request, (&mut conduct, &mut chunks), &self.begun) => answered,
                _ = reader.fill_buf() => None,
            };
            if answered.is_none() {
                self.left.send_modify(|left| *left += 1);
                return;
            }
        }
    }
}

async fn answer(
    writer: &mut OwnedWriteHalf,
    request: &Received,
    (conduct, chunks): (&mut watch::Receiver<Conduct>, &mut broadcast::Receiver<String>),
    begun: &watch::Sender<usize>,
) -> Option<()> {
    let now = *conduct.wait_for(|conduct| *conduct != Conduct::Hold).await.ok()?;
    if now == Conduct::Switch {
        let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";
        return writer.write_all(head.as_bytes()).await.ok();
    }
    if matches!(now, Conduct::Stream | Conduct::Break) {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/javascript\r\ntransfer-encoding: chunked\r\n\r\n";
        writer.write_all(head.as_bytes()).await.ok()?;
        begun.send_modify(|begun| *begun += 1);
        if now == Conduct::Break {
            return None;
        }
        loop {
            let chunk = chunks.recv().await.ok()?;
            writer.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await.ok()?;
            if chunk.is_empty() {
                return Some(());
            }
        }
    }
    let body = json!({ "method": request.method, "target": request.target, "body": request.body }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/javascript\r\nx-of-origin: yes\r\nkeep-alive: timeout=5\r\nconnection: keep-alive\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    writer.write_all(format!("{head}{body}").as_bytes()).await.ok()
}

/// The next request of a connection, its body of either framing.
async fn read(reader: &mut BufReader<OwnedReadHalf>) -> Option<Received> {
    let first = line(reader).await?;
    let mut parts = first.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(reader).await?;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Received { method, target, headers, body: String::new() };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    if request.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&line(reader).await?, 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(chunk.get(..size)?);
        }
    }
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

async fn line(reader: &mut BufReader<OwnedReadHalf>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}
