//! Stopping: what was accepted is answered, nothing new is taken, and health says so until the end.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use usher_tests::{Bed, Settings, Webhook, guest};

/// A function that waits for `webhook`, and its URL.
async fn waiting(config: &str, webhook: &Webhook) -> (Bed, String) {
    let config = format!("{config}[limits]\nper_address = 0\n");
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    let manifest = format!(
        "name = \"wait\"\npaths = [\"wait\"]\ncapabilities = [\"http\"]\nhosts = [\"{}\"]\n[limits]\ntime = \"30s\"\n",
        webhook.address()
    );
    bed.deploy(&manifest, guest("slow-outbound-call")).await.unwrap();
    let url = bed.url(&format!("wait?url={}", webhook.url("/")));
    (bed, url)
}

/// The status and body of an answer, or that there was none.
async fn get(client: &reqwest::Client, url: &str) -> Result<(u16, String), reqwest::Error> {
    let answer = client.get(url).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn requests_under_way_are_answered_and_new_connections_refused() {
    let webhook = Webhook::holding(200, "late but there").await;
    let (bed, url) = waiting("", &webhook).await;
    let (client, addresses) = (bed.http().clone(), bed.addresses());
    let under_way: JoinSet<_> = (0..20)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            async move { get(&client, &url).await.unwrap() }
        })
        .collect();
    webhook.until_received(20).await;
    let idle = TcpStream::connect(addresses.data_plane).await.unwrap();
    let stopping = tokio::spawn(bed.stop());
    while TcpStream::connect(addresses.data_plane).await.is_ok() {
        tokio::task::yield_now().await;
    }

    let (status, text) = get(&client, &format!("http://{}/readyz", addresses.metrics)).await.unwrap();
    assert_eq!((status, text.as_str()), (503, "draining\n"));
    assert_eq!(get(&client, &format!("http://{}/livez", addresses.metrics)).await.unwrap().0, 200);
    assert!(TcpStream::connect(addresses.admin).await.is_err());
    assert!(!stopping.is_finished());
    drop(idle);
    webhook.release();

    let answers = under_way.join_all().await;
    assert_eq!(answers, vec![(200, "late but there".to_owned()); 20]);
    stopping.await.unwrap();
    assert!(TcpStream::connect(addresses.metrics).await.is_err());
}

#[tokio::test]
async fn every_request_of_an_established_connection_is_answered() {
    let bed =
        Arc::new(Bed::with(Settings { config: "[limits]\nper_address = 0\n".into(), ..Settings::default() }).await);
    bed.deploy("name = \"echo\"\npaths = [\"echo\"]\n", guest("echo")).await.unwrap();
    let (address, path) = (bed.addresses().data_plane, "/v1/blocks/sub-key/sub-c-test/echo");
    let clients: JoinSet<usize> = (0..8)
        .map(|_| async move {
            let mut answered = 0;
            // A connection stands once the kernel says so; from then on it counts as accepted.
            while let Ok(mut stream) = TcpStream::connect(address).await {
                let request = format!("GET {path} HTTP/1.1\r\nhost: usher\r\nconnection: close\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 "), "request {answered}: {answer:?}");
                answered += 1;
            }
            answered
        })
        .collect();
    while !bed.metrics().await.contains("outcome=\"answered\",status=\"200\"} 2") {
        tokio::task::yield_now().await;
    }
    Arc::try_unwrap(bed).unwrap().stop().await;
    assert!(clients.join_all().await.into_iter().all(|answered| answered > 0));
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_not_waited_for() {
    let webhook = Webhook::silent().await;
    let (bed, url) = waiting("drain = \"100ms\"\n", &webhook).await;
    let client = bed.http().clone();
    let lost = tokio::spawn(async move { get(&client, &url).await });
    webhook.until_received(1).await;
    bed.stop().await;
    assert!(!lost.is_finished() || lost.await.unwrap().is_err(), "its connection ends with the process");
}

#[tokio::test]
async fn what_was_granted_before_the_stop_is_there_after_it() {
    let bed = Bed::start().await;
    bed.deploy_chat_engine().await;
    let body = r#"{"uuid": "alice", "namespace": "demo", "authKey": "k1"}"#;
    assert_eq!(bed.post("chat-engine/connect", body).await.status, 200);
    let bed = bed.restart().await;
    assert!(bed.allows("k1", "write", "demo#chat#public.#global").await);
}
