//! What was acknowledged survives `kill -9`: fifty kills under load, on one data folder, and not a grant is lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use usher_tests::Process;

const ROUNDS: usize = 50;
const CLIENTS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_grant_is_still_there_after_fifty_kills() {
    let data = tempfile::tempdir().unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut server = Process::dev(data.path(), &[]);
    for round in 0..ROUNDS {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                tokio::spawn(connect_until_killed(
                    server.field("endpoint").to_owned(),
                    (round, client),
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(150 + 13 * (round as u64 % 7))).await;
        server.kill();
        for client in clients {
            client.await.unwrap();
        }
        server = Process::dev(data.path(), &[]);
        let granted = users_with_grants(&server).await;
        let acknowledged = acknowledged.lock().unwrap();
        let lost: Vec<&String> = acknowledged.iter().filter(|uuid| !granted.contains(*uuid)).collect();
        assert!(lost.is_empty(), "round {round}: {} of {} lost: {lost:?}", lost.len(), acknowledged.len());
    }
    let acknowledged = acknowledged.lock().unwrap().len();
    assert!(
        (ROUNDS * CLIENTS..10_000).contains(&acknowledged),
        "{acknowledged} connects are too few or too many to show anything"
    );
}

/// Connects one new user after another until the server is gone; who was answered is written down.
async fn connect_until_killed(
    endpoint: String,
    (round, client): (usize, usize),
    acknowledged: Arc<Mutex<Vec<String>>>,
) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for number in 0.. {
        let uuid = format!("u{round}-{client}-{number}");
        let body = json!({ "uuid": uuid, "namespace": "demo", "authKey": uuid }).to_string();
        let request =
            http.post(format!("{endpoint}?route=connect")).header("content-type", "application/json").body(body);
        let Ok(answer) = request.send().await else { return };
        let status = answer.status();
        let Ok(body) = answer.text().await else { return };
        match status.as_u16() {
            200 => {
                acknowledged.lock().unwrap().push(uuid);
                // A list shows 10,000 grants at the most; all rounds together stay below that.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // The limits of a single address are part of the road; whoever meets one tries again.
            429 | 503 => tokio::time::sleep(Duration::from_millis(5)).await,
            other => panic!("{other}: {body}"),
        }
    }
}

/// Every user who holds both kinds of grants of a connect: those to write and those to read.
async fn users_with_grants(server: &Process) -> BTreeSet<String> {
    let writers = auth_keys_on(server, "demo").await;
    let readers = auth_keys_on(server, "demo-pnpres").await;
    writers.intersection(&readers).cloned().collect()
}

async fn auth_keys_on(server: &Process, channel: &str) -> BTreeSet<String> {
    let path = format!("/v1/keysets/{}/grants", server.field("subscribe_key"));
    let listed = server.admin().get(&path, &[("name", channel)]).await.unwrap();
    listed["grants"].as_array().unwrap().iter().filter_map(|grant| grant["auth"].as_str().map(str::to_owned)).collect()
}
