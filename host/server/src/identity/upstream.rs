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

/// The validator is down, or too many ask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Down;

impl Upstream {
    pub(super) fn new(resilience: Resilience, clock: Clock) -> Self {
        let Resilience { failures, pause, calls, waiting } = resilience;
        Self { gate: Gate::new(calls as usize, waiting as usize), breaker: Breaker::new(failures, pause, clock) }
    }

    /// Makes a call when it is its turn, if the validator is not left alone just then.
    pub(super) async fn call<T>(&self, call: impl Future<Output = Result<T, Down>>) -> Result<T, Down> {
        let _turn = self.gate.enter().await.ok_or(Down)?;
        let attempt = self.breaker.admit().ok_or(Down)?;
        let answer = call.await;
        match &answer {
            Ok(_) => attempt.succeeded(),
            Err(Down) => attempt.failed(),
        }
        answer
    }
}
