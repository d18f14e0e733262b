//! What a store holds for the time of one invocation.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::capability::Capabilities;
use crate::capability::identity::{Context, Proven};
use crate::fault::FaultKind;
use crate::limits::{CallLimits, Limits};
use crate::trace::Recorder;

/// The data of one store.
pub(crate) struct State {
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) table: ResourceTable,
    pub(crate) context: Context,
    pub(crate) calls: CallLimits,
    pub(crate) proven: Option<Proven>,
    pub(crate) usage: Usage,
    pub(crate) recorder: Recorder,
    wasi: Option<WasiCtx>,
}

/// Counts memory and tables, and remembers which limit was met.
#[derive(Debug)]
pub(crate) struct Usage {
    memory: usize,
    table_elements: usize,
    elements_in_use: usize,
    pub(crate) refused: Option<FaultKind>,
}

impl State {
    pub(crate) fn new(capabilities: Arc<Capabilities>, context: Context, limits: &Limits) -> Self {
        Self {
            capabilities,
            table: ResourceTable::new(),
            context,
            calls: limits.calls,
            proven: None,
            usage: Usage {
                memory: limits.memory,
                table_elements: limits.table_elements,
                elements_in_use: 0,
                refused: None,
            },
            recorder: Recorder::start(),
            wasi: None,
        }
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.memory {
            self.refused = Some(FaultKind::OutOfMemory(self.memory));
            return Ok(false);
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let in_use = self.elements_in_use.saturating_add(desired.saturating_sub(current));
        if in_use > self.table_elements {
            self.refused = Some(FaultKind::TableTooLarge(self.table_elements));
            return Ok(false);
        }
        self.elements_in_use = in_use;
        Ok(true)
    }
}

/// A function compiled for WASI sees an empty world: no files, no environment, no network, output discarded.
impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| WasiCtx::builder().build());
        WasiCtxView { ctx, table: &mut self.table }
    }
}
