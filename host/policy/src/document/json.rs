//! Documents in JSON, read with the place of everything.

use std::rc::Rc;

use super::{Content, DEEPEST, MalformedDocument, Member, Members, Misplaced, Node, Position};
use crate::json::{MalformedJson, Reader};

pub(super) fn read(text: &str, faults: &mut Vec<Misplaced>) -> Result<Rc<Node>, Misplaced> {
    let mut document = Document { text, reader: Reader::new(text), at: Position::START, passed: 0, faults };
    let node = document.value(0)?;
    let end = document.reader.end();
    end.map_err(|error| document.misplaced(&error))?;
    Ok(node)
}

struct Document<'t, 'f> {
    text: &'t str,
    reader: Reader<'t>,
    /// The place of byte `passed`: places are asked for from the start to the end.
    at: Position,
    passed: usize,
    faults: &'f mut Vec<Misplaced>,
}

impl<'t> Document<'t, '_> {
    fn value(&mut self, depth: usize) -> Result<Rc<Node>, Misplaced> {
        let first = self.reader.next_byte();
        let at = self.place(self.reader.at());
        if depth > DEEPEST {
            return Err((MalformedDocument::TooDeep, at));
        }
        let mut verbatim = None;
        let content = match first {
            Some(b'{') => self.mapping(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => {
                let start = self.reader.at();
                let text = self.read(Reader::text)?;
                verbatim = (self.reader.at() == start + text.len() + 2).then_some(1);
                Content::Text(text.into())
            }
            Some(b't') => self.read(|reader| reader.word("true")).map(|()| Content::Bool(true))?,
            Some(b'f') => self.read(|reader| reader.word("false")).map(|()| Content::Bool(false))?,
            Some(b'n') => self.read(|reader| reader.word("null")).map(|()| Content::Null)?,
            Some(_) | None => self.read(Reader::number).map(|_| Content::Other)?,
        };
        Ok(Rc::new(Node { content, at, verbatim }))
    }

    fn mapping(&mut self, depth: usize) -> Result<Content, Misplaced> {
        let mut members = Members::default();
        self.read(|reader| reader.expect(b'{'))?;
        if self.reader.skip(b'}') {
            return Ok(Content::Mapping(members.members));
        }
        loop {
            self.reader.next_byte();
            let at = self.place(self.reader.at());
            let key = self.read(Reader::text)?.into();
            self.read(|reader| reader.expect(b':'))?;
            let value = self.value(depth + 1)?;
            members.add(Member { key, at, value }, self.faults);
            if !self.reader.skip(b',') {
                self.read(|reader| reader.expect(b'}'))?;
                return Ok(Content::Mapping(members.members));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Content, Misplaced> {
        self.read(|reader| reader.expect(b'['))?;
        if self.reader.skip(b']') {
            return Ok(Content::Other);
        }
        loop {
            self.value(depth + 1)?;
            if !self.reader.skip(b',') {
                self.read(|reader| reader.expect(b']'))?;
                return Ok(Content::Other);
            }
        }
    }

    fn read<T>(&mut self, read: impl FnOnce(&mut Reader<'t>) -> Result<T, MalformedJson>) -> Result<T, Misplaced> {
        read(&mut self.reader).map_err(|error| self.misplaced(&error))
    }

    fn misplaced(&mut self, error: &MalformedJson) -> Misplaced {
        (MalformedDocument::Syntax { problem: error.problem.into() }, self.place(error.at))
    }

    fn place(&mut self, byte: usize) -> Position {
        self.at = self.at.after(self.text.get(self.passed..byte).unwrap_or_default());
        self.passed = self.passed.max(byte);
        self.at
    }
}
