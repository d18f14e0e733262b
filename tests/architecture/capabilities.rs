//! A capability is one file of four parts, in `host/runtime/src/capability/`.

use std::io;

use crate::repository::{Tracked, assert_none, tracked};

const FOLDER: &str = "host/runtime/src/capability/";

/// Each part with the text that shows it.
const PARTS: [(&str, &str); 4] = [
    ("the granted data", "pub struct Granted"),
    ("a borrowed view", "struct View"),
    ("the generated trait's implementation", "Host for View"),
    ("the linking", "fn add_to_linker("),
];

#[test]
fn every_capability_has_its_four_parts() -> io::Result<()> {
    let files = tracked()?;
    let capabilities: Vec<_> = files.iter().filter(|file| is_capability(&file.path)).collect();
    assert!(!capabilities.is_empty(), "no capability found in {FOLDER}: has the folder moved?");
    assert_none(&capabilities.into_iter().flat_map(missing_parts).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_missing_part_is_reported() {
    let whole = PARTS.map(|(_, text)| text).join("\n");
    for (part, text) in PARTS {
        let path = format!("{FOLDER}clock.rs");
        assert!(missing_parts(&Tracked { path: path.clone(), text: whole.clone() }).is_empty());
        assert_eq!(missing_parts(&Tracked { path, text: whole.replace(text, "") }).len(), 1, "without {part}");
    }
}

/// A file deeper than the folder is a piece of a capability, not one.
fn is_capability(path: &str) -> bool {
    path.strip_prefix(FOLDER).and_then(|rest| rest.strip_suffix(".rs")).is_some_and(|name| !name.contains('/'))
}

fn missing_parts(file: &Tracked) -> Vec<String> {
    let missing = PARTS.iter().filter(|(_, text)| !file.text.contains(text));
    missing
        .map(|(part, text)| {
            format!("{}: {part} is missing: add `{text}…`, or move the file out of {FOLDER}", file.path)
        })
        .collect()
}
