//! The ceiling of a deployment, bound to what was proven in one invocation; `access` and `groups` are both held to it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use usher_access::{Approved, Asked, AuthKey, BeyondCeiling, Bindings, Ceiling, Proposal, ResourceName};

use crate::capability::identity::Proven;

/// Characters that end a part of a resource name; an id with one of them would reach into somebody else's names.
const DELIMITERS: [char; 4] = ['#', '*', ',', '/'];

/// The most a deployment may ever grant. One for each deployment: what was bound for a caller is kept with the caller.
#[derive(Debug, Default)]
pub struct Bounds {
    /// The manifest's `[ceiling]`.
    pub ceiling: Ceiling,
    /// The manifest's lists, for the ceiling's variables: `namespaces` binds `${namespace}`.
    pub variables: BTreeMap<String, Vec<String>>,
}

impl Bounds {
    /// All of the proposals, or the first that asks for more.
    pub(crate) fn approve(
        &self,
        proposals: Vec<Proposal>,
        proven: Option<&Proven>,
    ) -> Result<Vec<Approved>, BeyondCeiling> {
        let unproven = OnceLock::new();
        let bindings = proven.map_or(&unproven, |proven| &proven.bindings).get_or_init(|| self.bindings(proven));
        proposals.into_iter().map(|proposal| proposal.within(&self.ceiling, bindings)).collect()
    }

    /// Whether the ceiling speaks of this group and all of these channels for the caller.
    ///
    /// A channel in a group is as good as granted to whoever may read the group.
    pub(crate) fn cover(
        &self,
        group: &ResourceName,
        channels: &[ResourceName],
        proven: Option<&Proven>,
    ) -> Result<(), BeyondCeiling> {
        let caller = proven.and_then(|proven| proven.auth_key.parse::<AuthKey>().ok());
        let named = Asked {
            channels: channels.to_vec(),
            groups: vec![group.clone()],
            auth_keys: caller.into_iter().collect(),
            ..Asked::default()
        };
        match Proposal::try_from(named) {
            Ok(named) => self.approve(vec![named], proven).map(drop),
            // A group without uuids and keys without resources: neither kind of malformed proposal can be made here.
            Err(_) => Err(BeyondCeiling::NotCovered { on: usher_access::Place::Keyset }),
        }
    }

    /// What the ceiling's variables stand for in this invocation.
    fn bindings(&self, proven: Option<&Proven>) -> Bindings {
        let caller = proven.and_then(|proven| proven.auth_key.parse::<AuthKey>().ok());
        let bindings = caller.map_or_else(Bindings::default, Bindings::for_caller);
        let is_plain = |id: &String| !id.contains(DELIMITERS) && !id.ends_with("-pnpres");
        let bindings = bindings.bind("uuid", proven.map(|proven| proven.id.clone()).filter(is_plain));
        let claimed = proven.map(|proven| proven.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        self.variables.iter().fold(bindings, |bindings, (name, values)| {
            // What was proven in one tenant says nothing about another.
            let elsewhere = |value: &&String| name == "namespace" && claimed.is_some_and(|claimed| claimed != *value);
            bindings.bind(name, values.iter().filter(|value| !elsewhere(value)).cloned())
        })
    }
}
