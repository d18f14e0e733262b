//! Asks a policy again about what was granted before it: what it no longer allows is taken back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use usher_access::{AuthKey, Filter, Grant, Permission, Permissions, ResourceKind, ResourceName, Target};
use usher_policy::{Action, Question, UnixMillis, User};
use usher_runtime::Bounds;
use usher_runtime::capability::identity::Subject;
use usher_runtime::capability::policy::{decide, user};

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
    /// What the deployment, or the one before it, could have granted; other grants are left alone.
    pub(super) bounds: Vec<Arc<Bounds>>,
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

/// Somebody with live grants.
struct Holder {
    user: User,
    grants: Vec<Grant>,
}

/// Everybody who is asked about, and the groups that others may read too.
struct Found {
    holders: HashMap<AuthKey, Holder>,
    shared: HashSet<String>,
}

/// Grants that lose permissions.
type Less = Vec<(Target, Permissions)>;

impl Recheck<'_> {
    /// Looks through every live grant to an auth key that the function granted to.
    ///
    /// # Errors
    /// When the store fails; what was taken back until then stays so.
    pub(super) fn run(&self) -> Result<Rechecked, StoreError> {
        let Found { holders, shared } = self.find()?;
        let rechecked = holders.values().map(|holder| holder.grants.len()).sum();
        let less: Less = holders.values().flat_map(|holder| self.denied(holder)).collect();
        let mut taken_back = self.lessen(&less)?;
        let (less, out) = self.groups(&holders, &shared);
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

    /// Everybody whom the function granted to, with those live grants that it could have made.
    fn find(&self) -> Result<Found, StoreError> {
        let sessions = self.sessions.all()?;
        let mut reaches = HashMap::new();
        for Session { auth_key, id, server_data, .. } in sessions {
            let user = user(&id, &server_data);
            let subject = Subject { id, server_data, auth_key: auth_key.reveal().to_owned() };
            let reach: Vec<_> = self.bounds.iter().map(|bounds| bounds.of(&subject)).collect();
            reaches.insert(auth_key, (Holder { user, grants: Vec::new() }, reach));
        }
        let mut shared = HashSet::new();
        for grant in self.grants.list(&Filter::default(), usize::MAX) {
            let holder = grant.target.auth_key().and_then(|auth_key| reaches.get_mut(auth_key));
            match holder.filter(|(_, reach)| reach.iter().any(|reach| reach.covers(&grant))) {
                Some((holder, _)) => holder.grants.push(grant),
                None => {
                    let resource = grant.target.resource().filter(|(kind, _)| *kind == ResourceKind::Group);
                    shared.extend(resource.map(|(_, name)| name.as_str().to_owned()));
                }
            }
        }
        let holders = reaches.into_iter().map(|(auth_key, (holder, _))| (auth_key, holder)).collect();
        Ok(Found { holders, shared })
    }

    /// What the policy no longer allows of somebody's grants.
    fn denied(&self, holder: &Holder) -> Less {
        let denied = |grant: &Grant| {
            let (kind, name) = grant.target.resource()?;
            let denies = |permission: &Permission| !self.allows((kind, name), *permission, &holder.user);
            let taken: Permissions = grant.permissions.iter().filter(denies).collect();
            (!taken.is_empty()).then(|| (grant.target.clone(), taken))
        };
        holder.grants.iter().filter_map(denied).collect()
    }

    /// A channel in a group is as good as granted to whoever may read the group. It leaves the group when none of them may
    /// read it; where only some may, or others read the group, who may not loses the group.
    fn groups(
        &self,
        holders: &HashMap<AuthKey, Holder>,
        shared: &HashSet<String>,
    ) -> (Less, Vec<(String, Vec<ResourceName>)>) {
        let mut readers: BTreeMap<&str, Vec<(&Target, &User)>> = BTreeMap::new();
        for (holder, grant) in
            holders.values().flat_map(|holder| holder.grants.iter().map(move |grant| (holder, grant)))
        {
            let Some((ResourceKind::Group, name)) = grant.target.resource() else { continue };
            if grant.permissions.allows(Permission::Read) {
                readers.entry(name.as_str()).or_default().push((&grant.target, &holder.user));
            }
        }
        let (mut less, mut out) = (Vec::new(), Vec::new());
        for (group, readers) in readers {
            let channels = self.groups.list_now(group);
            let mut leaving = Vec::new();
            for channel in channels.iter().filter_map(|channel| channel.parse::<ResourceName>().ok()) {
                let may = |user: &User| self.allows((ResourceKind::Channel, &channel), Permission::Read, user);
                let denied: Vec<_> = readers.iter().filter(|(_, user)| !may(user)).collect();
                if denied.len() == readers.len() && !shared.contains(group) {
                    leaving.push(channel);
                } else {
                    less.extend(denied.into_iter().map(|(target, _)| ((*target).clone(), Permission::Read.into())));
                }
            }
            if !leaving.is_empty() {
                out.push((group.to_owned(), leaving));
            }
        }
        (less, out)
    }

    fn allows(&self, (kind, name): (ResourceKind, &ResourceName), permission: Permission, user: &User) -> bool {
        let name = match kind {
            ResourceKind::Channel | ResourceKind::Group => base(name.as_str()),
            ResourceKind::Uuid => name.as_str(),
        };
        let (action, now) = (Action::permission(kind, permission), UnixMillis(self.clock.millis()));
        let question = Question { action, name, payload: usher_policy::Payload::None, user, now };
        let PolicyInForce { policy, pairs, digest: _ } = self.policy;
        decide(policy, pairs.as_ref(), &question).verdict.is_allowed()
    }

    fn lessen(&self, less: &Less) -> Result<usize, StoreError> {
        less.chunks(STEP).map(|step| self.grants.lessen(step)).sum()
    }
}

fn base(name: &str) -> &str {
    name.strip_suffix(PRESENCE).unwrap_or(name)
}
