//! What admins do to tokens and grants is on record: the keyset and the token's id, never the token or an auth key.

use serde_json::json;
use usher_tests::Bed;

const KEYSET: &str = "/v1/keysets/sub-c-test";

#[tokio::test]
async fn what_is_granted_and_taken_back_is_on_record_without_the_credential() {
    let bed = Bed::start().await;
    let post = async |path: &str, body| bed.admin().post(&format!("{KEYSET}/{path}"), &body).await.unwrap();
    let asked = json!({ "ttl": 60, "permissions": { "resources": { "channels": { "room-1": 1 } } } });
    let minted = post("tokens", asked).await;
    let (token, id) = (minted["token"].as_str().unwrap(), minted["id"].as_str().unwrap());
    // Records of one millisecond are in the order of their requests.
    bed.advance(std::time::Duration::from_secs(1));
    post("tokens/revoke", json!({ "token": token })).await;
    bed.advance(std::time::Duration::from_secs(1));
    post("grants", json!({ "channels": ["a", "b"], "auth": ["alice-key"], "permissions": ["read"] })).await;
    bed.advance(std::time::Duration::from_secs(1));
    post("grants/revoke", json!({ "channels": ["a"], "auth": ["alice-key"] })).await;

    let bed = bed.restart().await;
    let listed = bed.admin().get("/v1/audit", &[]).await.unwrap();
    let shown = |record: &serde_json::Value| {
        format!("{} {}", record["action"].as_str().unwrap(), record["subject"].as_str().unwrap())
    };
    let newest: Vec<String> = listed["audit"].as_array().unwrap().iter().take(4).map(shown).collect();
    let expected = [
        "grant.revoke sub-c-test 1 grants".to_owned(),
        "grant.create sub-c-test 2 grants".to_owned(),
        format!("token.revoke sub-c-test token {id}"),
        format!("token.mint sub-c-test token {id}"),
    ];
    assert_eq!(newest, expected);
    for credential in [token, "alice-key"] {
        assert!(!listed.to_string().contains(credential), "{listed}");
    }
}
