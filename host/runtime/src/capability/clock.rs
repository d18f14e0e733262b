//! `clock`: the time of day.

use std::sync::Arc;

use wasmtime::component::{HasData, Linker};

use super::{Capability, not_granted};
use crate::bindings::usher::function::clock as wire;
use crate::state::State;

/// Tells milliseconds since 1970-01-01 UTC.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The clock a deployment reads.
pub struct Granted {
    /// Tells the time.
    pub now: Now,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Granted").finish_non_exhaustive()
    }
}

struct View<'a>(Option<&'a Granted>);

impl wire::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let granted = self.0.ok_or_else(|| not_granted(Capability::Clock))?;
        Ok((granted.now)())
    }
}

struct Clock;

impl HasData for Clock {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Clock>(linker, |state| View(state.capabilities.clock.as_ref()))
}
