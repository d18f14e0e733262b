//! `usher policy`: check, test, explain and diff without a server, apply and rollback with one.

use std::fs;
use std::path::Path;

use usher_tests::Process;

use crate::process_bed::{Ended, Run, connect, grants};

const POLICY: &str = "\
# Who may do what.
channel:
  lobby:
    read: true
  'room/$id':
    read: user.isAuthenticated
    write: \"_('members/' + $id)[user.id] === true\"
";

const CASES: &str = "\
- case: everybody reads the lobby
  ask: channel read lobby
  expect: allow
  path: lobby
- case: members write
  user: alice
  ask: channel write room/1
  records:
    members/1: { alice: true }
  expect: allow
- section: channel
  action: write
  name: room/1
  user: { id: bob, data: null }
  expect: deny
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
    folder
}

fn policy(folder: &Path, arguments: &str) -> Ended {
    Run::usher(&format!("policy {arguments}")).within(folder).end()
}

#[test]
fn every_fault_comes_with_its_line_a_mark_and_a_hint() {
    let bad = "channel:\n  lobby:\n    reed: true\n  room:\n    read: now > eval(1)\n  'a/$*': { read: true }\n";
    let folder = folder(&[("bad.yaml", bad), ("good.yaml", POLICY)]);
    let ended = policy(folder.path(), "check bad.yaml good.yaml");
    assert_eq!(ended.check(1, &["1 of 2 policy files"]).stdout, "good.yaml is fine: 2 paths, 3 rules\n");
    let expected = "bad.yaml:3:5: `channel`, `lobby`, `reed`: `channel` has no `reed` rules, did you mean `read`?
  |
3 |     reed: true
  |     ^
  = the permissions are read, write, manage, delete, get, update and join
";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(ended.stderr.contains("bad.yaml:5:") && ended.stderr.contains("bad.yaml:6:"), "{}", ended.stderr);
    let ended = Run::usher("--json policy check bad.yaml good.yaml").within(folder.path()).end();
    let told = ended.check(1, &[]).json();
    assert_eq!((&told["ok"], told["files"][0]["faults"].as_array().unwrap().len()), (&false.into(), 3), "{told}");
    assert_eq!((&told["files"][0]["faults"][0]["line"], &told["files"][1]["rules"]), (&3.into(), &3.into()));
    policy(folder.path(), "check nowhere.yaml").check(5, &["nowhere.yaml"]);
}

#[test]
fn warnings_do_not_fail_a_check() {
    let folder = folder(&[("odd.yaml", "channel:\n  a.b+: { read: true }\n  open/\"*\": { read: true }\n")]);
    let ended = policy(folder.path(), "check odd.yaml");
    ended.check(0, &["odd.yaml:2:3: warning: ", "odd.yaml:3:3: warning: ", "quotes"]);
}

#[test]
fn hostile_documents_are_told_shortly_and_in_time() {
    let wide: String = (0..100_000).map(|n| format!("  \"p{n}\": {{ read: 1 }}\n")).collect();
    let long = format!("channel:\n  a: {{ read: \"{}\" }}\n", "x+".repeat(2 << 20));
    let deep = "{a: ".repeat(10_000);
    let escapes = "channel:\n  \"\\e[31mred\": { reed: true }\n  b\u{7}: 1\n";
    for (name, text) in [
        ("wide", format!("channel:\n{wide}")),
        ("long", long),
        ("deep", deep),
        ("escapes", escapes.into()),
        ("huge", format!("channel: {}", " ".repeat(17 << 20))),
    ] {
        let folder = folder(&[("p.yaml", &text)]);
        let ended = policy(folder.path(), "check p.yaml");
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.stderr.chars().take(500).collect::<String>());
        assert!(ended.stderr.len() < 1 << 20, "{name}: {}", ended.stderr.len());
        assert!(!ended.stderr.contains(['\u{1b}', '\u{7}']), "{name}");
    }
}

#[test]
fn cases_beside_a_policy_say_what_it_is_to_answer() {
    let folder = folder(&[("policy.yaml", POLICY), ("policy.test.yaml", CASES)]);
    let ended = policy(folder.path(), "test policy.yaml");
    assert_eq!(ended.check(0, &[]).stdout, "3 cases as expected; 2 paths, 3 rules\n");
    fs::write(folder.path().join("policy.yaml"), POLICY.replace("=== true", "=== 1")).unwrap();
    let ended = policy(folder.path(), "test policy.yaml");
    ended.check(1, &["1 of 3 cases not as expected"]);
    for mention in ["policy.test.yaml:5:3 (members write): expected allow, found deny", "room/$id", "→ true"] {
        assert!(ended.stdout.contains(mention), "{mention}: {}", ended.stdout);
    }
    let told = Run::usher("--json policy test policy.yaml").within(folder.path()).end().check(1, &[]).json();
    assert_eq!((&told["cases"], &told["differing"][0]["found"]), (&3.into(), &"deny".into()), "{told}");
}

#[test]
fn another_path_than_the_expected_is_not_as_expected() {
    let cases = "- { ask: channel read lobby, expect: allow, path: '*' }\n";
    let folder = folder(&[("policy.yaml", POLICY), ("policy.test.yaml", cases)]);
    let ended = policy(folder.path(), "test policy.yaml");
    assert!(ended.check(1, &[]).stdout.contains("expected allow by `*`, found allow by `lobby`"), "{}", ended.stdout);
}

#[test]
fn what_is_no_case_is_told_with_its_line() {
    for (cases, mention) in [
        ("a: 1", "1:1: cases are a list"),
        ("- 1", "1:3: a case is a map"),
        ("- ask: channel read x", "1:3: `expect` is missing"),
        ("- ask: channel read x\n  expect: yes", "2:11: `expect` is to be `allow` or `deny`"),
        ("- ask: chanel read x\n  expect: deny", "1:8: there is no section `chanel`"),
        ("- ask: channel reed x\n  expect: deny", "1:8: `channel` has no action `reed`"),
        ("- ask: channel read\n  expect: deny", "`ask` is to be `SECTION ACTION NAME`"),
        ("- expect: deny", "`ask` is missing"),
        ("- ask: channel read x\n  expects: deny", "2:3: a case has no `expects`"),
        ("- { ask: rpc request x, expect: deny, raw: x, payload: 1 }", "exclude each other"),
        ("- ask: *x", "1:8: the document cannot be read"),
    ] {
        let folder = folder(&[("policy.yaml", POLICY), ("policy.test.yaml", cases)]);
        policy(folder.path(), "test policy.yaml").check(1, &["policy.test.yaml:", mention]);
    }
    let alone = folder(&[("policy.yaml", POLICY)]);
    policy(alone.path(), "test policy.yaml").check(5, &["policy.test.yaml"]);
}

#[test]
fn one_question_is_explained_part_by_part() {
    let folder = folder(&[("policy.yaml", POLICY)]);
    let ask = "explain policy.yaml --user alice --section channel --action write --name room/1";
    let ended = policy(folder.path(), &format!("{ask} --record members/1={{\"alice\":true}}"));
    for mention in ["channel write `room/1`: allowed", "path `room/$id` at 5:3, 8 characters: decides", "$id is \"1\""]
    {
        assert!(ended.check(0, &[]).stdout.contains(mention), "{mention}: {}", ended.stdout);
    }
    let told = Run::usher(&format!("--json policy {ask}")).within(folder.path()).end().check(0, &[]).json();
    assert_eq!((&told["allowed"], &told["path"]), (&false.into(), &"room/$id".into()), "{told}");
    assert_eq!(told["records"], serde_json::json!(["members/1"]));
    policy(folder.path(), &ask.replace("write", "wipe")).check(2, &["`channel` has no action `wipe`"]);
    policy(folder.path(), &ask.replace("channel", "canal")).check(2, &["record, event, rpc"]);
    policy(folder.path(), &format!("{ask} --record x")).check(2, &["NAME=JSON"]);
    policy(folder.path(), &format!("{ask} --user-data {{")).check(2, &["--user-data"]);
}

#[test]
fn a_comparison_says_who_gains_and_who_loses() {
    let after = POLICY.replace("read: true", "read: user.isAuthenticated").replace("=== true", "!== undefined");
    let recorded = "\
{\"section\":\"channel\",\"action\":\"read\",\"name\":\"lobby\",\"user\":{\"id\":null,\"data\":null},\"at\":1,\"records\":{}}
{\"section\":\"channel\",\"action\":\"read\",\"name\":\"lobby\",\"user\":{\"id\":\"alice\",\"data\":null},\"at\":1,\"records\":{}}
{\"section\":\"channel\",\"action\":\"write\",\"name\":\"room/1\",\"user\":{\"id\":\"bob\",\"data\":null},\"records\":{\"members/1\":\"{\\\"bob\\\":1}\"}}
";
    let folder = folder(&[("old.yaml", POLICY), ("new.yaml", &after), ("recorded.jsonl", recorded)]);
    let ended = policy(folder.path(), "diff old.yaml new.yaml --decisions recorded.jsonl");
    let expected = "\
(nobody) loses channel read `lobby`: `lobby` at 4:5 → `lobby` at 4:5
bob gains channel write `room/1`: `room/$id` at 7:5 → `room/$id` at 7:5
3 recorded decisions: 1 lost, 1 gained, 1 the same
";
    assert_eq!(ended.check(0, &[]).stdout, expected);
    let told =
        Run::usher("--json policy diff old.yaml new.yaml --decisions recorded.jsonl").within(folder.path()).end();
    let told = told.check(0, &[]).json();
    assert_eq!((&told["asked"], &told["gains"][0]["user"]), (&3.into(), &"bob".into()), "{told}");
    fs::write(folder.path().join("recorded.jsonl"), "{}\n").unwrap();
    let ended = policy(folder.path(), "diff old.yaml new.yaml --decisions recorded.jsonl");
    ended.check(2, &["recorded.jsonl:1: no recorded decision"]);
}

#[tokio::test]
async fn a_policy_is_applied_and_taken_back_in_one_command_each() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let alice = ("alice", "k1");
    assert_eq!(connect(&server, alice).await.status, 200);
    let before = grants(&server).await.len();
    let shipped = include_str!("../../functions/chat-engine/policy.yaml");
    let closed = "channel: { '*': {} }\ngroup: { '*': {} }\n";
    let folder = folder(&[("closed.yaml", closed), ("shipped.yaml", shipped), ("bad.yaml", "channel: 1")]);
    let usher = |arguments: &str| {
        Run::usher(&format!("--data {} {arguments}", data.path().display())).within(folder.path()).end()
    };
    let compared = usher("policy diff active closed.yaml --function chat-engine");
    assert!(compared.check(0, &[]).stdout.contains("alice loses channel read `demo`: `$tenant` at "), "{compared:?}");
    assert!(!compared.stdout.contains("gains"), "{compared:?}");
    usher("policy apply bad.yaml --function chat-engine").check(1, &["bad.yaml:1:10"]);
    fs::write(folder.path().join("closed.test.yaml"), "- { ask: channel read demo, expect: allow }").unwrap();
    usher("policy apply closed.yaml --function chat-engine").check(1, &["not as expected", "nothing was changed"]);
    assert_eq!(grants(&server).await.len(), before);
    let applied = usher("policy apply closed.yaml --function chat-engine --untested");
    let told = applied.check(0, &[]).stdout.clone();
    assert!(told.starts_with("chat-engine version 2 is active on sub-c-"), "{told}");
    assert!(told.contains(&format!("{before} grants checked again, {before} taken back")), "{told}");
    assert_eq!(grants(&server).await.len(), 0);
    let back = usher("policy rollback chat-engine");
    assert!(back.check(0, &[]).stdout.starts_with("chat-engine is at version 1 again\npolicy "), "{}", back.stdout);
    let explained =
        usher("policy explain active --function chat-engine --section channel --action read --name demo --user alice");
    assert!(explained.check(0, &[]).stdout.contains("channel read `demo`: allowed"), "{}", explained.stdout);
    usher("policy apply closed.yaml --function nobody --untested").check(5, &["nobody"]);
    assert_eq!(connect(&server, alice).await.status, 200);
    assert_eq!(grants(&server).await.len(), before);
}
