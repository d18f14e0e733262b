//! A wildcard is allowed only where every name that it stands for is.

use proptest::prelude::*;
use usher_access::{Permission, ResourceKind};

use crate::{Action, Fetched, Json, Obstacle, Outcome, Path, Payload, Policy, Question, Section, UnixMillis, User};

const POLICY: &str = "
channel:
  open.*: {read: true, write: user.isAuthenticated}
  open.#mods: {write: false}
  open.#news: {read: true}
  rooms*: {read: true}
  rooms.$room: {read: 'user.id === $room'}
  named.*: {read: 'name.length < 9'}
  own/$user/*: {read: $user === user.id, write: $user === user.id}
  own#$user#*: {read: $user === user.id}
  own-$user.*: {read: $user === user.id}
  exact.x: {read: true}
  never.*: {read: false}
  half*way: {read: true}
  '*.y': {join: true}
  join.*: {join: true}
group: {$tenant#$user#*: {read: $user === user.id}}
";

fn decide(policy: &Policy, (kind, permission): (ResourceKind, Permission), name: &str) -> Outcome {
    let user = User::new(Json::Text("al".into()), Json::Null);
    let action = Action::permission(kind, permission);
    let question = Question { action, name, payload: Payload::None, user: &user, now: UnixMillis(0) };
    policy.decide(&question, |_| Fetched::Failed).outcome().clone()
}

#[test]
fn a_wildcard_is_allowed_where_one_path_decides_all_of_it_alike() {
    let policy = Policy::parse(POLICY).unwrap();
    let in_the_way = |path: &str| Outcome::NotForAll(Obstacle::Path(path.into()));
    for (permission, name, expected) in [
        (Permission::Read, "open.*", Outcome::Allowed),
        (Permission::Write, "open.*", in_the_way("open.#mods")),
        (Permission::Write, "open.#m.*", Outcome::Allowed),
        (Permission::Read, "rooms.*", Outcome::NotForAll(Obstacle::Reach)),
        (Permission::Read, "roomsx.*", Outcome::Allowed),
        (Permission::Read, "rooms.al.*", Outcome::NotForAll(Obstacle::Reach)),
        (Permission::Read, "rooms.al/b.*", Outcome::Allowed),
        (Permission::Read, "named.*", Outcome::NotForAll(Obstacle::Name)),
        (Permission::Read, "own/al/a.*", Outcome::Allowed),
        (Permission::Read, "own/bob/a.*", Outcome::Denied),
        (Permission::Write, "own/al.*", Outcome::NoRule),
        (Permission::Read, "own#al#me.*", Outcome::Allowed),
        (Permission::Read, "own#bob#me.*", Outcome::Denied),
        (Permission::Read, "own#al#bob#me.*", Outcome::Allowed),
        (Permission::Read, "own-al.*", Outcome::NotForAll(Obstacle::Variables)),
        (Permission::Read, "exact.*", Outcome::NoRule),
        (Permission::Read, "never.*", Outcome::Denied),
        (Permission::Read, "half.*way", Outcome::Allowed),
        (Permission::Read, "half.*", Outcome::NoRule),
        (Permission::Join, "join.*", Outcome::Allowed),
        (Permission::Join, "else.*", Outcome::NoRule),
    ] {
        assert_eq!(decide(&policy, (ResourceKind::Channel, permission), name), expected, "{permission} {name}");
    }
    assert_eq!(decide(&policy, (ResourceKind::Group, Permission::Read), "t#al#rooms.*"), Outcome::Allowed);
}

#[test]
fn a_path_that_ends_elsewhere_does_not_cover_a_wildcard() {
    let policy = Policy::parse("channel: {'a.*': {}, 'a.*z*': {read: true}, '*.$x': {write: true}}").unwrap();
    let ask = |permission, name| decide(&policy, (ResourceKind::Channel, permission), name);
    assert_eq!(ask(Permission::Read, "a.z.*"), Outcome::Allowed);
    assert_eq!(ask(Permission::Read, "a.*"), Outcome::NoRule);
    assert_eq!(ask(Permission::Write, "a.*"), Outcome::NotForAll(Obstacle::Reach));
}

#[test]
fn a_variable_of_a_channel_ends_at_a_hash() {
    let policy = Policy::parse("channel: {$tenant#chat: {read: $tenant === 'a'}, x$rest: {write: true}}").unwrap();
    for (permission, name, expected) in [
        (Permission::Read, "a#chat", Outcome::Allowed),
        (Permission::Read, "b#chat", Outcome::Denied),
        (Permission::Read, "a#a#chat", Outcome::NoRule),
        (Permission::Write, "xy", Outcome::Allowed),
        (Permission::Write, "xy#z", Outcome::NoRule),
    ] {
        assert_eq!(decide(&policy, (ResourceKind::Channel, permission), name), expected, "{name}");
    }
}

#[test]
fn elsewhere_a_star_at_the_end_is_a_name_like_any_other() {
    let document =
        "{record: {'*': {read: true}, a.b: {read: false}}, event: {'*': {}}, rpc: {'*': {}}, uuid: {'*': {get: true}}}";
    let policy = Policy::parse(document).unwrap();
    let user = User::anonymous();
    let action = Action::deepstream(Section::Record, "READ").unwrap();
    let question = Question { action, name: "a.*", payload: Payload::None, user: &user, now: UnixMillis(0) };
    assert!(policy.decide(&question, |_| Fetched::Failed).is_allowed());
    assert_eq!(decide(&policy, (ResourceKind::Uuid, Permission::Get), "a.*"), Outcome::Allowed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn what_is_allowed_for_all_is_allowed_for_each(
        paths in prop::collection::btree_map("[ab.*#/]{0,2}([$]x[#/.])?[ab.*#/]{0,2}[*]?", 0..6_usize, 1..6),
        prefix in "[ab]{0,2}[#/]?[ab]{0,2}[.]",
        rests in prop::collection::vec("[abx.#/]{0,5}", 1..12),
    ) {
        let rules = ["true", "true", "false", "'$x === \"a\"'", "'$x !== \"b\"'", "'name !== \"b\"'"];
        let lines = paths.iter().filter(|(path, _)| Path::parse(path).is_ok());
        let lines: Vec<_> = lines.map(|(path, rule)| format!("  '{path}': {{read: {}}}\n", rules[*rule])).collect();
        prop_assume!(!lines.is_empty());
        let policy = Policy::parse(&format!("channel:\n{}", lines.concat())).unwrap();
        let read = (ResourceKind::Channel, Permission::Read);
        if decide(&policy, read, &format!("{prefix}*")) == Outcome::Allowed {
            for rest in rests {
                let name = format!("{prefix}{rest}");
                prop_assert_eq!(decide(&policy, read, &name), Outcome::Allowed, "{} with {:?}", name, lines);
            }
        }
    }
}
