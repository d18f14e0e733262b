//! `usher keyset`: keys given or made, shown once, rotated and retired; never two keysets of one name.

use std::fs;
use std::path::Path;

use usher_tests::Process;

use crate::process_bed::{Ended, Run};

fn keyset(data: &Path, arguments: &str) -> Ended {
    Run::usher(&format!("--data {} {arguments}", data.display())).end()
}

#[test]
fn keys_that_are_not_given_are_made_and_shown_this_once() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let made = keyset(data.path(), "--json keyset create").check(0, &[]).json();
    let secret_key = made["secret_key"].as_str().unwrap();
    for (field, prefix) in [("subscribe_key", "sub-c-"), ("publish_key", "pub-c-"), ("secret_key", "sec-c-")] {
        assert!(made[field].as_str().unwrap().starts_with(prefix), "{made}");
    }
    let listed = keyset(data.path(), "keyset list");
    assert!(listed.check(0, &[]).stdout.contains(made["subscribe_key"].as_str().unwrap()), "{listed:?}");
    assert!(!listed.stdout.contains(secret_key), "{listed:?}");
    let text = keyset(data.path(), "keyset create").stdout;
    for field in ["subscribe_key = sub-c-", "publish_key = pub-c-", "secret_key = sec-c-"] {
        assert!(text.contains(field), "{text}");
    }
}

#[test]
fn keys_that_are_given_are_taken_and_the_secret_key_is_not_repeated() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let file = data.path().join("secret.txt");
    fs::write(&file, "sec-c-given\n").unwrap();
    let create = format!(
        "keyset create --subscribe-key sub-c-mine --publish-key pub-c-mine --secret-key-file {}",
        file.display()
    );
    let created = keyset(data.path(), &create);
    assert_eq!(
        created.check(0, &[]).stdout,
        "subscribe_key = sub-c-mine\npublish_key = pub-c-mine\nsecret_key = as given\n"
    );
    keyset(data.path(), &create).check(6, &["`sub-c-mine`", "exists"]);
    keyset(data.path(), &format!("--json {create}")).check(6, &["\"exit\":6"]);
}

#[test]
fn an_origin_is_shown_and_a_malformed_one_refused() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    keyset(data.path(), "keyset create --subscribe-key sub-c-far --origin https://ps.example.com").check(0, &[]);
    assert!(keyset(data.path(), "keyset list").stdout.contains("https://ps.example.com"));
    for origin in ["nonsense", "https://ps.example.com:99999", "https://a@ps.example.com", "https://ps.example.com/x"] {
        for option in ["--origin", "--network"] {
            let create = keyset(data.path(), &format!("keyset create {option} {origin}"));
            create.check(2, &[&format!("`{origin}`"), "https://"]);
        }
    }
    keyset(data.path(), "grant list --keyset sub-c-far").check(6, &["remote origin"]);
}

#[test]
fn with_several_keysets_one_has_to_be_named() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    keyset(data.path(), "keyset create --subscribe-key sub-c-other").check(0, &[]);
    keyset(data.path(), "functions").check(2, &["--keyset", "sub-c-other", server.field("subscribe_key")]);
    keyset(data.path(), "functions --keyset sub-c-other").check(0, &["no functions"]);
    keyset(data.path(), "grant list --keyset sub-c-none").check(5, &["`sub-c-none`"]);
    keyset(data.path(), "grant list --keyset ../secrets").check(2, &["no subscribe key"]);
}

#[test]
fn a_secret_key_is_rotated_planned_for_and_retired() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    keyset(data.path(), "token mint --ttl 90 --uuid alice --channel room-1=read").check(0, &[]);
    keyset(data.path(), "keyset rotate --until 1h").check(6, &["1 live token ", "--force"]);
    keyset(data.path(), "keyset rotate --force").check(2, &["--until"]);
    let rotated = keyset(data.path(), "keyset rotate").check(0, &[]).stdout.clone();
    assert!(rotated.starts_with("number = 2\nsecret_key = sec-c-"), "{rotated}");
    let plan = keyset(data.path(), "keyset plan").check(0, &[]).stdout.clone();
    let lines: Vec<&str> = plan.lines().collect();
    assert!(lines[0].starts_with("NUMBER") && lines[1].starts_with("2 ") && lines[2].starts_with("1 "), "{plan}");
    for text in ["active", " UTC", "alice"] {
        assert!(lines[2].contains(text), "{text}: {plan}");
    }
    keyset(data.path(), "keyset retire 2").check(6, &["primary"]);
    keyset(data.path(), "keyset retire 1").check(6, &["1 live token ", "--force"]);
    let later = keyset(data.path(), "keyset retire 1 --until 2h");
    assert!(later.check(0, &[]).stdout.contains("counts until"), "{later:?}");
    let now = keyset(data.path(), "keyset retire 1 --force");
    assert_eq!(now.check(0, &[]).stdout, "secret key 1 is dropped; 1 live token is cut off\n");
    keyset(data.path(), "keyset retire 1").check(5, &["no secret key 1"]);
    keyset(data.path(), "keyset retire 2 --until soon").check(2, &["`soon`"]);
    keyset(data.path(), "keyset rotate --secret-key-file no-such-file").check(5, &["no-such-file"]);
    for room in ["room-1", "room-2"] {
        keyset(data.path(), &format!("token mint --ttl 90 --channel {room}=read")).check(0, &[]);
    }
    let forced = keyset(data.path(), "keyset rotate --until 1h --force");
    assert!(forced.check(0, &[]).stdout.ends_with("\n2 live tokens are cut off\n"), "{forced:?}");
    keyset(data.path(), "token mint --ttl 90 --channel room-1=read --key 2").check(6, &["secret key 2 ends"]);
    keyset(data.path(), "keyset rotate").check(0, &[]);
    let unused = keyset(data.path(), "keyset retire 3");
    assert_eq!(unused.check(0, &[]).stdout, "secret key 3 is dropped; no token is cut off\n");
}

#[test]
fn network_and_switches_are_set_and_shown() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let set = keyset(data.path(), "keyset set --network https://ps.example.com/ --metadata-lists granted");
    let text = &set.check(0, &[]).stdout;
    for line in ["network = https://ps.example.com\n", "metadata_lists = granted\n", "revocation = on\n"] {
        assert!(text.contains(line), "{text}");
    }
    let more = keyset(data.path(), "--json keyset set --revocation off --global-presence open").check(0, &[]).json();
    assert_eq!(more["network"], "https://ps.example.com", "what is not named stays");
    assert_eq!((&more["revocation"], &more["global_presence"]), (&"off".into(), &"open".into()));
    assert!(keyset(data.path(), "keyset list").stdout.contains("https://ps.example.com"));
    let none = keyset(data.path(), "--json keyset set --no-network").check(0, &[]).json();
    assert_eq!(none["network"], serde_json::Value::Null);
    keyset(data.path(), "keyset set").check(2, &["--network"]);
    keyset(data.path(), "keyset set --network nonsense").check(2, &["`nonsense`"]);
    keyset(data.path(), "keyset create --subscribe-key sub-c-far --origin https://ps.example.com").check(0, &[]);
    keyset(data.path(), "keyset set --keyset sub-c-far --network https://ps.example.com").check(2, &["origin"]);
    let named = format!("keyset plan --keyset {}", server.field("subscribe_key"));
    keyset(data.path(), &named).check(0, &[]);
}
