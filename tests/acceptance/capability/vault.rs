//! `vault`: secrets by name, if the manifest lists them; revealing one is logged, and a mac needs no revealing.

use serde_json::json;
use usher_tests::{Bed, Log, failed_with};
use usher_vault::Secret;

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.set_secret("listed", "the listed value").await;
    bed.set_secret("unlisted", "the other value").await;
    bed.deploy_every("secrets = [\"listed\"]", "").await;
    bed
}

#[tokio::test]
async fn only_listed_secrets_open() {
    let bed = bed().await;
    assert_eq!(bed.step(&["vault.reveal", "listed"]).await, "the listed value");
    for (name, expected) in [
        ("unlisted", "not-listed"),
        ("nowhere", "not-listed"),
        ("", "not-listed"),
        ("../listed", "not-listed"),
        ("keyset/sub-c-test/secret-key", "not-listed"),
    ] {
        for step in [&["vault.reveal", name][..], &["vault.hmac", name, "message"]] {
            let outcome = bed.step(step).await;
            assert!(failed_with(&outcome, expected), "{step:?}: {outcome}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_was_removed_since_the_deploy_is_not_found() {
    let bed = bed().await;
    bed.admin().delete("/v1/secrets/listed").await.expect("it is removed");
    let outcome = bed.step(&["vault.reveal", "listed"]).await;
    assert!(failed_with(&outcome, "not-found"), "{outcome}");
}

#[tokio::test]
async fn a_new_value_and_a_new_data_key_serve_the_next_request() {
    let bed = bed().await;
    bed.set_secret("listed", "a newer value").await;
    assert_eq!(bed.step(&["vault.reveal", "listed"]).await, "a newer value");
    bed.admin().post("/v1/vault/rotate", &json!({})).await.expect("rotation");
    assert_eq!(bed.step(&["vault.reveal", "listed"]).await, "a newer value");
    let bed = bed.restart().await;
    assert_eq!(bed.step(&["vault.reveal", "listed"]).await, "a newer value");
}

#[tokio::test]
async fn a_mac_is_made_by_handle_and_revealing_is_logged() {
    let bed = bed().await;
    let expected = Secret::try_from(b"the listed value".to_vec()).unwrap().hmac_sha256(b"a message");
    for (step, value, logged) in [
        (["vault.hmac", "listed", "a message"].as_slice(), json!(expected), 0),
        (["vault.reveal", "listed"].as_slice(), json!("the listed value"), 1),
    ] {
        let answer = bed.post("every", json!([step]).to_string()).await;
        assert_eq!(answer.json(), json!([value]), "{step:?}");
        let lines = Log::lines_with(answer.header("x-request-id").unwrap());
        let revealed = lines.iter().filter(|line| line.contains("secret revealed") && line.contains("listed"));
        assert_eq!(revealed.count(), logged, "{lines:?}");
    }
}
