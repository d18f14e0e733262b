//! From a document to a policy, collecting every fault on the way.

use crate::document::{self, Content, Member, Node, Position};
use crate::fault::{Fault, FaultKind, Faults, Place, Warning, WarningKind};
use crate::number::index_of_key;
use crate::path::Path;
use crate::policy::{PlacedPath, PlacedRule, Policy};
use crate::rule::{self, Located, RefusedRule, Rule, Written};
use crate::section::Section;
use crate::show;
use crate::trie::End;

/// How many faults are kept.
const MOST_FAULTS: usize = 1_000;

pub(super) fn load(text: &str) -> Result<Policy, Faults> {
    let mut misplaced = Vec::new();
    let mut loader = Loader::new();
    match document::read(text, &mut misplaced) {
        Ok(document) => loader.document(&document),
        Err((kind, at)) => loader.fault(at, Place::default(), kind),
    }
    for (kind, at) in misplaced {
        loader.fault(at, Place::default(), kind);
    }
    if loader.faults.is_empty() {
        return Ok(loader.policy);
    }
    loader.faults.sort_by_key(|fault| fault.position);
    Err(Faults { faults: loader.faults, more: loader.more })
}

struct Loader {
    policy: Policy,
    faults: Vec<Fault>,
    more: usize,
}

impl Loader {
    fn new() -> Self {
        let policy = Policy {
            tries: Default::default(),
            paths: Vec::new(),
            rules: Vec::new(),
            warnings: Vec::new(),
            most_passes: Policy::DEFAULT_PASSES,
        };
        Self { policy, faults: Vec::new(), more: 0 }
    }

    fn fault(&mut self, position: Position, place: Place, kind: impl Into<FaultKind>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { position, place, kind: kind.into() });
        } else {
            self.more += 1;
        }
    }

    fn warn(&mut self, position: Position, place: Place, kind: impl Into<WarningKind>) {
        if self.policy.warnings.len() < MOST_FAULTS {
            self.policy.warnings.push(Warning { position, place, kind: kind.into() });
        }
    }

    fn document(&mut self, document: &Node) {
        let Content::Mapping(members) = &document.content else {
            return self.fault(document.at, Place::default(), FaultKind::NotAMap);
        };
        if members.is_empty() {
            return self.fault(document.at, Place::default(), FaultKind::NoSection);
        }
        let sections: Vec<_> = members.iter().map(|member| Section::named(&member.key)).collect();
        if sections.iter().flatten().any(|section| section.is_valve()) {
            // Documents of the older era have no presence.
            for needed in [Section::Record, Section::Event, Section::Rpc] {
                if !sections.contains(&Some(needed)) {
                    self.fault(document.at, Place::default(), FaultKind::MissingSection(needed));
                }
            }
        }
        for (member, section) in members.iter().zip(sections) {
            match section {
                Some(section) => self.section(section, member),
                None => {
                    let like = similar(&member.key, Section::ALL.iter().map(|section| section.name()));
                    let kind = FaultKind::UnknownSection { name: show::cut(&member.key), like };
                    self.fault(member.at, Place::default(), kind);
                }
            }
        }
    }

    fn section(&mut self, section: Section, member: &Member) {
        let place = Place { section: Some(section.to_string()), ..Place::default() };
        let Content::Mapping(paths) = &member.value.content else {
            return self.fault(member.value.at, place, FaultKind::SectionNotAMap);
        };
        if paths.is_empty() {
            return self.fault(member.value.at, place, FaultKind::EmptySection);
        }
        let is_root = |path: &&Member| *path.key == *"*";
        let root = paths.iter().find(is_root).filter(|root| !matches!(root.value.content, Content::Null));
        if section.is_valve() && root.is_none() {
            self.fault(member.at, place, FaultKind::NoRoot);
        }
        let first = self.policy.paths.len();
        for path in paths {
            self.path(section, path);
        }
        self.rank(section, first);
    }

    fn path(&mut self, section: Section, member: &Member) {
        let place =
            Place { section: Some(section.to_string()), path: Some(show::cut(&member.key)), ..Place::default() };
        let path = match Path::parse(&member.key) {
            Ok(path) => path.of(section),
            Err(malformed) => return self.fault(member.at, place, malformed),
        };
        self.warn_of_path(member, &place);
        let rules = match &member.value.content {
            Content::Mapping(rules) => rules.as_slice(),
            Content::Null => &[],
            Content::Bool(_) | Content::Text(_) | Content::List(_) | Content::Other => {
                return self.fault(member.value.at, place, FaultKind::RulesNotAMap);
            }
        };
        for rule in rules {
            self.rule(section, &path, rule);
        }
        self.policy.paths.push(PlacedPath { path, section, at: member.at, rank: 0 });
    }

    fn warn_of_path(&mut self, member: &Member, place: &Place) {
        if matches!(member.value.content, Content::Null) && *member.key != *"*" {
            self.warn(member.at, place.clone(), WarningKind::NoRules);
        }
        if member.key.contains(['"', '\'']) {
            self.warn(member.at, place.clone(), WarningKind::QuotesInPath);
        }
        let last = member.key.strip_suffix('$').map(|_| '$');
        if let Some(sign) = member.key.chars().find(|sign| "+?()[]{}|^\\".contains(*sign)).or(last) {
            self.warn(member.at, place.clone(), WarningKind::RegexInPath { sign });
        }
    }

    fn rule(&mut self, section: Section, path: &Path, member: &Member) {
        let place = Place {
            section: Some(section.to_string()),
            path: Some(show::cut(path.as_str())),
            rule: Some(show::cut(&member.key)),
        };
        let Some(rule_type) = section.rule_types().iter().copied().find(|rule| *rule.name() == *member.key) else {
            let like = similar(&member.key, section.rule_types().iter().map(|rule| rule.name()));
            let kind = FaultKind::UnknownRuleType { section, name: show::cut(&member.key), like };
            return self.fault(member.at, place, kind);
        };
        let rule = match &member.value.content {
            Content::Bool(value) => Rule::Constant(*value),
            Content::Text(text) => {
                let mut warnings = Vec::new();
                let parsed = Written::parse(text, rule::Place { section, rule: rule_type, path }, &mut warnings);
                for Located { what, at } in warnings {
                    self.warn(within(&member.value, text, at), place.clone(), what);
                }
                match parsed {
                    Ok(written) => Rule::Expression(Box::new(written)),
                    Err(Located { what, at }) => return self.fault(within(&member.value, text, at), place, what),
                }
            }
            Content::Null | Content::Mapping(_) | Content::List(_) | Content::Other => {
                return self.fault(member.value.at, place, RefusedRule::NotAText);
            }
        };
        let path = self.policy.paths.len();
        self.policy.rules.push(PlacedRule { path, rule_type, rule, at: member.at });
    }

    /// Orders the section's paths by how specific they are, and puts their rules into its tree.
    fn rank(&mut self, section: Section, first: usize) {
        let Policy { tries, paths, rules, .. } = &mut self.policy;
        let Some(paths) = paths.get_mut(first..) else { return };
        // The order of a JavaScript object: keys that are numbers first, by size, the others as written.
        let mut order: Vec<_> = paths.iter().enumerate().collect();
        order.sort_by_key(|(place, path)| {
            let number = index_of_key(path.path.as_str());
            (path.path.written_length(), number.is_none(), number.unwrap_or(*place))
        });
        let order: Vec<usize> = order.into_iter().map(|(place, _)| place).collect();
        for (rank, place) in (0..).zip(order) {
            if let Some(path) = paths.get_mut(place) {
                path.rank = rank;
            }
        }
        let Some(trie) = tries.get_mut(section as usize) else { return };
        let start = rules.partition_point(|rule| rule.path < first);
        for (rule, placed) in rules.iter().enumerate().skip(start) {
            if let Some(path) = placed.path.checked_sub(first).and_then(|path| paths.get(path)) {
                trie.insert(&path.path, End { rule_type: placed.rule_type, rank: path.rank, rule });
            }
        }
    }
}

/// Where something within a rule's text is in the document; the rule's start where that is not known.
fn within(value: &Node, text: &str, at: Option<std::ops::Range<usize>>) -> Position {
    match (value.verbatim, at) {
        (Some(quote), Some(at)) => {
            let start = Position { column: value.at.column + quote, ..value.at };
            start.after(text.get(..at.start).unwrap_or_default())
        }
        (Some(_) | None, _) => value.at,
    }
}

fn similar<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    // Measuring takes memory for every letter.
    let names = names.filter(|known| name.len() <= 2 * known.len());
    let close = names.map(|known| (strsim::damerau_levenshtein(name, known), known));
    close.filter(|(distance, known)| *distance <= 1 + known.len() / 4).min().map(|(_, known)| known.to_owned())
}
