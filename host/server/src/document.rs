//! Reads TOML documents whole: every mistake is reported at once, with its line and, for a misspelt key, a suggestion.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod unit;

pub(crate) use unit::duration;
use unit::{Bytes, Millis, Spelled, WithUnit};

/// One mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File and line, or the environment variable.
    pub place: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// All mistakes of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// A value and where it was written.
#[derive(Debug, Clone)]
struct Node {
    value: Value,
    place: String,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    /// From the environment, where everything is text: whatever it reads as.
    Variable(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    Other(&'static str),
}

/// A value under a free key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Free {
    /// A text, a number or a truth value, as text.
    Text(String),
    /// A list of these.
    List(Vec<String>),
}

/// One table of a document; keys are taken out as they are read, and [`Section::finish`] reports the rest.
#[derive(Debug)]
pub(crate) struct Section {
    path: String,
    place: String,
    entries: BTreeMap<String, Node>,
    asked: Vec<&'static str>,
    /// Of the keys that were taken out.
    places: BTreeMap<&'static str, String>,
    problems: Rc<RefCell<Vec<Problem>>>,
}

/// A document being read.
#[derive(Debug)]
pub(crate) struct Document {
    root: BTreeMap<String, Node>,
    file: String,
    problems: Rc<RefCell<Vec<Problem>>>,
}

impl Document {
    /// Parses TOML; syntax errors are kept with the others.
    pub(crate) fn parse(file: &str, text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let lines = Lines { file, text };
        let problems = errors.iter().map(|error| Problem {
            place: lines.place(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        });
        let problems = Rc::new(RefCell::new(problems.collect()));
        Self { root: lines.table(table.get_ref()), file: file.to_owned(), problems }
    }

    /// Lays `USHER_SECTION__KEY` variables over the document.
    pub(crate) fn overlay(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some((section, key)) = name.strip_prefix("USHER_").and_then(|rest| rest.split_once("__")) else {
                continue;
            };
            let place = format!("environment variable {name}");
            let table = self
                .root
                .entry(section.to_lowercase())
                .or_insert_with(|| Node { value: Value::Table(BTreeMap::new()), place: place.clone() });
            if let Value::Table(entries) = &mut table.value {
                entries.insert(key.to_lowercase(), Node { value: Value::Variable(text), place });
            }
        }
    }

    /// The document's outermost table.
    pub(crate) fn root(&self) -> Section {
        Section {
            path: String::new(),
            place: self.file.clone(),
            entries: self.root.clone(),
            asked: Vec::new(),
            places: BTreeMap::new(),
            problems: Rc::clone(&self.problems),
        }
    }

    /// `value` if nothing was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        let problems = self.problems.take();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            Some(_) | None => Err(Problems(problems)),
        }
    }
}

impl Section {
    /// A table below this one; empty when it is not written.
    pub(crate) fn section(&mut self, key: &'static str) -> Self {
        let node = self.take(key);
        let (place, entries) = match node {
            Some(Node { value: Value::Table(entries), place }) => (place, entries),
            Some(other) => {
                self.expected(key, &other, "a table");
                (other.place, BTreeMap::new())
            }
            None => (self.place.clone(), BTreeMap::new()),
        };
        self.below(key, place, entries)
    }

    /// The tables of `[[key]]`.
    pub(crate) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Value::List(nodes) = node.value else {
            self.expected(key, &node, "a list of tables, each under `[[…]]`");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for node in nodes {
            match node.value {
                Value::Table(entries) => sections.push(self.below(key, node.place, entries)),
                Value::Text(_)
                | Value::Variable(_)
                | Value::Integer(_)
                | Value::Boolean(_)
                | Value::List(_)
                | Value::Other(_) => {
                    self.expected(key, &node, "a list of tables, each under `[[…]]`");
                }
            }
        }
        sections
    }

    /// Whether a key is written, and not taken out yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.take(key)?;
        match node.value {
            Value::Text(text) | Value::Variable(text) => Some(text),
            Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                self.expected(key, &node, "a text in quotes");
                None
            }
        }
    }

    /// A text that parses as `T`; `T`'s own error says what is wrong.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        let place = self.place_of(key);
        let text = self.text(key)?;
        text.parse().map_err(|error: T::Err| self.problem(&place, format!("`{}`: {error}", self.name(key)))).ok()
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let node = self.take(key)?;
        let flag = match &node.value {
            Value::Boolean(flag) => Some(*flag),
            Value::Variable(text) => text.parse().ok(),
            Value::Text(_) | Value::Integer(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => None,
        };
        if flag.is_none() {
            self.expected(key, &node, "true or false");
        }
        flag
    }

    pub(crate) fn number(&mut self, key: &'static str, allowed: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let node = self.take(key)?;
        let number = match node.value {
            Value::Integer(number) => u32::try_from(number).ok(),
            Value::Variable(ref text) => text.parse().ok(),
            Value::Text(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => None,
        };
        let number = number.filter(|number| allowed.contains(number));
        if number.is_none() {
            self.expected(key, &node, &format!("a whole number from {} to {}", allowed.start(), allowed.end()));
        }
        number
    }

    /// A length of time with its unit: `250ms`, `2s`, `5m`, `1h`, `7d`.
    pub(crate) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let WithUnit(Millis(millis)) = self.parsed(key)?;
        Some(Duration::from_millis(millis))
    }

    /// A length of time within bounds: what is out of them is a mistake, not another value.
    pub(crate) fn duration_within(
        &mut self,
        key: &'static str,
        allowed: std::ops::RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let duration = self.duration(key)?;
        if duration < *allowed.start() {
            self.wrong(key, format!("{} at the least", Spelled(*allowed.start())));
        } else if duration > *allowed.end() {
            self.wrong(key, format!("{} at the most", Spelled(*allowed.end())));
        }
        Some(duration)
    }

    /// A size with its unit: `512B`, `64KiB`, `16MiB`.
    pub(crate) fn size(&mut self, key: &'static str) -> Option<usize> {
        let WithUnit(Bytes(bytes)) = self.parsed(key)?;
        usize::try_from(bytes).ok()
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let node = self.take(key)?;
        if let Value::Variable(text) = &node.value {
            return Some(text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect());
        }
        let Value::List(nodes) = &node.value else {
            self.expected(key, &node, "a list of texts");
            return None;
        };
        let texts: Option<Vec<String>> = nodes
            .iter()
            .map(|node| if let Value::Text(text) = &node.value { Some(text.clone()) } else { None })
            .collect();
        if texts.is_none() {
            self.expected(key, &node, "a list of texts");
        }
        texts
    }

    /// A list of whole numbers, each within `allowed`.
    pub(crate) fn numbers(&mut self, key: &'static str, allowed: std::ops::RangeInclusive<u16>) -> Option<Vec<u16>> {
        let node = self.take(key)?;
        let Value::List(nodes) = &node.value else {
            self.expected(key, &node, "a list of whole numbers");
            return None;
        };
        let number = |node: &Node| match node.value {
            Value::Integer(number) => u16::try_from(number).ok().filter(|number| allowed.contains(number)),
            Value::Text(_)
            | Value::Variable(_)
            | Value::Boolean(_)
            | Value::List(_)
            | Value::Table(_)
            | Value::Other(_) => None,
        };
        let numbers: Option<Vec<u16>> = nodes.iter().map(number).collect();
        if numbers.is_none() {
            let (from, to) = (allowed.start(), allowed.end());
            self.expected(key, &node, &format!("a list of whole numbers from {from} to {to}"));
        }
        numbers
    }

    /// A list of texts, or one text alone.
    pub(crate) fn text_or_texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        match self.entries.get(key).map(|node| &node.value) {
            Some(Value::Text(_)) => self.text(key).map(|text| vec![text]),
            Some(_) | None => self.texts(key),
        }
    }

    /// A list of texts that each parse as `T`.
    pub(crate) fn parsed_list<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<Vec<T>> {
        let place = self.place_of(key);
        let texts = self.texts(key)?;
        let name = self.name(key);
        let parse =
            |text: String| text.parse::<T>().map_err(|error| self.problem(&place, format!("`{name}`: {error}"))).ok();
        let (whole, parsed): (usize, Vec<T>) = (texts.len(), texts.into_iter().filter_map(parse).collect());
        (parsed.len() == whole).then_some(parsed)
    }

    /// Every entry of a table with free keys.
    pub(crate) fn free(mut self) -> BTreeMap<String, Free> {
        let entries = std::mem::take(&mut self.entries);
        let mut values = BTreeMap::new();
        for (key, node) in entries {
            match node.value.free() {
                Some(value) => drop(values.insert(key, value)),
                None => self.problem(
                    &node.place,
                    format!("`{}.{key}` is neither a text, a number, true or false, nor a list of these", self.path),
                ),
            }
        }
        values
    }

    /// Says that `key` has to be there.
    pub(crate) fn required<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none()
            && !self.problems.borrow().iter().any(|problem| problem.message.contains(&format!("`{}`", self.name(key))))
        {
            self.problem(&self.place, format!("`{}` is missing", self.name(key)));
        }
        value
    }

    /// Reports a mistake that only the reader of the value can see.
    pub(crate) fn wrong(&self, key: &str, message: impl fmt::Display) {
        self.problem(&self.place_of(key), format!("`{}`: {message}", self.name(key)));
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(self) {
        for (key, node) in &self.entries {
            let hint = self
                .asked
                .iter()
                .map(|known| (strsim::jaro_winkler(known, key), *known))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or_else(
                    || format!("known keys: {}", self.asked.join(", ")),
                    |(_, known)| format!("did you mean `{known}`?"),
                );
            self.problem(&node.place, format!("unknown key `{}`; {hint}", self.name(key)));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let node = self.entries.remove(key)?;
        self.places.insert(key, node.place.clone());
        Some(node)
    }

    fn below(&self, key: &str, place: String, entries: BTreeMap<String, Node>) -> Self {
        Self {
            path: self.name(key),
            place,
            entries,
            asked: Vec::new(),
            places: BTreeMap::new(),
            problems: Rc::clone(&self.problems),
        }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place_of(&self, key: &str) -> String {
        let written = self.entries.get(key).map(|node| &node.place).or_else(|| self.places.get(key));
        written.unwrap_or(&self.place).clone()
    }

    fn expected(&self, key: &str, node: &Node, what: &str) {
        self.problem(&node.place, format!("`{}` is to be {what}, not {}", self.name(key), node.value.kind()));
    }

    fn problem(&self, place: &str, message: String) {
        self.problems.borrow_mut().push(Problem { place: place.to_owned(), message });
    }
}

impl Value {
    fn free(&self) -> Option<Free> {
        match self {
            Self::List(nodes) => nodes.iter().map(|node| node.value.flat()).collect::<Option<_>>().map(Free::List),
            Self::Text(_)
            | Self::Variable(_)
            | Self::Integer(_)
            | Self::Boolean(_)
            | Self::Table(_)
            | Self::Other(_) => self.flat().map(Free::Text),
        }
    }

    fn flat(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Variable(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(flag) => Some(flag.to_string()),
            Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variable(_) => "this text",
            Self::Integer(_) => "this number",
            Self::Boolean(_) => "a truth value",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Turns byte offsets into lines.
struct Lines<'a> {
    file: &'a str,
    text: &'a str,
}

impl Lines<'_> {
    fn place(&self, offset: usize) -> String {
        let line = self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        format!("{}:{line}", self.file)
    }

    fn table(&self, table: &DeTable<'_>) -> BTreeMap<String, Node> {
        table.iter().map(|(key, value)| (key.get_ref().to_string(), self.node(key.span().start, value))).collect()
    }

    fn node(&self, offset: usize, value: &Spanned<DeValue<'_>>) -> Node {
        let converted = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                number.to_string().parse().map_or(Value::Other("a number out of range"), Value::Integer)
            }
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item.span().start, item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Datetime(_) => Value::Other("a date"),
        };
        Node { value: converted, place: self.place(offset) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests;
