//! Canaries: a secret, a secret key and auth keys go through every route and error, and are then looked for everywhere else.
//!
//! Auth keys are part of what a grant is about, so the grants' own records hold them, and lists of grants show them to admins.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use usher_server::FunctionFiles;
use usher_tests::{Bed, Log, Settings, Webhook, every_capability, guest};

const SECRET: &str = "canary-of-a-vault-secret-6f1d7c";
const BEARER: &str = "canary-of-a-bearer-secret-91ab3e";
const SECRET_KEY: &str = "canary-of-a-secret-key-d20c55";
const AUTH_KEY: &str = "canary-of-an-auth-key-77e0b4";

/// A server with canaries in its vault, a validator that sees the bearer, and functions that use them well and badly.
async fn bed(validator: &Webhook, origin: &Webhook) -> Bed {
    let config = "[limits]\nper_address = 0\nper_user = 2\n".to_owned();
    let bed = Bed::with(Settings { config, ..Settings::default() }).await;
    for (name, value) in [("canary", SECRET), ("bearer", BEARER)] {
        bed.set_secret(name, value).await;
    }
    let authentication = format!(
        "[[authentication]]\nkind = \"http\"\nurl = \"{}\"\nbearer_secret = \"bearer\"\n",
        validator.url("/?who")
    );
    let manifest = include_str!("../../functions/chat-engine/function.toml");
    let manifest = manifest.replace("[[authentication]]\nkind = \"none\"\n", &authentication);
    let policy = Some(include_str!("../../functions/chat-engine/policy.yaml"));
    bed.deploy_with_policy(&manifest, policy, usher_tests::function("chat-engine")).await.unwrap();
    let ceiling = "[[ceiling.allow]]\nchannels = [\"lobby\"]\nauth = \"any\"\npermissions = [\"read\", \"write\"]";
    let every = every_capability("every", "secrets = [\"canary\"]", &format!("{authentication}{ceiling}"));
    bed.deploy(&every, guest("every-capability")).await.unwrap();
    for name in ["trap", "fault"] {
        bed.deploy(&format!("name = \"{name}\"\npaths = [\"{name}\"]\n"), guest(name)).await.unwrap();
    }
    let far = json!({ "subscribe_key": "sub-c-far", "publish_key": "pub-c-far", "secret_key": SECRET_KEY, "origin": origin.url("") });
    bed.admin().post("/v1/keysets", &far).await.unwrap();
    let files = FunctionFiles { manifest: every, policy: None, component: guest("every-capability") };
    bed.admin().deploy("sub-c-far", &files).await.unwrap();
    bed
}

/// Every route with good and bad input, in body and query; returns what clients read.
async fn clients(bed: &Bed) -> String {
    let mut read = String::new();
    let chat = json!({ "channel": "demo#chat#private.#plans", "group": "custom", "private": true, "meta": {} });
    let good = json!({ "uuid": "alice", "namespace": "demo", "authKey": AUTH_KEY, "chat": chat, "to": "bob" });
    let doubled = format!("{AUTH_KEY},{AUTH_KEY}");
    let bad = [
        json!({ "uuid": "", "namespace": "demo", "authKey": AUTH_KEY }),
        json!({ "uuid": "alice", "namespace": "demo", "authKey": doubled }),
        json!({ "uuid": "alice", "namespace": "demo", "authKey": AUTH_KEY.repeat(100) }),
        json!({ "uuid": "alice", "namespace": "other", "authKey": AUTH_KEY }),
        json!([AUTH_KEY]),
    ];
    let routes = [
        "bootstrap",
        "user_read",
        "user_write",
        "group",
        "grant",
        "join",
        "invite",
        "chat",
        "leave",
        "connect",
        "user_state",
        "nothing",
    ];
    for route in routes {
        for body in std::iter::once(&good).chain(&bad) {
            read += &bed.post(&format!("chat-engine/{route}"), body.to_string()).await.body;
        }
        for path in [format!("chat-engine/{route}"), format!("nowhere/{route}"), format!("trap/../{route}")] {
            let query = [
                ("authKey", AUTH_KEY),
                ("auth", AUTH_KEY),
                ("uuid", "alice"),
                ("namespace", "demo"),
                ("channel", "demo"),
                ("user", "bob"),
            ];
            read += &bed.send(bed.http().get(bed.url(&path)).query(&query)).await.body;
        }
    }
    for path in ["trap", "fault", "%ff", "nowhere"] {
        read += &bed.post(&format!("{path}?authKey={AUTH_KEY}"), format!("{{\"authKey\":\"{AUTH_KEY}\"")).await.body;
    }
    read += &bed
        .raw(
            format!("GET /v1/blocks/sub-key/{AUTH_KEY} HTTP/1.1\r\nauthorization: {AUTH_KEY}\r\nbad\r\n\r\n")
                .as_bytes(),
        )
        .await;
    read
}

/// Host calls with the canaries, those that fail included, at home and at a remote origin.
async fn host_calls(bed: &Bed) -> String {
    let steps: [&[&str]; 9] = [
        &["vault.hmac", "canary", "message"],
        &["vault.reveal", "unlisted"],
        &["identity.authenticate", "carol", AUTH_KEY],
        &["identity.authenticate", "carol#", AUTH_KEY],
        &["access.grant", AUTH_KEY, "60", "lobby"],
        &["access.grant", AUTH_KEY, "60", "elsewhere"],
        &["access.grant", AUTH_KEY, "0", "lobby"],
        &["access.revoke", "elsewhere", AUTH_KEY],
        &["http.get", "http://127.0.0.1:1/"],
    ];
    let mut read = String::new();
    for keyset in ["sub-c-test", "sub-c-far"] {
        let url = bed.url("every").replace("sub-c-test", keyset);
        read += &bed.send(bed.http().post(url).body(json!(steps).to_string())).await.body;
    }
    // What a function makes of a secret that it reveals to itself is the function's: this answer is not looked at.
    bed.step(&["vault.reveal", "canary"]).await;
    read
}

/// The admin API with the canaries where they are no good, and everything it shows.
async fn admins(bed: &Bed) -> String {
    let mut read = String::new();
    let admin = bed.admin();
    for refused in [
        admin.put("/v1/secrets/Not A Name", SECRET.into()).await,
        admin
            .post(
                "/v1/keysets",
                &json!({ "subscribe_key": "sub-c-test", "publish_key": "pub-c-test", "secret_key": SECRET_KEY }),
            )
            .await,
        admin.post("/v1/keysets", &json!({ "subscribe_key": "no key", "secret_key": SECRET_KEY })).await,
        admin.post("/v1/vault/rotate", &json!({})).await,
    ] {
        read += &refused.map_or_else(|error| error.to_string(), |shown| shown.to_string());
    }
    let of_chat = "/v1/keysets/sub-c-test/functions/chat-engine/questions";
    for path in ["/v1/status", "/v1/audit", "/v1/keysets", "/v1/secrets", "/v1/keysets/sub-c-test/functions", of_chat] {
        read += &admin.get(path, &[]).await.unwrap().to_string();
    }
    read += &admin.get("/v1/decisions", &[("limit", "1000")]).await.unwrap().to_string();
    let wrong = bed.http().get(format!("http://{}/v1/secrets", bed.addresses().admin)).bearer_auth(SECRET);
    read + &bed.send(wrong).await.body + &bed.metrics().await
}

/// Everything in a folder's files, as text; what is no text does not matter to texts that are looked for.
fn contents(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text += &if path.is_dir() {
            contents(&path)
        } else {
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
        };
    }
    text
}

#[tokio::test]
async fn canaries_are_found_nowhere_but_where_they_belong() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let validator = Webhook::start(move |_| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(match call % 4 {
            0 | 1 => Webhook::reply(200, ""),
            2 => Webhook::reply(500, AUTH_KEY),
            _ => "garbage".to_owned(),
        })
    })
    .await;
    let origin = Webhook::answering(403, "{\"message\": \"no\"}").await;
    let bed = bed(&validator, &origin).await;

    let read = [clients(&bed).await, host_calls(&bed).await, admins(&bed).await].concat();

    let asked = validator.received();
    assert!(asked.iter().all(|call| call.header("authorization") == Some(&format!("Bearer {BEARER}"))), "{asked:?}");
    assert!(asked.iter().any(|call| call.body.contains(AUTH_KEY)) && !origin.received().is_empty());
    let token = fs::read_to_string(bed.data().join("admin.token")).unwrap();
    let master_key = fs::read_to_string(bed.data().join("master.key")).unwrap();
    let listed: Vec<Value> = bed.grants().await;
    assert!(listed.iter().any(|grant| grant["auth"] == AUTH_KEY));
    let (folder, _) = bed.stop().await;
    let (log, stored) = (Log::text(), contents(&folder.path().join("store")));
    for canary in [SECRET, BEARER, SECRET_KEY, AUTH_KEY, token.trim(), master_key.trim()] {
        assert!(!read.contains(canary), "`{canary}` in an answer");
        let lines = Log::lines_with(canary);
        assert!(!log.contains(canary), "`{canary}` in the log: {:?}", lines.first());
        assert!(canary == AUTH_KEY || !stored.contains(canary), "`{canary}` in the store");
    }
    assert!(stored.contains("sub-c-far") && stored.contains(AUTH_KEY), "the store is what was looked at");
}
