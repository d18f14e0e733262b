//! Accepts connections: a permit before each, back-off on errors, TLS and HTTP in a task of their own, and a drain at the end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::tls::Tls;

/// How long an answer may lie unread.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long after the stop a fresh connection may take for its first request, which may be on the way.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(250);
/// Requests at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 256;
/// The longest head of an HTTP/2 request in bytes: a token of 16 KiB stands in its path.
const LONGEST_HEAD: u32 = 64 << 10;
/// How often a silent HTTP/2 connection is asked whether it is still there.
const PING_TIME: Duration = Duration::from_secs(30);
/// The longest pause after an error of `accept`.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Answers the requests of every connection.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Answers one request of `peer`.
    fn answer(&self, request: Request<Body>, peer: SocketAddr) -> impl Future<Output = Response<Body>> + Send;
}

/// One listening socket and its bounds.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) protocols: Protocols,
    /// Connections at once.
    pub(crate) connections: u32,
    /// For a request's head.
    pub(crate) header_time: Duration,
    /// For what is under way when the stop comes.
    pub(crate) drain: Duration,
}

/// What may be spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocols {
    /// HTTP/1.1.
    Http1,
    /// HTTP/1.1, or HTTP/2 from its first byte on.
    Http1AndHttp2,
}

impl Listener {
    /// Serves until `stop` turns true, then refuses new connections and lets what was accepted finish within `drain`.
    pub(crate) async fn serve<A: Answer>(self, answer: Arc<A>, mut stop: watch::Receiver<bool>) {
        let permits = Arc::new(Semaphore::new(self.connections as usize));
        let (under_way, mut ended) = mpsc::channel(1);
        let http = Http { protocols: self.protocols, header_time: self.header_time };
        let connections = Connections { answer, tls: self.tls.clone(), http, stop: stop.clone(), under_way };
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.accept(&permits) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { break };
            connections.spawn(stream, peer, permit);
        }
        for (stream, peer) in backlog(self.socket) {
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { break };
            connections.spawn(stream, peer, permit);
        }
        drop(connections);
        if tokio::time::timeout(self.drain, ended.recv()).await.is_err() {
            tracing::warn!("some requests did not finish within `server.drain`");
        }
    }

    /// The next connection, with its permit; errors are waited out.
    async fn accept(&self, permits: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        let mut pause = Duration::from_millis(5);
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    // Without TCP_NODELAY a small answer waits for the client's delayed acknowledgement.
                    let _: io::Result<()> = stream.set_nodelay(true);
                    // Who does not read its answers would keep its permit for ever.
                    let _: io::Result<()> = SockRef::from(&stream).set_tcp_user_timeout(Some(WRITE_TIME));
                    return Some((stream, peer, permit));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

/// The connections of one listener, each in a task of its own.
struct Connections<A> {
    answer: Arc<A>,
    tls: Option<Arc<Tls>>,
    http: Http,
    stop: watch::Receiver<bool>,
    /// Held by every task, so that its closing tells that all have ended.
    under_way: mpsc::Sender<()>,
}

impl<A: Answer> Connections<A> {
    fn spawn(&self, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let (peer, tls) = (Peer { answer: Arc::clone(&self.answer), address }, self.tls.clone());
        let (stop, under_way, http) = (self.stop.clone(), self.under_way.clone(), self.http);
        tokio::spawn(async move {
            let (_permit, _under_way) = (permit, under_way);
            let result = match tls {
                None => connection(TokioIo::new(stream), peer, http, stop).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE_TIME, tls.acceptor().accept(stream)).await {
                    Ok(Ok(stream)) => connection(TokioIo::new(stream), peer, http, stop).await,
                    Ok(Err(_)) | Err(_) => Ok(()),
                },
            };
            if let Err(error) = result {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// What the kernel has accepted already; the socket closes behind it.
fn backlog(socket: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let socket = socket.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, peer) = socket.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        // Without TCP_NODELAY a small answer waits for the client's delayed acknowledgement.
        let _: io::Result<()> = stream.set_nodelay(true);
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

/// Who is at the other end, and who answers.
struct Peer<A> {
    answer: Arc<A>,
    address: SocketAddr,
}

/// How a connection is read.
#[derive(Debug, Clone, Copy)]
struct Http {
    protocols: Protocols,
    header_time: Duration,
}

impl Http {
    fn builder(self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.header_time).max_headers(64);
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).max_concurrent_streams(MOST_STREAMS).keep_alive_interval(PING_TIME);
        http2.max_header_list_size(LONGEST_HEAD);
        match self.protocols {
            Protocols::Http1 => builder.http1_only(),
            Protocols::Http1AndHttp2 => builder,
        }
    }

    /// For the first request: HTTP/1.1 has its own limit for that, and HTTP/2 has none.
    const fn first_request_time(self) -> Option<Duration> {
        match self.protocols {
            Protocols::Http1 => None,
            Protocols::Http1AndHttp2 => Some(self.header_time),
        }
    }
}

/// Serves a connection; after the stop it ends with the request that is under way.
async fn connection<A: Answer, S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: TokioIo<S>,
    peer: Peer<A>,
    http: Http,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Peer { answer, address } = peer;
    let asked = Arc::new(Notify::new());
    let of_service = Arc::clone(&asked);
    let service = service_fn(move |request: Request<Incoming>| {
        of_service.notify_one();
        let answer = Arc::clone(&answer);
        async move { Ok::<_, std::convert::Infallible>(answer.answer(request.map(Body::new), address).await) }
    });
    let builder = http.builder();
    let mut connection = pin!(builder.serve_connection(stream, service));
    if let Some(time) = http.first_request_time() {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = asked.notified() => asked.notify_one(),
            _ = stop.wait_for(|stop| *stop) => {}
            () = tokio::time::sleep(time) => return Ok(()),
        }
    }
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    // INVARIANT: hyper hangs up at once where nothing was read yet, so a first request is waited for before it is told to end.
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = asked.notified() => {}
        () = tokio::time::sleep(FIRST_REQUEST_TIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
