//! Deploying with a policy: the manifest names it, and what belongs together comes together.

use serde_json::{Value, json};
use usher_server::CallError;
use usher_tests::{Bed, function};

const POLICY: &str = "channel: { '*': { read: true } }";

/// The example `hello`, with more in its manifest.
fn hello(more: &str) -> String {
    format!("name = \"hello\"\npaths = [\"hello\"]\ncapabilities = [\"config\"]\n{more}\n[config]\ngreeting = \"hi\"\n")
}

fn outcome(result: Result<Value, CallError>) -> String {
    match result {
        Ok(_) => "deployed".into(),
        Err(CallError::Refused { status, code, .. }) => format!("{status} {code}"),
        Err(other) => other.to_string(),
    }
}

#[tokio::test]
async fn manifest_policy_and_component_go_together() {
    let bed = Bed::start().await;
    let (named, asking) = ("policy = \"policy.yaml\"", "capabilities = [\"config\", \"policy\"]");
    let asks = |more: &str| hello(more).replace("capabilities = [\"config\"]", asking);
    let bare = |more: &str| format!("name = \"ds\"\n{more}\n");
    let believing = "[[authentication]]\nkind = \"none\"";
    let component = || function("examples/hello");
    for (manifest, policy, component, expected) in [
        (hello(""), None, component(), "deployed"),
        (hello(named), Some(POLICY), component(), "deployed"),
        (asks(named), Some(POLICY), component(), "deployed"),
        (asks(""), Some(POLICY), component(), "422 manifest.invalid"),
        (hello("policy = \"../policy.yaml\""), Some(POLICY), component(), "422 manifest.invalid"),
        (hello(named), None, component(), "422 policy.missing"),
        (hello(""), Some(POLICY), component(), "422 policy.not-named"),
        (hello(named), Some("channel: { '*': { reed: true } }"), component(), "422 policy.invalid"),
        (hello(""), None, Vec::new(), "422 component.missing"),
        (bare(""), None, Vec::new(), "422 manifest.invalid"),
        (bare(named), Some(POLICY), Vec::new(), "deployed"),
        (bare(believing), None, Vec::new(), "deployed"),
        (bare(named), Some(POLICY), component(), "422 component.not-served"),
    ] {
        let deployed = bed.deploy_with_policy(&manifest, policy, component).await;
        assert_eq!(outcome(deployed), expected, "{manifest}");
    }
}

#[tokio::test]
async fn a_deployment_without_a_function_is_listed_and_lasts() {
    let bed = Bed::start().await;
    let manifest = "name = \"ds\"\npolicy = \"policy.yaml\"\n[[authentication]]\nkind = \"none\"\n";
    let deployed = bed.deploy_with_policy(manifest, Some(POLICY), Vec::new()).await.unwrap();
    assert_eq!((&deployed["policy"]["rules"], &deployed["rechecked"]), (&json!(1), &json!(0)), "{deployed}");
    let bed = bed.restart().await;
    let listed = bed.admin().get("/v1/keysets/sub-c-test/functions", &[]).await.unwrap();
    let expected = json!([{
        "name": "ds", "version": 1, "artefact": "", "paths": [], "policy": deployed["policy"]["digest"],
    }]);
    assert_eq!(listed["functions"], expected);
    assert_eq!(bed.get("ds").await.status, 404);
    let other = json!({ "document": "channel: { '*': { read: false } }" });
    let changed = bed.admin().post("/v1/keysets/sub-c-test/functions/ds/policy", &other).await.unwrap();
    assert_eq!(changed["version"], 2);
}

#[tokio::test]
async fn a_policy_is_changed_only_where_one_is_in_force() {
    let bed = Bed::start().await;
    bed.deploy(&hello(""), function("examples/hello")).await.unwrap();
    let apply = |name: &str| {
        let path = format!("/v1/keysets/sub-c-test/functions/{name}/policy");
        let bed = &bed;
        async move { outcome(bed.admin().post(&path, &json!({ "document": POLICY })).await) }
    };
    assert_eq!(apply("hello").await, "422 policy.not-named");
    assert_eq!(apply("nobody").await, "404 function.not-active");
    assert_eq!(apply("NOT A NAME").await, "400 admin.bad-request");
    let shown = bed.admin().get("/v1/keysets/sub-c-test/functions/hello/policy", &[]).await;
    assert_eq!(outcome(shown), "404 policy.not-found");
    let shown = bed.admin().get("/v1/keysets/sub-c-test/functions/hello/policy", &[("version", "7")]).await;
    assert_eq!(outcome(shown), "404 function.no-version");
}
