//! The records that one decision has loaded.

use std::sync::Arc;

use crate::json::Json;

/// What looking up a record brought.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// There is no such record: `null`.
    Nothing,
    /// Its stored value.
    Value(Arc<Json<'static>>),
    /// The store failed: the question is refused.
    Failed,
}

/// A record that is loaded, or known not to be there.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Nothing,
    Value(Arc<Json<'static>>),
}

/// The records of one decision, by name; they are few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded(Vec<(Box<str>, Found)>);

impl Loaded {
    pub(crate) fn get(&self, name: &str) -> Option<&Found> {
        self.0.iter().find(|(other, _)| **other == *name).map(|(_, found)| found)
    }

    pub(crate) fn insert(&mut self, name: Box<str>, found: Found) {
        self.0.push((name, found));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }
}
