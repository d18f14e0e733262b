//! Authentication on a running server: users files, tokens and published keys, as functions ask about them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use usher_tests::{Bed, Process, Settings, Webhook, failed_with, guest};
use usher_vault::Secret;

use crate::process_bed::Run;

const SHARED: &str = "a shared secret of more than 32 bytes";

/// A token signed with the shared secret, as any issuer's library makes one.
fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let tag = Secret::try_from(SHARED.as_bytes().to_vec()).unwrap().hmac_sha256(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn a_users_file_lets_in_by_name_and_password() {
    let bed = Bed::start().await;
    let users = "alice: {password: rCOSZxJrgze2AZdVQh12c6ErDMOG0M+Rx5Yu7S5d91c=GS4SbTQYmoaGwjm2shEobg==, clientData: {a: 1}, serverData: {b: 2}}";
    let table = "[[authentication]]\nkind = \"file\"\nhash = \"md5\"\niterations = 100\nkey_length = 32\n";
    bed.deploy_every("", &format!("{table}users = '''{users}'''")).await;
    for (uuid, key, expected) in [
        ("alice", "password", Ok(json!(["alice", "{\"a\":1}", "{\"b\":2}"]))),
        ("alice", "Password", Err("Denied")),
        ("bob", "password", Err("Denied")),
    ] {
        let outcome = bed.step(&["identity.authenticate", uuid, key]).await;
        match expected {
            Ok(proven) => assert_eq!(outcome, proven),
            Err(error) => assert!(failed_with(&outcome, error), "{uuid} {key}: {outcome}"),
        }
    }
}

#[tokio::test]
async fn a_token_of_the_shared_secret_proves_its_subject_until_it_expires() {
    let bed = Bed::start().await;
    bed.set_secret("tokens", SHARED).await;
    bed.deploy_every(
        "",
        "[[authentication]]\nkind = \"jwt\"\nsecret = \"tokens\"\nleeway = \"0s\"\nclaims = {server_data = \"roles\"}",
    )
    .await;
    let good = token(&json!({ "sub": "alice", "exp": 1_800_000_060, "roles": ["admin"] }));
    let proven = json!(["alice", "null", "[\"admin\"]"]);
    assert_eq!(bed.step(&["identity.authenticate", "alice", &good]).await, proven);
    let unsigned = good.rsplit_once('.').unwrap().0.to_owned() + ".";
    for wrong in [unsigned.as_str(), "k1", &token(&json!({ "sub": "alice" }))] {
        let outcome = bed.step(&["identity.authenticate", "alice", wrong]).await;
        assert!(failed_with(&outcome, "Denied"), "{wrong}: {outcome}");
    }
    bed.advance(std::time::Duration::from_secs(60));
    let outcome = bed.step(&["identity.authenticate", "alice", &good]).await;
    assert!(failed_with(&outcome, "Denied"), "{outcome}");
}

#[tokio::test]
async fn published_keys_are_fetched_over_the_network_and_redirects_are_not_followed() {
    let elsewhere = Webhook::answering(200, "{\"keys\": []}").await;
    let to = elsewhere.url("/keys");
    let redirecting = Webhook::start(move |_| Some(Webhook::redirect(302, &to))).await;
    let empty = Webhook::answering(200, "{\"keys\": []}").await;
    let unknown = token(&json!({ "sub": "alice", "exp": 1_800_000_060 })).replace(
        &URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
        &URL_SAFE_NO_PAD.encode("{\"alg\":\"EdDSA\",\"kid\":\"one\"}"),
    );
    for (issuer, expected) in [(&redirecting, "Unavailable"), (&empty, "Denied")] {
        let bed = Bed::start().await;
        let url = issuer.url("/keys");
        bed.deploy_every("", &format!("[[authentication]]\nkind = \"jwt\"\njwks_url = \"{url}\"")).await;
        for _ in 0..3 {
            let outcome = bed.step(&["identity.authenticate", "alice", &unknown]).await;
            assert!(failed_with(&outcome, expected), "{outcome}");
        }
        let received = issuer.received();
        assert_eq!(received.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["GET"]);
    }
    assert_eq!(elsewhere.received(), []);
}

#[tokio::test]
async fn a_webhook_that_is_down_believes_those_it_knew_where_the_manifest_says_so() {
    let (webhook, tell) = Webhook::told().await;
    let bed = Bed::with(Settings::default()).await;
    let table = format!("[[authentication]]\nkind = \"http\"\nurl = \"{}\"\ncache = \"0s\"\n", webhook.url("/"));
    bed.deploy_every("", &format!("{table}when_unavailable = \"grace\"\ngrace = \"5m\"")).await;
    tell.send_replace(Webhook::reply(200, ""));
    let alice = || bed.step(&["identity.authenticate", "alice", "k1"]);
    assert_eq!(alice().await, json!(["alice", "null", "null"]));
    tell.send_replace(Webhook::reply(503, ""));
    assert_eq!(alice().await, json!(["alice", "null", "null"]));
    for (uuid, key) in [("bob", "k1"), ("alice", "k2")] {
        let outcome = bed.step(&["identity.authenticate", uuid, key]).await;
        assert!(failed_with(&outcome, "Unavailable"), "{outcome}");
    }
    bed.advance(std::time::Duration::from_mins(5));
    let outcome = alice().await;
    assert!(failed_with(&outcome, "Unavailable"), "{outcome}");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_deployed() {
    let bed = Bed::start().await;
    bed.set_secret("short", "guess me").await;
    for (table, expected) in [
        ("kind = \"file\"\npath = \"users.yaml\"", "`users.yaml` did not come with the manifest"),
        ("kind = \"jwt\"\nsecret = \"short\"", "fewer than 32 bytes"),
        ("kind = \"jwt\"\nsecret = \"missing\"", "usher secret set missing"),
        ("kind = \"http\"\nurl = \"http://localhost\"\nbearer_secret = \"missing\"", "usher secret set missing"),
    ] {
        let manifest = usher_tests::every_capability("every", "", &format!("[[authentication]]\n{table}"));
        let error = bed.deploy(&manifest, guest("every-capability")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{table}: {error}");
    }
}

/// A function's folder with a users file.
fn write_function(folder: &Path, manifest: &str, users: &str) {
    fs::write(folder.join("function.toml"), manifest).unwrap();
    fs::write(folder.join("every.wasm"), guest("every-capability")).unwrap();
    fs::write(folder.join("users.yaml"), users).unwrap();
}

#[test]
fn a_users_file_goes_along_with_a_deploy_and_its_mistakes_are_told_before() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _server = Process::dev(data.path(), &[]);
    let table = "[[authentication]]\nkind = \"file\"\nhash = \"none\"\npath = \"users.yaml\"\n";
    let manifest = usher_tests::every_capability("every", "", table);
    let deploy = format!("--data {} deploy {}", data.path().display(), folder.path().display());
    write_function(
        folder.path(),
        &manifest,
        "# people\nalice: {password: \"it's \\\"quoted\\\" \\u007f\"}\nbob: {pass: x}\n",
    );
    Run::usher(&deploy).end().check(2, &["users.yaml:3:1: `bob`: unknown key `pass`"]);
    Run::usher(&format!("check {}", folder.path().display())).end().check(2, &["users.yaml:3:1"]);

    write_function(folder.path(), &manifest, "# people\nalice: {password: \"it's \\\"quoted\\\" \\u007f\"}\n");
    Run::usher(&deploy).end().check(0, &["kept in clear text"]);

    fs::remove_file(folder.path().join("users.yaml")).unwrap();
    Run::usher(&deploy).end().check(5, &["users.yaml", "names it"]);
}

#[test]
fn hash_prints_one_line_that_a_users_file_takes() {
    for (arguments, prefix, length) in [
        ("hash", "$argon2id$v=19$m=19456,t=2,p=1$", 97),
        ("hash --pbkdf2 md5 --iterations 100", "", 68),
        ("hash --pbkdf2 sha512 --iterations 3 --key-length 64", "", 112),
    ] {
        let ended = Run::usher(arguments).input("password\n").end();
        ended.check(0, &[]);
        let line = ended.stdout.strip_suffix('\n').unwrap();
        assert!(line.starts_with(prefix) && !line.contains('\n'), "{line}");
        assert_eq!(line.len(), length, "{line}");
        assert_ne!(Run::usher(arguments).input("password").end().stdout, ended.stdout, "a new salt each time");
    }
    let json = Run::usher("--json hash").input("password").end().json();
    assert!(json["password"].as_str().unwrap().starts_with("$argon2id$"));
    for (arguments, input, code) in [
        ("hash", "", 2),
        ("hash", "\n", 2),
        ("hash password", "password", 2),
        ("hash --pbkdf2 md4", "password", 2),
        ("hash --iterations 5", "password", 2),
        ("hash --pbkdf2 md5 --iterations 0", "password", 2),
    ] {
        assert_eq!(Run::usher(arguments).input(input).end().code, Some(code), "{arguments}");
    }
}
