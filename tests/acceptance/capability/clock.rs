//! `clock`: the server's time of day, in milliseconds.

use std::time::Duration;

use serde_json::json;
use usher_tests::Bed;

#[tokio::test]
async fn a_function_reads_the_servers_clock() {
    let bed = Bed::start().await;
    bed.deploy_every("", "").await;
    let before = bed.step(&["clock.now"]).await.as_u64().unwrap();
    bed.advance(Duration::from_millis(61_001));
    assert_eq!(bed.step(&["clock.now"]).await, json!(before + 61_001));
}
