//! The values that template variables have in one invocation.

use std::collections::BTreeMap;

use crate::key::AuthKey;

/// The variable that always stands for the proven auth key.
const AUTH_KEY: &str = "auth_key";

/// What each `${variable}` may stand for, and which auth key this invocation has proven.
///
/// The default binds nothing, and an unbound variable matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    caller: Option<AuthKey>,
    variables: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Bindings {
    /// Bindings of an invocation that has proven this auth key; `${auth_key}` stands for it.
    pub fn for_caller(caller: AuthKey) -> Self {
        Self { caller: Some(caller), variables: BTreeMap::new() }
    }

    /// Adds values that a variable may stand for.
    ///
    /// Empty values are left out: a missing namespace must not turn `${namespace}*` into everything.
    #[must_use]
    pub fn bind<V: Into<Box<str>>>(mut self, variable: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(V::into).filter(|value| !value.is_empty());
        self.variables.entry(variable.into()).or_default().extend(values);
        self
    }

    /// The auth key that this invocation has proven.
    pub const fn caller(&self) -> Option<&AuthKey> {
        self.caller.as_ref()
    }

    pub(super) fn values(&self, variable: &str) -> impl Iterator<Item = &str> {
        let proven = self.caller().filter(|_| variable == AUTH_KEY).map(AuthKey::reveal);
        let bound = self.variables.get(variable).into_iter().flatten();
        proven.into_iter().chain(bound.map(|value| &**value))
    }
}
