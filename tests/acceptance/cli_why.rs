//! `usher why` and `usher logs`: from what a client was told to the rule that decided.

use serde_json::Value;
use usher_tests::Process;

use crate::process_bed::{Ended, Run};

fn usher(server: &Process, data: &std::path::Path, arguments: &str) -> Ended {
    assert!(server.pid() > 0);
    Run::usher(&format!("--data {} {arguments}", data.display())).end()
}

#[test]
fn an_admin_gets_from_a_refusal_to_its_reason() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let keyset = server.field("subscribe_key");
    let usher = |arguments: &str| usher(&server, data.path(), arguments);
    usher("logs --denied").check(0, &["no such decision is kept"]);
    let body = "{\"uuid\":\"mallory\",\"namespace\":\"demo\",\"authKey\":\"k-of-mallory\",\"to\":\"bob\",\"chat\":{\"channel\":\"demo#chat#private.#x\",\"group\":\"custom\",\"private\":true,\"meta\":{}}}";
    let url = format!("http://{}/v1/blocks/sub-key/{keyset}/chat-engine-server?route=invite", server.field("origin"));
    let sent =
        std::process::Command::new("curl").args(["-s", "-D", "-", "-X", "POST", "-d", body, &url]).output().unwrap();
    let head = String::from_utf8_lossy(&sent.stdout).into_owned();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    let (id, reason) = (header("x-usher-decision-id"), header("x-usher-reason"));

    let told = usher(&format!("why {id}"));
    let told = &told.check(0, &[]).stdout;
    assert!(told.starts_with(&format!("DENIED: {reason} (HTTP 4")), "{told}");
    for part in [id.as_str(), "mallory", "chat-engine version 1, policy ", "next  ", "identity.authenticate"] {
        assert!(told.contains(part), "no `{part}` in\n{told}");
    }
    assert!(!told.contains("k-of-mallory"), "{told}");
    let json = usher(&format!("why {id} --json"));
    assert_eq!(json.check(0, &[]).json()["decisions"][0]["code"], Value::from(reason.as_str()));

    for (arguments, is_there) in [
        ("logs".to_owned(), true),
        ("logs --denied --user mallory --since 1h".to_owned(), true),
        (format!("logs --code {reason} --function chat-engine"), true),
        ("logs --user alice".to_owned(), false),
        ("logs --code no.such-code".to_owned(), false),
    ] {
        let listed = usher(&arguments);
        assert_eq!(listed.check(0, &[]).stdout.contains(&id), is_there, "{arguments}: {listed:?}");
    }
    usher("why no-such-decision").check(5, &["no decision `no-such-decision` is kept"]);
    usher("why ../keysets").check(5, &["is kept"]);
    usher("logs --since yesterday").check(2, &["90s, 15m, 1h or 7d"]);
}

#[test]
fn new_decisions_are_followed() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::dev(data.path(), &[]);
    let url = format!("http://{}/v1/blocks/sub-key/{}/nowhere", server.field("origin"), server.field("subscribe_key"));
    let refuse = || assert!(std::process::Command::new("curl").args(["-s", &url]).status().unwrap().success());
    refuse();
    let following = Run::usher(&format!("--data {} --json logs --denied --follow", data.path().display())).start();
    assert_eq!(following.field("code"), "function.not-found", "what was there already");
    refuse();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let ended = following.stop();
    assert_eq!(ended.stdout.matches("function.not-found").count(), 1, "{ended:?}");
}
