//! What one invocation may use at the most.

use std::time::Duration;

/// The limits of a deployment; every field has a default and a number in `docs/functions.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From admission to answer, waiting for outbound calls included. Default 1 s.
    pub time: Duration,
    /// Linear memory in bytes. Default 8 MiB; the engine's `max_memory` is the ceiling.
    pub memory: usize,
    /// Elements in all tables together. Default 10,000.
    pub table_elements: usize,
    /// Request body in bytes. Default 64 KiB.
    pub body: usize,
    /// Reply in bytes, headers included. Default 1 MiB.
    pub reply: usize,
    /// Longest answer to one outbound call, in bytes. Default 256 KiB.
    pub outbound_body: usize,
    /// Host calls by class.
    pub calls: CallLimits,
}

/// How often one invocation may call the host, by class; one call more is an error to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// `http.send`. Default 5.
    pub outbound: u32,
    /// `vault.open`, `reveal` and `hmac-sha256` together. Default 10.
    pub vault: u32,
    /// `access` and `groups` together. Default 16.
    pub access: u32,
    /// `kv`. Default 32.
    pub kv: u32,
    /// `identity.authenticate`. Default 2.
    pub identity: u32,
    /// `policy.check`, of at most 100 questions each. Default 50.
    pub policy: u32,
    /// Lines of `log.write`; further lines are dropped. Default 100.
    pub log: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(1),
            memory: 8 << 20,
            table_elements: 10_000,
            body: 64 << 10,
            reply: 1 << 20,
            outbound_body: 256 << 10,
            calls: CallLimits::default(),
        }
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { outbound: 5, vault: 10, access: 16, kv: 32, identity: 2, policy: 50, log: 100 }
    }
}

impl CallLimits {
    /// Takes one call off `left`; false when there was none.
    pub(crate) const fn take(left: &mut u32) -> bool {
        match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}
