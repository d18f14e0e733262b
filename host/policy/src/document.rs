//! The document as a tree with places: YAML and JSON alike, bounded before anything is made of it.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

mod entries;
mod json;
mod scalar;
mod values;
mod yaml;

pub use entries::{Entry, read_entries};
pub(crate) use values::{Tree, Values, read as read_values};

use crate::show;

/// A value of the document.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) at: Position,
    /// How many columns after `at` the text begins, where it stands in the document letter for letter.
    pub(crate) verbatim: Option<usize>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Text(Box<str>),
    Mapping(Vec<Member>),
    /// The maps of a list, which `<<` may merge.
    List(Vec<Rc<Node>>),
    /// Numbers and dates: what no policy has.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: Rc<str>,
    pub(crate) at: Position,
    pub(crate) value: Rc<Node>,
}

/// A place in the document; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedDocument {
    /// Neither YAML nor JSON.
    #[error("the document cannot be read: {problem}")]
    Syntax {
        /// The parser's words.
        problem: String,
    },
    /// Longer than documents may be.
    #[error("the document is longer than {} MiB", LONGEST >> 20)]
    TooLong,
    /// Maps and lists within each other.
    #[error("the document is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// More than one YAML document.
    #[error("there is more than one document")]
    Several,
    /// The same key twice.
    #[error("`{key}` is there twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// A key that is a map or a list.
    #[error("a key must be a text")]
    Key,
    /// YAML's `<<` with something else than maps, or with too many.
    #[error("`<<` merges a map or a list of maps, and not more than {MOST_MERGED} keys in all")]
    Merge,
    /// A reference to what is not there yet.
    #[error("the alias refers to nothing before it")]
    Alias,
}

/// The most bytes of a document.
pub(crate) const LONGEST: usize = 16 << 20;

/// How many keys may be merged into others.
const MOST_MERGED: usize = 200_000;

/// How deep it may nest: a policy needs three levels.
pub(crate) const DEEPEST: usize = 32;

/// What is wrong, and where.
pub(crate) type Misplaced = (MalformedDocument, Position);

/// Reads a document; keys that are there twice, and the like, are added to `faults`.
pub(crate) fn read(text: &str, faults: &mut Vec<Misplaced>) -> Result<Rc<Node>, Misplaced> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LONGEST {
        return Err((MalformedDocument::TooLong, Position::START));
    }
    if !text.trim_start().starts_with('{') {
        return yaml::read(text, faults);
    }
    let mut json_faults = Vec::new();
    match json::read(text, &mut json_faults) {
        Ok(node) => {
            faults.append(&mut json_faults);
            Ok(node)
        }
        // Braces may also be YAML's; if not, what JSON says is nearer to what was meant.
        Err(error) => yaml::read(text, faults).map_err(|_| error),
    }
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The place after `text`, which begins here.
    pub(crate) fn after(self, text: &str) -> Self {
        text.chars().fold(self, |at, character| match character {
            '\n' => Self { line: at.line + 1, column: 1 },
            _ => Self { column: at.column + 1, ..at },
        })
    }
}

/// The members of a map that is being read, and where each key is among them.
#[derive(Debug, Default)]
struct Members {
    members: Vec<Member>,
    places: HashMap<Rc<str>, Place>,
}

/// Where a key is, and whether it is there in its own right.
#[derive(Clone, Copy, Debug)]
enum Place {
    Own,
    Merged(usize),
}

impl Members {
    /// Adds a member; a fault if its key is there already in its own right.
    fn add(&mut self, member: Member, faults: &mut Vec<Misplaced>) {
        match self.places.insert(Rc::clone(&member.key), Place::Own) {
            Some(Place::Own) => faults.push((MalformedDocument::Twice { key: show::cut(&member.key) }, member.at)),
            Some(Place::Merged(place)) => {
                if let Some(merged) = self.members.get_mut(place) {
                    *merged = member;
                }
            }
            None => self.members.push(member),
        }
    }

    /// Adds those of another map's members whose keys are not there yet; answers how many.
    fn merge(&mut self, other: &[Member]) -> usize {
        let before = self.members.len();
        for member in other {
            if !self.places.contains_key(&member.key) {
                self.places.insert(Rc::clone(&member.key), Place::Merged(self.members.len()));
                self.members.push(member.clone());
            }
        }
        self.members.len() - before
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(node: &Node) -> String {
        match &node.content {
            Content::Null => "null".into(),
            Content::Bool(value) => value.to_string(),
            Content::Text(text) => format!("{text:?}{}", node.verbatim.map_or("", |_| "=")),
            Content::Other | Content::List(_) => "other".into(),
            Content::Mapping(members) => {
                let member = |member: &Member| format!("{}@{}: {}", member.key, member.at, outline(&member.value));
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn read_all(text: &str) -> Result<String, String> {
        let mut faults = Vec::new();
        let node = read(text, &mut faults).map_err(|(error, at)| format!("{at}: {error}"))?;
        match faults.first() {
            Some((fault, at)) => Err(format!("{at}: {fault}")),
            None => Ok(outline(&node)),
        }
    }

    #[test]
    fn yaml_and_json_make_the_same_tree() {
        for (text, expected) in [
            ("a:\n  'b/*': true\n", "{a@1:1: {b/*@2:3: true}}"),
            ("{\"a\": {\"b\": \"x\\ty\", \"c\":\n \"é == 1\"}}", "{a@1:2: {b@1:8: \"x\\ty\", c@1:21: \"é == 1\"=}}"),
            ("{a: {b: yes}}", "{a@1:2: {b@1:6: \"yes\"=}}"),
            (
                "a: 'x'\nb: \"y\"\nc: z # no\nd: |\n  e\n",
                "{a@1:1: \"x\"=, b@2:1: \"y\"=, c@3:1: \"z\"=, d@4:1: \"e\\n\"}",
            ),
            (
                "a: 12\nb: ~\nc:\nd: 2001-12-14\ne: [1]\nf: .5\n",
                "{a@1:1: other, b@2:1: null, c@3:1: null, d@4:1: other, e@5:1: other, f@6:1: other}",
            ),
            ("a: &x {b: true}\nc: *x\n", "{a@1:1: {b@1:8: true}, c@2:1: {b@1:8: true}}"),
            (
                "a: &x {b: 1, c: true}\nd: {c: false, <<: *x}",
                "{a@1:1: {b@1:8: other, c@1:14: true}, d@2:1: {c@2:5: false, b@1:8: other}}",
            ),
            (
                "a: &x {b: 1}\nd: {<<: [*x, {c: ~}], b: true}",
                "{a@1:1: {b@1:8: other}, d@2:1: {b@2:23: true, c@2:15: null}}",
            ),
            ("12: true\n0x10: true\n", "{12@1:1: true, 16@2:1: true}"),
            ("open/\"*\": true\n", "{open/\"*\"@1:1: true}"),
            ("\u{feff}a: 'true'", "{a@1:1: \"true\"=}"),
            ("a: !!str true", "{a@1:1: \"true\"}"),
        ] {
            assert_eq!(read_all(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_said_with_its_place() {
        for (text, expected) in [
            ("a: b: c", "1:5: "),
            ("{\"a\": ]}", "1:7: the document cannot be read: a value is missing"),
            ("a: 1\na: 2", "2:1: `a` is there twice"),
            ("{\"a\": 1,\n \"a\": 2}", "2:2: `a` is there twice"),
            ("---\na: 1\n---\nb: 1", "3:1: there is more than one document"),
            ("a:\n  <<: b", "2:3: `<<` merges"),
            ("a: *x", "1:4: "),
            ("a: &x [*x]", "1:8: the alias refers to nothing before it"),
            ("? [a]\n: b", "1:3: a key must be a text"),
        ] {
            let found = read_all(text).unwrap_err();
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }

    #[test]
    fn hostile_documents_are_refused_soon() {
        let bomb: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
        assert!(read_all(&format!("a0: &a0 [x]\n{bomb}")).is_ok());
        let merges: String = (1..5_000).map(|n| format!("a{n}: &a{n} {{<<: *a{}, b{n}: x}}\n", n - 1)).collect();
        assert!(read_all(&format!("a0: &a0 {{}}\n{merges}")).is_err());
        for text in [
            "{\"a\":".repeat(10_000),
            "[".repeat(10_000),
            "{a: ".repeat(10_000),
            "- ".repeat(10_000),
            "? ".repeat(10_000),
            (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        ] {
            assert!(read_all(&text).is_err());
        }
    }
}
