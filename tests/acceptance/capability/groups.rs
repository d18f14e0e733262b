//! `groups`: channel groups of the keyset, idempotent, bounded, and kept over a restart.

use serde_json::{Value, json};
use usher_server::FunctionFiles;
use usher_tests::{Bed, every_capability, failed_with, guest};

const CEILING: &str = "[[ceiling.allow]]\nchannels = [\"*\"]\ngroups = [\"g*\", \"h\", \"nowhere\", \"ns#*\"]\nauth = \"everyone\"\npermissions = [\"read\"]\n";

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_every("", &format!("[limits]\nbody = \"1MiB\"\naccess_calls = 100\n{CEILING}")).await;
    bed
}

async fn shown(bed: &Bed, group: &str) -> Value {
    bed.admin().get(&format!("/v1/keysets/sub-c-test/groups/{group}"), &[]).await.expect("a group")["channels"].clone()
}

#[tokio::test]
async fn channels_come_and_go_and_are_listed_in_order() {
    let bed = bed().await;
    for (step, expected) in [
        (["groups.list", "g"].as_slice(), json!([])),
        (&["groups.add", "g", "b", "a", "b"], Value::Null),
        (&["groups.add", "g", "a"], Value::Null),
        (&["groups.list", "g"], json!(["a", "b"])),
        (&["groups.list", "h"], json!([])),
        (&["groups.remove", "g", "b", "never there"], Value::Null),
        (&["groups.remove", "nowhere", "b"], Value::Null),
        (&["groups.list", "g"], json!(["a"])),
        (&["groups.remove", "g", "a"], Value::Null),
        (&["groups.list", "g"], json!([])),
    ] {
        assert_eq!(bed.step(step).await, expected, "{step:?}");
    }
}

#[tokio::test]
async fn groups_survive_a_restart() {
    let bed = bed().await;
    bed.steps(&[&["groups.add", "ns#alice#rooms", "a", "b"], &["groups.remove", "ns#alice#rooms", "b"]]).await;
    let bed = bed.restart().await;
    assert_eq!(bed.step(&["groups.list", "ns#alice#rooms"]).await, json!(["a"]));
    assert_eq!(shown(&bed, "ns%23alice%23rooms").await, json!(["a"]));
}

#[tokio::test]
async fn names_that_could_be_several_are_refused() {
    let bed = bed().await;
    let long = "x".repeat(261);
    for step in [
        ["groups.add", "g", "a,b"],
        ["groups.add", "g,h", "a"],
        ["groups.add", "g", "a\nb"],
        ["groups.add", "g", ""],
        ["groups.add", "", "a"],
        ["groups.add", "g", &long],
        ["groups.add", "g\0h", "a"],
    ] {
        let outcome = bed.step(&step).await;
        assert!(failed_with(&outcome, "Invalid"), "{step:?}: {outcome}");
    }
    assert_eq!(bed.step(&["groups.list", "g"]).await, json!([]));
}

#[tokio::test]
async fn groups_and_channels_beyond_the_ceiling_are_left_alone() {
    let bed = Bed::start().await;
    let allow = "[[ceiling.allow]]\nchannels = [\"room.*\"]\ngroups = [\"${uuid}#rooms\"]\npermissions = [\"read\"]";
    bed.deploy_every("", allow).await;
    let alice: &[&str] = &["identity.authenticate", "alice", "k1"];
    for (step, covered) in [
        (["groups.add", "alice#rooms", "room.1"].as_slice(), true),
        (&["groups.list", "alice#rooms"], true),
        (&["groups.remove", "alice#rooms", "room.1"], true),
        (&["groups.add", "alice#rooms", "elsewhere"], false),
        (&["groups.add", "alice#rooms", "room.1", "elsewhere"], false),
        (&["groups.add", "bob#rooms", "room.1"], false),
        (&["groups.remove", "bob#rooms", "room.1"], false),
        (&["groups.list", "bob#rooms"], false),
    ] {
        let outcomes = bed.steps(&[alice, step]).await;
        assert_eq!(failed_with(&outcomes[1], "BeyondCeiling"), !covered, "{step:?}: {outcomes:?}");
        let unproven = bed.step(step).await;
        assert!(failed_with(&unproven, "BeyondCeiling"), "{step:?}: {unproven}");
    }
}

#[tokio::test]
async fn a_group_has_at_most_2000_channels() {
    let bed = bed().await;
    let names: Vec<String> = (0..2_000).map(|number| format!("channel-{number}")).collect();
    for names in names.chunks(200) {
        let step: Vec<&str> = ["groups.add", "g"].into_iter().chain(names.iter().map(String::as_str)).collect();
        assert_eq!(bed.step(&step).await, Value::Null);
    }
    assert_eq!(bed.step(&["groups.add", "g", "channel-7"]).await, Value::Null);
    let outcome = bed.step(&["groups.add", "g", "one more"]).await;
    assert!(failed_with(&outcome, "at most 2000 channels"), "{outcome}");
    assert_eq!(shown(&bed, "g").await.as_array().map(Vec::len), Some(2_000));
}

#[tokio::test]
async fn keysets_share_no_groups() {
    let bed = bed().await;
    bed.admin().post("/v1/keysets", &json!({ "subscribe_key": "sub-c-other" })).await.expect("another keyset");
    let files = FunctionFiles {
        manifest: every_capability("every", "", CEILING),
        policy: None,
        component: guest("every-capability"),
    };
    bed.admin().deploy("sub-c-other", &files).await.expect("a deployment");
    bed.step(&["groups.add", "g", "mine"]).await;
    let url = bed.url("every").replace("sub-c-test", "sub-c-other");
    let answer = bed.send(bed.http().post(url).body(r#"[["groups.list", "g"]]"#)).await;
    assert_eq!(answer.json(), json!([[]]));
}
