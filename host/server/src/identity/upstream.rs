//! A validator outside: asked by few at once, and left alone while it is down.

use super::breaker::Breaker;
use super::gate::Gate;
use crate::clock::Clock;
use crate::manifest::Resilience;

/// Guards the calls to one validator.
#[derive(Debug)]
pub(super) struct Upstream {
    gate: Gate,
    breaker: Breaker,
}

/// Why there is no answer that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    /// Too many ask.
    Crowded,
    /// It is left alone, for it failed before.
    LeftAlone,
    /// It had its full time, and there was no answer, or its gateway's that it is not there.
    Gone,
    /// An answer that cannot be used; a caller might bring it about.
    Garbled,
    /// It answers, but not this time; a caller might bring that about as well.
    Reluctant,
    /// It was not asked, or had too little time: that says nothing about it.
    Untried,
}

impl Upstream {
    pub(super) fn new(resilience: Resilience, clock: Clock) -> Self {
        let Resilience { failures, pause, calls, waiting } = resilience;
        Self { gate: Gate::new(calls as usize, waiting as usize), breaker: Breaker::new(failures, pause, clock) }
    }

    /// Makes a call when it is its turn, if the validator is not left alone just then.
    ///
    /// Only a failure that no caller can bring about counts, or one could have it left alone for all others.
    pub(super) async fn call<T>(&self, call: impl Future<Output = Result<T, Down>>) -> Result<T, Down> {
        let _turn = self.gate.enter().await.ok_or(Down::Crowded)?;
        let attempt = self.breaker.admit().ok_or(Down::LeftAlone)?;
        let answer = call.await;
        match &answer {
            Ok(_) | Err(Down::Garbled) => attempt.succeeded(),
            Err(Down::Gone) => attempt.failed(),
            Err(Down::Crowded | Down::LeftAlone | Down::Reluctant | Down::Untried) => drop(attempt),
        }
        answer
    }
}

impl Down {
    /// Whether the validator is surely down, whoever asks.
    pub(super) const fn is_certain(self) -> bool {
        match self {
            Self::LeftAlone | Self::Gone => true,
            Self::Crowded | Self::Garbled | Self::Reluctant | Self::Untried => false,
        }
    }
}
