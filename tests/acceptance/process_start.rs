//! Starting: one line for programs, the same keys at every start, and errors that name the setting to change.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::Value;
use usher_tests::Process;

use crate::process_bed::{Run, connect, contents, get};

/// What other programs rely on.
const FIELDS: [&str; 10] = [
    "endpoint",
    "origin",
    "admin",
    "metrics",
    "decisions",
    "subscribe_key",
    "publish_key",
    "secret_key",
    "data",
    "pid",
];

#[tokio::test]
async fn dev_prints_one_line_of_json_with_everything_a_program_needs() {
    let data = tempfile::tempdir().unwrap();
    let arguments = format!("dev --json --port 0 --data {}", data.path().display());
    let started = Run::usher(&arguments).start();
    let ready: Value = serde_json::from_str(&started.line).unwrap();
    let fields: BTreeSet<&str> = ready.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(FIELDS));
    assert_eq!(ready["pid"], started.pid());
    assert_eq!(ready["data"], data.path().canonicalize().unwrap().display().to_string());
    let expected = format!(
        "http://{}/v1/blocks/sub-key/{}/chat-engine-server",
        ready["origin"].as_str().unwrap(),
        ready["subscribe_key"].as_str().unwrap()
    );
    assert_eq!(ready["endpoint"], expected);
    for (key, prefix) in [("subscribe_key", "sub-c-"), ("publish_key", "pub-c-"), ("secret_key", "sec-c-")] {
        assert!(ready[key].as_str().unwrap().starts_with(prefix), "{key}: {ready}");
    }
    assert_eq!(get(&format!("{}/readyz", ready["metrics"].as_str().unwrap())).await, (200, "ok\n".into()));
    assert_eq!(started.stop().stdout, "", "one line and nothing else");
}

#[test]
fn dev_shows_a_newcomer_how_to_connect() {
    let data = tempfile::tempdir().unwrap();
    let started = Run::usher(&format!("dev --port 0 --data {}", data.path().display())).start();
    assert_eq!(started.line, "Usher is ready.\n");
    let rest = started.stop().stdout;
    let data = data.path().canonicalize().unwrap().display().to_string();
    for text in [
        "endpoint",
        "subscribe key",
        "publish key",
        "secret key",
        "curl",
        "fetch(",
        "ChatEngineCore",
        "grant list",
        "Ctrl-C",
        &data,
    ] {
        assert!(rest.contains(text), "no `{text}` in:\n{rest}");
    }
}

#[tokio::test]
async fn a_second_start_takes_the_same_keys_and_deploys_nothing() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::dev(data.path(), &[]);
    let keys = ["subscribe_key", "publish_key", "secret_key"].map(|key| first.field(key).to_owned());
    let function = format!("/v1/keysets/{}/functions/chat-engine", keys[0]);
    let versions = first.admin().get(&function, &[]).await.unwrap();
    first.kill();
    let compiled = contents(&data.path().join("cache"));
    let second = Process::dev(data.path(), &[]);
    assert_eq!(["subscribe_key", "publish_key", "secret_key"].map(|key| second.field(key).to_owned()), keys);
    assert_eq!(second.admin().get(&function, &[]).await.unwrap(), versions);
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
    assert_eq!(contents(&data.path().join("cache")), compiled);
    assert_eq!(connect(&second, ("alice", "alice-key")).await.status, 200);
}

#[test]
fn a_damaged_file_of_demo_keys_is_named() {
    let data = tempfile::tempdir().unwrap();
    Process::dev(data.path(), &[]).kill();
    let file = data.path().join("demo.json");
    fs::write(&file, "{").unwrap();
    let ended = Run::usher(&format!("dev --port 0 --data {}", data.path().display())).end();
    ended.check(1, &[&file.display().to_string(), "damaged"]);
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, setting) in [
        ("USHER_SERVER__LISTEN", "server.listen"),
        ("USHER_SERVER__ADMIN", "server.admin"),
        ("USHER_SERVER__METRICS", "server.metrics"),
        ("USHER_SERVER__DECISIONS", "server.decisions"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut run = Run::usher(&format!("dev --data {}", data.path().display()));
        for free in ["LISTEN", "ADMIN", "METRICS", "DECISIONS"].map(|name| format!("USHER_SERVER__{name}")) {
            run = run.env(&free, "127.0.0.1:0");
        }
        run.env(variable, &address).end().check(1, &[&address, setting, "in use"]);
    }
    let data = tempfile::tempdir().unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = Run::usher(&format!("dev --port {port} --data {}", data.path().display())).end();
    ended.check(1, &[&address, "--port"]);
}

#[test]
fn serve_without_a_master_key_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Run::usher("serve").within(folder.path()).end();
    ended.check(1, &["no master key", "usher init"]);
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let within = |name: &str| folder.path().join(name);
    fs::write(within("usher.toml"), "[store]\ndata = \"from-file\"\n[server]\ndrain = \"3 parsecs\"\n").unwrap();
    let serve = |arguments: &str| Run::usher(arguments).within(folder.path());
    // The file's own mistake shows that the file is read, and that a variable replaces just its own setting.
    serve("serve").end().check(2, &["usher.toml:4", "server.drain"]);
    let drained = |run: Run| run.env("USHER_SERVER__DRAIN", "1s");
    drained(serve("serve")).end().check(1, &["from-file/master.key"]);
    drained(serve("serve")).env("USHER_STORE__DATA", "from-env").end().check(1, &["from-env/master.key"]);
    drained(serve("serve --data from-flag"))
        .env("USHER_STORE__DATA", "from-env")
        .end()
        .check(1, &["from-flag/master.key"]);
}
