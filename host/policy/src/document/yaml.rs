//! Documents in YAML, built from the parser's events, never deeper than a policy is.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::scalar::{self, Meaning};
use super::{Content, DEEPEST, MOST_MERGED, MalformedDocument, Member, Members, Misplaced, Node, Position};
use crate::number;

/// How many maps of a list are kept, for `<<`.
const MOST_MAPS: usize = 64;

pub(super) fn read(text: &str, faults: &mut Vec<Misplaced>) -> Result<Rc<Node>, Misplaced> {
    let mut builder = Builder { open: Vec::new(), anchors: HashMap::new(), root: None, merged: 0, faults };
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| (MalformedDocument::Syntax { problem: error.info().into() }, position(*error.marker())))?;
        builder.event(event, span)?;
    }
    let nothing = || Rc::new(Node { content: Content::Null, at: Position::START, verbatim: None });
    Ok(builder.root.unwrap_or_else(nothing))
}

struct Builder<'f> {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    /// How many keys are merged so far.
    merged: usize,
    faults: &'f mut Vec<Misplaced>,
}

/// A map or list that is not closed yet.
struct Open {
    at: Position,
    anchor: usize,
    kind: Kind,
}

/// A key whose value is still to come.
enum Key {
    Text(Rc<str>),
    Merge,
}

enum Kind {
    /// The maps in it.
    List(Vec<Rc<Node>>),
    Mapping {
        members: Members,
        key: Option<(Key, Position)>,
    },
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Misplaced> {
        let at = position(span.start);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err((MalformedDocument::Several, at)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, (tag.as_deref(), span)),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or((MalformedDocument::Alias, at))?;
                self.put(node)
            }
            Event::SequenceStart(anchor, _) => self.start(Open { at, anchor, kind: Kind::List(Vec::new()) }),
            Event::MappingStart(anchor, _) => {
                let kind = Kind::Mapping { members: Members::default(), key: None };
                self.start(Open { at, anchor, kind })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn start(&mut self, open: Open) -> Result<(), Misplaced> {
        if self.open.len() > DEEPEST {
            return Err((MalformedDocument::TooDeep, open.at));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Misplaced> {
        let Some(Open { at, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let content = match kind {
            Kind::List(maps) => Content::List(maps),
            Kind::Mapping { members, .. } => Content::Mapping(members.members),
        };
        self.finish(Node { content, at, verbatim: None }, anchor)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        (tag, span): (Option<&Tag>, Span),
    ) -> Result<(), Misplaced> {
        let at = position(span.start);
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let meaning = match style {
            ScalarStyle::Plain if !is_text => scalar::meaning(text),
            ScalarStyle::Plain
            | ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Meaning::Text,
        };
        if let Some(Open { kind: Kind::Mapping { key: key @ None, .. }, .. }) = self.open.last_mut() {
            let merges = text == "<<" && style == ScalarStyle::Plain;
            *key = Some((if merges { Key::Merge } else { Key::Text(key_text(text, &meaning).into()) }, at));
            return Ok(());
        }
        let content = match meaning {
            Meaning::Text => Content::Text(text.into()),
            Meaning::Null => Content::Null,
            Meaning::Bool(value) => Content::Bool(value),
            Meaning::Number(_) | Meaning::Date => Content::Other,
        };
        let quotes = match style {
            ScalarStyle::Plain => Some(0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(1),
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
        // Letter for letter where it is as long as its place.
        let length = span.end.index().saturating_sub(span.start.index());
        let verbatim = quotes.filter(|quotes| text.chars().count() + 2 * quotes == length);
        self.finish(Node { content, at, verbatim }, anchor)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Misplaced> {
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put(node)
    }

    fn put(&mut self, node: Rc<Node>) -> Result<(), Misplaced> {
        let Some(Open { kind, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match kind {
            Kind::List(maps) => {
                if matches!(node.content, Content::Mapping(_)) && maps.len() < MOST_MAPS {
                    maps.push(node);
                }
                Ok(())
            }
            Kind::Mapping { members, key } => match key.take() {
                Some((Key::Text(key), at)) => {
                    members.add(Member { key, at, value: node }, self.faults);
                    Ok(())
                }
                Some((Key::Merge, at)) => {
                    self.merged += merge(members, &node).ok_or((MalformedDocument::Merge, at))?;
                    if self.merged > MOST_MERGED { Err((MalformedDocument::Merge, at)) } else { Ok(()) }
                }
                None => Err((MalformedDocument::Key, node.at)),
            },
        }
    }
}

/// Merges a map or a list of maps; answers how many keys that brought.
fn merge(members: &mut Members, node: &Node) -> Option<usize> {
    match &node.content {
        Content::Mapping(other) => Some(members.merge(other)),
        Content::List(maps) => maps.iter().map(|map| merge(members, map)).sum(),
        Content::Null | Content::Bool(_) | Content::Text(_) | Content::Other => None,
    }
}

/// A key is a text, whatever it means: JavaScript's text of it.
fn key_text(written: &str, meaning: &Meaning) -> String {
    match meaning {
        Meaning::Number(number) => number::to_text(*number),
        Meaning::Null => "null".into(),
        Meaning::Bool(value) => value.to_string(),
        Meaning::Date | Meaning::Text => written.into(),
    }
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}
