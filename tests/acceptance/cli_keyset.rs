//! `usher keyset`: keys given or made, shown once, and never two keysets of one name.

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
    keyset(data.path(), "keyset create --origin nonsense").check(2, &["`nonsense`", "https://"]);
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
