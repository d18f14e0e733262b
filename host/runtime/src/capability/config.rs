//! `config`: the manifest's `[config]` table.

use std::collections::BTreeMap;

use wasmtime::component::{HasData, Linker};

use super::{Capability, not_granted};
use crate::bindings::usher::function::config as wire;
use crate::state::State;

/// The values a deployment gives its function; a list is a JSON array.
#[derive(Debug)]
pub struct Granted {
    /// By name.
    pub values: BTreeMap<String, String>,
}

struct View<'a>(Option<&'a Granted>);

impl wire::Host for View<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let granted = self.0.ok_or_else(|| not_granted(Capability::Config))?;
        Ok(granted.values.get(&name).cloned())
    }
}

struct Config;

impl HasData for Config {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Config>(linker, |state| View(state.capabilities.config.as_ref()))
}
