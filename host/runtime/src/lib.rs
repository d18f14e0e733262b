//! Runs one function for one request inside limits; the only crate that names wasmtime.
//!
//! Three lifetimes, three types:
//!
//! * [`Engine`]: once per process. Compiles components, holds the pool of sandboxes and the permits in front of it.
//! * [`Function`]: once per deployment. A compiled artefact whose imports are a subset of what its deployment grants.
//! * an invocation ([`Function::invoke`]): once per request. One store, one instance, dropped with the answer.
//!
//! What a function may do is a value, [`Capabilities`], built by the embedder; nothing is ambient. The parts that reach outside
//! (secrets, grants, groups, key-value pairs, identities, outbound calls) are traits in [`capability`], implemented by the server.

mod artefact;
mod bindings;
mod bounds;
mod engine;
mod exchange;
mod fault;
mod function;
mod limits;
mod pace;
mod state;
mod ticker;
mod trace;

pub mod capability;

pub use artefact::{Artefact, CompileError};
pub use bounds::{Bounds, Reach};
pub use capability::{Capabilities, Capability};
pub use engine::{Engine, EngineError, EngineSettings};
pub use exchange::{Field, Invoked, Request, Response};
pub use fault::{Blame, Fault, FaultKind};
pub use function::{Function, LinkError};
pub use limits::{CallLimits, Limits};
pub use trace::{Trace, TracedAsker, TracedCall, TracedIdentity, TracedQuestion};
