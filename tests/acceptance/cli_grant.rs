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
        ("--kind planet read demo", "channel, group, uuid"),
        ("read a,b", "a,b"),
    ] {
        grant(data.path(), &format!("grant check {question}")).check(2, &[mention]);
    }
}
