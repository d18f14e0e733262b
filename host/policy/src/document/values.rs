//! Documents of any values, in YAML or JSON, with the places of lists and maps; for test cases beside a policy.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::scalar::{self, Meaning};
use super::{LONGEST, MalformedDocument, Misplaced, Position};
use crate::json::Json;

/// How deep it may nest: a payload within a case within the list.
const DEEPEST: usize = 64;

/// How many values there may be, those that aliases stand for counted each time.
const MOST_VALUES: usize = 1_000_000;

/// A value and where it is.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) content: Values,
    pub(crate) at: Position,
    size: usize,
}

#[derive(Debug)]
pub(crate) enum Values {
    /// INVARIANT: neither an array nor an object.
    One(Json<'static>),
    List(Vec<Rc<Tree>>),
    Map(Vec<(String, Position, Rc<Tree>)>),
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Rc<Tree>, Misplaced> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LONGEST {
        return Err((MalformedDocument::TooLong, Position::START));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let syntax = |info: &str| MalformedDocument::Syntax { problem: info.into() };
        let (event, span) = event.map_err(|error| (syntax(error.info()), position(*error.marker())))?;
        builder.event(event, position(span.start))?;
    }
    Ok(builder.root.unwrap_or_else(|| one(Json::Null, Position::START)))
}

impl Tree {
    /// The value without its places.
    pub(crate) fn to_json(&self) -> Json<'static> {
        match &self.content {
            Values::One(value) => value.clone(),
            Values::List(items) => Json::Array(items.iter().map(|item| item.to_json()).collect()),
            Values::Map(members) => {
                let member =
                    |(key, _, value): &(String, Position, Rc<Self>)| (Cow::Owned(key.clone()), value.to_json());
                Json::Object(members.iter().map(member).collect::<Vec<_>>().into())
            }
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Values::One(Json::Text(text)) => Some(text),
            Values::One(_) | Values::List(_) | Values::Map(_) => None,
        }
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Tree>>,
    root: Option<Rc<Tree>>,
}

/// A map or list that is not closed yet, and the key whose value is still to come.
struct Open {
    content: Values,
    at: Position,
    anchor: usize,
    size: usize,
    key: Option<(String, Position)>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Misplaced> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err((MalformedDocument::Several, at)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                self.scalar((text.into_owned(), style == ScalarStyle::Plain && !is_text), anchor, at)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or((MalformedDocument::Alias, at))?;
                self.put(node, at)
            }
            Event::SequenceStart(anchor, _) => self.start(Values::List(Vec::new()), anchor, at),
            Event::MappingStart(anchor, _) => self.start(Values::Map(Vec::new()), anchor, at),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { content, at, anchor, size, .. }) = self.open.pop() else { return Ok(()) };
                if let Values::Map(members) = &content {
                    let mut keys: Vec<_> = members.iter().map(|(key, at, _)| (key, at)).collect();
                    keys.sort_unstable();
                    let mut pairs = keys.iter().zip(keys.iter().skip(1));
                    if let Some(((key, _), (_, again))) = pairs.find(|((one, _), (other, _))| one == other) {
                        return Err((MalformedDocument::Twice { key: (*key).clone() }, **again));
                    }
                }
                self.finish(Rc::new(Tree { content, at, size }), anchor)
            }
        }
    }

    fn start(&mut self, content: Values, anchor: usize, at: Position) -> Result<(), Misplaced> {
        if self.open.len() > DEEPEST {
            return Err((MalformedDocument::TooDeep, at));
        }
        self.open.push(Open { content, at, anchor, size: 1, key: None });
        Ok(())
    }

    fn scalar(&mut self, (text, is_plain): (String, bool), anchor: usize, at: Position) -> Result<(), Misplaced> {
        if let Some(Open { content: Values::Map(_), key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text, at));
            return Ok(());
        }
        let value = match if is_plain { scalar::meaning(&text) } else { Meaning::Text } {
            Meaning::Null => Json::Null,
            Meaning::Bool(value) => Json::Bool(value),
            Meaning::Number(number) => Json::Number(number),
            Meaning::Date | Meaning::Text => Json::Text(Cow::Owned(text)),
        };
        self.finish(one(value, at), anchor)
    }

    fn finish(&mut self, node: Rc<Tree>, anchor: usize) -> Result<(), Misplaced> {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        let at = node.at;
        self.put(node, at)
    }

    fn put(&mut self, node: Rc<Tree>, at: Position) -> Result<(), Misplaced> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        if open.size > MOST_VALUES {
            return Err((MalformedDocument::TooLong, at));
        }
        match &mut open.content {
            Values::One(_) => {}
            Values::List(items) => items.push(node),
            Values::Map(members) => {
                let (key, at) = open.key.take().ok_or((MalformedDocument::Key, node.at))?;
                members.push((key, at, node));
            }
        }
        Ok(())
    }
}

fn one(value: Json<'static>, at: Position) -> Rc<Tree> {
    Rc::new(Tree { content: Values::One(value), at, size: 1 })
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_yaml_and_json() {
        for (text, expected) in [
            ("- a: 1\n  b: [x, 'y', ~, true, .5]\n", "[{\"a\": 1, \"b\": [\"x\", \"y\", null, true, 0.5]}]"),
            ("[{\"a\": {\"b\": \"c\\n\"}}]", "[{\"a\": {\"b\": \"c\\n\"}}]"),
            ("a: &x {b: 1}\nc: *x\n", "{\"a\": {\"b\": 1}, \"c\": {\"b\": 1}}"),
            ("a: 2001-12-14", "{\"a\": \"2001-12-14\"}"),
            ("", "null"),
        ] {
            assert_eq!(read(text).map(|tree| tree.to_json().to_string()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_has_its_place() {
        for (text, expected) in [
            ("a: 1\nb: 2\na: 3", "3:1: `a` is there twice"),
            ("? [a]\n: b", "1:3: a key must be a text"),
            ("--- a\n--- b", "2:1: there is more than one document"),
            ("a: [", "2:1: the document cannot be read"),
        ] {
            let found = read(text).map_err(|(error, at)| format!("{at}: {error}")).unwrap_err();
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }

    #[test]
    fn hostile_documents_are_refused_soon() {
        let bomb: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
        let wide: String = (0..200_000).map(|n| format!("k{n}: 1\n")).collect();
        for text in
            [format!("a0: &a0 [x]\n{bomb}"), "[".repeat(10_000), "{a: ".repeat(10_000), format!("{wide}k0: 1\n")]
        {
            assert!(read(&text).is_err());
        }
        assert!(read(&wide).is_ok());
    }
}
