//! Fairness between guests: who computes longer than a slice waits in a slow lane that its neighbours pass by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::UpdateDeadline;

use crate::ticker::TICK;

/// Ticks that a guest computes before it is sent to the slow lane.
const SLICE_TICKS: u32 = 4;

/// The slow lane runs one tick in this many, so that it takes a quarter of a core at the most.
const SLOW_LANE_SHARE: u32 = 4;

/// Decides at every epoch tick whether a guest goes on, waits or ends.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    lane: Arc<Semaphore>,
    deadline: Instant,
    ticks: u32,
    last: Instant,
}

/// The guest computed up to its deadline.
#[derive(Debug, thiserror::Error)]
#[error("deadline reached")]
pub(crate) struct DeadlineReached;

impl Pace {
    pub(crate) fn new(lane: Arc<Semaphore>, deadline: Instant) -> Self {
        Self { lane, deadline, ticks: 0, last: Instant::now() }
    }

    pub(crate) fn next(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(DeadlineReached.into());
        }
        // Who computes is here at every tick; a longer pause was a host call that waited.
        if now.duration_since(self.last) < TICK * 3 {
            self.ticks += 1;
        }
        self.last = now;
        if self.ticks <= SLICE_TICKS {
            return Ok(UpdateDeadline::Yield(1));
        }
        let lane = Arc::clone(&self.lane);
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(wait_in(lane, TICK * (SLOW_LANE_SHARE - 1)))))
    }
}

/// Waits for the lane, then for its turn in it; the lane is free again when the guest computes.
async fn wait_in(lane: Arc<Semaphore>, turn: Duration) {
    let _place = lane.acquire().await;
    tokio::time::sleep(turn).await;
}
