//! What every command does when it cannot: an exit code for programs, a sentence with a way out for people.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use usher_tests::Process;

use crate::process_bed::Run;

const ASKING: [&str; 8] = [
    "secret list",
    "secret set x",
    "secret rotate",
    "keyset list",
    "keyset create",
    "grant list",
    "functions",
    "rollback x",
];

#[test]
fn without_a_server_every_command_says_so_with_3() {
    let data = tempfile::tempdir().unwrap();
    let at = format!("--data {}", data.path().display());
    for command in ASKING {
        Run::usher(&format!("{at} {command}")).end().check(3, &["usher dev", "--data", "admin.token"]);
    }
    Process::dev(data.path(), &[]).kill();
    for command in ASKING {
        let ended = Run::usher(&format!("{at} {command}")).end();
        assert_eq!(ended.check(3, &["no Usher answers at http://127.0.0.1:", "is it running?"]).stdout, "");
    }
}

#[test]
fn failures_are_json_for_programs() {
    let data = tempfile::tempdir().unwrap();
    let ended = Run::usher(&format!("--json --data {} keyset list", data.path().display())).end();
    let failure: Value = serde_json::from_str(&ended.check(3, &[]).stderr).unwrap();
    assert_eq!(failure["exit"], 3);
    assert!(failure["error"].is_string(), "{failure}");
}

#[test]
fn a_wrong_token_is_denied_with_4() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let command = format!("--server {} keyset list", server.field("admin"));
    Run::usher(&command).env("USHER_ADMIN_TOKEN", &"x".repeat(72)).end().check(4, &["admin token", "--token-file"]);
    let file = data.path().join("admin.token");
    let token = std::fs::read_to_string(&file).unwrap();
    Run::usher(&command).env("USHER_ADMIN_TOKEN", &token).end().check(0, &[]);
    Run::usher(&format!("--token-file {} {command}", file.display())).end().check(0, &[]);
    Run::usher("keyset list")
        .env("USHER_ADMIN_URL", server.field("admin"))
        .env("USHER_ADMIN_TOKEN", &token)
        .end()
        .check(0, &[]);
    Run::usher(&format!("--token-file /no/such/token {command}")).end().check(5, &["/no/such/token"]);
}

#[test]
fn a_server_that_is_no_usher_is_told_with_3_and_a_silent_one_with_7() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let command = format!("--server http://{} --timeout 1 keyset list", silent.local_addr().unwrap());
    Run::usher(&command).env("USHER_ADMIN_TOKEN", "t").end().check(7, &["--timeout"]);
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let command = format!("--server {} keyset list", server.field("metrics"));
    Run::usher(&command).env("USHER_ADMIN_TOKEN", "t").end().check(3, &["no Usher admin API"]);
    Run::usher("--server not-a-url keyset list").env("USHER_ADMIN_TOKEN", "t").end().check(2, &["not-a-url"]);
}

#[test]
fn mistakes_on_the_command_line_are_2_and_a_suggestion() {
    for (command, mention) in [
        ("sevre", "serve"),
        ("secret lst", "list"),
        ("dev --prot 1", "--port"),
        ("dev --port 65535", "65532"),
        ("", "Usage"),
    ] {
        Run::usher(command).end().check(2, &[mention]);
    }
}

#[test]
fn output_that_nobody_reads_on_is_no_failure() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let arguments = format!("--data {} keyset list | true; exit ${{PIPESTATUS[0]}}", data.path().display());
    let ended = Run::prepared("run() { \"$0\" \"$@\"; }", &arguments).end();
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    let ended = Run::prepared("exec 1>/dev/full", &format!("--data {} keyset list", data.path().display())).end();
    assert!(ended.stderr.contains("standard output") && !ended.stderr.contains("panicked"), "{ended:?}");
}

#[test]
fn an_environment_that_is_not_utf_8_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    Run::prepared("cd \"$PWD\"; export ODD=$'\\xff'", "check").within(folder.path()).end().check(0, &[]);
}

#[test]
fn a_token_that_may_not_be_read_is_denied() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let token = data.path().join("admin.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ended = Run::usher(&format!("--data {} keyset list", data.path().display())).end();
    // Root reads it all the same.
    assert!(matches!(ended.code, Some(0 | 4)), "{ended:?} {}", server.pid());
}
