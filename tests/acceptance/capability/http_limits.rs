//! `http`: a call ends, however slow or long its answer is.

use tokio::net::{TcpSocket, TcpStream};
use usher_tests::{Answer, Bed, Webhook, guest};

/// Calls `url` from a function with these limits.
async fn call(url: &str, limits: &str) -> Answer {
    let host = reqwest::Url::parse(url).unwrap();
    let hosts = format!("{}:{}", host.host_str().unwrap(), host.port().unwrap());
    let manifest = format!(
        "name = \"call\"\npaths = [\"call\"]\ncapabilities = [\"http\"]\nhosts = [\"{hosts}\"]\n[limits]\n{limits}\n"
    );
    let bed = Bed::start().await;
    bed.deploy(&manifest, guest("slow-outbound-call")).await.unwrap_or_else(|error| panic!("{error}"));
    bed.send(bed.http().get(bed.url("call")).query(&[("url", url)])).await
}

fn assert_failed(answer: &Answer, error: &str) {
    assert!(answer.status == 502 && answer.body.contains(error), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn a_host_that_does_not_accept_is_given_up_before_the_functions_time_is_over() {
    // With its backlog full, the kernel answers no further handshake.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(std::time::Duration::from_millis(100), TcpStream::connect(address)).await
    {
        waiting.push(connected.unwrap());
    }
    assert_failed(&call(&format!("http://{address}/"), "time = \"60s\"").await, "TimedOut");
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_is_given_up_before_the_functions_time_is_over() {
    let silent = Webhook::silent().await;
    assert_failed(&call(&silent.url("/"), "time = \"60s\"").await, "TimedOut");
}

#[tokio::test]
async fn a_host_that_begins_and_does_not_end_is_given_up_with_the_functions_time() {
    let stalled = Webhook::start(|_| Some("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned())).await;
    let answer = call(&stalled.url("/"), "time = \"1s\"").await;
    assert_failed(&answer, "Unreachable");
    assert_failed(&call(&Webhook::silent().await.url("/"), "time = \"500ms\"").await, "TimedOut");
}

#[tokio::test]
async fn a_host_where_nobody_listens_is_unreachable() {
    assert_failed(&call(&format!("http://{}/", Webhook::nobody().await), "").await, "Unreachable");
}

#[tokio::test]
async fn an_answer_longer_than_allowed_is_an_error_however_it_is_framed() {
    let body = |length: usize| "x".repeat(length);
    let sized = |length: usize| Webhook::reply(200, &body(length));
    let unsized_ = |length: usize| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", body(length));
    let chunked = |length: usize| {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n", body(length))
    };
    for (length, fits) in [(1_024, true), (1_025, false), (100_000, false)] {
        for raw in [sized(length), unsized_(length), chunked(length)] {
            let webhook = Webhook::start(move |_| Some(raw.clone())).await;
            let answer = call(&webhook.url("/"), "outbound_body = \"1KiB\"").await;
            match fits {
                true => assert_eq!((answer.status, answer.body.len()), (200, length)),
                false => assert_failed(&answer, "TooLarge"),
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    for raw in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
    ] {
        let webhook = Webhook::start(move |_| Some(raw.to_owned())).await;
        assert_failed(&call(&webhook.url("/"), "").await, "Unreachable");
    }
}
