//! The process-wide engine: configuration, pool, permits and epoch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::artefact::{self, Artefact, CompileError};
use crate::fault::{Fault, FaultKind};
use crate::ticker::{Running, Ticker};

/// Core instances inside one component, as wit-component lays them out, with room for a JavaScript engine.
const CORE_INSTANCES_PER_COMPONENT: u32 = 6;

/// The stack a guest may use; beyond it is a trap.
const WASM_STACK: usize = 512 << 10;

/// What is reset in user space instead of by system calls; covers the SDK's arena and stack.
const KEEP_RESIDENT: usize = 256 << 10;

/// Settings of the process, not of a deployment.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Sandboxes alive at once. Default 256.
    pub concurrency: u32,
    /// How long a request waits for a free sandbox before it is refused. Default 500 ms.
    pub queue_time: Duration,
    /// The most linear memory that a deployment can be given, in bytes. Default 64 MiB.
    pub max_memory: usize,
    /// Where machine code is kept between runs; `None` compiles at every start.
    pub cache: Option<PathBuf>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { concurrency: 256, queue_time: Duration::from_millis(500), max_memory: 64 << 20, cache: None }
    }
}

/// The machine cannot give what the engine needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the WebAssembly engine: {0}")]
pub struct EngineError(String);

/// Compiles and runs components. Once per process; clones share it.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    wasmtime: wasmtime::Engine,
    ticker: Ticker,
    permits: Arc<Semaphore>,
    slow_lane: Arc<Semaphore>,
    settings: EngineSettings,
}

/// The right to run one invocation.
#[derive(Debug)]
pub(crate) struct Admission {
    _permit: OwnedSemaphorePermit,
    _running: Running,
}

impl Engine {
    /// Reserves the pool (address space, not memory) and starts the epoch thread.
    ///
    /// # Errors
    /// When the kernel refuses the reservation or the thread.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let refused = |error: wasmtime::Error| EngineError(format!("{error:#}"));
        let wasmtime = wasmtime::Engine::new(&config(&settings)).map_err(refused)?;
        let ticker = Ticker::start(wasmtime.clone()).map_err(|error| EngineError(error.to_string()))?;
        let permits = Arc::new(Semaphore::new(settings.concurrency as usize));
        let slow_lane = Arc::new(Semaphore::new(1));
        Ok(Self { inner: Arc::new(Inner { wasmtime, ticker, permits, slow_lane, settings }) })
    }

    /// Compiles a component, or a core module with an embedded component type. Takes a second for large ones: not for the request path.
    ///
    /// # Errors
    /// When the bytes are no component or ask for more than the pool has.
    pub fn compile(&self, bytes: &[u8]) -> Result<Artefact, CompileError> {
        artefact::compile(&self.inner.wasmtime, self.inner.settings.cache.as_deref(), bytes)
    }

    /// The most linear memory a deployment can be given, in bytes.
    #[must_use]
    pub fn max_memory(&self) -> usize {
        self.inner.settings.max_memory
    }

    /// Invocations of one deployment at once, waiting ones included: three quarters of the pool.
    pub(crate) fn share_of_a_function(&self) -> usize {
        let sandboxes = self.inner.settings.concurrency as usize;
        (sandboxes - sandboxes / 4).max(1)
    }

    /// Waits for a free sandbox, at most `queue_time`.
    pub(crate) async fn admit(&self) -> Result<Admission, Fault> {
        let inner = &self.inner;
        let permit = match Arc::clone(&inner.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(inner.settings.queue_time, Arc::clone(&inner.permits).acquire_owned())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(Fault::of_host(FaultKind::Overloaded))?,
        };
        Ok(Admission { _permit: permit, _running: inner.ticker.running() })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn slow_lane(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.slow_lane)
    }
}

fn config(settings: &EngineSettings) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + (512 << 10))
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        .memory_init_cow(true)
        .generate_address_map(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    config
}

fn pool(settings: &EngineSettings) -> PoolingAllocationConfig {
    let components = settings.concurrency;
    let cores = components.saturating_mul(CORE_INSTANCES_PER_COMPONENT);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(components)
        .total_core_instances(cores)
        .total_memories(components)
        .total_tables(cores)
        .total_stacks(components)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_tables_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memory_size(settings.max_memory)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    pool
}
