//! Requests that the published SDKs signed are root on the data plane, byte for byte as they were recorded; others are not.

use std::time::Duration;

use serde_json::{Value, json};
use usher_tests::{Bed, Call, Log, Origin};

const RECORDED: &str = include_str!("../vectors/signed_requests.json");

fn method(name: &str) -> &'static str {
    ["GET", "POST", "PATCH", "DELETE"].into_iter().find(|known| *known == name).expect("a method that SDKs use")
}

fn parameter<'t>(target: &'t str, name: &str) -> &'t str {
    let query = target.split_once('?').unwrap().1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

#[tokio::test]
async fn recorded_requests_are_root_and_those_of_a_wrong_secret_are_not() {
    let (bed, origin) = (Bed::start().await, Origin::start().await);
    let recorded: Vec<Value> = serde_json::from_str(RECORDED).unwrap();
    let keys = &recorded[0]["keys"];
    let keyset = json!({
        "subscribe_key": keys["subscribe"],
        "publish_key": keys["publish"],
        "secret_key": keys["secret"],
        "network": origin.url(),
    });
    bed.admin().post("/v1/keysets", &keyset).await.unwrap();
    for entry in &recorded {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let target = text("target");
        let at: u64 = parameter(&target, "timestamp").parse().unwrap();
        bed.rewind(Duration::from_secs(bed.seconds().saturating_sub(at)));
        bed.advance(Duration::from_secs(at.saturating_sub(bed.seconds())));
        let before = origin.received().len();
        let call = Call::new(method(&text("method")), &target).body(&text("body"));
        let answer = bed.call(call.clone()).await;
        let is_root = matches!(entry["scheme"].as_str(), Some("v1" | "v2"));
        assert_eq!(answer.status == 403, !is_root, "{target}: {}", answer.body);
        if let Some(received) = origin.received().get(before) {
            assert_eq!((&received.target, received.body.as_bytes()), (&target, &*call.body), "untouched");
        }
        bed.advance(Duration::from_secs(61));
        let late = bed.call(call).await;
        assert_eq!(late.status, 400, "a minute later: {target}: {}", late.body);
        assert_eq!(Log::lines_with(parameter(&target, "signature")), Vec::<String>::new());
    }
    assert_eq!(origin.received().len(), 6, "publishes, a signal, presence and metadata");
}
