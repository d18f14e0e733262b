//! `random`: the operating system's randomness.

use wasmtime::component::{HasData, Linker};

use super::{Capability, HostFailed, not_granted};
use crate::bindings::usher::function::random as wire;
use crate::state::State;

/// Bytes in one answer at the most.
const MOST: u32 = 1_024;

/// Randomness is granted.
#[derive(Debug, Clone, Copy)]
pub struct Granted;

struct View<'a>(Option<&'a Granted>);

impl wire::Host for View<'_> {
    fn bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.0.ok_or_else(|| not_granted(Capability::Random))?;
        let mut bytes = vec![0; length.min(MOST) as usize];
        getrandom::fill(&mut bytes).map_err(|error| HostFailed(format!("no randomness: {error}")))?;
        Ok(bytes)
    }
}

struct Random;

impl HasData for Random {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Random>(linker, |state| View(state.capabilities.random.as_ref()))
}
