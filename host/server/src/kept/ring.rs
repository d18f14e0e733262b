//! The newest decisions within a number of bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{KeptDecision, Key};

/// Oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    decisions: VecDeque<Held>,
    budget: usize,
    weight: usize,
    latest: u64,
    count: u64,
}

/// A decision with its weight, weighed once.
#[derive(Debug)]
struct Held {
    key: Key,
    weight: usize,
    decision: Arc<KeptDecision>,
}

impl Ring {
    pub(super) const fn new(budget: usize) -> Self {
        Self { decisions: VecDeque::new(), budget, weight: 0, latest: 0, count: 0 }
    }

    /// Keys stay in order, even if the clock is set back. Comes back with what made room, to be dropped where nobody waits for it.
    pub(super) fn push(
        &mut self,
        now: u64,
        weight: usize,
        decision: Arc<KeptDecision>,
    ) -> (Key, Vec<Arc<KeptDecision>>) {
        self.latest = self.latest.max(now);
        self.count += 1;
        let key = Key::new(self.latest, self.count);
        self.weight += weight;
        self.decisions.push_back(Held { key, weight, decision });
        let mut evicted = Vec::new();
        while self.weight > self.budget {
            let Some(oldest) = self.decisions.pop_front() else { break };
            self.weight -= oldest.weight;
            evicted.push(oldest.decision);
        }
        (key, evicted)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = (Key, &Arc<KeptDecision>)> {
        self.decisions.iter().rev().map(|held| (held.key, &held.decision))
    }

    pub(super) fn oldest(&self) -> Option<Key> {
        self.decisions.front().map(|held| held.key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Detail;
    use super::*;

    #[test]
    fn the_oldest_make_room_within_the_budget() {
        let findings = || Detail::Findings(Vec::new());
        let decision = || KeptDecision { id: "i".repeat(400), ..KeptDecision::sample(findings()) };
        let mut ring = Ring::new(10_000);
        for number in 0..100 {
            let decision = Arc::new(decision());
            let (_, evicted) = ring.push(if number < 50 { 2 } else { 1 }, decision.weight(), decision);
            drop(evicted);
        }
        let kept: Vec<Key> = ring.newest_first().map(|(key, _)| key).collect();
        assert_eq!(kept, (91..=100).rev().map(|number| Key::new(2, number)).collect::<Vec<_>>());
        assert_eq!(ring.oldest(), Some(Key::new(2, 91)));
    }
}
