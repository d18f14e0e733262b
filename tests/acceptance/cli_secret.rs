//! `usher secret`: values come by file or standard input, never by argument, and never out again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use usher_tests::Process;

use crate::process_bed::{Ended, Run};

const VALUE: &str = "the-value-nobody-sees";

fn secret(data: &Path, arguments: &str, input: &str) -> Ended {
    Run::usher(&format!("--data {} {arguments}", data.display())).input(input).end()
}

#[test]
fn a_secret_is_set_from_standard_input_or_a_file_listed_and_removed() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let run = |arguments: &str, input: &str| secret(data.path(), arguments, input);
    assert_eq!(run("secret set of-stdin", VALUE).check(0, &[]).stdout, "of-stdin is set\n");
    let file = data.path().join("value.txt");
    fs::write(&file, format!("{VALUE}\n")).unwrap();
    let set = format!("--json secret set of-file --file {}", file.display());
    assert_eq!(run(&set, "").check(0, &[]).json(), json!({ "name": "of-file" }));
    let listed = run("secret list", "");
    let lines: Vec<&str> = listed.check(0, &[]).stdout.lines().collect();
    assert!(lines[0].starts_with("NAME"), "{listed:?}");
    for name in ["of-stdin", "of-file"] {
        assert!(lines.iter().any(|line| line.starts_with(name)), "{listed:?}");
    }
    run("secret set of-stdin", "another").check(0, &[]);
    let listed = run("--json secret list", "").json();
    let version = |name: &str| {
        listed["secrets"].as_array().unwrap().iter().find(|secret| secret["name"] == name).unwrap()["version"]
            .as_u64()
            .unwrap()
    };
    assert!(version("of-stdin") > version("of-file"), "{listed}");
    assert_eq!(run("secret rm of-file", "").check(0, &[]).stdout, "of-file is removed\n");
    run("secret rm of-file", "").check(5, &["`of-file`"]);
    assert!(!run("--json secret list", "").stdout.contains(VALUE));
}

#[test]
fn a_value_is_never_taken_from_an_argument() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    secret(data.path(), "secret set name a-value", "").check(2, &["unexpected argument"]);
    secret(data.path(), "secret set name --value a-value", "").check(2, &["unexpected argument"]);
    assert!(!secret(data.path(), "--json secret list", "").stdout.contains("\"name\":\"name\""));
}

#[test]
fn a_bad_name_an_empty_value_and_a_missing_file_are_told() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    for name in ["../vault/rotate", "a//b", "%2e%2e", "pasted+value="] {
        let ended = secret(data.path(), &format!("secret set {name}"), VALUE);
        assert!(!ended.check(2, &[]).stderr.contains(name), "a pasted value is not repeated: {ended:?}");
    }
    secret(data.path(), "secret set empty", "").check(2, &[]);
    secret(data.path(), "secret set name --file /no/such/file", "").check(5, &["/no/such/file"]);
}

#[test]
fn rotating_the_data_key_keeps_every_secret() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    secret(data.path(), "secret set kept", VALUE).check(0, &[]);
    let rotated = secret(data.path(), "--json secret rotate", "");
    assert_eq!(rotated.check(0, &[]).json(), json!({ "rotated": "data key" }));
    server.kill();
    let _server = Process::dev(data.path(), &[]);
    assert!(secret(data.path(), "secret list", "").stdout.contains("kept"));
}

#[test]
fn after_a_new_master_key_the_old_one_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    secret(data.path(), "secret set kept", VALUE).check(0, &[]);
    let (current, new) = (data.path().join("master.key"), data.path().join("new.key"));
    fs::write(&new, format!("{}\n", "5e".repeat(32))).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    let rotate = format!("secret rotate --master-key-file {}", new.display());
    let rotated = secret(data.path(), &rotate, "");
    assert!(rotated.check(0, &[]).stdout.contains("new master key"), "{rotated:?}");
    assert!(!rotated.stdout.contains("5e5e") && !rotated.stderr.contains("5e5e"));
    // It goes on until it is stopped.
    secret(data.path(), "secret set later", VALUE).check(0, &[]);
    server.kill();
    let refused = Process::try_dev(data.path(), &[]).unwrap_err();
    assert!(refused.contains("the vault does not open"), "{refused}");
    fs::rename(&new, &current).unwrap();
    let _server = Process::dev(data.path(), &[]);
    let listed = secret(data.path(), "secret list", "").stdout;
    assert!(listed.contains("kept") && listed.contains("later"), "{listed}");
}

#[test]
fn a_master_key_that_is_none_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let file = data.path().join("bad.key");
    fs::write(&file, "too short\n").unwrap();
    secret(data.path(), &format!("secret rotate --master-key-file {}", file.display()), "")
        .check(2, &["bad.key", "64 hexadecimal digits"]);
    server.kill();
    drop(Process::dev(data.path(), &[]));
}
