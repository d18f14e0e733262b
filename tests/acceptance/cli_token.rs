//! `usher token`: minted for eyes and programs, read without a server, verified and taken back.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use usher_tests::Process;

use crate::process_bed::{Ended, Run};

/// Made once with another server; anybody can read it.
const SAMPLE: &str = "qEF2AkF0GmVT8QBDdHRsD0NyZXOlRGNoYW6hZnJvb20tMQNDZ3JwoENzcGOgQ3VzcqBEdXVpZKBDcGF0pURjaGFuoENncnCgQ3NwY6BDdXNyoER1dWlkoERtZXRhoER1dWlkaGNsaWVudC0xQ3NpZ1ggMUvELM8BmTsBVqdiFNz6EneGS5Iq1WMsz-JVXFqLjwM=";

fn token(data: &Path, arguments: &str) -> Ended {
    Run::usher(&format!("--data {} {arguments}", data.display())).end()
}

fn minted(data: &Path, arguments: &str) -> String {
    token(data, &format!("token mint {arguments}")).check(0, &[]).stdout.trim().to_owned()
}

#[test]
fn a_token_is_read_without_a_server() {
    let nowhere = tempfile::tempdir().unwrap();
    for padded in [SAMPLE, SAMPLE.trim_end_matches('=')] {
        let shown = token(nowhere.path(), &format!("--json token parse {padded}")).check(0, &[]).json();
        let expected = json!({
            "id": shown["id"], "version": 2, "issued": 1_700_000_000, "ttl": 15, "expires": 1_700_000_900,
            "uuid": "client-1", "resources": { "channels": { "room-1": ["read", "write"] } }, "patterns": {},
            "meta": {}, "key": null, "epoch": null,
        });
        assert_eq!(shown, expected);
        assert_eq!(shown["id"].as_str().unwrap().len(), 32);
    }
    let piped = Run::usher("token parse -").within(nowhere.path()).input(&format!("{SAMPLE}\n")).end();
    assert!(piped.check(0, &[]).stdout.contains("\"room-1\": ["), "{piped:?}");
    for text in ["alice-key", "p0F2AkF0", "%%%"] {
        token(nowhere.path(), &format!("token parse {text}")).check(2, &["token"]);
    }
}

#[test]
fn what_is_asked_for_is_in_the_token() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let text = minted(
        data.path(),
        "--ttl 15 --uuid alice --channel room-1=read --channel room-1=write --channel a=b=join --group g=read,manage --user u=get,update,delete \
         --channel-pattern ^open-=read --channel-pattern ^open-=read,write --group-pattern .=read --user-pattern ^u=get --list channels --meta {\"n\":[1,{}]}",
    );
    let shown = token(data.path(), &format!("--json token parse {text}")).check(0, &[]).json();
    assert_eq!(
        shown["resources"],
        json!({
            "channels": { "a=b": ["join"], "room-1": ["read", "write"] },
            "groups": { "g": ["read", "manage"] },
            "uuids": { "u": ["delete", "get", "update"] },
        })
    );
    let patterns =
        json!({ "channels": { "^open-": ["read", "write"] }, "groups": { ".": ["read"] }, "uuids": { "^u": ["get"] } });
    assert_eq!(shown["patterns"], patterns);
    assert_eq!(shown["categories"], json!({ "channels": ["get"], "uuids": [] }));
    assert_eq!((&shown["meta"], &shown["uuid"]), (&json!({ "n": [1, {}] }), &json!("alice")));
    assert_eq!((&shown["ttl"], &shown["key"], &shown["epoch"]), (&json!(15), &json!(1), &json!(0)));
}

#[test]
fn a_grant_of_a_file_is_taken_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let file = data.path().join("grant.json");
    fs::write(&file, r#"{"ttl": 5, "permissions": {"resources": {"channels": {"c": 1}}}}"#).unwrap();
    let text = minted(data.path(), &format!("--file {}", file.display()));
    let shown = token(data.path(), &format!("--json token parse {text}")).check(0, &[]).json();
    assert_eq!(shown["resources"], json!({ "channels": { "c": ["read"] } }));
    token(data.path(), &format!("token mint --file {} --channel a=read", file.display())).check(2, &["--file"]);
    fs::write(&file, "no json").unwrap();
    token(data.path(), &format!("token mint --file {}", file.display())).check(2, &["grant.json"]);
}

#[test]
fn what_makes_no_token_is_a_mistake_of_usage() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    for (asked, mention) in [
        ("", "no permissions"),
        ("--channel room-1", "NAME=read,write"),
        ("--channel room-1=fly", "`fly`"),
        ("--channel a=read --ttl 43201", "43200"),
        ("--channel-pattern (a)=read", "non-capturing"),
        ("--channel-pattern a**=read", "multiple repeat"),
        ("--channel a=read --meta [1]", "--meta"),
    ] {
        token(data.path(), &format!("token mint {asked}")).check(2, &[mention]);
    }
    token(data.path(), "token mint --channel a=read --key 7").check(5, &["no secret key 7"]);
}

#[test]
fn a_token_is_verified_and_taken_back() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let verify = |text: &str, code: i32| -> Value {
        token(data.path(), &format!("--json token verify {text}")).check(code, &[]).json()
    };
    // The same grant in the same second would be the same token.
    let [one, two, three] =
        ["room-1", "room-2", "room-3"].map(|room| minted(data.path(), &format!("--uuid alice --channel {room}=read")));
    for text in [&one, &two, &three] {
        assert_eq!(verify(text, 0)["code"], "token.valid");
    }
    assert_eq!(verify(SAMPLE, 4)["code"], "token.invalid");
    assert_eq!(verify("alice-key", 4)["code"], "token.malformed");
    token(data.path(), &format!("token revoke {one}")).check(0, &[]);
    assert_eq!(verify(&one, 4)["code"], "token.revoked");
    assert_eq!(verify(&two, 0)["code"], "token.valid");
    token(data.path(), "token revoke --uuid alice").check(0, &[]);
    assert_eq!(verify(&two, 4)["code"], "token.revoked");
    let fresh = minted(data.path(), "--uuid alice --channel room-1=read");
    assert_eq!(verify(&fresh, 0)["code"], "token.valid");
    token(data.path(), "token revoke --all").check(0, &[]);
    assert_eq!(verify(&fresh, 4)["code"], "token.revoked");
    token(data.path(), "token revoke").check(2, &["--uuid"]);
    token(data.path(), &format!("token revoke {one} --all")).check(2, &["--all"]);
    token(data.path(), "token revoke alice-key").check(2, &["no token"]);
}

#[test]
fn a_twin_is_printed_and_verified() {
    let data = tempfile::tempdir().unwrap();
    let _server = Process::dev(data.path(), &[]);
    let both = minted(data.path(), "--twin --channel room-1=read");
    let [text, twin] = both.lines().collect::<Vec<_>>()[..] else { panic!("{both}") };
    assert_eq!(twin.split('.').count(), 3, "{twin}");
    let verified = token(data.path(), &format!("--json token verify {twin}")).check(0, &[]).json();
    let shown = token(data.path(), &format!("--json token parse {text}")).check(0, &[]).json();
    assert_eq!(verified["claims"]["jti"], shown["id"]);
    let tampered = format!("{twin}A");
    token(data.path(), &format!("token verify {tampered}")).check(4, &["does not count"]);
}
