//! A circuit breaker: a validator that failed again and again is left alone for a while, then tried by one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Says whether a validator is asked at all.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    pause: u64,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked; so many failures in a row.
    Closed { failures: u32 },
    /// Not asked before this instant.
    Open { until: u64 },
    /// One caller tries.
    Probing,
}

/// Leave to ask once. Dropped without a verdict, it says nothing about the validator.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    breaker: &'a Breaker,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Probe,
    Told,
}

impl Breaker {
    /// Opens after `failures` in a row, for `pause`.
    pub(super) fn new(failures: u32, pause: Duration, clock: Clock) -> Self {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        Self { failures, pause, clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Nothing while the validator is left alone.
    pub(super) fn admit(&self) -> Option<Attempt<'_>> {
        let mut state = self.state();
        let kind = match *state {
            State::Closed { .. } => Kind::Ordinary,
            State::Open { until } if !self.is_ahead(until) => {
                *state = State::Probing;
                Kind::Probe
            }
            State::Open { .. } | State::Probing => return None,
        };
        Some(Attempt { breaker: self, kind })
    }

    /// A clock that was set back does not lengthen the pause for ever.
    fn is_ahead(&self, until: u64) -> bool {
        let now = self.clock.millis();
        now < until && until - now <= self.pause
    }

    fn open(&self) -> State {
        State::Open { until: self.clock.millis().saturating_add(self.pause) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The validator answered, whatever it said.
    pub(super) fn succeeded(mut self) {
        let mut state = self.breaker.state();
        match (self.kind, *state) {
            (Kind::Probe, _) | (Kind::Ordinary, State::Closed { .. }) => *state = State::Closed { failures: 0 },
            (Kind::Ordinary | Kind::Told, _) => {}
        }
        drop(state);
        self.kind = Kind::Told;
    }

    /// The validator gave no answer that can be used.
    pub(super) fn failed(mut self) {
        let mut state = self.breaker.state();
        match (self.kind, *state) {
            (Kind::Probe, _) => *state = self.breaker.open(),
            (Kind::Ordinary, State::Closed { failures }) if failures + 1 >= self.breaker.failures => {
                tracing::warn!(failures = failures + 1, pause_ms = self.breaker.pause, "validator left alone");
                *state = self.breaker.open();
            }
            (Kind::Ordinary, State::Closed { failures }) => *state = State::Closed { failures: failures + 1 },
            (Kind::Ordinary | Kind::Told, _) => {}
        }
        drop(state);
        self.kind = Kind::Told;
    }
}

/// A caller that went away: no failure, or callers could close a validator to all others; but the next may probe.
impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.kind == Kind::Probe {
            *self.breaker.state() = State::Open { until: self.breaker.clock.millis() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::Breaker;
    use crate::clock::Clock;

    fn breaker(failures: u32) -> (Breaker, Arc<AtomicU64>) {
        let time = Arc::new(AtomicU64::new(1_000_000));
        let of_clock = Arc::clone(&time);
        let clock = Clock::controlled(move || of_clock.load(Ordering::SeqCst));
        (Breaker::new(failures, Duration::from_secs(5), clock), time)
    }

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.admit().unwrap().failed();
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_among_them_does_not() {
        let (breaker, _) = breaker(3);
        fail(&breaker, 2);
        breaker.admit().unwrap().succeeded();
        fail(&breaker, 2);
        assert!(breaker.admit().is_some());
        fail(&breaker, 1);
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn after_its_pause_one_tries_and_decides_for_all() {
        for (is_up, expected) in [(true, true), (false, false)] {
            let (breaker, time) = breaker(1);
            fail(&breaker, 1);
            time.fetch_add(4_999, Ordering::SeqCst);
            assert!(breaker.admit().is_none(), "the pause is not over");
            time.fetch_add(1, Ordering::SeqCst);
            let probe = breaker.admit().unwrap();
            assert!(breaker.admit().is_none(), "one is enough");
            if is_up {
                probe.succeeded()
            } else {
                probe.failed()
            }
            assert_eq!(breaker.admit().is_some(), expected);
        }
    }

    #[test]
    fn a_caller_that_goes_away_is_no_failure_and_leaves_the_probe_to_the_next() {
        let (breaker, time) = breaker(1);
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_some());
        fail(&breaker, 1);
        time.fetch_add(5_000, Ordering::SeqCst);
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().succeeded();
        assert!(breaker.admit().is_some());
    }

    #[test]
    fn what_was_asked_before_it_opened_does_not_close_it() {
        let (breaker, _) = breaker(1);
        let early = breaker.admit().unwrap();
        fail(&breaker, 1);
        early.succeeded();
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let (breaker, time) = breaker(1);
        fail(&breaker, 1);
        time.fetch_sub(600_000, Ordering::SeqCst);
        assert!(breaker.admit().is_some());
    }
}
