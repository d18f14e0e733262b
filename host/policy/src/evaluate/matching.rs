//! `text.match(pattern)`.

use std::borrow::Cow;
use std::rc::Rc;

use super::text::half;
use super::{Evaluated, Scope, Thrown};
use crate::number::from_length;
use crate::regex::{Groups, Regex, Units};
use crate::value::{List, Map, Value};

impl<'s> Scope<'s> {
    pub(super) fn matched(&'s self, text: &Cow<'s, str>, pattern: Option<Value<'s>>) -> Evaluated<'s> {
        let source = match pattern {
            Some(Value::Regex(regex)) => return self.search_pattern(text, regex),
            None | Some(Value::Undefined) => Cow::Borrowed(""),
            Some(other) => other.into_text(self)?,
        };
        // Compiling is work, and done again for each question.
        self.budget.spend(u32::try_from(source.len()).unwrap_or(u32::MAX))?;
        let regex = Regex::from_text(&source)?;
        self.search_pattern(text, &regex)
    }

    fn search_pattern(&self, text: &Cow<'s, str>, regex: &Regex) -> Evaluated<'s> {
        let units = Units::new(text, regex.flags());
        if regex.flags().global {
            return self.all_matches(&units, regex);
        }
        let Some(groups) = regex.find(&units, 0, &self.budget)? else { return Ok(Value::Null) };
        let items = (0..groups.len()).map(|group| group_text(&units, &groups, group)).collect::<Result<Vec<_>, _>>()?;
        let mut named = Vec::new();
        for (name, group) in regex.names() {
            named.push((Cow::Owned(name.to_owned()), group_text(&units, &groups, group)?));
        }
        let named = if named.is_empty() { Value::Undefined } else { Value::Map(Rc::new(Map(named))) };
        let index = groups.first().copied().flatten().map_or(0, |(from, _)| from);
        let index = Value::Number(from_length(units.utf16_before(index)));
        let extra = vec![("index", index), ("input", Value::Text(text.clone())), ("groups", named)];
        Ok(Value::List(Rc::new(List { items, extra })))
    }

    fn all_matches(&self, units: &Units<'_>, regex: &Regex) -> Evaluated<'s> {
        let (mut items, mut from) = (Vec::new(), 0);
        while let Some(groups) = regex.find(units, from, &self.budget)? {
            let Some((start, end)) = groups.first().copied().flatten() else { break };
            items.push(group_text(units, &groups, 0)?);
            from = if end == start { end + 1 } else { end };
        }
        if items.is_empty() {
            return Ok(Value::Null);
        }
        Ok(Value::List(Rc::new(List { items, extra: Vec::new() })))
    }
}

fn group_text<'s>(units: &Units<'_>, groups: &Groups, group: usize) -> Result<Value<'s>, Thrown> {
    let Some((from, to)) = groups.get(group).copied().flatten() else { return Ok(Value::Undefined) };
    let text = units.slice(from, to).ok_or_else(half)?;
    Ok(Value::Text(Cow::Owned(text.into_owned())))
}
