//! `usher deploy`, `rollback` and `functions`: what is uploaded is active at once, and the way back is one command.

use std::fs;
use std::path::Path;

use usher_tests::{Process, guest};

use crate::process_bed::{Ended, Run, get};

fn usher(data: &Path, arguments: &str) -> Ended {
    Run::usher(&format!("--data {} {arguments}", data.display())).end()
}

/// A function's folder that answers at `echo`.
fn folder(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "name = \"echo\"\ncomponent = \"echo.wasm\"\npaths = [\"echo\"]\n{more}\n[[authentication]]\nkind = \"none\"\n"
    );
    fs::write(folder.path().join("function.toml"), manifest).unwrap();
    fs::write(folder.path().join("echo.wasm"), guest("echo")).unwrap();
    folder
}

#[tokio::test]
async fn a_deployed_folder_answers_and_a_rollback_brings_the_version_before_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let (first, second) = (folder(""), folder("# the second"));
    let deployed = usher(data.path(), &format!("deploy {}", first.path().display()));
    deployed.check(0, &["uploading"]);
    assert!(deployed.stdout.starts_with("echo version 1 is active on sub-c-"), "{deployed:?}");
    let url = format!("http://{}/v1/blocks/sub-key/{}/echo", server.field("origin"), server.field("subscribe_key"));
    assert_eq!(get(&url).await.0, 200);
    let deployed = usher(data.path(), &format!("--json deploy {}", second.path().display()));
    assert_eq!(deployed.check(0, &[]).json()["version"], 2);
    let listed = usher(data.path(), "functions");
    assert!(
        listed.check(0, &[]).stdout.lines().any(|line| line.starts_with("echo") && line.contains(" 2 ")),
        "{listed:?}"
    );
    let versions = usher(data.path(), "--json functions echo").check(0, &[]).json();
    let active: Vec<bool> =
        versions["versions"].as_array().unwrap().iter().map(|version| version["active"] == true).collect();
    assert_eq!(active, [false, true]);
    let back = usher(data.path(), "rollback echo");
    assert_eq!(back.check(0, &[]).stdout, "echo is at version 1 again\n");
    usher(data.path(), "rollback echo").check(6, &["echo"]);
    assert_eq!(get(&url).await.0, 200);
}

#[test]
fn what_cannot_be_deployed_is_told_before_anything_changes() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let deploy = |folder: &tempfile::TempDir| usher(data.path(), &format!("deploy {}", folder.path().display()));
    deploy(&folder("unknown = 1")).check(2, &["function.toml:4: unknown key `unknown`"]);
    deploy(&folder("secrets = [\"not-there\"]\ncapabilities = [\"vault\"]")).check(6, &["not-there"]);
    let garbage = folder("");
    fs::write(garbage.path().join("echo.wasm"), "no component").unwrap();
    deploy(&garbage).check(2, &[]);
    let overlapping = folder("");
    let manifest = fs::read_to_string(overlapping.path().join("function.toml"))
        .unwrap()
        .replace("[\"echo\"]", "[\"chat-engine-server\"]");
    fs::write(overlapping.path().join("function.toml"), manifest).unwrap();
    deploy(&overlapping).check(6, &["chat-engine-server"]);
    usher(data.path(), "deploy no-such-folder").check(5, &["no-such-folder/function.toml"]);
    usher(data.path(), "rollback no-such-function").check(5, &["no-such-function"]);
    usher(data.path(), "rollback NOT/A/NAME").check(2, &["NOT/A/NAME"]);
    usher(data.path(), "functions no-such-function").check(5, &["no-such-function"]);
    let listed = usher(data.path(), "--json functions").json();
    assert_eq!(listed["functions"].as_array().unwrap().len(), 1, "{listed} {}", server.pid());
}

#[test]
fn a_deploy_says_which_policy_is_in_force() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let policy = "record:\n  '*':\n    read: true\nevent: { '*': {} }\nrpc: { '*': {} }\n";
    for (more, document, code, told) in [
        ("", policy, 0, "policy.yaml protects nothing: add `policy = \"policy.yaml\"`"),
        ("policy = \"policy.yaml\"", policy, 0, ""),
        ("policy = \"policy.yaml\"", "record:\n  '*':\n    reed: true\n", 2, "policy.yaml:3:5: "),
        ("policy = \"other.yaml\"", policy, 5, "function.toml names it as `policy`"),
    ] {
        let folder = folder(more);
        fs::write(folder.path().join("policy.yaml"), document).unwrap();
        let deployed = usher(data.path(), &format!("deploy {}", folder.path().display()));
        deployed.check(code, &[told]);
        let in_force = deployed.stdout.contains(" is in force, 1 rule; 0 grants checked again");
        assert_eq!(in_force, code == 0 && !more.is_empty(), "{deployed:?}");
        usher(data.path(), &format!("check {}", folder.path().display())).check(code, &[told]);
    }
}
