//! Tokens that are taken back: one, all of a user, all up to an instant, all. In force at once, and after a kill.

use std::time::Duration;

use serde_json::{Value, json};
use usher_server::CallError;
use usher_tests::{Bed, Process};

const TOKENS: &str = "/v1/keysets/sub-c-test/tokens";
const NOW: u64 = 1_800_000_000;

/// A body of a grant for a user, or for anybody.
fn asked(uuid: Option<&str>) -> Value {
    let mut permissions = json!({ "resources": { "channels": { "room-1": 3 } } });
    if let Some(uuid) = uuid {
        permissions["uuid"] = uuid.into();
    }
    json!({ "ttl": 60, "permissions": permissions })
}

async fn mint(bed: &Bed, uuid: Option<&str>) -> String {
    let minted = bed.admin().post(TOKENS, &asked(uuid)).await.unwrap();
    minted["token"].as_str().unwrap().to_owned()
}

async fn revoke(bed: &Bed, what: Value) -> Result<Value, CallError> {
    bed.admin().post(&format!("{TOKENS}/revoke"), &what).await
}

async fn standing(bed: &Bed, token: &str) -> String {
    let standing = bed.admin().post(&format!("{TOKENS}/verify"), &json!({ "token": token })).await.unwrap();
    standing["code"].as_str().unwrap().to_owned()
}

/// What counts of alice's token, bob's, and the one for anybody: `+` or `-` for each.
async fn counting(bed: &Bed, tokens: &[String; 3]) -> String {
    let mut signs = String::new();
    for token in tokens {
        signs.push(match standing(bed, token).await.as_str() {
            "token.valid" => '+',
            "token.revoked" => '-',
            other => panic!("{other}"),
        });
    }
    signs
}

#[tokio::test]
async fn each_way_of_revoking_takes_what_it_says_at_once_and_after_a_restart() {
    for (what, expected) in [
        (None, "-++"),
        (Some(json!({ "uuid": "alice" })), "-++"),
        (Some(json!({ "uuid": "nobody" })), "+++"),
        (Some(json!({ "before": NOW - 1 })), "+++"),
        (Some(json!({ "before": NOW })), "---"),
        (Some(json!({ "all": true })), "---"),
    ] {
        let bed = Bed::start().await;
        let tokens = [mint(&bed, Some("alice")).await, mint(&bed, Some("bob")).await, mint(&bed, None).await];
        let what = what.unwrap_or_else(|| json!({ "token": tokens[0] }));
        revoke(&bed, what.clone()).await.unwrap();
        assert_eq!(counting(&bed, &tokens).await, expected, "{what}");
        let plan = bed.admin().get("/v1/keysets/sub-c-test/keys", &[]).await.unwrap();
        assert_eq!(plan["keys"][0]["live"], expected.matches('+').count(), "{what}");
        let bed = bed.restart().await;
        assert_eq!(counting(&bed, &tokens).await, expected, "after a restart: {what}");
        // What is granted in the same second, but later, counts.
        let fresh = [mint(&bed, Some("alice")).await, mint(&bed, Some("bob")).await, mint(&bed, None).await];
        assert_eq!(counting(&bed, &fresh).await, "+++", "granted afterwards: {what}");
    }
}

#[tokio::test]
async fn revoking_again_is_no_mistake_and_other_mistakes_are_told() {
    let bed = Bed::start().await;
    let token = mint(&bed, Some("alice")).await;
    let once = revoke(&bed, json!({ "token": token })).await.unwrap();
    assert_eq!(revoke(&bed, json!({ "token": token })).await.unwrap(), once);
    let expired = mint(&bed, Some("bob")).await;
    bed.advance(Duration::from_hours(1));
    let mut tampered = mint(&bed, Some("carol")).await;
    let other = if tampered.as_bytes()[40] == b'A' { "B" } else { "A" };
    tampered.replace_range(40..41, other);
    for (what, expected) in [
        (json!({ "token": expired }), (400, "token.expired")),
        (json!({ "token": tampered }), (400, "token.invalid")),
        (json!({ "token": "alice-key" }), (400, "token.malformed")),
        (json!({ "before": NOW + 86_400 }), (400, "token.future")),
        (json!({ "uuid": "" }), (400, "admin.bad-request")),
        (json!({ "uuid": "u".repeat(70_000) }), (400, "admin.bad-request")),
        (json!({ "all": false }), (400, "admin.bad-request")),
        (json!({ "uuid": "alice", "all": true }), (400, "admin.bad-request")),
        (json!({}), (400, "admin.bad-request")),
    ] {
        let Err(CallError::Refused { status, code, .. }) = revoke(&bed, what.clone()).await else { panic!("{what}") };
        assert_eq!((status, code.as_str()), expected, "{what}");
    }
}

#[tokio::test]
async fn a_keyset_can_switch_the_revoking_of_single_tokens_off() {
    let bed = Bed::start().await;
    let token = mint(&bed, Some("alice")).await;
    let set = bed.admin().patch("/v1/keysets/sub-c-test", &json!({ "revocation": "off" })).await.unwrap();
    assert_eq!(set["revocation"], "off");
    let refused = revoke(&bed, json!({ "token": token })).await;
    assert!(
        matches!(&refused, Err(CallError::Refused { status: 409, code, .. }) if code == "token.revocation-disabled"),
        "{refused:?}"
    );
    assert_eq!(standing(&bed, &token).await, "token.valid");
    revoke(&bed, json!({ "uuid": "alice" })).await.unwrap();
    assert_eq!(standing(&bed, &token).await, "token.revoked", "operators can always take everything of a user back");
}

#[tokio::test]
async fn an_earlier_cut_gives_nothing_back() {
    let bed = Bed::start().await;
    let token = mint(&bed, Some("alice")).await;
    revoke(&bed, json!({ "before": NOW })).await.unwrap();
    revoke(&bed, json!({ "before": NOW - 60 })).await.unwrap();
    assert_eq!(standing(&bed, &token).await, "token.revoked");
    let bed = bed.restart().await;
    assert_eq!(standing(&bed, &token).await, "token.revoked");
}

#[tokio::test]
async fn what_was_granted_again_after_it_was_taken_back_is_taken_with_its_user() {
    let bed = Bed::start().await;
    for _ in 0..3 {
        let token = mint(&bed, Some("alice")).await;
        revoke(&bed, json!({ "token": token })).await.unwrap();
    }
    let token = mint(&bed, Some("alice")).await;
    assert_eq!(standing(&bed, &token).await, "token.valid");
    revoke(&bed, json!({ "uuid": "alice" })).await.unwrap();
    assert_eq!(standing(&bed, &token).await, "token.revoked");
    let again = mint(&bed, Some("alice")).await;
    assert_eq!(standing(&bed, &again).await, "token.valid");
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_stays_over() {
    let bed = Bed::start().await;
    let tokens = [mint(&bed, Some("alice")).await, mint(&bed, Some("bob")).await];
    revoke(&bed, json!({ "token": tokens[0] })).await.unwrap();
    bed.advance(Duration::from_hours(24 * 31));
    bed.tidy().await;
    let bed = bed.restart().await;
    for token in &tokens {
        assert_eq!(standing(&bed, token).await, "token.expired");
    }
}

#[tokio::test]
async fn a_clock_that_ran_ahead_brings_nothing_back() {
    let bed = Bed::start().await;
    let token = mint(&bed, Some("alice")).await;
    revoke(&bed, json!({ "token": token })).await.unwrap();
    bed.advance(Duration::from_hours(24));
    bed.tidy().await;
    bed.rewind(Duration::from_hours(24));
    assert_eq!(standing(&bed, &token).await, "token.revoked");
}

#[tokio::test]
async fn a_revocation_that_was_answered_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Process::dev(data.path(), &[]);
    let tokens = format!("/v1/keysets/{}/tokens", server.field("subscribe_key"));
    for what in ["token", "uuid", "before", "all"] {
        let minted = server.admin().post(&tokens, &asked(Some("alice"))).await.unwrap();
        let spared = server.admin().post(&tokens, &asked(Some("bob"))).await.unwrap();
        let (value, takes_all) = match what {
            "token" => (minted["token"].clone(), false),
            "uuid" => (json!("alice"), false),
            "before" => (json!(minted["issued"].as_u64().max(spared["issued"].as_u64())), true),
            _ => (json!(true), true),
        };
        let mut body = json!({});
        body[what] = value;
        // A token may be issued a second ahead of the clock.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        server.admin().post(&format!("{tokens}/revoke"), &body).await.unwrap();
        server.kill();
        server = Process::dev(data.path(), &[]);
        for (token, counts) in [(&minted["token"], false), (&spared["token"], !takes_all)] {
            let asked = json!({ "token": token });
            let standing = server.admin().post(&format!("{tokens}/verify"), &asked).await.unwrap();
            assert_eq!(standing["valid"], counts, "{what}: {standing}");
        }
    }
}
