//! Turns a parsed expression into steps.

use oxc_regular_expression::ast::{
    Alternative, BoundaryAssertionKind, CharacterClass, CharacterClassContents, CharacterClassContentsKind,
    CharacterClassEscapeKind, Disjunction, LookAroundAssertionKind, Pattern, Quantifier, Term,
};

use super::class::{Class, Fold, Named};
use super::{Flags, RefusedRegex};

/// One step of a run; positions are of steps.
#[derive(Debug)]
pub(crate) enum Step {
    /// This unit; canonical where case is ignored.
    Unit(u32, Way),
    Dot(Way),
    Class(Class, Way),
    /// What the group matched, again.
    Again(usize, Way),
    /// The same, for the group of that name which has matched.
    AgainAny(Box<[usize]>, Way),
    Start,
    End,
    Boundary,
    NoBoundary,
    /// Goes on at the first, and comes back to the second.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    /// Forgets the slots from the first to before the second.
    Clear(usize, usize),
    /// Fails where nothing was read since the slot was saved.
    Progress(usize),
    /// Runs the steps that follow, up to their `Match`, and goes on at the position.
    Look {
        expected: Expected,
        end: usize,
    },
    Match,
}

/// What is to be found where a pattern only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Match,
    None,
}

/// In which direction the text is read: backwards inside a lookbehind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Backward,
}

pub(crate) struct Compiled {
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: usize,
    pub(crate) groups: usize,
    pub(crate) names: Vec<(Box<str>, usize)>,
}

/// The most steps of one expression.
const MOST_STEPS: usize = 5_000;

pub(crate) fn compile(pattern: &Pattern<'_>, flags: Flags) -> Result<Compiled, RefusedRegex> {
    let mut names = Vec::new();
    let groups = 1 + count_groups(&pattern.body, 1, &mut names);
    let fold = match (flags.ignore_case, flags.unicode) {
        (false, _) => None,
        (true, false) => Some(Fold::Upper),
        (true, true) => Some(Fold::Unicode),
    };
    let mut compiler = Compiler { steps: Vec::new(), slots: groups * 2, next_group: 1, fold, names, way: Way::Forward };
    compiler.push(Step::Save(0))?;
    compiler.disjunction(&pattern.body)?;
    compiler.push(Step::Save(1))?;
    compiler.push(Step::Match)?;
    Ok(Compiled { steps: compiler.steps, slots: compiler.slots, groups, names: compiler.names })
}

struct Compiler {
    steps: Vec<Step>,
    slots: usize,
    next_group: usize,
    fold: Option<Fold>,
    names: Vec<(Box<str>, usize)>,
    way: Way,
}

impl Compiler {
    fn push(&mut self, step: Step) -> Result<usize, RefusedRegex> {
        if self.steps.len() >= MOST_STEPS {
            return Err(RefusedRegex::TooLarge);
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(place) = self.steps.get_mut(at) {
            *place = step;
        }
    }

    fn disjunction(&mut self, disjunction: &Disjunction<'_>) -> Result<(), RefusedRegex> {
        let mut jumps = Vec::new();
        for (place, alternative) in disjunction.body.iter().enumerate() {
            let split = if place + 1 < disjunction.body.len() { Some(self.push(Step::Match)?) } else { None };
            self.alternative(alternative)?;
            if let Some(split) = split {
                jumps.push(self.push(Step::Match)?);
                self.set(split, Step::Split(split + 1, self.steps.len()));
            }
        }
        for jump in jumps {
            self.set(jump, Step::Jump(self.steps.len()));
        }
        Ok(())
    }

    fn alternative(&mut self, alternative: &Alternative<'_>) -> Result<(), RefusedRegex> {
        match self.way {
            Way::Forward => alternative.body.iter().try_for_each(|term| self.term(term)),
            Way::Backward => self.alternative_backward(alternative),
        }
    }

    /// Groups keep their numbers from left to right, though they are met from right to left.
    fn alternative_backward(&mut self, alternative: &Alternative<'_>) -> Result<(), RefusedRegex> {
        let mut group = self.next_group;
        let mut first_groups = Vec::new();
        for term in &alternative.body {
            first_groups.push(group);
            group += count_groups_in(term, group, &mut Vec::new());
        }
        for (term, first) in alternative.body.iter().zip(first_groups).rev() {
            self.next_group = first;
            self.term(term)?;
        }
        self.next_group = group;
        Ok(())
    }

    fn term(&mut self, term: &Term<'_>) -> Result<(), RefusedRegex> {
        let way = self.way;
        let unsupported = |what| Err(RefusedRegex::Unsupported { what });
        let step = match term {
            Term::BoundaryAssertion(assertion) => match assertion.kind {
                BoundaryAssertionKind::Start => Step::Start,
                BoundaryAssertionKind::End => Step::End,
                BoundaryAssertionKind::Boundary => Step::Boundary,
                BoundaryAssertionKind::NegativeBoundary => Step::NoBoundary,
            },
            Term::Character(character) => {
                Step::Unit(self.fold.map_or(character.value, |fold| fold.canonical(character.value)), way)
            }
            Term::Dot(_) => Step::Dot(way),
            Term::CharacterClassEscape(escape) => {
                let mut class = Class::default();
                self.add_escape(&mut class, escape.kind);
                Step::Class(class, way)
            }
            Term::CharacterClass(class) => Step::Class(self.class(class)?, way),
            Term::IndexedReference(reference) => Step::Again(reference.index as usize, way),
            Term::NamedReference(reference) => {
                let named = |(name, group): &(Box<str>, usize)| (**name == *reference.name).then_some(*group);
                Step::AgainAny(self.names.iter().filter_map(named).collect(), way)
            }
            Term::UnicodePropertyEscape(_) => return unsupported("a Unicode property such as `\\p{L}`"),
            Term::LookAroundAssertion(look) => return self.look(look.kind, &look.body),
            Term::Quantifier(quantifier) => return self.quantifier(quantifier),
            Term::IgnoreGroup(group) if group.modifiers.is_some() => return unsupported("a modifier such as `(?i:`"),
            Term::IgnoreGroup(group) => return self.disjunction(&group.body),
            Term::CapturingGroup(group) => return self.group(&group.body),
        };
        self.push(step).map(drop)
    }

    fn group(&mut self, body: &Disjunction<'_>) -> Result<(), RefusedRegex> {
        let slot = self.next_group * 2;
        self.next_group += 1;
        let (first, last) = match self.way {
            Way::Forward => (slot, slot + 1),
            Way::Backward => (slot + 1, slot),
        };
        self.push(Step::Save(first))?;
        self.disjunction(body)?;
        self.push(Step::Save(last)).map(drop)
    }

    fn look(&mut self, kind: LookAroundAssertionKind, body: &Disjunction<'_>) -> Result<(), RefusedRegex> {
        let (expected, way) = match kind {
            LookAroundAssertionKind::Lookahead => (Expected::Match, Way::Forward),
            LookAroundAssertionKind::NegativeLookahead => (Expected::None, Way::Forward),
            LookAroundAssertionKind::Lookbehind => (Expected::Match, Way::Backward),
            LookAroundAssertionKind::NegativeLookbehind => (Expected::None, Way::Backward),
        };
        let outer = std::mem::replace(&mut self.way, way);
        let start = self.push(Step::Match)?;
        self.disjunction(body)?;
        self.push(Step::Match)?;
        self.way = outer;
        self.set(start, Step::Look { expected, end: self.steps.len() });
        Ok(())
    }

    fn quantifier(&mut self, quantifier: &Quantifier<'_>) -> Result<(), RefusedRegex> {
        let group = self.next_group;
        let groups = count_groups_in(&quantifier.body, group, &mut Vec::new());
        for _ in 0..quantifier.min {
            self.once(quantifier, group..group + groups)?;
        }
        match quantifier.max {
            None => {
                let split = self.optional(quantifier, group..group + groups)?;
                self.push(Step::Jump(split))?;
                self.branch(quantifier, split);
            }
            Some(max) => {
                let mut splits = Vec::new();
                for _ in quantifier.min..max {
                    splits.push(self.optional(quantifier, group..group + groups)?);
                }
                splits.into_iter().for_each(|split| self.branch(quantifier, split));
            }
        }
        self.next_group = group + groups;
        Ok(())
    }

    fn once(&mut self, quantifier: &Quantifier<'_>, groups: std::ops::Range<usize>) -> Result<(), RefusedRegex> {
        self.next_group = groups.start;
        if !groups.is_empty() {
            self.push(Step::Clear(groups.start * 2, groups.end * 2))?;
        }
        // A step for each repetition, so that even an empty body counts.
        self.push(Step::Jump(self.steps.len() + 1))?;
        self.term(&quantifier.body)
    }

    /// One more repetition, which must read something; answers where the choice is made.
    fn optional(&mut self, quantifier: &Quantifier<'_>, groups: std::ops::Range<usize>) -> Result<usize, RefusedRegex> {
        let slot = self.slots;
        self.slots += 1;
        let split = self.push(Step::Match)?;
        self.push(Step::Save(slot))?;
        self.once(quantifier, groups)?;
        self.push(Step::Progress(slot))?;
        Ok(split)
    }

    /// Lets the choice at `split` leave the repetition for what follows now.
    fn branch(&mut self, quantifier: &Quantifier<'_>, split: usize) {
        let (more, leave) = (split + 1, self.steps.len());
        self.set(split, if quantifier.greedy { Step::Split(more, leave) } else { Step::Split(leave, more) });
    }

    fn class(&self, written: &CharacterClass<'_>) -> Result<Class, RefusedRegex> {
        let sets = RefusedRegex::Unsupported { what: "a set operation of the flag `v`" };
        if written.strings || written.kind != CharacterClassContentsKind::Union {
            return Err(sets);
        }
        let mut class = Class { negative: written.negative, ..Class::default() };
        for content in &written.body {
            match content {
                CharacterClassContents::Character(character) => class.add(character.value, character.value),
                CharacterClassContents::CharacterClassRange(range) => class.add(range.min.value, range.max.value),
                CharacterClassContents::CharacterClassEscape(escape) => self.add_escape(&mut class, escape.kind),
                CharacterClassContents::UnicodePropertyEscape(_) => {
                    return Err(RefusedRegex::Unsupported { what: "a Unicode property such as `\\p{L}`" });
                }
                CharacterClassContents::NestedCharacterClass(_) | CharacterClassContents::ClassStringDisjunction(_) => {
                    return Err(sets);
                }
            }
        }
        Ok(class)
    }

    fn add_escape(&self, class: &mut Class, kind: CharacterClassEscapeKind) {
        let word = if self.fold == Some(Fold::Unicode) { Named::FoldedWord } else { Named::Word };
        match kind {
            CharacterClassEscapeKind::D => class.add_named(Named::Digit),
            CharacterClassEscapeKind::S => class.add_named(Named::Blank),
            CharacterClassEscapeKind::W => class.add_named(word),
            CharacterClassEscapeKind::NegativeD => class.add_all_but(Named::Digit),
            CharacterClassEscapeKind::NegativeS => class.add_all_but(Named::Blank),
            CharacterClassEscapeKind::NegativeW => class.add_all_but(word),
        }
    }
}

/// How many groups there are; the first has the number `next`.
fn count_groups(disjunction: &Disjunction<'_>, next: usize, names: &mut Vec<(Box<str>, usize)>) -> usize {
    let terms = disjunction.body.iter().flat_map(|alternative| &alternative.body);
    terms.fold(0, |count, term| count + count_groups_in(term, next + count, names))
}

fn count_groups_in(term: &Term<'_>, next: usize, names: &mut Vec<(Box<str>, usize)>) -> usize {
    match term {
        Term::CapturingGroup(group) => {
            names.extend(group.name.map(|name| (name.as_str().into(), next)));
            1 + count_groups(&group.body, next + 1, names)
        }
        Term::LookAroundAssertion(look) => count_groups(&look.body, next, names),
        Term::Quantifier(quantifier) => count_groups_in(&quantifier.body, next, names),
        Term::IgnoreGroup(group) => count_groups(&group.body, next, names),
        Term::BoundaryAssertion(_)
        | Term::Character(_)
        | Term::Dot(_)
        | Term::CharacterClassEscape(_)
        | Term::UnicodePropertyEscape(_)
        | Term::CharacterClass(_)
        | Term::IndexedReference(_)
        | Term::NamedReference(_) => 0,
    }
}
