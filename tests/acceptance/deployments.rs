//! Deploying: checked before it is stored, switched at once while traffic flows, taken back, and kept over a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_server::CallError;
use usher_tests::{Bed, Settings, Webhook, function, guest};

/// The example `hello` with a greeting, at a path.
fn hello(name: &str, greeting: &str) -> String {
    format!(
        "name = \"{name}\"\npaths = [\"{name}\"]\ncapabilities = [\"config\"]\n[config]\ngreeting = \"{greeting}\"\n"
    )
}

async fn deploy(bed: &Bed, name: &str, greeting: &str) -> Value {
    bed.deploy(&hello(name, greeting), function("examples/hello")).await.unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(result: Result<Value, CallError>) -> (u16, String, String) {
    match result {
        Err(CallError::Refused { status, code, detail }) => (status, code, detail),
        other => panic!("{other:?}"),
    }
}

async fn roll_back(bed: &Bed, name: &str) -> Result<Value, CallError> {
    bed.admin().post(&format!("/v1/keysets/sub-c-test/functions/{name}/rollback"), &json!({})).await
}

#[tokio::test]
async fn a_deploy_while_traffic_flows_loses_no_request_and_never_goes_back() {
    let config = "[limits]\nper_address = 0\n".to_owned();
    let bed = Arc::new(Bed::with(Settings { config, ..Settings::default() }).await);
    deploy(&bed, "hello", "v1").await;
    let over = Arc::new(AtomicBool::new(false));
    let clients: JoinSet<usize> = (0..4)
        .map(|_| {
            let (bed, over) = (Arc::clone(&bed), Arc::clone(&over));
            async move {
                let (mut seen, mut answers) = ("v1".to_owned(), 0);
                while !over.load(Ordering::SeqCst) {
                    let answer = bed.get("hello").await;
                    let greeting = answer.body.split(',').next().unwrap_or_default().to_owned();
                    assert!(
                        answer.status == 200 && greeting >= seen,
                        "{greeting} after {seen}: {} {}",
                        answer.status,
                        answer.body
                    );
                    (seen, answers) = (greeting, answers + 1);
                }
                answers
            }
        })
        .collect();
    for version in 2..=8 {
        assert_eq!(deploy(&bed, "hello", &format!("v{version}")).await["version"], version);
        assert_eq!(bed.get("hello").await.body, format!("v{version}, stranger"), "in force when the call returns");
    }
    over.store(true, Ordering::SeqCst);
    assert!(clients.join_all().await.into_iter().all(|answers| answers > 0));
}

#[tokio::test]
async fn a_request_under_way_ends_on_the_version_it_began_on() {
    let bed = Bed::start().await;
    let holding = Webhook::holding(200, "the first version's").await;
    let waiting = format!(
        "name = \"f\"\npaths = [\"f\"]\ncapabilities = [\"http\"]\nhosts = [\"{}\"]\n[limits]\ntime = \"20s\"\n",
        holding.address()
    );
    bed.deploy(&waiting, guest("slow-outbound-call")).await.unwrap();
    let url = format!("f?url={}", holding.url("/"));
    let (first, ()) = tokio::join!(bed.get(&url), async {
        holding.until_received(1).await;
        deploy(&bed, "f", "the second version").await;
        assert_eq!(bed.get(&url).await.body, "the second version, stranger");
        holding.release();
    });
    assert_eq!((first.status, first.body.as_str()), (200, "the first version's"));
}

#[tokio::test]
async fn adding_a_version_is_not_activating_it() {
    use base64::Engine;
    let bed = Bed::start().await;
    deploy(&bed, "hello", "v1").await;
    let component = base64::engine::general_purpose::STANDARD.encode(function("examples/hello"));
    let upload = json!({ "manifest": hello("hello", "v2"), "policy": null, "component": component });
    let functions = "/v1/keysets/sub-c-test/functions";
    let added = bed.admin().post(functions, &upload).await.unwrap();
    assert_eq!((&added["version"], bed.get("hello").await.body.as_str()), (&json!(2), "v1, stranger"));
    bed.admin().post(&format!("{functions}/hello/activate"), &json!({ "version": 2 })).await.unwrap();
    assert_eq!(bed.get("hello").await.body, "v2, stranger");
    let unknown = bed.admin().post(&format!("{functions}/hello/activate"), &json!({ "version": 9 })).await;
    assert_eq!(refusal(unknown).1, "function.no-version");
    assert_eq!(bed.get("hello").await.body, "v2, stranger");
}

#[tokio::test]
async fn a_rollback_activates_what_was_active_before() {
    let bed = Bed::start().await;
    assert_eq!(
        refusal(roll_back(&bed, "hello").await),
        (404, "function.not-found".into(), "no function `hello`".into())
    );
    for greeting in ["v1", "v2", "v3"] {
        deploy(&bed, "hello", greeting).await;
    }
    for greeting in ["v2", "v1"] {
        roll_back(&bed, "hello").await.unwrap();
        assert_eq!(bed.get("hello").await.body, format!("{greeting}, stranger"));
    }
    let (status, code, detail) = refusal(roll_back(&bed, "hello").await);
    assert_eq!((status, code.as_str()), (409, "function.nothing-to-roll-back"), "{detail}");
    assert_eq!(bed.get("hello").await.body, "v1, stranger");
    assert_eq!(deploy(&bed, "hello", "v4").await["version"], 4, "versions are never used twice");
}

#[tokio::test]
async fn two_functions_never_answer_to_one_path() {
    let bed = Bed::start().await;
    deploy(&bed, "hello", "first").await;
    for (paths, refused) in [
        (r#"["hello"]"#, true),
        (r#"["h*"]"#, true),
        (r#"["*"]"#, true),
        (r#"["other", "hello"]"#, true),
        (r#"["hello/", "hello/*", "hell"]"#, false),
    ] {
        let manifest = hello("second", "second").replace(r#"["second"]"#, paths);
        let result = bed.deploy(&manifest, function("examples/hello")).await;
        assert_eq!(result.is_err(), refused, "{paths}: {result:?}");
        if refused {
            let (status, code, detail) = refusal(result);
            assert_eq!((status, code.as_str()), (409, "function.overlap"), "{detail}");
            assert!(detail.contains("`hello` of the function `hello`"), "{detail}");
        }
        assert_eq!(bed.get("hello").await.body, "first, stranger", "{paths}");
    }
}

#[tokio::test]
async fn every_secret_a_manifest_names_has_to_be_there() {
    let bed = Bed::start().await;
    let webhook = "[[authentication]]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\nbearer_secret = \"token\"\n";
    for manifest in
        [hello("hello", "hi").replace("[config]", "secrets = [\"token\"]\n[config]"), hello("hello", "hi") + webhook]
    {
        let manifest = if manifest.contains("bearer") {
            manifest.replace("[\"config\"]", "[\"config\", \"identity\"]")
        } else {
            manifest
        };
        let (status, code, detail) = refusal(bed.deploy(&manifest, function("examples/hello")).await);
        assert_eq!((status, code.as_str()), (409, "secret.not-found"), "{detail}");
        assert!(detail.contains("`usher secret set token`"), "{detail}");
    }
    assert_eq!(bed.get("hello").await.status, 404);
    bed.set_secret("token", "value").await;
    deploy(&bed, "hello", "hi").await;
}

#[tokio::test]
async fn all_mistakes_of_a_manifest_are_told_at_once_with_their_lines() {
    let bed = Bed::start().await;
    let manifest = r#"name = "Not A Name"
paths = ["/absolute", "fine"]
capabilities = ["kv", "teleport"]
hosts = ["http://with.scheme/"]
secrts = ["misspelt"]

[limits]
time = "2 parsecs"
memory = 16

[[authentication]]
kind = "magic"

[ceiling]
longest_ttl = "30s"
[[ceiling.allow]]
channels = ["${open"]
permissions = ["fly"]
"#;
    let (status, code, detail) = refusal(bed.deploy(manifest, guest("echo")).await);
    assert_eq!((status, code.as_str()), (422, "manifest.invalid"), "{detail}");
    for (line, part) in [
        (1, "a function's name has"),
        (2, "`/absolute` is no path"),
        (4, "`http://with.scheme/` is no host"),
        (5, "did you mean `secrets`?"),
        (8, "`2 parsecs` is to be a whole number with a unit"),
        (9, "`limits.memory` is to be a text"),
        (15, "one minute at the least"),
        (17, "without its `}`"),
        (18, "fly"),
    ] {
        let place = format!("function.toml:{line}: ");
        assert!(detail.lines().any(|said| said.starts_with(&place) && said.contains(part)), "{line} {part}:\n{detail}");
    }
    assert!(
        detail.contains("`teleport` is none of vault, http, access") && detail.contains("`magic` is none of"),
        "{detail}"
    );
    let (_, _, detail) = refusal(bed.deploy("name = \"x\"\npaths = [\"x\"\n[limits", guest("echo")).await);
    assert!(detail.contains("function.toml:"), "{detail}");
}

#[tokio::test]
async fn versions_and_the_active_one_survive_a_restart() {
    let bed = Bed::start().await;
    for greeting in ["v1", "v2", "v3"] {
        deploy(&bed, "hello", greeting).await;
    }
    roll_back(&bed, "hello").await.unwrap();
    let shown = |bed: &Bed| {
        let admin = bed.admin().clone();
        async move { admin.get("/v1/keysets/sub-c-test/functions/hello", &[]).await.unwrap() }
    };
    let before = shown(&bed).await;
    let bed = bed.restart().await;
    assert_eq!(shown(&bed).await, before);
    let active: Vec<bool> =
        before["versions"].as_array().unwrap().iter().map(|version| version["active"] == true).collect();
    assert_eq!(active, [false, true, false]);
    assert_eq!(bed.get("hello").await.body, "v2, stranger");
    roll_back(&bed, "hello").await.unwrap();
    assert_eq!(bed.get("hello").await.body, "v1, stranger");
}

#[tokio::test]
async fn functions_of_an_unknown_keyset_are_refused() {
    let bed = Bed::start().await;
    let files = usher_server::FunctionFiles {
        manifest: hello("hello", "hi"),
        policy: None,
        component: function("examples/hello"),
    };
    for key in ["sub-c-other", "not%20a%20key"] {
        let (status, code, _) = refusal(bed.admin().deploy(key, &files).await);
        assert_eq!((status, code.as_str()), (404, "keyset.not-found"), "{key}");
    }
}
