//! The compiled patterns of a verified token: all that deciding searches for, compiled once and bounded together.

use std::sync::Arc;

use regex_automata::meta::Regex;

use super::held::Spellings;
use super::{PermitKind, Permits};
use crate::pattern::{COMPILED_TOGETHER, memory};
use crate::resource::ResourceKind;

/// The patterns of the kinds that open something. What is no pattern, of an older or foreign issuer, is left out.
pub(super) struct HeldPatterns {
    channels: Box<[HeldPattern]>,
    groups: Box<[HeldPattern]>,
    uuids: Box<[HeldPattern]>,
}

/// A pattern and its bits.
pub(super) struct HeldPattern {
    pub(super) source: Box<str>,
    pub(super) bits: u8,
    regex: Arc<Regex>,
}

impl HeldPatterns {
    /// Compiles the patterns of a token, or nothing if together they take more than those of a grant may.
    pub(super) fn of(patterns: &Permits, compile: impl Fn(&str) -> Option<Arc<Regex>>) -> Option<Self> {
        let mut left = COMPILED_TOGETHER;
        let mut compiled = |kind: PermitKind| {
            let mut all = Vec::with_capacity(patterns.of(kind).len());
            for (source, &bits) in patterns.of(kind) {
                let Some(regex) = compile(source) else { continue };
                left = left.checked_sub(regex.memory_usage())?;
                all.push(HeldPattern { source: source.clone(), bits, regex });
            }
            Some(all.into_boxed_slice())
        };
        let (channels, groups) = (compiled(PermitKind::Channels)?, compiled(PermitKind::Groups)?);
        Some(Self { channels, groups, uuids: compiled(PermitKind::Uuids)? })
    }

    pub(super) const fn of_kind(&self, kind: ResourceKind) -> &[HeldPattern] {
        match kind {
            ResourceKind::Channel => &self.channels,
            ResourceKind::Group => &self.groups,
            ResourceKind::Uuid => &self.uuids,
        }
    }

    /// About how many bytes they take, as if no other token had the same.
    pub(super) fn memory(&self) -> usize {
        let all = self.channels.iter().chain(&self.groups).chain(&self.uuids);
        all.map(|pattern| pattern.source.len() + size_of::<HeldPattern>() + memory(&pattern.regex)).sum()
    }
}

impl HeldPattern {
    pub(super) fn is_found(&self, spellings: &Spellings<'_>) -> bool {
        spellings.iter().any(|name| self.regex.is_match(name))
    }
}
