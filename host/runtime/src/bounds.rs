//! The ceiling of a deployment, bound to what was proven in one invocation; `access` and `groups` are both held to it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use usher_access::{
    Approved, Asked, AuthKey, BeyondCeiling, Bindings, Ceiling, Grant, Proposal, ResourceKind, ResourceName, Ttl,
};

use crate::capability::identity::{Proven, Subject};

/// Characters that end a part of a resource name; an id with one of them would reach into somebody else's names.
const DELIMITERS: [char; 4] = ['#', '*', ',', '/'];

/// The most a deployment may ever grant. One for each deployment: what was bound for a caller is kept with the caller.
#[derive(Debug, Default, PartialEq, Eq)]
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
        let bindings = || {
            let namespace = proven.map(|proven| proven.namespace.as_str()).unwrap_or_default();
            self.bindings(proven.map(|proven| proven.subject.as_ref()), namespace)
        };
        let bindings = proven.map_or(&unproven, |proven| &proven.bindings).get_or_init(bindings);
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
        let caller = proven.and_then(|proven| proven.subject.auth_key.parse::<AuthKey>().ok());
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

    /// The part of the ceiling that is open to a subject, whichever tenant it spoke for.
    pub fn of(&self, subject: &Subject) -> Reach<'_> {
        Reach { ceiling: &self.ceiling, bindings: self.bindings(Some(subject), "") }
    }

    /// What the ceiling's variables stand for in this invocation; an empty namespace is none.
    fn bindings(&self, subject: Option<&Subject>, namespace: &str) -> Bindings {
        let caller = subject.and_then(|subject| subject.auth_key.parse::<AuthKey>().ok());
        let bindings = caller.map_or_else(Bindings::default, Bindings::for_caller);
        let is_plain = |id: &String| !id.contains(DELIMITERS) && !id.ends_with("-pnpres");
        let bindings = bindings.bind("uuid", subject.map(|subject| subject.id.clone()).filter(is_plain));
        self.variables.iter().fold(bindings, |bindings, (name, values)| {
            // What was proven in one tenant says nothing about another.
            let elsewhere = |value: &&String| name == "namespace" && !namespace.is_empty() && namespace != *value;
            bindings.bind(name, values.iter().filter(|value| !elsewhere(value)).cloned())
        })
    }
}

/// What one subject can be granted by a deployment.
#[derive(Debug)]
pub struct Reach<'a> {
    ceiling: &'a Ceiling,
    bindings: Bindings,
}

impl Reach<'_> {
    /// Whether the deployment could have made this grant, however long it lasts.
    #[must_use]
    pub fn covers(&self, grant: &Grant) -> bool {
        let (mut channels, mut groups, mut uuids) = (Vec::new(), Vec::new(), Vec::new());
        match grant.target.resource() {
            None => {}
            Some((ResourceKind::Channel, name)) => channels.push(name.clone()),
            Some((ResourceKind::Group, name)) => groups.push(name.clone()),
            Some((ResourceKind::Uuid, name)) => uuids.push(name.clone()),
        }
        let auth_keys = grant.target.auth_key().into_iter().cloned().collect();
        let (permissions, ttl) = (grant.permissions, Ttl::try_from(1).unwrap_or(Ttl::DEFAULT));
        let asked = Asked { channels, groups, uuids, auth_keys, permissions, ttl };
        Proposal::try_from(asked).is_ok_and(|proposal| proposal.within(self.ceiling, &self.bindings).is_ok())
    }
}
