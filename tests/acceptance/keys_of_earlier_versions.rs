//! A data folder that an earlier version left opens, and does everything that a new one does; a damaged revocation opens nothing.

use std::path::Path;

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use serde_json::{Value, json};
use usher_tests::{Bed, Settings};

const KEYSET: &str = "/v1/keysets/sub-c-test";

fn open(store: &Path) -> Database {
    Database::builder(store).journal_compression(CompressionType::None).open().unwrap()
}

fn space(database: &Database, name: &str) -> Keyspace {
    database.keyspace(name, KeyspaceCreateOptions::default).unwrap()
}

/// Takes away what an earlier version did not have: the spaces of tokens and revocations, and the keyset's newer fields.
fn make_earlier(store: &Path) {
    let database = open(store);
    for name in ["tokens", "revocations"] {
        database.delete_keyspace(space(&database, name)).unwrap();
    }
    let record = r#"{"subscribe_key":"sub-c-test","publish_key":"pub-c-test","origin":null}"#;
    space(&database, "keysets").insert("sub-c-test", record).unwrap();
    database.persist(PersistMode::SyncAll).unwrap();
}

async fn mint(bed: &Bed) -> Value {
    let asked = json!({ "ttl": 60, "permissions": { "resources": { "channels": { "room-1": 1 } } } });
    bed.admin().post(&format!("{KEYSET}/tokens"), &asked).await.unwrap()["token"].clone()
}

async fn verify(bed: &Bed, token: &Value) -> Value {
    let standing = bed.admin().post(&format!("{KEYSET}/tokens/verify"), &json!({ "token": token })).await;
    standing.unwrap()["code"].clone()
}

#[tokio::test]
async fn a_folder_of_an_earlier_version_opens_and_learns_the_rest() {
    let bed = Bed::start().await;
    let grant = json!({ "channels": ["room-1"], "auth": ["k1"], "permissions": ["read"] });
    bed.admin().post(&format!("{KEYSET}/grants"), &grant).await.unwrap();
    let (folder, clock) = bed.stop().await;
    make_earlier(&folder.path().join("store"));

    let bed = Bed::resume(folder, (clock, Settings::default())).await;

    assert!(bed.allows("k1", "read", "room-1").await);
    let token = mint(&bed).await;
    assert_eq!(verify(&bed, &token).await, "token.valid");
    bed.admin().post(&format!("{KEYSET}/tokens/revoke"), &json!({ "token": token })).await.unwrap();
    bed.admin().post(&format!("{KEYSET}/keys/rotate"), &json!({})).await.unwrap();
    let bed = bed.restart().await;
    assert_eq!(verify(&bed, &token).await, "token.revoked");
    let plan = bed.admin().get(&format!("{KEYSET}/keys"), &[]).await.unwrap();
    assert_eq!(plan["keys"].as_array().unwrap().len(), 2, "{plan}");
}

#[tokio::test]
async fn a_revocation_that_cannot_be_read_keeps_the_server_from_starting() {
    let bed = Bed::start().await;
    let token = mint(&bed).await;
    bed.admin().post(&format!("{KEYSET}/tokens/revoke"), &json!({ "token": token })).await.unwrap();
    let (folder, clock) = bed.stop().await;
    let database = open(&folder.path().join("store"));
    let revocations = space(&database, "revocations");
    let (key, _) = revocations.iter().next().unwrap().into_inner().unwrap();
    revocations.insert(key, "?").unwrap();
    database.persist(PersistMode::SyncAll).unwrap();
    drop((revocations, database));

    let error = Bed::open(folder.path(), &Settings::default(), &clock).await.unwrap_err().to_string();

    assert!(error.contains("revocation of `sub-c-test`"), "{error}");
}
