//! The fake host keeps the promises that functions are tested against.

use usher_sdk::fake::Host;
use usher_sdk::{Claim, Host as _, IdentityError, Permissions, PolicyQuestion, Proposal, Section, Target};

#[test]
fn a_later_grant_replaces_an_earlier_one_and_ends() {
    let host = Host::new();
    host.grant(&[proposal("room.*", Permissions::READ | Permissions::WRITE, 10)]).unwrap();
    assert!(host.allows("k", "room.tea", Permissions::WRITE));
    host.grant(&[proposal("room.*", Permissions::READ, 10)]).unwrap();
    assert!(host.allows("k", "room.tea", Permissions::READ) && !host.allows("k", "room.tea", Permissions::WRITE));
    assert!(!host.allows("other", "room.tea", Permissions::READ) && !host.allows("k", "rooms", Permissions::READ));
    host.advance(10);
    assert!(!host.allows("k", "room.tea", Permissions::READ));
    assert!(host.audit(&proposal("room.*", Permissions::READ, 10).target).unwrap().is_empty());
}

#[test]
fn what_is_revoked_is_gone_and_nothing_else() {
    let host = Host::new();
    host.grant(&[proposal("a", Permissions::READ, 0), proposal("b", Permissions::READ, 0)]).unwrap();
    host.revoke(&[proposal("a", Permissions::READ, 0).target]).unwrap();
    assert!(!host.allows("k", "a", Permissions::READ) && host.allows("k", "b", Permissions::READ));
}

#[test]
fn one_proposal_beyond_the_ceiling_grants_nothing() {
    let host = Host::new().with_ceiling(&["a"]);
    assert!(host.grant(&[proposal("a", Permissions::READ, 1), proposal("b", Permissions::READ, 1)]).is_err());
    assert!(!host.allows("k", "a", Permissions::READ) && host.granted().is_empty());
}

#[test]
fn a_swap_happens_once() {
    let host = Host::new();
    let swap = |expected: Option<&str>, value: &str| host.kv_swap("key", expected, value, Some(10)).unwrap();
    assert!(swap(None, "1") && !swap(None, "2") && swap(Some("1"), "2") && !swap(Some("1"), "3"));
    assert_eq!(host.value("key").as_deref(), Some("2"));
    host.advance(10);
    assert!(swap(None, "4"), "what has ended is absent");
}

#[test]
fn known_keys_prove_their_uuid_only() {
    let host = Host::new().with_identity("k", "alice");
    let asked = |uuid: &str, auth_key: &str| {
        let claim = claim(uuid, auth_key, "");
        host.authenticate(&claim).map(|proven| proven.id)
    };
    assert_eq!(asked("alice", "k"), Ok("alice".to_owned()));
    assert_eq!(asked("bob", "k"), Err(IdentityError::Denied));
    assert_eq!(asked("alice", "other"), Err(IdentityError::Denied));
}

#[test]
fn a_key_bound_to_a_namespace_proves_nothing_in_another() {
    let host = Host::new().with_identity_in("a", "k", "alice").with_identity_in("b", "k2", "alice");
    for (namespace, auth_key, proven) in [("a", "k", true), ("b", "k2", true), ("a", "k2", false), ("b", "k", false)] {
        assert_eq!(host.authenticate(&claim("alice", auth_key, namespace)).is_ok(), proven, "{namespace} {auth_key}");
    }
}

#[test]
fn nobody_writes_to_a_presence_feed() {
    let host = Host::new();
    host.grant(&[proposal("room.*", Permissions::READ | Permissions::WRITE, 10)]).unwrap();
    assert!(host.allows("k", "room.tea-pnpres", Permissions::READ));
    assert!(!host.allows("k", "room.tea-pnpres", Permissions::WRITE));
}

#[test]
fn no_two_draws_are_alike() {
    let host = Host::new();
    assert_eq!(host.random(600).len(), 600);
    assert_ne!(host.random(16), host.random(16));
}

#[test]
fn a_config_value_is_a_list_of_one_where_a_list_is_wanted() {
    let host = Host::new().with_config("one", "a").with_config_list("two", &["a", "b"]);
    assert_eq!(host.config_list("one"), ["a"]);
    assert_eq!(host.config_list("two"), ["a", "b"]);
    assert!(host.config_list("absent").is_empty());
}

#[test]
fn a_policy_is_asked_about_whom_was_proven_and_without_one_nothing_is_allowed() {
    let question = |name: &str| {
        let (action, name) = ("read".to_owned(), name.to_owned());
        PolicyQuestion { section: Section::Channel, action, name, payload: None }
    };
    let questions = [question("alice"), question("bob")];
    assert_eq!(Host::new().policy(&questions), Ok(vec![false, false]));
    let host = Host::new().with_policy(|host, question| host.proven().as_ref() == Some(&question.name));
    assert_eq!(host.policy(&questions), Ok(vec![false, false]), "nobody was proven");
    host.authenticate(&claim("alice", "k", "")).unwrap();
    assert_eq!(host.policy(&questions), Ok(vec![true, false]));
    assert_eq!(host.asked().len(), 2);
    assert!(host.policy(&vec![question("alice"); 101]).is_err());
}

fn claim(uuid: &str, auth_key: &str, namespace: &str) -> Claim {
    let [uuid, auth_key, namespace] = [uuid, auth_key, namespace].map(str::to_owned);
    Claim { uuid, auth_key, namespace, route: "test".to_owned() }
}

fn proposal(channel: &str, permissions: Permissions, ttl: u32) -> Proposal {
    let (channels, auth_keys) = (vec![channel.to_owned()], vec!["k".to_owned()]);
    Proposal { target: Target { channels, groups: Vec::new(), uuids: Vec::new(), auth_keys }, permissions, ttl }
}
