//! `usher grant`: what is granted, and why somebody may or may not do something.

use std::path::Path;

use usher_tests::Process;

use crate::process_bed::{Ended, Run, connect};

fn grant(data: &Path, arguments: &str) -> Ended {
    Run::usher(&format!("--data {} {arguments}", data.display())).end()
}

#[tokio::test]
async fn grants_are_listed_and_selected() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let empty = grant(data.path(), "grant list");
    empty.check(0, &["there are no grants"]);
    assert!(empty.stdout.starts_with("LEVEL"), "{empty:?}");
    for user in ["alice", "bob"] {
        connect(&server, (user, &format!("{user}-key"))).await;
    }
    let all = grant(data.path(), "grant list").stdout;
    assert!(all.contains("alice-key") && all.contains("bob-key"), "{all}");
    let of_alice = grant(data.path(), "grant list --auth alice-key").stdout;
    assert!(of_alice.contains("demo#user#alice#me.*") && !of_alice.contains("bob-key"), "{of_alice}");
    let on_demo = grant(data.path(), "--json grant list --name demo").check(0, &[]).json();
    assert_eq!(on_demo["grants"].as_array().unwrap().len(), 2, "{on_demo}");
}

#[tokio::test]
async fn a_check_says_yes_or_no_and_why() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    connect(&server, ("alice", "alice-key")).await;
    let cases = [
        ("--as alice-key read demo", 0, "demo"),
        ("--as alice-key write demo#user#alice#write.x", 0, "wildcard grant"),
        ("--as alice-key --kind group read demo#alice#rooms", 0, "demo#alice#rooms"),
        ("--as alice-key manage demo", 4, "manage"),
        ("--as bob-key read demo", 4, "demo"),
        ("read demo", 4, "demo"),
        ("--as alice-key read elsewhere", 4, "elsewhere"),
    ];
    for (question, code, mention) in cases {
        let text = grant(data.path(), &format!("grant check {question}"));
        println!("{}", text.stdout.trim());
        assert!(text.check(code, &[]).stdout.contains(mention), "{question}: {text:?}");
        let json = grant(data.path(), &format!("--json grant check {question}"));
        let verdict = json.check(code, &[]).json();
        assert_eq!(verdict["allowed"], code == 0, "{question}: {verdict}");
        assert!(verdict["reason"].as_str().is_some_and(|reason| reason.contains(mention)), "{question}: {verdict}");
    }
}

#[test]
fn a_question_that_is_none_is_a_mistake_of_usage() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    for (question, mention) in [
        ("fly demo", "`fly`"),
        ("read", "<NAME>"),
        ("read a b", "<NAME>"),
        ("publish", "names no channel"),
        ("publish a --group g", "not about a"),
        ("leave a", "not about a channel"),
        ("--kind planet read demo", "channel, group, uuid"),
        ("read a,b", "a,b"),
    ] {
        grant(data.path(), &format!("grant check {question}")).check(2, &[mention]);
    }
}

#[test]
fn an_operation_is_checked_with_all_that_it_touches() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    for granted in [
        "--auth alice-key --channel room-1 --channel room-2 read write",
        "--auth alice-key --group friends read",
        "--auth alice-key --target-uuid alice get update",
    ] {
        grant(data.path(), &format!("grant create {granted}")).check(0, &[]);
    }
    for (question, code, stable) in [
        ("--as alice-key publish room-1", 0, "allowed"),
        ("--as alice-key subscribe room-1 room-2 --group friends", 0, "allowed"),
        ("--as alice-key uuid-metadata-set alice", 0, "allowed"),
        ("--as alice-key --kind group group-list-channels friends", 4, "grant.lacks"),
        ("--as alice-key group-list-channels friends", 4, "grant.lacks"),
        ("--as alice-key subscribe room-1 room-3", 4, "grant.missing"),
        ("--as bob-key publish room-1", 4, "grant.missing"),
        ("publish room-1", 4, "credential.missing"),
        ("--as alice-key publish room-1-pnpres", 4, "presence.read-only"),
        ("leave", 0, "allowed"),
    ] {
        let verdict = grant(data.path(), &format!("--json grant check {question}"));
        let verdict = verdict.check(code, &[]).json();
        assert_eq!((&verdict["code"], &verdict["allowed"]), (&stable.into(), &(code == 0).into()), "{question}");
        let eyes = grant(data.path(), &format!("grant check {question}"));
        println!("{}", eyes.stdout.trim());
        assert_eq!(eyes.check(code, &[]).stdout.trim(), verdict["reason"], "{question}");
    }
}

#[test]
fn a_token_is_checked_as_a_key_is() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let minted = grant(data.path(), "token mint --uuid alice --channel room-1=read --channel-pattern ^open-=write");
    let token = minted.check(0, &[]).stdout.trim();
    for (question, code, stable) in [
        ("--uuid alice subscribe room-1", 0, "allowed"),
        ("--uuid alice publish open-7", 0, "allowed"),
        ("--uuid alice publish room-1", 4, "token.lacks"),
        ("--uuid bob subscribe room-1", 4, "token.other-user"),
    ] {
        let verdict = grant(data.path(), &format!("--json grant check --as {token} {question}"));
        assert_eq!(verdict.check(code, &[]).json()["code"], stable, "{question}: {verdict:?}");
    }
    grant(data.path(), &format!("token revoke {token}")).check(0, &[]);
    let verdict = grant(data.path(), &format!("--json grant check --as {token} --uuid alice subscribe room-1"));
    assert_eq!(verdict.check(4, &[]).json()["code"], "token.revoked");
}

#[test]
fn grants_are_made_and_taken_back() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let created = grant(data.path(), "grant create --auth a --auth b --channel room-1 --channel open.* --ttl 60 read");
    assert_eq!(created.check(0, &[]).stdout.trim(), "4 grants granted");
    grant(data.path(), "grant check --as b read open.x").check(0, &[]);
    for (revoked, expected) in [
        ("--auth b --channel open.*", "1 grant revoked"),
        ("--auth b --channel open.*", "0 grants revoked"),
        ("--auth b --channel open.* --channel room-1", "1 grant revoked"),
        ("--auth c --channel room-1", "0 grants revoked"),
    ] {
        let ended = grant(data.path(), &format!("grant revoke {revoked}"));
        assert_eq!(ended.check(0, &[]).stdout.trim(), expected, "{revoked}");
    }
    grant(data.path(), "grant check --as b read open.x").check(4, &[]);
    grant(data.path(), "grant check --as a read open.x").check(0, &[]);
    grant(data.path(), "grant create --whole-keyset read").check(0, &[]);
    grant(data.path(), "grant check read anything").check(0, &[]);
    grant(data.path(), "grant revoke --whole-keyset").check(0, &[]);
    grant(data.path(), "grant check read anything").check(4, &[]);
    for (command, mention) in [
        ("grant create read", "--whole-keyset"),
        ("grant revoke --auth a", "--whole-keyset"),
        ("grant create --channel a", "<PERMISSION>"),
        ("grant create --channel a fly", "`fly`"),
        ("grant create --channel a --ttl 600000 read", "600000"),
        ("grant create --target-uuid u read", "auth"),
    ] {
        grant(data.path(), command).check(2, &[mention]);
    }
}
