//! Which grants an audit or a list asks for.

use crate::grant::View;
use crate::key::AuthKey;
use crate::resource::{ResourceKind, ResourceName};

/// Conditions that all have to hold; the default selects everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only resources of this kind.
    pub kind: Option<ResourceKind>,
    /// Only these names, literally: `a.*` selects the grant of that name, not what it opens. None = all names.
    pub names: &'a [ResourceName],
    /// Only grants to these auth keys. None = all, those for everyone included.
    pub auth_keys: &'a [AuthKey],
}

impl Filter<'_> {
    /// Whether there is no condition, so that the grant on the keyset is selected too.
    pub(super) const fn is_open(&self) -> bool {
        self.kind.is_none() && self.names.is_empty() && self.auth_keys.is_empty()
    }

    pub(super) fn selects(&self, view: View<'_>) -> bool {
        let of_kind = self.kind.is_none_or(|kind| kind == view.kind);
        let named = self.names.is_empty() || self.names.iter().any(|name| name.as_str() == view.name);
        let is_held = |key: &AuthKey| view.auth_key == Some(key.reveal());
        of_kind && named && (self.auth_keys.is_empty() || self.auth_keys.iter().any(is_held))
    }
}
