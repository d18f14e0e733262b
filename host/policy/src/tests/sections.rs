//! Channels, groups and uuids are decided by the Access Manager's permissions, and nobody by nothing.

use usher_access::{Permission, ResourceKind};

use crate::{Action, Fetched, Json, Outcome, Payload, Policy, Question, UnixMillis, User};

const POLICY: &str = "
channel:
  chat#*: {read: true, write: user.isAuthenticated && data.text.length < 10}
  private#$user#*: {read: user.id === $user, join: action === 'join' && action === 128}
group: {cg-$user: {manage: user.id === $user}}
uuid: {$user: {get: true, update: user.id === $user && data.name !== ''}}
";

fn decide(user: &User, kind: ResourceKind, permission: Permission, name: &str) -> Outcome {
    let policy = Policy::parse(POLICY).unwrap();
    let action = Action::permission(kind, permission);
    let payload = Payload::Json("{\"text\": \"hi\", \"name\": \"x\"}");
    let question = Question { action, name, payload, user, now: UnixMillis(0) };
    policy.decide(&question, |_| Fetched::Failed).outcome().clone()
}

#[test]
fn permissions_are_rule_types() {
    let alice = User::new(Json::Text("alice".into()), Json::Null);
    for (kind, permission, name, expected) in [
        (ResourceKind::Channel, Permission::Read, "chat#general", Outcome::Allowed),
        (ResourceKind::Channel, Permission::Write, "chat#general", Outcome::Allowed),
        (ResourceKind::Channel, Permission::Delete, "chat#general", Outcome::NoRule),
        (ResourceKind::Channel, Permission::Read, "private#alice#1", Outcome::Allowed),
        (ResourceKind::Channel, Permission::Read, "private#bob#1", Outcome::Denied),
        (ResourceKind::Channel, Permission::Join, "private#bob#1", Outcome::Allowed),
        (ResourceKind::Channel, Permission::Read, "other", Outcome::NoRule),
        (ResourceKind::Group, Permission::Manage, "cg-alice", Outcome::Allowed),
        (ResourceKind::Group, Permission::Manage, "cg-bob", Outcome::Denied),
        (ResourceKind::Uuid, Permission::Get, "bob", Outcome::Allowed),
        (ResourceKind::Uuid, Permission::Update, "alice", Outcome::Allowed),
    ] {
        assert_eq!(decide(&alice, kind, permission, name), expected, "{kind} {permission} {name}");
    }
}

#[test]
fn nobody_is_not_authenticated() {
    for id in [Json::Null, Json::Text("open".into()), Json::Text("OPEN".into()), Json::Text("".into())] {
        let nobody = User::new(id, Json::Null);
        assert!(!nobody.is_authenticated());
        assert_eq!(decide(&nobody, ResourceKind::Channel, Permission::Write, "chat#general"), Outcome::Denied);
    }
    assert!(User::new(Json::Number(0.0), Json::Null).is_authenticated());
}
