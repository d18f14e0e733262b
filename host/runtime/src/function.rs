//! A deployment's function: imports checked once, then one fresh sandbox per request.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::error::Elapsed;
use wasmtime::Store;
use wasmtime::component::Linker;

use crate::artefact::Artefact;
use crate::bindings::usher::function::types as wire;
use crate::bindings::{OnRequest, OnRequestPre};
use crate::capability::identity::Context;
use crate::capability::{self, Capabilities, Capability, Import};
use crate::engine::Engine;
use crate::exchange::{Invoked, Request, Response};
use crate::fault::{Blame, Fault, FaultKind};
use crate::limits::Limits;
use crate::pace::{DeadlineReached, Pace};
use crate::state::State;
use crate::trace::Trace;

/// One part in this many of its time is left to a function after the last wait for something outside, to answer in.
const OWN_SHARE: u32 = 10;

/// How long the answer to a faulted request waits, its sandbox already dropped. Tearing a misused sandbox down costs more than
/// answering a healthy request; without a pause whoever asks for it again and again takes the machine from the neighbours.
const FAULT_PAUSE: Duration = Duration::from_millis(100);

/// How long a function that is to retire still lets those in who were on their way to it.
const STEP_ASIDE: Duration = Duration::from_millis(10);

/// Why a component cannot be deployed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It imports an interface that the manifest does not list.
    #[error(
        "the function imports `{import}`; add \"{capability}\" to `capabilities` in its manifest, or do without it"
    )]
    NotListed {
        /// The import's full name.
        import: String,
        /// The word to list.
        capability: &'static str,
    },
    /// It imports something that no host of this version offers.
    #[error("the function imports `{0}`, which Usher does not offer")]
    UnknownImport(String),
    /// It does not export what world `on-request` asks for.
    #[error("the function is not of world `usher:function/on-request`: {0}")]
    WrongWorld(String),
    /// `limits.memory` is above what the engine's pool has.
    #[error("`limits.memory` is {asked} bytes; this server gives {most} at the most")]
    TooMuchMemory {
        /// What the manifest asks for.
        asked: usize,
        /// `EngineSettings::max_memory`.
        most: usize,
    },
}

/// A function ready to be called. Once per deployment.
pub struct Function {
    engine: Engine,
    pre: OnRequestPre<State>,
    capabilities: Arc<Capabilities>,
    limits: Limits,
    /// What one deployment may take of the pool, so that a slow one leaves room for its neighbours.
    share: Semaphore,
}

impl Function {
    /// Checks that the artefact's imports are a subset of the capabilities, and links exactly those.
    ///
    /// # Errors
    /// When an import is not granted, the world is another, or the limits exceed the pool.
    pub fn link(
        engine: &Engine,
        artefact: &Artefact,
        capabilities: Capabilities,
        limits: Limits,
    ) -> Result<Self, LinkError> {
        if limits.memory > engine.max_memory() {
            return Err(LinkError::TooMuchMemory { asked: limits.memory, most: engine.max_memory() });
        }
        let listed = capabilities.listed();
        check_imports(engine, artefact, &listed)?;
        let wrong_world = |error: wasmtime::Error| LinkError::WrongWorld(format!("{error:#}"));
        let mut linker = Linker::new(engine.wasmtime());
        capability::add_to_linker(&mut linker, &listed).map_err(wrong_world)?;
        let pre = linker.instantiate_pre(&artefact.component).and_then(OnRequestPre::new).map_err(wrong_world)?;
        let share = Semaphore::new(engine.share_of_a_function());
        Ok(Self { engine: engine.clone(), pre, capabilities: Arc::new(capabilities), limits, share })
    }

    /// Waits until every invocation under way has ended; whoever still comes is refused as if the function had no room.
    ///
    /// To be called once another version answers in its place, where nothing may be granted by the old one any more.
    pub async fn retire(&self) {
        tokio::time::sleep(STEP_ASIDE).await;
        let all = u32::try_from(self.engine.share_of_a_function()).unwrap_or(u32::MAX);
        // INVARIANT: nothing else takes several permits or closes the semaphore, so this ends with the last invocation.
        let _all: Result<SemaphorePermit<'_>, AcquireError> = self.share.acquire_many(all).await;
        self.share.close();
    }

    /// The limits of this deployment.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request in a sandbox of its own, which is dropped before this returns. A [`Fault`] comes with its blame;
    /// the client is to be refused.
    pub async fn invoke(&self, request: Request) -> Invoked {
        let Ok(_share) = self.share.try_acquire() else {
            return Invoked::without_sandbox(Fault::of_host(FaultKind::Overloaded));
        };
        let invoked = self.run(request).await;
        if let Err(Fault { blame: Blame::Guest, .. }) = &invoked.outcome {
            tokio::time::sleep(FAULT_PAUSE).await;
        }
        invoked
    }

    async fn run(&self, request: Request) -> Invoked {
        let _admission = match self.engine.admit().await {
            Ok(admission) => admission,
            Err(fault) => return Invoked::without_sandbox(fault),
        };
        let deadline = Instant::now() + self.limits.time;
        let mut store = self.store(&request, deadline);
        let answer = within(deadline, self.call(&mut store, request)).await;
        let outcome = match answer {
            Ok(Ok(Ok(reply))) => Response::from_wire(reply, self.limits.reply),
            Ok(Ok(Err(text))) => Err(Fault::of_guest(FaultKind::Failed(capability::log::clip(text)))),
            Ok(Err(error)) => Err(self.classify(&store, &error)),
            Err(_elapsed) => Err(Fault::of_guest(FaultKind::TimedOut(self.limits.time))),
        };
        Invoked { outcome, trace: store.into_data().recorder.finish() }
    }

    fn store(&self, request: &Request, deadline: Instant) -> Store<State> {
        let context =
            Context::of(request, self.capabilities.identity.as_ref(), deadline - self.limits.time / OWN_SHARE);
        let state = State::new(Arc::clone(&self.capabilities), context, &self.limits);
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| &mut state.usage);
        store.set_hostcall_fuel(self.limits.memory.saturating_mul(2));
        store.set_epoch_deadline(1);
        let mut pace = Pace::new(self.engine.slow_lane(), deadline);
        store.epoch_deadline_callback(move |_| pace.next());
        store
    }

    async fn call(
        &self,
        store: &mut Store<State>,
        request: Request,
    ) -> wasmtime::Result<Result<wire::Response, String>> {
        let instance: OnRequest = self.pre.instantiate_async(&mut *store).await?;
        instance.call_handle(store, &request.into_wire()).await
    }

    fn classify(&self, store: &Store<State>, error: &wasmtime::Error) -> Fault {
        if error.downcast_ref::<DeadlineReached>().is_some() {
            return Fault::of_guest(FaultKind::TimedOut(self.limits.time));
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() || error.is::<capability::HostFailed>() {
            return Fault::of_host(FaultKind::NoSandbox(capability::log::clip(format!("{error:#}"))));
        }
        if let Some(refused) = &store.data().usage.refused {
            return Fault::of_guest(refused.clone());
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::StackOverflow) => Fault::of_guest(FaultKind::StackExhausted),
            Some(trap) => Fault::of_guest(FaultKind::Trapped(trap.to_string())),
            None => Fault::of_guest(FaultKind::Trapped(capability::log::clip(format!("{error:#}")))),
        }
    }
}

impl Invoked {
    fn without_sandbox(fault: Fault) -> Self {
        Self { outcome: Err(fault), trace: Trace::default() }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Function").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Runs a call up to its deadline. Most calls never wait, so the timer is only set for one that does.
async fn within<T>(deadline: Instant, call: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut call = pin!(call);
    match poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => tokio::time::timeout_at(deadline.into(), call).await,
    }
}

fn check_imports(engine: &Engine, artefact: &Artefact, listed: &[Capability]) -> Result<(), LinkError> {
    for (import, _) in artefact.component.component_type().imports(engine.wasmtime()) {
        match Import::of(import) {
            Import::Types => {}
            Import::Behind(capability) if listed.contains(&capability) => {}
            Import::Behind(capability) => {
                return Err(LinkError::NotListed { import: import.to_owned(), capability: capability.word() });
            }
            Import::Unknown => return Err(LinkError::UnknownImport(import.to_owned())),
        }
    }
    Ok(())
}
