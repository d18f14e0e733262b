//! The operator's log: JSON lines with the request's id; auth keys, secrets and tokens in none of them, nor in any other output.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use usher_server::{AdminClient, FunctionFiles};
use usher_tests::guest;

use crate::process_bed::{Run, Started, get, try_connect};

/// Nobody else writes this.
const AUTH_KEY: &str = "canary-auth-key-5c1d";
const SECRET: &str = "canary-secret-value-77aa";
const SECRET_KEY: &str = "sec-c-canary-6f6f6f";

fn start(data: &Path, format: &str) -> Started {
    let run = Run::usher(&format!("dev --json --port 0 --data {}", data.display()));
    run.env("USHER_LOG__FORMAT", format).env("USHER_LOG__LEVEL", "trace").start()
}

fn admin(server: &Started) -> AdminClient {
    let token = std::fs::read_to_string(Path::new(&server.field("data")).join("admin.token")).unwrap();
    AdminClient::new(&server.field("admin"), &token).unwrap()
}

#[tokio::test]
async fn json_logs_are_one_object_a_line_with_the_id_the_client_got() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), "json");
    let answer = try_connect(&server.field("endpoint"), ("alice", AUTH_KEY)).await.unwrap();
    let (status, refused) = get(&server.field("endpoint").replace("chat-engine-server", "nowhere")).await;
    assert_eq!(status, 404);
    let ids = [
        answer.header("x-request-id").unwrap().to_owned(),
        serde_json::from_str::<Value>(&refused).unwrap()["decision_id"].as_str().unwrap().to_owned(),
    ];
    let ended = server.stop();
    let lines = ended.stderr.lines().filter(|line| !line.starts_with("usher: "));
    let objects: Vec<Value> =
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for object in &objects {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(object[field].is_string(), "no {field} in {object}");
        }
    }
    for id in ids {
        assert!(objects.iter().any(|object| object["request"] == id), "no line has the request {id}");
    }
}

#[tokio::test]
async fn no_output_shows_an_auth_key_a_secret_or_a_token_even_at_the_finest_level() {
    for format in ["json", "text"] {
        let data = tempfile::tempdir().unwrap();
        let server = start(data.path(), format);
        let mut outputs = provoke(&server).await;
        let token = std::fs::read_to_string(data.path().join("admin.token")).unwrap();
        let master_key = std::fs::read_to_string(data.path().join("master.key")).unwrap();
        let demo_secret = server.field("secret_key");
        let ended = server.stop();
        assert!(ended.stderr.contains("admin request") && ended.stderr.contains("blame"), "nothing was provoked");
        outputs.push(ended.stderr);
        outputs.push(ended.stdout);
        for forbidden in [AUTH_KEY, SECRET, SECRET_KEY, token.trim(), master_key.trim(), &demo_secret] {
            for output in &outputs {
                let line = output.lines().find(|line| line.contains(forbidden));
                assert!(line.is_none(), "{format}: `{forbidden}` in {line:?}");
            }
        }
    }
}

/// Connects, refusals, faults, admin calls and commands that all carry canaries; returns what the commands printed.
async fn provoke(server: &Started) -> Vec<String> {
    let (endpoint, admin) = (server.field("endpoint"), admin(server));
    for auth_key in [AUTH_KEY.to_owned(), format!("{AUTH_KEY}\n"), AUTH_KEY.repeat(600)] {
        try_connect(&endpoint, ("alice", &auth_key)).await.unwrap();
    }
    for target in [
        "?route=grant&authKey=",
        "?route=nowhere&authKey=",
        "/../nowhere?authKey=",
        "?route=grant&route=x&auth=",
        "?route=%ff&authKey=",
    ] {
        get(&format!("{endpoint}{target}{AUTH_KEY}")).await;
    }
    let raw = format!("{{\"uuid\":\"alice\",\"authKey\":\"{AUTH_KEY}\"");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        http.post(format!("{endpoint}?route=bootstrap")).header("authorization", format!("Bearer {AUTH_KEY}"));
    request.body(raw).send().await.unwrap();
    let manifest = "name = \"trap\"\npaths = [\"trap\"]\n[[authentication]]\nkind = \"none\"\n".to_owned();
    let files = FunctionFiles { manifest, policy: None, component: guest("trap") };
    admin.deploy(&server.field("subscribe_key"), &files).await.unwrap();
    get(&format!("{}?authKey={AUTH_KEY}", endpoint.replace("chat-engine-server", "trap"))).await;
    let keys = json!({ "subscribe_key": "sub-c-canary", "publish_key": "pub-c-canary", "secret_key": SECRET_KEY });
    admin.post("/v1/keysets", &keys).await.unwrap();
    admin.post("/v1/keysets", &keys).await.unwrap_err();
    admin.put("/v1/secrets/canary", SECRET.into()).await.unwrap();
    admin.put("/v1/secrets/NOT%20a%20name", SECRET.into()).await.unwrap_err();
    let data = server.field("data");
    let mut outputs = Vec::new();
    for arguments in [
        "secret set canary",
        "secret list",
        "secret rotate",
        "--json secret list",
        "keyset list",
        "secret set NO/",
        "functions --keyset sub-c-canary",
    ] {
        let ended = Run::usher(&format!("--data {data} {arguments}")).input(SECRET).end();
        outputs.extend([ended.stdout, ended.stderr]);
    }
    let wrong = Run::usher(&format!("--data {data} secret list")).env("USHER_ADMIN_TOKEN", AUTH_KEY).end();
    outputs.extend([wrong.stdout, wrong.stderr]);
    outputs
}

#[test]
fn a_line_s_level_can_be_chosen() {
    let mut seen = BTreeSet::new();
    for level in ["off", "info"] {
        let data = tempfile::tempdir().unwrap();
        let run =
            Run::usher(&format!("dev --json --port 0 --data {}", data.path().display())).env("USHER_LOG__LEVEL", level);
        let ended = run.start().stop();
        seen.insert((level, ended.stderr.contains("admin request")));
    }
    assert_eq!(seen, BTreeSet::from([("off", false), ("info", true)]));
}
