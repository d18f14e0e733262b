//! `policy`: questions to the deployment's policy about whom the invocation proved.

use serde_json::{Value, json};
use usher_tests::{Bed, guest};

const POLICY: &str = "
channel:
  public.*: {read: true}
  public.#mods: {write: \"user.data.role === 'mod'\"}
  own.$user: {read: $user === user.id, write: $user === user.id && data.length < 3}
  invited: {read: \"_('invited:' + user.id).until > now\"}
record: {'*': {read: true, create: false}}
event: {'*': {publish: data.n === 1}}
rpc: {'*': {request: true}}
";

async fn bed(rest: &str) -> Bed {
    let bed = Bed::start().await;
    let manifest = format!(
        "name = \"asks\"\npaths = [\"asks\"]\npolicy = \"policy.yaml\"\n\
         capabilities = [\"policy\", \"identity\"]\n{rest}\n[kv]\nprefix = \"every\"\n[[authentication]]\nkind = \"none\"\n"
    );
    bed.deploy_with_policy(&manifest, Some(POLICY), guest("policy-questions")).await.unwrap();
    bed
}

async fn ask(bed: &Bed, claim: Option<&str>, (section, action, name, payload): Asked<'_>) -> Value {
    let answer = bed.post("asks", json!([claim, [[section, action, name, payload]], 1]).to_string()).await;
    answer.json()
}

/// Section, action, name, payload.
type Asked<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

#[tokio::test]
async fn the_policy_decides_about_whom_was_proven() {
    let bed = bed("").await;
    for (claim, question, expected) in [
        (None, ("channel", "read", "public.#a", None), true),
        (None, ("channel", "read", "own.null", None), false),
        (Some("alice"), ("channel", "read", "own.alice", None), true),
        (Some("alice"), ("channel", "read", "own.bob", None), false),
        (None, ("channel", "read", "own.alice", None), false),
        (Some("alice"), ("channel", "write", "own.alice", Some("\"hi\"")), true),
        (Some("alice"), ("channel", "write", "own.alice", Some("\"hello\"")), false),
        (Some("alice"), ("channel", "write", "own.alice", None), false),
        (Some("alice"), ("channel", "write", "own.alice", Some("no json")), false),
        (Some("alice"), ("channel", "read", "public.*", None), true),
        (Some("alice"), ("channel", "write", "public.*", None), false),
        (Some("alice"), ("channel", "read", "own.*", None), false),
        (Some("alice"), ("channel", "read", "elsewhere", None), false),
        (Some("alice"), ("group", "read", "alice", None), false),
        (Some("alice"), ("record", "READ", "any", None), true),
        (Some("alice"), ("record", "CREATE", "any", None), false),
        (Some("alice"), ("event", "EMIT", "any", Some("{\"n\": 1}")), true),
        (Some("alice"), ("event", "EMIT", "any", Some("{\"n\": 2}")), false),
        (Some("alice"), ("rpc", "REQUEST", "any", None), true),
        (Some("alice"), ("presence", "QUERY", "any", None), false),
    ] {
        assert_eq!(ask(&bed, claim, question).await, json!([expected]), "{claim:?} {question:?}");
    }
}

#[tokio::test]
async fn records_are_the_deployments_own_pairs() {
    let bed = bed("").await;
    // The other function keeps its pairs under the same prefix.
    bed.deploy_every("", "[kv]\nprefix = \"every\"").await;
    let invited = ("channel", "read", "invited", None);
    assert_eq!(ask(&bed, Some("alice"), invited).await, json!([false]));
    bed.step(&["kv.set", "invited:alice", "{\"until\": 99999999999999}"]).await;
    bed.step(&["kv.set", "invited:bob", "no record"]).await;
    assert_eq!(ask(&bed, Some("alice"), invited).await, json!([true]));
    assert_eq!(ask(&bed, Some("bob"), invited).await, json!([false]));
}

#[tokio::test]
async fn questions_are_bounded() {
    let bed = bed("[limits]\npolicy_calls = 2").await;
    let question = |action: &str| json!(["channel", action, "public.#a", null]);
    let questions = |count: usize| json!(vec![question("read"); count]);
    for (body, expected) in [
        (json!([null, questions(100), 2]), None),
        (json!([null, questions(0), 1]), None),
        (json!([null, questions(101), 1]), Some("at most 100")),
        (json!([null, [question("fly")], 1]), Some("no such action")),
        (json!([null, [question("READ")], 1]), Some("no such action")),
    ] {
        let answer = bed.post("asks", body.to_string()).await;
        assert_eq!(answer.status, if expected.is_some() { 403 } else { 200 }, "{}", answer.body);
        assert!(answer.body.contains(expected.unwrap_or_default()), "{}", answer.body);
    }
    let answer = bed.post("asks", json!([null, questions(1), 3]).to_string()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("TooManyCalls"), "{}", answer.body);
}
