//! `usher init`: a configuration and a key to start from, that work, and nothing that exists is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::process_bed::{Run, assert_same, contents};

#[test]
fn what_it_writes_is_checked_and_served_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| Run::usher(arguments).within(folder.path());
    let ended = run("init").end();
    ended.check(0, &[]);
    for text in ["usher.toml", "usher-data/master.key", "usher serve"] {
        assert!(ended.stdout.contains(text), "{ended:?}");
    }
    let key = folder.path().join("usher-data/master.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!ended.stdout.contains(fs::read_to_string(&key).unwrap().trim()), "the key is not shown");
    run("check").end().check(0, &[]);
    let ports = ["LISTEN", "ADMIN", "METRICS", "DECISIONS"].map(|name| format!("USHER_SERVER__{name}"));
    let serve = ports.iter().fold(run("serve"), |run, name| run.env(name, "127.0.0.1:0"));
    let served = serve.ready("clients at").stop();
    served.check(0, &["usher: clients at", "usher: draining"]);
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| Run::usher(arguments).within(folder.path()).end();
    run("init").check(0, &[]);
    let before = contents(folder.path());
    run("init").check(6, &["usher.toml", "nothing was changed"]);
    run("--json init").check(6, &["\"exit\":6"]);
    assert_same(&before, &contents(folder.path()));
    // Another configuration beside the same data folder takes over its key.
    run("init second.toml").check(0, &[]);
    let mut after = contents(folder.path());
    assert!(after.remove(&folder.path().join("second.toml")).is_some());
    assert_same(&before, &after);
}

#[test]
fn a_data_folder_with_an_odd_name_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let odd = "od\"d\\name";
    Run::usher(&format!("--data {odd} init")).within(folder.path()).end().check(0, &[]);
    Run::usher("check").within(folder.path()).end().check(0, &[]);
    assert!(folder.path().join(odd).join("master.key").exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    Run::usher("init no/such/usher.toml").within(folder.path()).end().check(5, &["no/such/usher.toml"]);
}
