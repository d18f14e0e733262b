//! Every fault of a document is reported at once, each with line, column and a hint.

use crate::{Policy, Position};

fn faults(document: &str) -> Vec<String> {
    let faults = Policy::parse(document).expect_err(document);
    faults.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn all_faults_are_told_at_once() {
    let document = "\
record:
  '*':
    raed: true
    read: user.id ==
    write: \"data.a === 'é' && new Date()\"
    delete: 5
  /a:
    read: true
event:
  'b/$': {}
  'b/$/c': {}
evnet: {}
rpc: []
";
    assert_eq!(
        faults(document),
        [
            "3:5: `record`, `*`, `raed`: `record` has no `raed` rules, did you mean `read`? (records have create, read, \
             write, delete, listen and notify)",
            "4:21: `record`, `*`, `read`: the rule is no JavaScript expression: Unexpected token",
            "5:31: `record`, `*`, `write`: a rule may not contain the word `new`, not even in quotes (give the property \
             another name)",
            "6:13: `record`, `*`, `delete`: a rule is `true`, `false` or a text (put the rule in quotes)",
            "7:3: `record`, `/a`: a path may not start with `/` (names have no leading slash)",
            "9:1: `event`: the path `*` is missing (add the path `*`, which may have no rules: `\"*\": {}`)",
            "11:3: `event`, `b/$/c`: `$` must be followed by a letter or a digit (variables are `$` and letters and \
             digits: `user/$id`)",
            "12:1: there is no section `evnet`, did you mean `event`? (the sections are record, event, rpc, presence, \
             channel, group and uuid)",
            "13:6: `rpc`: a section is a map of paths (write `{}` for none)",
        ]
    );
}

#[test]
fn a_fault_within_a_rule_has_its_own_place() {
    let json = "{\"channel\": {\"a\": {\"read\": \"user.id === 'x' && parseInt('1')\"}}}";
    let faults = Policy::parse(json).expect_err(json);
    assert_eq!(faults.faults[0].position, Position { line: 1, column: 48 });
    assert_eq!(faults.to_string(), "the policy has 1 fault");
}

#[test]
fn a_document_needs_its_sections() {
    for (document, expected) in [
        ("", "1:1: a policy is a map of sections"),
        ("{}", "1:1: the policy has no section"),
        ("[1]", "1:1: a policy is a map of sections"),
        ("record: {'*': {}}\nevent: {'*': {}}", "1:1: the section `rpc` is missing"),
        ("channel: {}", "1:10: `channel`: the section has no paths"),
        ("channel: ~", "1:10: `channel`: a section is a map of paths"),
        ("channel: {a: true}", "1:14: `channel`, `a`: a path has a map of rules"),
    ] {
        let faults = faults(document);
        assert!(faults[0].starts_with(expected), "{document}: {}", faults[0]);
        assert_eq!(faults.len(), 1);
    }
}

#[test]
fn odd_paths_are_warned_of() {
    let document = "channel:\n  open/\"*\": {read: true}\n  a.b+: {read: true}\n  c:\n";
    let policy = Policy::parse(document).unwrap();
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "2:3: `channel`, `open/\"*\"`: the quotes are part of the path",
            "3:3: `channel`, `a.b+`: in the path, `+` stands for itself; in deepstream it is part of a regular expression",
            "4:3: `channel`, `c`: the path has no rules",
        ]
    );
}
