//! SIGTERM: what was accepted is answered, nothing new is taken, and the process ends by itself with 0.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use usher_server::FunctionFiles;
use usher_tests::{Process, guest};

use crate::process_bed::{Run, get, try_connect};

/// A server whose every answer takes so long.
async fn slow_server(pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 1_024];
                assert!(stream.read(&mut head).await.unwrap() > 0);
                tokio::time::sleep(pause).await;
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nslow")
                    .await
                    .unwrap();
            });
        }
    });
    address.to_string()
}

/// Deploys a function that waits for `address`, and returns the URL that calls it.
async fn deploy_waiting(server: &Process, address: &str) -> String {
    let manifest = format!(
        "name = \"waiting\"\npaths = [\"waiting\"]\ncapabilities = [\"http\"]\nhosts = [\"{address}\"]\n[limits]\ntime = \"20s\"\n[[authentication]]\nkind = \"none\"\n"
    );
    let files = FunctionFiles { manifest, policy: None, component: guest("slow-outbound-call") };
    server.admin().deploy(server.field("subscribe_key"), &files).await.unwrap();
    let (origin, key) = (server.field("origin"), server.field("subscribe_key"));
    format!("http://{origin}/v1/blocks/sub-key/{key}/waiting?timeout_ms=15000&url=http://{address}/")
}

#[tokio::test]
async fn requests_under_way_are_answered_before_the_process_ends() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let url = deploy_waiting(&server, &slow_server(Duration::from_millis(800)).await).await;
    assert_eq!(get(&url).await, (200, "slow".into()));
    let under_way: Vec<_> = (0..20)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { get(&url).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    server.terminate();
    for request in under_way {
        assert_eq!(request.await.unwrap(), (200, "slow".into()));
    }
    assert_eq!(tokio::task::spawn_blocking(|| server.wait()).await.unwrap(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_drain_does_not_hold_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("usher.toml");
    std::fs::write(&config, "[server]\ndrain = \"500ms\"\n").unwrap();
    let server = Process::dev(&folder.path().join("data"), &["--config", &config.display().to_string()]);
    let url = deploy_waiting(&server, &slow_server(Duration::from_secs(15)).await).await;
    let stuck =
        tokio::spawn(async move { reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    server.terminate();
    assert_eq!(tokio::task::spawn_blocking(|| server.wait()).await.unwrap(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(stuck.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_everybody_whose_request_was_answered_receives_the_answer() {
    let data = tempfile::tempdir().unwrap();
    let run = Run::usher(&format!("dev --json --port 0 --data {}", data.path().display()));
    let server = run.env("USHER_LOG__LEVEL", "info,usher_server::data_plane=debug").start();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let endpoint = server.field("endpoint");
            tokio::spawn(async move {
                for number in 0.. {
                    let uuid = format!("u{client}-{number}");
                    match try_connect(&endpoint, (&uuid, &uuid)).await {
                        Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.body),
                        Err(error) => return (number, error.is_connect()),
                    }
                }
                unreachable!("the server ends first")
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    let (mut received, mut cut_off) = (0, 0);
    for client in clients {
        let (answered, refused) = client.await.unwrap();
        received += answered;
        cut_off += usize::from(!refused);
    }
    ended.check(0, &[]);
    let answered =
        ended.stderr.lines().filter(|line| line.contains(" answered ") && line.contains("status=200")).count();
    assert!(received > 30, "hardly any load: {received}");
    assert_eq!(received, answered);
    // Each request has a connection of its own: it is refused, or it is answered.
    assert_eq!(cut_off, 0, "connections were taken and not answered");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_process() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let idle = tokio::net::TcpStream::connect(server.field("origin")).await.unwrap();
    let kept = reqwest::Client::builder().no_proxy().build().unwrap();
    kept.get(server.field("endpoint")).send().await.unwrap();
    let started = Instant::now();
    server.terminate();
    assert_eq!(tokio::task::spawn_blocking(|| server.wait()).await.unwrap(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    drop(idle);
}
