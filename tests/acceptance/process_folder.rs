//! A data folder belongs to one server and to one master key; whoever comes without either changes nothing in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use usher_tests::Process;

use crate::process_bed::{Run, assert_same, connect, contents, grants};

#[tokio::test]
async fn a_second_server_is_told_who_has_the_folder_and_the_first_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let first = Process::dev(data.path(), &[]);
    assert_eq!(connect(&first, ("alice", "alice-key")).await.status, 200);
    // The first has brought everything to disk by then.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = contents(data.path());
    for command in ["dev --port 0", "dev --json --port 0", "serve"] {
        let second = Run::usher(&format!("{command} --data {}", data.path().display())).end();
        second.check(1, &["another Usher", first.field("admin"), &data.path().display().to_string(), "--data"]);
        assert_eq!(second.stdout, "", "{command}");
    }
    assert_same(&before, &contents(data.path()));
    assert_eq!(connect(&first, ("bob", "bob-key")).await.status, 200);
}

/// A folder with a secret, a keyset and grants in it, whose server was killed.
async fn used_folder() -> (tempfile::TempDir, Vec<String>) {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    server.admin().put("/v1/secrets/webhook", b"value".to_vec()).await.unwrap();
    assert_eq!(connect(&server, ("alice", "alice-key")).await.status, 200);
    let granted = grants(&server).await;
    server.kill();
    // The first start after a creation packs the database's own list of spaces into fewer files; later ones write nothing.
    Process::dev(data.path(), &[]).kill();
    (data, granted)
}

#[tokio::test]
async fn a_master_key_that_does_not_fit_changes_nothing_and_the_right_one_still_opens() {
    let (data, granted) = used_folder().await;
    let file = data.path().join("master.key");
    let right = fs::read_to_string(&file).unwrap();
    let name = file.display().to_string();
    let wrong = "0".repeat(63) + "1\n";
    type Spoil<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Spoil<'_>, &[&str]); 6] = [
        ("missing", &|file| fs::remove_file(file).unwrap(), &["no master key", &name, "nothing was changed"]),
        ("another", &|file| fs::write(file, &wrong).unwrap(), &["the vault does not open", "nothing was changed"]),
        ("too short", &|file| fs::write(file, "abc\n").unwrap(), &["master key", &name, "64 hexadecimal digits"]),
        (
            "no digits",
            &|file| fs::write(file, "z".repeat(64)).unwrap(),
            &["master key", &name, "64 hexadecimal digits"],
        ),
        ("not UTF-8", &|file| fs::write(file, [0xff; 64]).unwrap(), &["master key", &name]),
        (
            "open to others",
            &|file| fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap(),
            &["chmod 600", &name],
        ),
    ];
    for (case, spoil, mentions) in cases {
        spoil(&file);
        let before = contents(data.path());
        for command in ["dev --port 0", "serve"] {
            let ended = Run::usher(&format!("{command} --data {}", data.path().display())).end();
            println!("{case}: {}", ended.stderr.trim());
            ended.check(1, mentions);
            assert!(!ended.stderr.contains(right.trim()) && !ended.stderr.contains(wrong.trim()), "{case}: {ended:?}");
            assert_same(&before, &contents(data.path()));
        }
        fs::write(&file, &right).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let server = Process::dev(data.path(), &[]);
    assert_eq!(grants(&server).await, granted);
    let secrets = server.admin().get("/v1/secrets", &[]).await.unwrap().to_string();
    assert!(secrets.contains("webhook"), "{secrets}");
}

#[tokio::test]
async fn a_wrong_key_from_the_environment_is_refused_without_being_shown() {
    let (data, _) = used_folder().await;
    let before = contents(data.path());
    for (key, mention) in [("1".repeat(64), "the vault does not open"), ("short".into(), "USHER_MASTER_KEY")] {
        let ended = Run::usher(&format!("serve --data {}", data.path().display())).env("USHER_MASTER_KEY", &key).end();
        ended.check(1, &[mention]);
        assert!(!ended.stderr.contains(&key), "{ended:?}");
        assert_same(&before, &contents(data.path()));
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let ended = Run::usher(&format!("dev --port 0 --data {}", file.display())).end();
    ended.check(1, &["cannot use the data folder", &file.display().to_string()]);
}

#[tokio::test]
async fn an_admin_token_that_others_can_read_or_that_is_too_short_is_refused() {
    let (data, _) = used_folder().await;
    let token = data.path().join("admin.token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o640)).unwrap();
    let command = format!("dev --port 0 --data {}", data.path().display());
    Run::usher(&command).end().check(1, &["admin.token", "chmod 600"]);
    fs::write(&token, "short").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    Run::usher(&command).end().check(1, &["admin.token", "too short"]);
}
