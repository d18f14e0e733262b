//! Runs an expression at one place of a text, with its own stack for coming back.

use super::class::{self, Fold};
use super::compile::{Expected, Step, Way};
use super::{Budget, Exhausted, Groups, Regex, Units};

/// Where to come back to.
enum Back {
    To { step: usize, at: usize },
    Slot { slot: usize, was: Option<usize> },
}

/// One attempt.
struct Run<'r> {
    regex: &'r Regex,
    units: &'r Units<'r>,
    budget: &'r Budget,
    fold: Option<Fold>,
    slots: Vec<Option<usize>>,
    back: Vec<Back>,
}

/// The groups of the match that starts at unit `start`.
pub(super) fn run(
    regex: &Regex,
    units: &Units<'_>,
    start: usize,
    budget: &Budget,
) -> Result<Option<Groups>, Exhausted> {
    let fold = match (regex.flags.ignore_case, regex.flags.unicode) {
        (false, _) => None,
        (true, false) => Some(Fold::Upper),
        (true, true) => Some(Fold::Unicode),
    };
    let mut run = Run { regex, units, budget, fold, slots: vec![None; regex.slots], back: Vec::new() };
    if !run.steps(0, start)? {
        return Ok(None);
    }
    let slot = |slot: usize| run.slots.get(slot).copied().flatten();
    Ok(Some((0..regex.groups).map(|group| slot(group * 2).zip(slot(group * 2 + 1))).collect()))
}

impl Run<'_> {
    /// Runs from a step to its `Match`; on failure all slots are as they were.
    fn steps(&mut self, step: usize, at: usize) -> Result<bool, Exhausted> {
        let base = self.back.len();
        let (mut step, mut at) = (step, at);
        loop {
            self.budget.spend(1)?;
            let next = match self.regex.steps.get(step) {
                Some(Step::Match) | None => return Ok(true),
                Some(Step::Jump(to)) => Some((*to, at)),
                Some(Step::Split(first, second)) => {
                    self.back.push(Back::To { step: *second, at });
                    Some((*first, at))
                }
                Some(Step::Save(slot)) => {
                    self.save(*slot, Some(at));
                    Some((step + 1, at))
                }
                Some(Step::Clear(from, to)) => {
                    (*from..*to).for_each(|slot| self.save(slot, None));
                    Some((step + 1, at))
                }
                Some(Step::Look { expected, end }) => self.look(step + 1, at, *expected)?.then_some((*end, at)),
                Some(other) => self.read(other, at)?.map(|at| (step + 1, at)),
            };
            match next.or_else(|| self.come_back(base)) {
                Some(next) => (step, at) = next,
                None => return Ok(false),
            }
        }
    }

    /// Where a step that reads or asserts leads.
    fn read(&self, step: &Step, at: usize) -> Result<Option<usize>, Exhausted> {
        let holds = |holds: bool| Ok(holds.then_some(at));
        match step {
            Step::Unit(unit, way) => {
                Ok(self.one(at, *way, |found| self.fold.map_or(found, |fold| fold.canonical(found)) == *unit))
            }
            Step::Dot(way) => Ok(self.one(at, *way, |found| self.regex.flags.dot_all || !class::ends_line(found))),
            Step::Class(class, way) => Ok(self.one(at, *way, |found| class.contains(found, self.fold))),
            Step::Again(group, way) => self.again(*group, at, *way),
            Step::AgainAny(groups, way) => {
                let matched = groups.iter().find(|&&group| self.group(group).is_some());
                matched.map_or(Ok(Some(at)), |&group| self.again(group, at, *way))
            }
            Step::Start => holds(at == 0 || (self.regex.flags.multiline && self.breaks_line(at.checked_sub(1)))),
            Step::End => holds(at == self.units.len() || (self.regex.flags.multiline && self.breaks_line(Some(at)))),
            Step::Boundary => holds(self.at_boundary(at)),
            Step::NoBoundary => holds(!self.at_boundary(at)),
            Step::Progress(slot) => holds(self.slots.get(*slot).copied().flatten() != Some(at)),
            Step::Match | Step::Jump(_) | Step::Split(_, _) | Step::Save(_) | Step::Clear(_, _) | Step::Look { .. } => {
                holds(true)
            }
        }
    }

    fn one(&self, at: usize, way: Way, fits: impl Fn(u32) -> bool) -> Option<usize> {
        let (place, next) = match way {
            Way::Forward => (at, at + 1),
            Way::Backward => (at.checked_sub(1)?, at - 1),
        };
        self.units.get(place).filter(|&unit| fits(unit)).map(|_| next)
    }

    fn again(&self, group: usize, at: usize, way: Way) -> Result<Option<usize>, Exhausted> {
        let Some((from, to)) = self.group(group) else { return Ok(Some(at)) };
        let length = to.saturating_sub(from);
        self.budget.spend(u32::try_from(length).unwrap_or(u32::MAX))?;
        let start = match way {
            Way::Forward => Some(at),
            Way::Backward => at.checked_sub(length),
        };
        let canonical =
            |place: usize| self.units.get(place).map(|unit| self.fold.map_or(unit, |fold| fold.canonical(unit)));
        let same = |start: &usize| {
            (0..length).all(|offset| {
                let found = canonical(start + offset);
                found.is_some() && found == canonical(from + offset)
            })
        };
        Ok(start.filter(same).map(|start| if way == Way::Forward { start + length } else { start }))
    }

    fn group(&self, group: usize) -> Option<(usize, usize)> {
        let slot = |slot: usize| self.slots.get(slot).copied().flatten();
        slot(group * 2).zip(slot(group * 2 + 1))
    }

    fn look(&mut self, step: usize, at: usize, expected: Expected) -> Result<bool, Exhausted> {
        let (base, before) = (self.back.len(), self.slots.clone());
        self.budget.spend(u32::try_from(before.len()).unwrap_or(u32::MAX))?;
        let found = self.steps(step, at)?;
        // What matched inside is settled: nothing comes back into it.
        self.back.truncate(base);
        let after = std::mem::replace(&mut self.slots, before);
        if found && expected == Expected::Match {
            for (slot, now) in after.into_iter().enumerate() {
                if self.slots.get(slot) != Some(&now) {
                    self.save(slot, now);
                }
            }
        }
        Ok(found == (expected == Expected::Match))
    }

    fn save(&mut self, slot: usize, now: Option<usize>) {
        if let Some(place) = self.slots.get_mut(slot) {
            let was = std::mem::replace(place, now);
            self.back.push(Back::Slot { slot, was });
        }
    }

    fn come_back(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.back.len() > base {
            match self.back.pop()? {
                Back::To { step, at } => return Some((step, at)),
                Back::Slot { slot, was } => {
                    if let Some(place) = self.slots.get_mut(slot) {
                        *place = was;
                    }
                }
            }
        }
        None
    }

    fn breaks_line(&self, at: Option<usize>) -> bool {
        at.and_then(|at| self.units.get(at)).is_some_and(class::ends_line)
    }

    fn at_boundary(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.units.get(at));
        class::is_word(before, self.fold) != class::is_word(self.units.get(at), self.fold)
    }
}
