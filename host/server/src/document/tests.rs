//! Whatever a document says, reading it ends in a value or in mistakes that each have a place.

use proptest::prelude::*;

use super::{Document, Free};
use crate::manifest::Manifest;

/// Lines that are TOML, nearly TOML, or noise.
fn line() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "[a-z_]{1,12}",
        Just("name".to_owned()),
        Just("paths".into()),
        Just("limits".into()),
        Just("\"a.b\"".into())
    ];
    let value = prop_oneof![
        "\"[a-z0-9 ${}*#.]{0,12}\"",
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9]{1,30}",
        "[0-9]+(ms|s|KiB|d| )",
        Just("true".to_owned()),
        Just("1979-05-27".into()),
        Just("0.5".into()),
        Just("[1, \"x\", [2]]".into()),
        Just("{ a = 1 }".into()),
        Just("[\"x\"]".into()),
        Just("\"\"\"".into()),
    ];
    prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => "\\[[a-z.]{1,10}\\]",
        1 => "\\[\\[[a-z.]{1,10}\\]\\]",
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_a_manifest_or_has_mistakes_with_places(lines in proptest::collection::vec(line(), 0..12)) {
        if let Err(problems) = Manifest::parse("function.toml", &lines.join("\n")) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                prop_assert!(problem.place.starts_with("function.toml"), "{problem}");
                prop_assert!(!problem.message.is_empty());
            }
        }
    }

    #[test]
    fn any_characters_at_all_are_read_to_an_end(text in "(?s).{0,200}") {
        drop(Manifest::parse("function.toml", &text));
    }
}

/// Reads one value of a section that stands on line 2, and returns the mistakes.
fn problems(line: &str, read: impl FnOnce(&mut super::Section)) -> Vec<String> {
    let document = Document::parse("x.toml", &format!("[part]\n{line}\n"));
    let mut root = document.root();
    let mut part = root.section("part");
    read(&mut part);
    part.finish();
    root.finish();
    document
        .finish(Some(()))
        .map_or_else(|problems| problems.0.iter().map(ToString::to_string).collect(), |()| Vec::new())
}

#[test]
fn a_value_of_another_kind_is_reported_where_it_stands() {
    type Read = fn(&mut super::Section);
    let cases: [(&str, Read, &str); 9] = [
        ("a = 1", |part| drop(part.text("a")), "x.toml:2: `part.a` is to be a text in quotes, not this number"),
        (
            "a = \"x\"",
            |part| {
                part.flag("a");
            },
            "x.toml:2: `part.a` is to be true or false, not this text",
        ),
        (
            "a = 0.5",
            |part| {
                part.number("a", 1..=9);
            },
            "x.toml:2: `part.a` is to be a whole number from 1 to 9, not a fraction",
        ),
        (
            "a = 10",
            |part| {
                part.number("a", 1..=9);
            },
            "x.toml:2: `part.a` is to be a whole number from 1 to 9, not this number",
        ),
        (
            "a = \"2\"",
            |part| {
                part.duration("a");
            },
            "x.toml:2: `part.a`: `2` is to be a whole number with a unit, such as `250ms`, `2s`, `5m`, `1h` or `7d`",
        ),
        (
            "a = \"2 KB\"",
            |part| {
                part.size("a");
            },
            "x.toml:2: `part.a`: `2 KB` is to be a whole number with a unit, such as `512B`, `64KiB` or `16MiB`",
        ),
        (
            "a = \"99999999999999999999d\"",
            |part| {
                part.duration("a");
            },
            "x.toml:2: `part.a`: `99999999999999999999d` is to be a whole number with a unit, such as `250ms`, `2s`, `5m`, `1h` or `7d`",
        ),
        ("a = [1]", |part| drop(part.texts("a")), "x.toml:2: `part.a` is to be a list of texts, not a list"),
        ("lst = 1", |part| drop(part.texts("list")), "x.toml:2: unknown key `part.lst`; did you mean `list`?"),
    ];
    for (line, read, expected) in cases {
        assert_eq!(problems(line, read), [expected], "{line}");
    }
}

#[test]
fn a_mistake_that_only_the_reader_sees_is_reported_at_its_key_too() {
    let read = |part: &mut super::Section| {
        part.text("a");
        part.text("b");
        part.wrong("b", "not so");
    };
    assert_eq!(problems("a = \"x\"\nb = \"y\"", read), ["x.toml:3: `part.b`: not so"]);
}

#[test]
fn free_keys_keep_texts_and_lists_and_refuse_the_rest() {
    let document = Document::parse("x.toml", "[config]\na = 1\nb = [\"x\", true]\nc = { d = 1 }\n");
    let mut root = document.root();
    let free = root.section("config").free();
    assert_eq!(free.get("a"), Some(&Free::Text("1".into())));
    assert_eq!(free.get("b"), Some(&Free::List(vec!["x".into(), "true".into()])));
    let problems = document.finish(Some(())).unwrap_err().to_string();
    assert!(problems.starts_with("x.toml:4: `config.c`"), "{problems}");
}
