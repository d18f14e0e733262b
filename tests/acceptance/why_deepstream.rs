//! Why a deepstream server was told what it was told: logins that were refused, and questions that were put to a policy.

use serde_json::{Value, json};
use usher_tests::{Answer, Bed, Call};

const MANIFEST: &str = "
name = \"rt\"
policy = \"policy.yaml\"
[[authentication]]
kind = \"file\"
hash = \"none\"
users = \"alice: { password: canary-of-a-password }\"
";

const POLICY: &str = "
event:
  '*': {}
  news: {publish: \"user.data.role === 'editor' && data.size < 9\"}
record:
  '*': {}
  doc: {write: \"data.owner === oldData.owner\"}
rpc:
  '*': {}
presence:
  '*': {}
";

async fn bed() -> Bed {
    let bed = Bed::start().await;
    bed.deploy_with_policy(MANIFEST, Some(POLICY), Vec::new()).await.unwrap();
    bed
}

async fn check(bed: &Bed, body: Value) -> Answer {
    bed.ask(Call::new("POST", "/v1/policy/rt/check").body(&body)).await
}

async fn why(bed: &Bed, id: &str) -> Vec<Value> {
    let found = bed.admin().get(&format!("/v1/decisions/{id}"), &[]).await.unwrap();
    found["decisions"].as_array().unwrap().clone()
}

fn publishing(role: &str, size: u32) -> Value {
    json!({ "section": "event", "action": "EMIT", "name": "news", "data": { "size": size }, "user": { "id": "al", "data": { "role": role } } })
}

#[tokio::test]
async fn a_refused_login_is_kept_with_deployment_and_user_and_without_the_password() {
    let bed = bed().await;
    let body = json!({ "connectionData": {}, "authData": { "username": "alice", "password": "canary-of-a-guess" } });
    let answer = bed.ask(Call::new("POST", "/v1/deepstream/auth/rt").body(&body)).await;
    assert_eq!((answer.status, answer.body.starts_with("identity.denied: ")), (401, true), "{answer:?}");
    let [kept] = &*why(&bed, answer.header("x-request-id").unwrap()).await else { panic!("one decision") };
    for (name, expected) in [
        ("road", json!("deepstream")),
        ("code", json!("identity.denied")),
        ("function", json!("rt")),
        ("version", json!(1)),
        ("subscribe_key", json!("sub-c-test")),
        ("user", json!("alice")),
        ("asked", json!("log in to rt")),
        ("status", json!(401)),
    ] {
        assert_eq!(kept[name], expected, "{name} of {kept}");
    }
    assert!(!kept.to_string().contains("canary"), "{kept}");
}

#[tokio::test]
async fn a_question_to_the_policy_is_kept_with_its_rule_and_the_values_that_decided() {
    let bed = bed().await;
    let answer = check(&bed, publishing("reader", 1)).await.json();
    assert_eq!(answer["allowed"], false, "{answer}");
    let [kept] = &*why(&bed, answer["decision_id"].as_str().unwrap()).await else { panic!("one decision") };
    assert_eq!(
        (&kept["road"], &kept["code"], &kept["user"]),
        (&json!("policy"), &json!("policy.denied"), &json!("al"))
    );
    let question = &kept["questions"][0];
    assert_eq!((&question["path"], &question["line"]), (&json!("news"), &json!(4)), "{kept}");
    let deciding = question["deciding"].to_string();
    assert!(deciding.contains("user.data.role") && deciding.contains("reader"), "{kept}");
}

#[tokio::test]
async fn a_patch_is_explained_in_words() {
    let bed = bed().await;
    let patch = json!({
        "section": "record", "action": "PATCH", "name": "doc", "path": "owner", "data": "mallory",
        "oldData": { "owner": "alice" }, "user": { "id": "mallory" },
    });
    let answer = check(&bed, patch).await.json();
    assert_eq!(answer["code"], "policy.denied", "{answer}");
    let [kept] = &*why(&bed, answer["decision_id"].as_str().unwrap()).await else { panic!("one decision") };
    let findings = kept["findings"].to_string();
    for part in ["by `doc` in line 7", "data.owner === oldData.owner", "mallory", "alice"] {
        assert!(findings.contains(part), "no `{part}` in {kept}");
    }
}

#[tokio::test]
async fn what_was_checked_can_be_asked_again_of_another_policy() {
    let bed = bed().await;
    let all = json!({ "questions": [publishing("editor", 1), publishing("reader", 1)] });
    let answers = check(&bed, all).await.json();
    assert_eq!((&answers["answers"][0]["allowed"], &answers["answers"][1]["allowed"]), (&json!(true), &json!(false)));
    assert_eq!(why(&bed, answers["decision_id"].as_str().unwrap()).await.len(), 2);
    let found = bed.admin().get("/v1/keysets/sub-c-test/functions/rt/questions", &[]).await.unwrap();
    let [newest] = found["questions"].as_array().unwrap().as_slice() else { panic!("{found}") };
    let expected = json!({ "id": "al", "data": { "role": "reader" } });
    assert_eq!((&newest["user"], &newest["payload"]), (&expected, &json!("{\"size\":1}")), "{newest}");
    assert_eq!((&newest["section"], &newest["action"]), (&json!("event"), &json!("EMIT")), "{newest}");
}

#[tokio::test]
async fn a_proxy_that_is_not_understood_finds_its_refusal_too() {
    let bed = bed().await;
    let asked = bed.ask(Call::get("/v1/decisions/nginx")).await;
    let checked = check(&bed, json!({ "section": "cellar" })).await;
    let of_nginx = asked.header("x-usher-decision-id").unwrap();
    for (id, asked) in [(of_nginx, "what cannot be read"), (checked.header("x-request-id").unwrap(), "ask a policy")] {
        let [kept] = &*why(&bed, id).await else { panic!("one decision") };
        assert_eq!((&kept["code"], &kept["asked"]), (&json!("request.malformed"), &json!(asked)), "{kept}");
    }
}
