//! Asks a policy again about what was granted before it: what it no longer allows is taken back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use usher_access::{AuthKey, Filter, Grant, Permission, Permissions, ResourceKind, ResourceName, Target};
use usher_policy::{Action, Question, UnixMillis, User};
use usher_runtime::capability::identity::Subject;
use usher_runtime::capability::kv::Unavailable;
use usher_runtime::capability::policy::{Decision, decide, user};
use usher_runtime::{Bounds, Reach};

use super::policy::PolicyInForce;
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::grants::EmbeddedGrants;
use crate::store::groups::EmbeddedGroups;
use crate::store::sessions::{Session, Sessions};

/// Grants that are taken back in one step; others are made in between.
const STEP: usize = 1_000;
/// What the names of presence feeds end in; who may read a channel may see who is there.
const PRESENCE: &str = "-pnpres";

/// A deployment's policy, and whom it is to be asked about.
#[derive(Debug)]
pub(super) struct Recheck<'a> {
    pub(super) policy: &'a PolicyInForce,
    /// What the deployment or an earlier one could have granted; other grants are left alone.
    pub(super) bounds: Vec<Bounds>,
    pub(super) grants: &'a EmbeddedGrants,
    pub(super) groups: &'a EmbeddedGroups,
    pub(super) sessions: &'a Sessions,
    pub(super) clock: &'a Clock,
}

/// What a recheck did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rechecked {
    /// Live grants that the policy was asked about.
    pub(crate) rechecked: usize,
    /// Grants that were taken back, whole or in part.
    pub(crate) taken_back: usize,
    /// Channels that were taken out of channel groups.
    pub(crate) left_groups: usize,
}

/// An identity, and what the function could have granted it.
type Known<'a> = (Arc<User>, Vec<Reach<'a>>);

/// A live grant, and who may have been granted it: every identity that showed its auth key and whose reach covers it.
struct Held {
    grant: Grant,
    holders: Vec<Arc<User>>,
}

/// Everything that is asked about, and the groups that others may read too.
struct Found {
    held: Vec<Held>,
    shared: HashSet<String>,
}

/// Grants that lose permissions.
type Less = Vec<(Target, Permissions)>;
/// Channels that leave groups.
type Leaving = Vec<(String, Vec<ResourceName>)>;

impl Recheck<'_> {
    /// Looks through every live grant to an auth key that the function granted to.
    ///
    /// # Errors
    /// When the store fails; what was taken back until then stays so.
    pub(super) fn run(&self) -> Result<Rechecked, StoreError> {
        let Found { held, shared } = self.find()?;
        let rechecked = held.len();
        let mut taken_back = self.lessen(&self.denied(&held)?)?;
        let (less, out) = self.groups(&held, &shared)?;
        taken_back += self.lessen(&less)?;
        let mut left_groups = 0;
        for (group, channels) in out {
            left_groups += channels.len();
            self.groups.remove_now(&group, &channels)?;
        }
        if left_groups > 0 {
            self.grants.note_change();
        }
        Ok(Rechecked { rechecked, taken_back, left_groups })
    }

    /// The live grants that the function could have made to somebody whom it granted to.
    fn find(&self) -> Result<Found, StoreError> {
        let mut reaches: HashMap<AuthKey, Vec<Known<'_>>> = HashMap::new();
        for Session { auth_key, id, server_data, .. } in self.sessions.all()? {
            let user = Arc::new(user(&id, &server_data));
            let subject = Subject { id, server_data, auth_key: auth_key.reveal().to_owned() };
            let reach = self.bounds.iter().map(|bounds| bounds.of(&subject)).collect();
            reaches.entry(auth_key).or_default().push((user, reach));
        }
        let (mut held, mut shared) = (Vec::new(), HashSet::new());
        for grant in self.grants.list(&Filter::default(), usize::MAX) {
            let known = grant.target.auth_key().and_then(|auth_key| reaches.get(auth_key)).into_iter().flatten();
            let reaching = known.filter(|(_, reach)| reach.iter().any(|reach| reach.covers(&grant)));
            let holders: Vec<_> = reaching.map(|(user, _)| Arc::clone(user)).collect();
            if holders.is_empty() {
                let resource = grant.target.resource().filter(|(kind, _)| *kind == ResourceKind::Group);
                shared.extend(resource.map(|(_, name)| name.as_str().to_owned()));
            } else {
                held.push(Held { grant, holders });
            }
        }
        Ok(Found { held, shared })
    }

    /// What the policy no longer allows any holder of a grant.
    fn denied(&self, held: &[Held]) -> Result<Less, StoreError> {
        let mut less = Less::new();
        for Held { grant, holders } in held {
            let Some(resource) = grant.target.resource() else { continue };
            let mut taken = Permissions::default();
            for permission in grant.permissions.iter() {
                if !self.allows(resource, permission, holders)? {
                    taken = taken.union(permission.into());
                }
            }
            if !taken.is_empty() {
                less.push((grant.target.clone(), taken));
            }
        }
        Ok(less)
    }

    /// A channel in a group is as good as granted to whoever may read the group. It leaves the group when none of them may
    /// read it; where only some may, or others read the group, who may not loses the group.
    fn groups(&self, held: &[Held], shared: &HashSet<String>) -> Result<(Less, Leaving), StoreError> {
        let mut readers: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
        for one in held {
            let Some((ResourceKind::Group, name)) = one.grant.target.resource() else { continue };
            if one.grant.permissions.allows(Permission::Read) {
                // Who is in a channel is told with its messages: a group's presence feed goes with the group.
                readers.entry(base(name.as_str())).or_default().push(one);
            }
        }
        let (mut less, mut out) = (Less::new(), Leaving::new());
        for (group, readers) in readers {
            let channels = self.groups.list_now(group);
            let mut leaving = Vec::new();
            for channel in channels.iter().filter_map(|channel| channel.parse::<ResourceName>().ok()) {
                let mut denied = Vec::new();
                for Held { grant, holders } in &readers {
                    if !self.allows((ResourceKind::Channel, &channel), Permission::Read, holders)? {
                        denied.push((grant.target.clone(), Permission::Read.into()));
                    }
                }
                if denied.len() == readers.len() && !shared.contains(group) {
                    leaving.push(channel);
                } else {
                    less.extend(denied);
                }
            }
            if !leaving.is_empty() {
                out.push((group.to_owned(), leaving));
            }
        }
        Ok((less, out))
    }

    /// Whether one of the holders is allowed. A record that cannot be read is no denial: nothing is known then.
    fn allows(
        &self,
        (kind, name): (ResourceKind, &ResourceName),
        permission: Permission,
        holders: &[Arc<User>],
    ) -> Result<bool, StoreError> {
        let name = match kind {
            ResourceKind::Channel | ResourceKind::Group => base(name.as_str()),
            ResourceKind::Uuid => name.as_str(),
        };
        let (action, now) = (Action::permission(kind, permission), UnixMillis(self.clock.millis()));
        let PolicyInForce { policy, pairs, digest: _ } = self.policy;
        for user in holders {
            let question = Question { action, name, payload: usher_policy::Payload::None, user, now };
            let Decision { verdict, records: _, unavailable } = decide(policy, pairs.as_ref(), &question);
            if unavailable {
                return Err(StoreError::other(&Unavailable("a record that the policy asks for cannot be read".into())));
            }
            if verdict.is_allowed() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn lessen(&self, less: &Less) -> Result<usize, StoreError> {
        less.chunks(STEP).map(|step| self.grants.lessen(step)).sum()
    }
}

fn base(name: &str) -> &str {
    name.strip_suffix(PRESENCE).unwrap_or(name)
}

#[cfg(test)]
mod tests;
