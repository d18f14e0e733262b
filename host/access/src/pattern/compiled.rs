//! Compiled patterns, shared by the tokens of a keyset that are verified while the same pattern is kept, in bounded memory.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use regex_automata::meta::Regex;

use super::{compile, memory};

/// Most bytes of compiled patterns that one keyset keeps, counted by [`Memory`].
const KEPT: u64 = 32 * 1024 * 1024;
/// How many patterns room is made for at once.
const EXPECTED: usize = 16;

/// Compiles patterns, each once while it is kept.
pub(crate) struct CompiledPatterns {
    cache: Cache<Box<str>, Option<Arc<Regex>>, Memory>,
}

#[derive(Clone)]
struct Memory;

impl Weighter<Box<str>, Option<Arc<Regex>>> for Memory {
    /// The automaton, and what one search at a time takes beside it.
    fn weight(&self, source: &Box<str>, compiled: &Option<Arc<Regex>>) -> u64 {
        (source.len() + compiled.as_deref().map_or(0, memory) + 256) as u64
    }
}

impl CompiledPatterns {
    pub(crate) fn of_keyset() -> Self {
        Self { cache: Cache::with_weighter(EXPECTED, KEPT, Memory) }
    }

    /// The automaton, for its holder to keep, or `None` for a text that is no pattern (of an older or foreign issuer).
    pub(crate) fn get(&self, source: &str) -> Option<Arc<Regex>> {
        if let Some(found) = self.cache.get(source) {
            return found;
        }
        let compiled = compile(source).ok().map(Arc::new);
        self.cache.insert(source.into(), compiled.clone());
        compiled
    }
}

impl fmt::Debug for CompiledPatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompiledPatterns({})", self.cache.len())
    }
}
