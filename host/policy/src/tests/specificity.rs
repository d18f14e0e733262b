//! Of the paths that match and have the rule, the longest as written decides; of equals the last.

use crate::{Action, Fetched, Payload, Policy, Question, Section, UnixMillis, User};

/// The path that decides about publishing or listening to a name.
fn deciding(paths: &[(&str, &str)], word: &str, name: &str) -> Option<String> {
    let paths: Vec<String> = paths.iter().map(|(path, rule)| format!("\"{path}\": {{\"{rule}\": true}}")).collect();
    let document = format!(
        "{{\"record\": {{\"*\": {{}}}}, \"rpc\": {{\"*\": {{}}}}, \"event\": {{\"*\": {{}}, {}}}}}",
        paths.join(", ")
    );
    let policy = Policy::parse(&document).unwrap();
    let user = User::anonymous();
    let action = Action::deepstream(Section::Event, word).unwrap();
    let question = Question { action, name, payload: Payload::None, user: &user, now: UnixMillis(0) };
    policy.decide(&question, |_| Fetched::Nothing).path().map(str::to_owned)
}

#[test]
fn the_longest_path_that_has_the_rule_decides() {
    for (paths, name, expected) in [
        (["user/$userId", "user/admin"], "user/admin", Some("user/$userId")),
        (["user/$u", "user/admin"], "user/admin", Some("user/admin")),
        (["****", "abc"], "abc", Some("****")),
        (["a/*", "a/b"], "a/b", Some("a/b")),
        (["a/b", "a/*"], "a/b", Some("a/*")),
        // Keys that are numbers come first, whatever the document says.
        (["1*", "12"], "12", Some("1*")),
        (["12", "1*"], "12", Some("1*")),
        (["01", "0*"], "01", Some("0*")),
        (["0*", "01"], "01", Some("01")),
        // Characters are UTF-16's.
        (["😀", "?*"], "😀", Some("😀")),
        (["$x", "$y"], "a", Some("$y")),
        (["b", "c"], "a", None),
    ] {
        let paths = paths.map(|path| (path, "publish"));
        assert_eq!(deciding(&paths, "EMIT", name).as_deref(), expected, "{paths:?} on {name}");
    }
}

#[test]
fn signs_of_regular_expressions_stand_for_themselves() {
    for sign in ["a.b", "a+", "a?", "[ab]", "a|b", "(a)", "(", "a{2}", "^a", "a$", "a\\\\d", "(?:a)", "."] {
        let name = sign.replace("\\\\", "\\");
        assert_eq!(deciding(&[(sign, "publish")], "EMIT", &name).as_deref(), Some(name.as_str()));
        for other in ["a", "b", "aa", "axb", "ab", "a1", ""] {
            assert_eq!(deciding(&[(sign, "publish")], "EMIT", other), None, "{sign} on {other}");
        }
    }
}

#[test]
fn every_rule_type_falls_back_on_its_own() {
    let paths = [("a/*", "listen"), ("a/b/*", "publish"), ("a/b/c", "subscribe")];
    for (word, expected) in [("LISTEN", "a/*"), ("EMIT", "a/b/*"), ("SUBSCRIBE", "a/b/c")] {
        assert_eq!(deciding(&paths, word, "a/b/c").as_deref(), Some(expected));
    }
}
