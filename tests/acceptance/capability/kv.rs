//! `kv`: pairs and counters under a deployment's prefix, with expiry, bounds and one winner in a race.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_tests::{Bed, every_capability, failed_with, guest};

const DAY: Duration = Duration::from_hours(24);

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_every("", "[limits]\nbody = \"1MiB\"\nkv_calls = 1000").await;
    bed
}

#[tokio::test]
async fn pairs_and_counters_keep_what_they_are_given() {
    let bed = bed().await;
    for (step, expected) in [
        (["kv.get", "k"].as_slice(), Value::Null),
        (&["kv.set", "k", "one"], Value::Null),
        (&["kv.get", "k"], json!("one")),
        (&["kv.set", "k", ""], Value::Null),
        (&["kv.get", "k"], json!("")),
        (&["kv.remove", "k"], Value::Null),
        (&["kv.remove", "k"], Value::Null),
        (&["kv.get", "k"], Value::Null),
        (&["kv.counter", "c"], json!(0)),
        (&["kv.increment", "c", "5"], json!(5)),
        (&["kv.increment", "c", "-7"], json!(-2)),
        (&["kv.counter", "c"], json!(-2)),
        (&["kv.increment", "c", "-9223372036854775808"], json!(i64::MIN)),
        (&["kv.get", "c"], Value::Null),
        (&["kv.set", "c", "a pair beside the counter"], Value::Null),
        (&["kv.counter", "c"], json!(i64::MIN)),
        (&["kv.counter-keys"], json!(["c"])),
        (&["kv.keys"], json!(["c"])),
    ] {
        assert_eq!(bed.step(step).await, expected, "{step:?}");
    }
    let bed = bed.restart().await;
    assert_eq!(
        bed.steps(&[&["kv.get", "c"], &["kv.counter", "c"]]).await,
        [json!("a pair beside the counter"), json!(i64::MIN)]
    );
}

#[tokio::test]
async fn a_pair_expires_when_its_minutes_are_over_and_minutes_are_clamped() {
    let year = Duration::from_hours(365 * 24);
    for (minutes, lives) in [
        (None, DAY),
        (Some("5"), Duration::from_mins(5)),
        (Some("0"), Duration::from_mins(1)),
        (Some("525600"), year),
        (Some("525601"), year),
        (Some("4294967295"), year),
    ] {
        let bed = bed().await;
        let set: Vec<&str> = ["kv.set", "k", "v"].into_iter().chain(minutes).collect();
        bed.step(&set).await;
        bed.advance(lives - Duration::from_secs(1));
        assert_eq!(bed.steps(&[&["kv.get", "k"], &["kv.keys"]]).await, [json!("v"), json!(["k"])], "{minutes:?}");
        bed.advance(Duration::from_secs(1));
        assert_eq!(bed.steps(&[&["kv.get", "k"], &["kv.keys"]]).await, [Value::Null, json!([])], "{minutes:?}");
        assert_eq!(bed.step(&["kv.claim", "k", "anew"]).await, true, "{minutes:?}");
    }
}

#[tokio::test]
async fn a_swap_wants_the_value_that_is_there() {
    let bed = bed().await;
    for (step, expected) in [
        (["kv.swap", "k", "absent", "x"].as_slice(), json!(false)),
        (&["kv.claim", "k", "mine"], json!(true)),
        (&["kv.claim", "k", "yours"], json!(false)),
        (&["kv.swap", "k", "yours", "x"], json!(false)),
        (&["kv.swap", "k", "mine", "ours"], json!(true)),
        (&["kv.get", "k"], json!("ours")),
    ] {
        assert_eq!(bed.step(step).await, expected, "{step:?}");
    }
}

#[tokio::test]
async fn of_many_who_claim_at_once_one_wins_and_no_count_is_lost() {
    let bed = bed().await;
    let bed = Arc::new(bed);
    let claims: JoinSet<bool> = (0..32)
        .map(|number| {
            let (bed, name) = (Arc::clone(&bed), format!("claimant-{number}"));
            async move { bed.steps(&[&["kv.claim", "k", &name], &["kv.increment", "c", "1"]]).await[0] == true }
        })
        .collect();
    let won = claims.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!((won, bed.step(&["kv.counter", "c"]).await), (1, json!(32)));
}

#[tokio::test]
async fn keys_and_values_are_bounded_in_characters() {
    let bed = bed().await;
    let text = |length| "é".repeat(length);
    for (key, value, fits) in [(1_000, 32_000, true), (1_001, 1, false), (1, 32_001, false)] {
        let (key, value) = (text(key), text(value));
        for step in [["kv.set", &key, &value], ["kv.claim", &key, &value]] {
            bed.step(&["kv.remove", &key]).await;
            let outcome = bed.step(&step).await;
            assert_eq!(failed_with(&outcome, "has at most"), !fits, "{} {}", key.len(), value.len());
        }
    }
    let long = text(1_001);
    for step in [
        &["kv.get", &long][..],
        &["kv.remove", &long],
        &["kv.increment", &long, "1"],
        &["kv.counter", &long],
        &["kv.keys", &long],
    ] {
        let outcome = bed.step(step).await;
        assert!(failed_with(&outcome, "at most 1000 characters"), "{}: {outcome}", step[0]);
    }
}

#[tokio::test]
async fn keys_come_in_pages_of_a_hundred() {
    let bed = bed().await;
    let keys: Vec<String> = (0..250).map(|number| format!("key-{number:03}")).collect();
    let sets: Vec<Vec<&str>> = keys.iter().map(|key| vec!["kv.set", key, "v"]).collect();
    let counts: Vec<Vec<&str>> = keys.iter().map(|key| vec!["kv.increment", key, "1"]).collect();
    let steps: Vec<&[&str]> = sets.iter().chain(&counts).map(Vec::as_slice).collect();
    bed.steps(&steps).await;
    for list in ["kv.keys", "kv.counter-keys"] {
        assert_eq!(bed.step(&[list]).await, json!(&keys[..100]), "{list}");
        assert_eq!(bed.step(&[list, &keys[99]]).await, json!(&keys[100..200]), "{list}");
        assert_eq!(bed.step(&[list, "key-199a"]).await, json!(&keys[200..]), "{list}");
        assert_eq!(bed.step(&[list, "z"]).await, json!([]), "{list}");
    }
}

#[tokio::test]
async fn deployments_see_their_own_prefix_only() {
    let bed = Bed::start().await;
    for (name, table) in [("one", ""), ("two", ""), ("one-more", ""), ("sharer", "[kv]\nprefix = \"one\"")] {
        bed.deploy(&every_capability(name, "", table), guest("every-capability")).await.unwrap();
    }
    bed.steps_at("one", &[&["kv.set", "k", "of one"], &["kv.increment", "c", "1"]]).await;
    let look: [&[&str]; 4] = [&["kv.get", "k"], &["kv.keys"], &["kv.counter", "c"], &["kv.counter-keys"]];
    for (path, expected) in [
        ("one", json!(["of one", ["k"], 1, ["c"]])),
        ("sharer", json!(["of one", ["k"], 1, ["c"]])),
        ("two", json!([null, [], 0, []])),
        ("one-more", json!([null, [], 0, []])),
    ] {
        assert_eq!(json!(bed.steps_at(path, &look).await), expected, "{path}");
    }
}
