//! Finds the path that decides: all paths of a section in one tree, walked along the name.

use std::mem;

mod overlap;

use crate::path::{Part, Path, TooManyWays, breaks_line};
use crate::section::RuleType;

/// The paths of a section, joined where they begin alike: a look-up costs what the name is long, not how many they are.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// What a variable ends at; the same for all paths of a section.
    separators: &'static [u8],
}

/// A rule at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) rule_type: RuleType,
    /// How specific the path is among those of its section; no two are equal.
    pub(crate) rank: u32,
    /// Which rule of the policy.
    pub(crate) rule: usize,
}

/// What follows a beginning that some paths share.
#[derive(Debug, Default)]
struct Node {
    /// The literal bytes that lead here; none for wildcards and the root.
    label: Box<[u8]>,
    /// Literals that may follow, by their first byte, in its order.
    literals: Vec<(u8, usize)>,
    any: Option<usize>,
    variable: Option<usize>,
    /// The best rule of each type among the paths that end here.
    ends: Vec<End>,
}

const ROOT: usize = 0;

/// How many nodes are visited for one name.
const BUDGET: u32 = 200_000;

impl Trie {
    pub(crate) fn insert(&mut self, path: &Path, end: End) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        self.separators = path.separators();
        let at = path.parts().iter().fold(ROOT, |node, part| match part {
            Part::Literal(literal) => self.literal(node, literal.as_bytes()),
            Part::Any => self.wildcard(node, |node| &mut node.any),
            Part::Variable => self.wildcard(node, |node| &mut node.variable),
        });
        let Some(node) = self.nodes.get_mut(at) else { return };
        match node.ends.iter_mut().find(|other| other.rule_type == end.rule_type) {
            Some(other) if other.rank < end.rank => *other = end,
            Some(_) => {}
            None => node.ends.push(end),
        }
    }

    /// The rule of this type at the most specific path that matches.
    pub(crate) fn find(&self, name: &str, rule_type: RuleType) -> Result<Option<End>, TooManyWays> {
        let line = name.find(breaks_line).unwrap_or(name.len());
        let mut search = Search { trie: self, name, line, rule_type, best: None, covered: Vec::new(), budget: BUDGET };
        search.visit(ROOT, 0)?;
        Ok(search.best)
    }

    fn wildcard(&mut self, node: usize, slot: fn(&mut Node) -> &mut Option<usize>) -> usize {
        let new = self.nodes.len();
        let Some(child) = self.nodes.get_mut(node).map(|node| *slot(node).get_or_insert(new)) else { return ROOT };
        if child == new {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The node that `literal` leads to from `node`.
    fn literal(&mut self, mut node: usize, mut literal: &[u8]) -> usize {
        while let Some(&first) = literal.first() {
            let new = self.nodes.len();
            let Some(parent) = self.nodes.get_mut(node) else { return ROOT };
            let place = match parent.literals.binary_search_by_key(&first, |&(byte, _)| byte) {
                Ok(place) => place,
                Err(place) => {
                    parent.literals.insert(place, (first, new));
                    self.nodes.push(Node { label: literal.into(), ..Node::default() });
                    return new;
                }
            };
            let Some(&(_, child)) = parent.literals.get(place) else { return ROOT };
            let shared = self.share(child, literal);
            literal = literal.get(shared..).unwrap_or_default();
            node = child;
        }
        node
    }

    /// Cuts the label of `child` to what it has in common with `literal`; the rest moves below it.
    fn share(&mut self, child: usize, literal: &[u8]) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(child) else { return literal.len() };
        let shared = node.label.iter().zip(literal).take_while(|(one, other)| one == other).count();
        let (head, tail) = node.label.split_at(shared);
        if let Some(&first) = tail.first() {
            let (head, tail) = (Box::from(head), Box::from(tail));
            let lower = mem::replace(node, Node { label: head, literals: vec![(first, new)], ..Node::default() });
            self.nodes.push(Node { label: tail, ..lower });
        }
        shared
    }
}

impl Node {
    /// Whether a variable before this node always reaches to the end of its segment.
    fn begins_with(&self, separators: &[u8]) -> bool {
        self.any.is_none()
            && self.variable.is_none()
            && self.literals.iter().all(|(first, _)| separators.contains(first))
    }

    fn literal(&self, first: u8) -> Option<usize> {
        let place = self.literals.binary_search_by_key(&first, |&(byte, _)| byte).ok()?;
        self.literals.get(place).map(|&(_, child)| child)
    }

    const fn is_last(&self) -> bool {
        self.any.is_none() && self.variable.is_none() && self.literals.is_empty()
    }
}

/// One name on its way through the tree.
struct Search<'t> {
    trie: &'t Trie,
    name: &'t str,
    /// Where the name's first line ends.
    line: usize,
    rule_type: RuleType,
    best: Option<End>,
    /// Wildcard nodes already entered at a position, with how far they reached: later positions bring nothing new.
    covered: Vec<(usize, usize, usize)>,
    budget: u32,
}

impl Search<'_> {
    /// Goes on from a node that is reached when `at` bytes of the name are used.
    fn visit(&mut self, node: usize, at: usize) -> Result<(), TooManyWays> {
        let (mut next, mut at) = (Some(node), at);
        while let Some(node) = next.and_then(|node| self.trie.nodes.get(node)) {
            self.budget = self.budget.checked_sub(1).ok_or(TooManyWays)?;
            let rest = self.name.as_bytes().get(at..).unwrap_or_default();
            if rest.is_empty() {
                self.take(node);
            }
            if let Some(variable) = node.variable {
                self.variable(variable, at)?;
            }
            if let Some(any) = node.any {
                self.any(any, at)?;
            }
            next = rest.first().and_then(|first| node.literal(*first)).filter(|&child| {
                self.trie.nodes.get(child).is_some_and(|child| {
                    at += child.label.len();
                    rest.starts_with(&child.label)
                })
            });
        }
        Ok(())
    }

    fn variable(&mut self, node: usize, at: usize) -> Result<(), TooManyWays> {
        let rest = self.name.get(at..).unwrap_or_default();
        let separators = self.trie.separators;
        let end = at + rest.bytes().position(|byte| separators.contains(&byte)).unwrap_or(rest.len());
        match self.trie.nodes.get(node) {
            _ if end == at => Ok(()),
            Some(variable) if variable.begins_with(separators) => self.visit(node, end),
            Some(_) => self.reach(node, at, end, 1),
            None => Ok(()),
        }
    }

    fn any(&mut self, node: usize, at: usize) -> Result<(), TooManyWays> {
        let rest = self.name.get(at..).unwrap_or_default();
        let end = match at <= self.line {
            true => self.line,
            false => at + rest.find(breaks_line).unwrap_or(rest.len()),
        };
        match self.trie.nodes.get(node) {
            Some(any) if any.is_last() => {
                if end == self.name.len() {
                    self.take(any);
                }
                Ok(())
            }
            Some(_) => self.reach(node, at, end, 0),
            None => Ok(()),
        }
    }

    /// Tries every length of a wildcard that something follows.
    fn reach(&mut self, node: usize, at: usize, end: usize, shortest: usize) -> Result<(), TooManyWays> {
        let looked_at = u32::try_from(self.covered.len()).unwrap_or(u32::MAX);
        self.budget = self.budget.checked_sub(looked_at / 8).ok_or(TooManyWays)?;
        match self.covered.iter_mut().find(|(other, _, reached)| (*other, *reached) == (node, end)) {
            Some((_, start, _)) if *start <= at => return Ok(()),
            Some((_, start, _)) => *start = at,
            None => self.covered.push((node, at, end)),
        }
        for to in at + shortest..=end {
            if self.name.is_char_boundary(to) {
                self.visit(node, to)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, node: &Node) {
        let found = node.ends.iter().find(|end| end.rule_type == self.rule_type);
        if let Some(end) = found
            && self.best.is_none_or(|best| best.rank < end.rank)
        {
            self.best = Some(*end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trie(paths: &[Path]) -> Trie {
        let mut trie = Trie::default();
        let mut order: Vec<usize> = (0..paths.len()).collect();
        order.sort_by_key(|&place| paths[place].written_length());
        for (rank, place) in order.into_iter().enumerate() {
            let rank = u32::try_from(rank).unwrap();
            trie.insert(&paths[place], End { rule_type: RuleType::Read, rank, rule: place });
        }
        trie
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_tree_finds_what_trying_every_path_finds(
            texts in prop::collection::vec("[ab*ć$x/]{1,9}", 1..12),
            names in prop::collection::vec("[abcxć/\n]{0,10}", 1..8),
        ) {
            let paths: Vec<Path> = texts.iter().filter_map(|text| Path::parse(text).ok()).collect();
            let trie = trie(&paths);
            for name in names {
                let matching = (0..paths.len()).filter(|&place| paths[place].captures(&name).unwrap().is_some());
                let expected = matching.max_by_key(|&place| (paths[place].written_length(), place));
                let found = trie.find(&name, RuleType::Read).unwrap().map(|end| end.rule);
                prop_assert_eq!(found, expected, "{:?} among {:?}", name, texts);
            }
        }
    }

    #[test]
    fn a_type_that_a_path_lacks_is_not_found_there() {
        let paths = [Path::parse("*").unwrap()];
        assert_eq!(trie(&paths).find("a", RuleType::Write), Ok(None));
        assert_eq!(Trie::default().find("a", RuleType::Write), Ok(None));
    }

    #[test]
    fn a_hundred_thousand_paths_cost_no_more_than_one() {
        let paths: Vec<Path> = (0..100_000).map(|n| Path::parse(&format!("{n}/$x/y{n}*")).unwrap()).collect();
        let trie = trie(&paths);
        let mut search = Search {
            trie: &trie,
            name: "77777/a/y77777/b",
            line: 16,
            rule_type: RuleType::Read,
            best: None,
            covered: Vec::new(),
            budget: BUDGET,
        };
        search.visit(ROOT, 0).unwrap();
        assert_eq!(search.best.map(|end| end.rule), Some(77_777));
        assert!(BUDGET - search.budget < 20);
    }

    #[test]
    fn a_name_made_to_be_slow_is_given_up() {
        let paths = [Path::parse(&format!("{}b", "*a".repeat(60))).unwrap()];
        assert_eq!(trie(&paths).find(&"a".repeat(60_000), RuleType::Read), Err(TooManyWays));
    }
}
