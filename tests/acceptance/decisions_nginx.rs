//! A real nginx in front of another realtime server, configured as docs/proxies.md says, asks before it lets a request through.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usher_tests::{Bed, Call, Origin};

/// The example that is tested.
const DOCS: &str = include_str!("../../docs/proxies.md");
/// Folders that nginx would look for where it was built to be installed.
const FOLDERS: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// A running nginx; it ends when dropped.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    async fn start(origin: &str, decisions: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let site = DOCS.split_once("```nginx\n").unwrap().1.split_once("```").unwrap().0;
        let site = site
            .replace("127.0.0.1:9000", origin.trim_start_matches("http://"))
            .replace("127.0.0.1:8082", &decisions.to_string())
            .replace("127.0.0.1:8000", &address.to_string());
        let paths: String = FOLDERS.map(|name| format!("{name}_temp_path {name};\n")).concat();
        let head = "daemon off; master_process off; pid nginx.pid; error_log stderr; events {}\n";
        let file = folder.path().join("nginx.conf");
        fs::write(&file, format!("{head}http {{\n{paths}{site}}}\n")).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().expect("nginx on PATH; `make test` puts it there");
        let started = Self { child, address, _folder: folder };
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("nginx does not listen at {address}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn nginx_lets_through_what_usher_allows_and_nothing_else() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    let nginx = Nginx::start(&origin.url(), bed.addresses().decisions).await;
    let token = bed.token(&json!({ "patterns": { "channels": { "^room": 3 } } })).await;
    let signed = Call::get("/v2/subscribe/sub-c-test/any/0").signed_with("sec-c-test", bed.seconds()).target;
    for (method, target, status, reason) in [
        ("GET", format!("/v2/subscribe/sub-c-test/room%2d1/0?x=a+b%20c~&auth={token}"), 200, "allowed"),
        ("GET", format!("/publish/pub-c-test/sub-c-test/0/room-1/0/%22a%2Fb%22?auth={token}"), 200, "allowed"),
        ("POST", format!("/publish/pub-c-test/sub-c-test/0/room-1/0?auth={token}"), 200, "allowed"),
        ("GET", signed, 200, "allowed"),
        ("GET", format!("/v2/subscribe/sub-c-test/other/0?auth={token}"), 403, "token.lacks"),
        ("GET", "/v2/subscribe/sub-c-test/room-1/0".into(), 403, "credential.missing"),
        ("GET", format!("/v2/subscribe/sub-c-test/room-1/../other/0?auth={token}"), 403, "request.malformed"),
        ("GET", format!("/elsewhere?auth={token}"), 403, "operation.unknown"),
        ("DELETE", format!("/v3/history/sub-key/sub-c-test/channel/room-1?auth={token}"), 403, "token.lacks"),
    ] {
        let before = origin.received().len();
        let call = Call::new(method, &target).body(if method == "POST" { "\"hi\"" } else { "" });
        let call = call.header("x-original-url", "/time/0").header("x-http-method-override", "DELETE");
        let answer = bed.call_at(nginx.address, call).await;
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.body);
        assert_eq!(answer.header("x-usher-reason"), Some(reason), "{method} {target}");
        assert_eq!(origin.received().len() - before, usize::from(status == 200));
        if status == 200 {
            let received = origin.received().pop().unwrap();
            assert_eq!(received.target, target, "nginx hands on what was decided");
            for name in ["x-original-url", "x-original-uri", "x-http-method-override"] {
                assert_eq!(received.header(name), None, "and nothing that makes it another request");
            }
        }
    }
}

/// nginx keeps bodies to itself, but tells that there is one.
#[tokio::test]
async fn a_body_where_none_belongs_does_not_pass_nginx() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    let nginx = Nginx::start(&origin.url(), bed.addresses().decisions).await;
    let token = bed.token(&json!({ "patterns": { "channels": { "^room": 255 } } })).await;
    let poll = format!("/v2/subscribe/sub-c-test/room-1/0?auth={token}");
    let delete = format!("/v3/history/sub-key/sub-c-test/channel/room-1?auth={token}");
    let inner = "GET /v2/subscribe/sub-c-test/secret/0 HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = inner.len();
    for first in [format!("GET {poll}"), format!("DELETE {delete}"), format!("OPTIONS {poll}")] {
        for (rest, status, arrives) in [
            (String::from("\r\n"), 200, 1),
            (String::from("content-length: 0\r\n\r\n"), 200, 1),
            (format!("content-length: {length}\r\n\r\n{inner}"), 403, 0),
            (format!("x-original-content-length: 0\r\ncontent-length: {length}\r\n\r\n{inner}"), 403, 0),
            (format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"), 403, 0),
        ] {
            let before = origin.received().len();
            let request = format!("{first} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{rest}");
            let answer = said(nginx.address, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{first} {rest}: {answer}");
            assert_eq!(origin.received().len() - before, arrives, "{first} {rest}");
        }
    }
}

/// What is answered to these bytes.
async fn said(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_usher_that_is_down_opens_nothing() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    let nobody = usher_tests::Webhook::nobody().await;
    let nginx = Nginx::start(&origin.url(), nobody).await;
    let call = Call::get("/v2/subscribe/sub-c-test/any/0").signed_with("sec-c-test", bed.seconds());
    assert_eq!(bed.call_at(nginx.address, call).await.status, 500);
    assert_eq!(origin.received(), []);
}
