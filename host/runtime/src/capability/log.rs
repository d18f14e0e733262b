//! `log`: lines of a function in the operator's log.

use wasmtime::component::{HasData, Linker};

use super::{Capability, not_granted};
use crate::bindings::usher::function::log as wire;
use crate::limits::CallLimits;
use crate::state::State;

/// The longest line in bytes; the rest is cut off.
const LONGEST_LINE: usize = 1_024;

/// Lines carry the deployment's name.
#[derive(Debug)]
pub struct Granted {
    /// As in the manifest.
    pub function: String,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    request_id: &'a str,
}

impl wire::Host for View<'_> {
    fn write(&mut self, level: wire::Level, message: String) -> wasmtime::Result<()> {
        let function = &self.granted.ok_or_else(|| not_granted(Capability::Log))?.function;
        if !CallLimits::take(self.left) {
            return Ok(());
        }
        let (request, message) = (self.request_id, clip(message));
        match level {
            wire::Level::Debug => tracing::debug!(target: "function", function, request, "{message}"),
            wire::Level::Info => tracing::info!(target: "function", function, request, "{message}"),
            wire::Level::Warn => tracing::warn!(target: "function", function, request, "{message}"),
            wire::Level::Error => tracing::error!(target: "function", function, request, "{message}"),
        }
        Ok(())
    }
}

/// One line of at most 1 KiB that shows as one line, so that a guest cannot forge lines.
pub(crate) fn clip(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_LINE));
    text.chars().map(|c| if c.is_control() || is_layout(c) { ' ' } else { c }).collect()
}

/// Separators of lines and paragraphs, and marks that turn the direction of text.
const fn is_layout(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Log;

impl HasData for Log {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Log>(linker, |state| View {
        granted: state.capabilities.log.as_ref(),
        left: &mut state.calls.log,
        request_id: &state.context.request_id,
    })
}
