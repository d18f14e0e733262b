//! Changing a policy: checked whole, in force at once, and asked again about all that was granted under the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fjall::{CompressionType, Database, KeyspaceCreateOptions, PersistMode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_server::CallError;
use usher_tests::{Bed, Call, Conduct, Origin, Settings, Webhook, guest};

const FUNCTION: &str = "/v1/keysets/sub-c-test/functions/every";

const MANIFEST: &str = r#"
name = "every"
paths = ["every"]
capabilities = ["vault", "http", "access", "groups", "kv", "identity", "policy", "config", "log", "clock", "random"]
policy = "policy.yaml"
[[authentication]]
kind = "none"
[[ceiling.allow]]
channels = ["room", "plan", "room-pnpres", "hall.*", "own-${uuid}"]
permissions = ["read", "write"]
[[ceiling.allow]]
groups = ["${uuid}#own", "shared", "shared-pnpres"]
permissions = ["read"]
[[ceiling.allow]]
uuids = ["${uuid}"]
permissions = ["get", "update"]
"#;

/// Everybody who is somebody may do everything.
const OPEN: &str = "
channel: { '*': { read: user.isAuthenticated, write: user.isAuthenticated } }
group: { '*': { read: user.isAuthenticated } }
uuid: { '*': { get: true, update: true } }
";

async fn bed(policy: &str) -> Bed {
    let bed = Bed::start().await;
    bed.deploy_with_policy(MANIFEST, Some(policy), guest("every-capability")).await.unwrap();
    bed
}

async fn apply(bed: &Bed, document: &str) -> Result<Value, CallError> {
    bed.admin().post(&format!("{FUNCTION}/policy"), &json!({ "document": document })).await
}

/// Version, what was asked about, taken back, and taken out of groups.
async fn applied(bed: &Bed, document: &str) -> [u64; 4] {
    let answer = apply(bed, document).await.unwrap_or_else(|error| panic!("{error}"));
    ["version", "rechecked", "taken_back", "left_groups"].map(|name| answer[name].as_u64().unwrap())
}

/// Runs steps as somebody.
async fn run_as(bed: &Bed, (uuid, auth_key): (&str, &str), steps: &[&[&str]]) {
    let authenticate = ["identity.authenticate", uuid, auth_key];
    let all: Vec<&[&str]> = std::iter::once(authenticate.as_slice()).chain(steps.iter().copied()).collect();
    let outcomes = bed.steps(&all).await;
    assert!(outcomes.iter().all(|outcome| outcome.get("error").is_none()), "{outcomes:?}");
}

fn refusal(result: Result<Value, CallError>) -> (u16, String, String) {
    match result {
        Err(CallError::Refused { status, code, detail }) => (status, code, detail),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_new_policy_no_longer_allows_is_taken_back() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room", "plan", "room-pnpres", "hall.*"]]).await;
    run_as(&bed, ("bob", "k2"), &[&["access.grant", "k2", "60", "room"]]).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant-uuid", "k1", "60", "alice"]]).await;
    let stricter = "
channel:
  '*': {}
  room: { read: true, write: \"user.id === 'bob'\" }
  'hall.*': { read: true, write: true }
  'hall.back': { write: false }
group: { '*': {} }
uuid: { '*': { get: true } }
";
    assert_eq!(applied(&bed, stricter).await, [2, 6, 5, 0]);
    for (key, permission, channel, expected) in [
        ("k1", "read", "room", true),
        ("k1", "write", "room", false),
        ("k1", "read", "room-pnpres", true),
        ("k1", "read", "plan", false),
        ("k1", "read", "hall.front", true),
        ("k1", "write", "hall.front", false),
        ("k2", "read", "room", true),
        ("k2", "write", "room", true),
    ] {
        assert_eq!(bed.allows(key, permission, channel).await, expected, "{key} {permission} {channel}");
    }
    let uuid = bed.grants().await.into_iter().find(|grant| grant["level"] == "uuid").unwrap();
    assert_eq!(uuid["permissions"], json!(["get"]), "{uuid}");
}

#[tokio::test]
async fn whoever_is_allowed_still_keeps_a_grant_with_its_end() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    bed.advance(Duration::from_mins(59));
    assert_eq!(applied(&bed, &OPEN.replace("write: user", "write: false && user")).await, [2, 1, 1, 0]);
    assert!(bed.allows("k1", "read", "room").await);
    bed.advance(Duration::from_mins(2));
    assert!(!bed.allows("k1", "read", "room").await);
}

#[tokio::test]
async fn rules_look_records_up_when_they_are_asked_again() {
    let bed = bed(OPEN).await;
    for user in [("alice", "k1"), ("bob", "k2")] {
        run_as(&bed, user, &[&["access.grant", user.1, "60", "plan"]]).await;
    }
    bed.steps(&[&["kv.set", "member/alice", "yes"]]).await;
    let members = "
channel: { '*': {}, plan: { read: \"_('member/' + user.id) === 'yes'\" } }
group: { '*': {} }
";
    assert_eq!(applied(&bed, members).await, [2, 2, 2, 0]);
    assert!(bed.allows("k1", "read", "plan").await && !bed.allows("k1", "write", "plan").await);
    assert!(!bed.allows("k2", "read", "plan").await);
}

#[tokio::test]
async fn a_change_that_leaves_authentication_alone_forgets_nothing_that_was_proven() {
    let (webhook, tell) = Webhook::told().await;
    tell.send_replace(Webhook::reply(200, ""));
    let asking = |more: &str| {
        let table = format!("kind = \"http\"\nurl = \"{}\"\ncache = \"5m\"{more}", webhook.url("/"));
        MANIFEST.replace("kind = \"none\"", &table)
    };
    let bed = Bed::start().await;
    let deploy = async |manifest: String| {
        bed.deploy_with_policy(&manifest, Some(OPEN), guest("every-capability")).await.unwrap();
    };
    let calls = async || {
        run_as(&bed, ("alice", "k"), &[]).await;
        webhook.received().len()
    };
    deploy(asking("")).await;
    assert_eq!(calls().await, 1);
    applied(&bed, &format!("{OPEN}# Another text.\n")).await;
    assert_eq!(calls().await, 1, "another policy");
    bed.admin().post(&format!("{FUNCTION}/rollback"), &json!({})).await.unwrap();
    assert_eq!(calls().await, 1, "the version before");
    deploy(asking("").replace("\"hall.*\", ", "")).await;
    assert_eq!(calls().await, 1, "another ceiling");
    deploy(asking("\nnegative_cache = \"1s\"")).await;
    assert_eq!(calls().await, 2, "another webhook as far as anybody knows");
}

#[tokio::test]
async fn a_key_that_several_identities_show_keeps_what_one_of_them_may() {
    let bed = bed(OPEN).await;
    for user in ["alice", "bob"] {
        run_as(&bed, (user, "k1"), &[&["access.grant", "k1", "60", "room", "plan", &format!("own-{user}")]]).await;
    }
    let stricter = "
channel:
  '*': {}
  room: { read: \"user.id === 'alice'\", write: \"user.id === 'bob'\" }
  plan: { read: \"user.id === 'carol'\" }
  'own-$who': { read: \"user.id === 'bob'\" }
";
    assert_eq!(applied(&bed, stricter).await, [2, 4, 3, 0]);
    for (permission, channel, expected) in [
        ("read", "room", true),
        ("write", "room", true),
        ("read", "plan", false),
        ("read", "own-bob", true),
        ("write", "own-bob", false),
        ("read", "own-alice", false),
    ] {
        assert_eq!(bed.allows("k1", permission, channel).await, expected, "{permission} {channel}");
    }
}

#[tokio::test]
async fn a_shorter_ceiling_leaves_sessions_as_long_as_the_grants_before_it() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "1440", "room"]]).await;
    let shorter = MANIFEST.replace("permissions =", "longest_ttl = \"10m\"\npermissions =");
    bed.deploy_with_policy(&shorter, Some(OPEN), guest("every-capability")).await.unwrap();
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "10", "plan"]]).await;
    bed.advance(Duration::from_mins(30));
    bed.tidy().await;
    assert_eq!(applied(&bed, "channel: { '*': {} }").await, [3, 1, 1, 0]);
    assert!(!bed.allows("k1", "read", "room").await);
}

#[tokio::test]
async fn what_only_an_older_ceiling_covers_is_asked_about_at_every_change() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "1440", "plan"]]).await;
    let narrower = MANIFEST.replace("\"plan\", ", "");
    bed.deploy_with_policy(&narrower, Some(OPEN), guest("every-capability")).await.unwrap();
    assert!(bed.allows("k1", "read", "plan").await, "the policy allows it still");
    assert_eq!(applied(&bed, &OPEN.replace("write: user", "write: false && user")).await, [3, 1, 1, 0]);
    let bed = bed.restart().await;
    assert_eq!(applied(&bed, "channel: { '*': {} }").await, [4, 1, 1, 0]);
    assert!(!bed.allows("k1", "read", "plan").await);
}

#[tokio::test]
async fn grants_that_are_not_the_functions_are_left_alone() {
    let bed = bed(OPEN).await;
    let by_root = |channel: &str, key: &str| {
        let path = format!("/v2/auth/grant/sub-key/sub-c-test?channel={channel}&auth={key}&r=1&m=1&ttl=60");
        bed.call_as_root(Call::get(path))
    };
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    by_root("elsewhere", "k1").await;
    by_root("room", "k9").await;
    assert_eq!(applied(&bed, "channel: { '*': {} }").await, [2, 1, 1, 0]);
    assert!(!bed.allows("k1", "read", "room").await);
    assert!(bed.allows("k1", "read", "elsewhere").await, "beyond the ceiling");
    assert!(bed.allows("k9", "read", "room").await, "nobody the function granted to");
}

#[tokio::test]
async fn channels_that_nobody_may_read_any_more_leave_channel_groups() {
    let bed = bed(OPEN).await;
    let grant_group = |key, group| ["access.grant-group", key, "60", group];
    let own = ["groups.add", "alice#own", "room", "plan", "own-alice"];
    run_as(&bed, ("alice", "k1"), &[&grant_group("k1", "alice#own"), &own]).await;
    run_as(&bed, ("alice", "k1"), &[&grant_group("k1", "shared"), &["groups.add", "shared", "room", "plan"]]).await;
    run_as(&bed, ("alice", "k1"), &[&grant_group("k1", "shared-pnpres")]).await;
    run_as(&bed, ("bob", "k2"), &[&grant_group("k2", "shared")]).await;
    let stricter = "
channel:
  '*': {}
  room: { read: \"user.id === 'bob'\" }
  'own-$who': { read: $who === user.id }
group: { '*': { read: true } }
";
    // Alice loses the shared group and its presence for the room in it that only Bob may read; nobody may read the plan.
    assert_eq!(applied(&bed, stricter).await, [2, 4, 2, 3]);
    run_as(&bed, ("alice", "k1"), &[]).await;
    let listed = bed.steps(&[
        &["identity.authenticate", "alice", "k1"],
        &["groups.list", "alice#own"],
        &["groups.list", "shared"],
    ]);
    let listed = listed.await;
    assert_eq!((&listed[1], &listed[2]), (&json!(["own-alice"]), &json!(["room"])));
    let groups: Vec<String> = bed
        .grants()
        .await
        .iter()
        .filter(|grant| grant["level"] == "channel-group")
        .map(|grant| format!("{} {}", grant["auth"].as_str().unwrap(), grant["name"].as_str().unwrap()))
        .collect();
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert!(groups.contains(&"k2 shared".into()) && groups.contains(&"k1 alice#own".into()), "{groups:?}");
}

#[tokio::test]
async fn a_held_poll_ends_when_its_channel_is_taken_back() {
    let (bed, origin) = (bed(OPEN).await, Origin::start().await);
    bed.set_network(&origin.url()).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room", "plan"]]).await;
    origin.conduct(Conduct::Hold);
    let poll = |channel: &str| Call::get(format!("/v2/subscribe/sub-c-test/{channel}/0?tt=1&auth=k1&uuid=alice"));
    let (room, plan, ()) = tokio::join!(bed.call(poll("room")), bed.call(poll("plan")), async {
        origin.until_received(2).await;
        let no_plan = "channel: { '*': { read: true }, plan: { read: false } }";
        assert_eq!(applied(&bed, no_plan).await, [2, 2, 2, 0]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        origin.conduct(Conduct::Echo);
    });
    assert_eq!((plan.status, &plan.json()["payload"]), (403, &json!({ "channels": ["plan"] })));
    assert_eq!(room.status, 200, "{}", room.body);
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_with_their_grants() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    let bed = bed.restart().await;
    assert_eq!(applied(&bed, "channel: { '*': { read: true } }").await, [2, 1, 1, 0]);
    assert!(bed.allows("k1", "read", "room").await && !bed.allows("k1", "write", "room").await);
    let bed = bed.restart().await;
    assert!(bed.allows("k1", "read", "room").await && !bed.allows("k1", "write", "room").await);
    bed.advance(Duration::from_hours(25));
    bed.tidy().await;
    assert_eq!(applied(&bed, "channel: { '*': {} }").await, [3, 0, 0, 0]);
}

#[tokio::test]
async fn a_bad_document_changes_nothing() {
    let bed = bed(OPEN).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    let before = bed.admin().get(FUNCTION, &[]).await.unwrap();
    for (document, mentions) in [
        ("channel: { '*': { reed: true } }", "`reed`"),
        ("channel: { '*': { read: 'process.exit(1)' } }", "1:"),
        ("", "1:1"),
        ("channel: [", "1:"),
        ("record: { '*': { read: true } }", "`event` is missing"),
    ] {
        let (status, code, detail) = refusal(apply(&bed, document).await);
        assert_eq!((status, code.as_str()), (422, "policy.invalid"), "{document}: {detail}");
        assert!(detail.contains(mentions), "{document}: {detail}");
    }
    let many: String = (0..2_000).map(|n| format!("  p{n}: {{ reed: 1 }}\n")).collect();
    let (_, _, detail) = refusal(apply(&bed, &format!("channel:\n{many}")).await);
    assert!(detail.lines().count() < 110 && detail.contains("more"), "bounded: {}", detail.len());
    assert_eq!(bed.admin().get(FUNCTION, &[]).await.unwrap(), before);
    assert!(bed.allows("k1", "write", "room").await);
    let shown = bed.admin().get(&format!("{FUNCTION}/policy"), &[]).await.unwrap();
    assert_eq!((&shown["version"], &shown["document"]), (&json!(1), &json!(OPEN)));
}

#[tokio::test]
async fn a_rollback_brings_the_policy_before_back() {
    let bed = bed("channel: { '*': {} }").await;
    assert_eq!(applied(&bed, OPEN).await, [2, 0, 0, 0]);
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    let back = bed.admin().post(&format!("{FUNCTION}/rollback"), &json!({})).await.unwrap();
    assert_eq!((&back["version"], &back["taken_back"]), (&json!(1), &json!(1)), "{back}");
    assert!(!bed.allows("k1", "read", "room").await);
    let shown = bed.admin().get(&format!("{FUNCTION}/policy"), &[]).await.unwrap();
    assert_eq!((&shown["version"], &shown["digest"]), (&json!(1), &back["policy"]["digest"]));
    let second = bed.admin().get(&format!("{FUNCTION}/policy"), &[("version", "2")]).await.unwrap();
    assert_eq!(second["document"], OPEN);
    assert_eq!(applied(&bed, OPEN).await[0], 3, "versions are never used twice");
}

#[tokio::test]
async fn what_is_active_can_be_activated_again_and_is_one_step_of_a_rollback() {
    let bed = bed(OPEN).await;
    assert_eq!(applied(&bed, "channel: { '*': {} }").await[0], 2);
    let again = bed.admin().post(&format!("{FUNCTION}/activate"), &json!({ "version": 2 })).await.unwrap();
    assert_eq!(again["version"], 2);
    let back = bed.admin().post(&format!("{FUNCTION}/rollback"), &json!({})).await.unwrap();
    assert_eq!(back["version"], 1);
}

/// Runs a request that grants after it was held up, and meanwhile `changes`.
async fn granting_late<T>(policy: &str, changes: impl AsyncFnOnce(&Bed, &str) -> T) -> (Bed, T) {
    let (bed, holding) = (Bed::start().await, Webhook::holding(200, "").await);
    let hosts = format!("hosts = [\"{}\"]\npolicy = ", holding.address());
    let manifest = format!("{}\n[limits]\ntime = \"20s\"\n", MANIFEST.replacen("policy = ", &hosts, 1));
    bed.deploy_with_policy(&manifest, Some(policy), guest("every-capability")).await.unwrap();
    let slow = ["http.get", &holding.url("/")];
    let steps = [slow.as_slice(), &["access.grant", "k1", "60", "room"]];
    let (changed, (), ()) = tokio::join!(
        async {
            holding.until_received(1).await;
            changes(&bed, &manifest).await
        },
        run_as(&bed, ("alice", "k1"), &steps),
        async {
            holding.until_received(1).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            holding.release();
        }
    );
    (bed, changed)
}

#[tokio::test]
async fn what_a_request_under_way_still_grants_is_taken_back_too() {
    let reading = "channel: { '*': { read: true } }";
    let (bed, changed) = granting_late(OPEN, async |bed, _| applied(bed, reading).await).await;
    assert_eq!(changed, [2, 1, 1, 0]);
    assert!(bed.allows("k1", "read", "room").await && !bed.allows("k1", "write", "room").await);

    let (bed, changed) = granting_late(OPEN, async |bed, manifest| {
        let without = manifest.replace("policy = \"policy.yaml\"", "").replace("\"policy\", ", "");
        bed.deploy_with_policy(&without, None, guest("every-capability")).await.unwrap();
        bed.deploy_with_policy(manifest, Some(reading), guest("every-capability")).await.unwrap()
    })
    .await;
    assert_eq!(changed["taken_back"], 1);
    assert!(!bed.allows("k1", "write", "room").await);
}

#[tokio::test]
async fn a_recheck_that_a_crash_cut_short_is_finished_at_the_next_start() {
    let bed = bed("channel: { '*': { read: \"_('member') === 'yes'\" } }").await;
    bed.steps(&[&["kv.set", "member", "yes"]]).await;
    run_as(&bed, ("alice", "k1"), &[&["access.grant", "k1", "60", "room"]]).await;
    bed.steps(&[&["kv.remove", "member"]]).await;
    let bed = bed.restart().await;
    assert!(bed.allows("k1", "read", "room").await, "nothing was left to do");
    let (folder, clock) = bed.stop().await;
    let builder = Database::builder(folder.path().join("store")).journal_compression(CompressionType::None);
    let database = builder.open().unwrap();
    let deployments = database.keyspace("deployments", KeyspaceCreateOptions::default).unwrap();
    deployments.insert("recheck/sub-c-test/every/", "").unwrap();
    database.persist(PersistMode::SyncAll).unwrap();
    drop((deployments, database));
    let bed = Bed::resume(folder, (clock, Settings::default())).await;
    assert_eq!(bed.grants().await, [] as [Value; 0]);
}

#[tokio::test]
async fn policies_change_while_users_connect_and_nobody_is_turned_away() {
    let config = "[limits]\nper_address = 0\nper_user = 0\n".to_owned();
    let bed = Arc::new(Bed::with(Settings { config, ..Settings::default() }).await);
    bed.deploy_with_policy(MANIFEST, Some(OPEN), guest("every-capability")).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let clients: JoinSet<usize> = (0..4)
        .map(|client| {
            let (bed, over) = (Arc::clone(&bed), Arc::clone(&over));
            async move {
                let (uuid, key, mut answers) = (format!("u{client}"), format!("k{client}"), 0);
                while !over.load(Ordering::SeqCst) {
                    run_as(&bed, (&uuid, &key), &[&["access.grant", &key, "60", "room"]]).await;
                    answers += 1;
                }
                answers
            }
        })
        .collect();
    for version in 2..=8 {
        assert_eq!(applied(&bed, &format!("{OPEN}# {version}")).await[0], version);
    }
    over.store(true, Ordering::SeqCst);
    assert!(clients.join_all().await.into_iter().all(|answers| answers > 0));
    assert_eq!(applied(&bed, "channel: { '*': {} }").await, [9, 4, 4, 0]);
    assert_eq!(bed.grants().await, [] as [Value; 0]);
}
