//! What every file has and none has: a first sentence, a bearable length, a name that says something, no machine's paths.

use std::io;

use crate::repository::{Tracked, assert_none, tracked};

/// No source file is longer, in lines.
const LONGEST: usize = 500;
/// Half of the Rust files are at most this long, in lines.
const MEDIAN: usize = 150;
/// Endings of the files that people write as source.
const SOURCES: [&str; 7] = [".rs", ".mjs", ".js", ".ts", ".py", ".sh", ".wit"];
/// Names of files and folders that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = ["mod", "util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"];
/// Crates without unsafe code, not even by exception.
const PURE: [&str; 4] =
    ["host/access/src/lib.rs", "host/policy/src/lib.rs", "host/network/src/lib.rs", "vault/src/lib.rs"];
/// Where files are on one machine only. In pieces, so that this file keeps its own rule.
const MACHINE_PATHS: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];

type Rule = fn(&Tracked) -> Option<String>;

const RULES: [Rule; 6] =
    [opens_with_a_sentence, script_opens_with_a_sentence, is_short, is_named, forbids_unsafe_if_pure, knows_no_machine];

#[test]
fn every_file_keeps_the_rules() -> io::Result<()> {
    let files = tracked()?;
    assert!(files.iter().any(|file| file.path.ends_with(".rs")), "git lists no Rust file");
    assert_none(&files.iter().flat_map(broken_rules).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn half_of_the_rust_files_are_short() -> io::Result<()> {
    let files = tracked()?;
    let mut lengths: Vec<_> =
        files.iter().filter(|file| file.path.ends_with(".rs")).map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    assert!(
        median <= MEDIAN,
        "the median Rust file has {median} lines, {MEDIAN} are allowed: split the long ones by subject"
    );
    Ok(())
}

#[test]
fn a_broken_rule_is_reported() {
    let long = format!("//! Says.\n{}", "\n".repeat(LONGEST));
    let machine = format!("see {}me/notes", MACHINE_PATHS.concat());
    for (path, text, reported) in [
        ("host/cli/src/main.rs", "//! Says what it is.\n", None),
        ("host/cli/src/main.rs", "fn main() {}\n", Some("`//! …`")),
        ("host/cli/src/main.rs", "\n//! Late.\n", Some("`//! …`")),
        ("host/cli/src/main.rs", long.as_str(), Some("501 lines")),
        ("host/cli/src/utils.rs", "//! Says.\n", Some("`utils`")),
        ("host/cli/src/common/keys.rs", "//! Says.\n", Some("`common`")),
        ("tests/clients/helpers.mjs", "", Some("`helpers`")),
        ("vault/src/lib.rs", "//! Says.\n", Some("forbid(unsafe_code)")),
        ("vault/src/lib.rs", "//! Says.\n#![forbid(unsafe_code)]\n", None),
        ("scripts/lint.sh", "#!/usr/bin/env bash\nset -e\n", Some("comment")),
        ("scripts/lint.sh", "#!/usr/bin/env bash\n# Says.\n", None),
        ("docs/operations.md", machine.as_str(), Some("one machine only")),
    ] {
        let broken = broken_rules(&Tracked { path: path.into(), text: text.into() });
        assert_eq!(broken.len(), usize::from(reported.is_some()), "{path}: {broken:?}");
        assert!(broken.concat().contains(reported.unwrap_or_default()), "{path}: {broken:?}");
    }
}

fn broken_rules(file: &Tracked) -> Vec<String> {
    RULES.iter().filter_map(|rule| rule(file)).map(|what| format!("{}: {what}", file.path)).collect()
}

fn opens_with_a_sentence(file: &Tracked) -> Option<String> {
    let applies = file.path.ends_with(".rs") && !file.text.starts_with("//! ");
    applies.then(|| "open it with one sentence, `//! …`, that says what it is for".into())
}

fn script_opens_with_a_sentence(file: &Tracked) -> Option<String> {
    let is_script = file.text.starts_with("#!");
    let says = file.text.lines().nth(1).is_some_and(|line| line.starts_with("# ") || line.starts_with("// "));
    (is_script && !says && !file.path.ends_with(".rs"))
        .then(|| "let its second line be a comment of one sentence that says what it does".into())
}

fn is_short(file: &Tracked) -> Option<String> {
    let lines = file.text.lines().count();
    (is_source(&file.path) && lines > LONGEST)
        .then(|| format!("{lines} lines, {LONGEST} are allowed: split it by subject"))
}

fn is_named(file: &Tracked) -> Option<String> {
    let stems = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let empty = stems.into_iter().find(|stem| EMPTY_NAMES.contains(stem)).filter(|_| is_source(&file.path));
    empty.map(|stem| {
        format!("`{stem}` says nothing: name it after what is inside (`foo.rs` beside `foo/` instead of `mod.rs`)")
    })
}

fn forbids_unsafe_if_pure(file: &Tracked) -> Option<String> {
    let applies = PURE.contains(&file.path.as_str()) && !file.text.contains("#![forbid(unsafe_code)]");
    applies.then(|| "a pure crate: add `#![forbid(unsafe_code)]`".into())
}

fn knows_no_machine(file: &Tracked) -> Option<String> {
    let known = MACHINE_PATHS.iter().find(|path| file.text.contains(**path))?;
    let line = file.text.lines().position(|line| line.contains(known)).map_or(0, |index| index + 1);
    Some(format!("line {line} holds `{known}`, a path of one machine only: use a relative path or a variable"))
}

fn is_source(path: &str) -> bool {
    SOURCES.iter().any(|ending| path.ends_with(ending))
}
