//! Finds a path that decides some of the names with a common beginning: the tree walked along the beginning, then below it.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::{BUDGET, End, Node, ROOT, Trie};
use crate::path::{TooManyWays, breaks_line};

impl Trie {
    /// Some rule that `wanted` picks, at a path that matches some name beginning with `prefix`.
    pub(crate) fn overlapping(&self, prefix: &str, wanted: impl Fn(&End) -> bool) -> Result<Option<End>, TooManyWays> {
        let mut walk = Walk { trie: self, prefix, wanted, seen: HashSet::new(), budget: BUDGET };
        walk.along(ROOT, 0)
    }
}

/// One beginning on its way through the tree.
struct Walk<'t, W> {
    trie: &'t Trie,
    prefix: &'t str,
    wanted: W,
    /// Nodes of wildcards already entered at a position.
    seen: HashSet<(usize, usize)>,
    budget: u32,
}

type Found = Result<Option<End>, TooManyWays>;

impl<'t, W: Fn(&End) -> bool> Walk<'t, W> {
    /// Goes on from a node that is reached when `at` bytes of the beginning are used.
    fn along(&mut self, place: usize, at: usize) -> Found {
        self.budget = self.budget.checked_sub(1).ok_or(TooManyWays)?;
        let rest = self.prefix.get(at..).unwrap_or_default();
        let Some(node) = self.trie.nodes.get(place) else { return Ok(None) };
        if rest.is_empty() {
            return self.below(node);
        }
        if let Some(variable) = node.variable {
            let segment = rest.bytes().position(|byte| self.trie.separators.contains(&byte)).unwrap_or(rest.len());
            let child = self.trie.nodes.get(variable);
            let shortest = if child.is_some_and(|child| child.begins_with(self.trie.separators)) { segment } else { 1 };
            if let Some(end) = self.reach(variable, at, shortest.max(1)..=segment)? {
                return Ok(Some(end));
            }
        }
        if let Some(any) = node.any {
            let line = rest.find(breaks_line).unwrap_or(rest.len());
            if let Some(end) = self.reach(any, at, 0..=line)? {
                return Ok(Some(end));
            }
        }
        let first = rest.bytes().next();
        let Some(place) = first.and_then(|first| node.literal(first)) else { return Ok(None) };
        let Some(child) = self.trie.nodes.get(place) else { return Ok(None) };
        match rest.as_bytes() {
            rest if rest.starts_with(&child.label) => self.along(place, at + child.label.len()),
            rest if child.label.starts_with(rest) => self.below(child),
            _ => Ok(None),
        }
    }

    /// Tries these lengths of a wildcard.
    fn reach(&mut self, child: usize, at: usize, lengths: RangeInclusive<usize>) -> Found {
        for to in lengths.map(|length| at + length) {
            if self.prefix.is_char_boundary(to)
                && self.seen.insert((child, to))
                && let Some(end) = self.along(child, to)?
            {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Whatever a path asks for beyond the beginning, some name has it.
    fn below(&mut self, node: &'t Node) -> Found {
        let mut left = vec![node];
        while let Some(node) = left.pop() {
            self.budget = self.budget.checked_sub(1).ok_or(TooManyWays)?;
            if let Some(end) = node.ends.iter().find(|end| (self.wanted)(end)) {
                return Ok(Some(*end));
            }
            let literals = node.literals.iter().map(|&(_, child)| child);
            let children = literals.chain(node.any).chain(node.variable);
            left.extend(children.filter_map(|child| self.trie.nodes.get(child)));
        }
        Ok(None)
    }
}
