//! What requests are routed by: a snapshot of the active deployments.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use usher_access::SubscribeKey;

use super::Deployment;
use super::error::{DeployError, NotNamed};
use crate::route::PathPattern;
use crate::store::deployments::FunctionId;

/// The active deployments of all keysets, by path and by name.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    paths: HashMap<String, Vec<(PathPattern, Arc<Deployment>)>>,
    all: BTreeMap<FunctionId, Arc<Deployment>>,
}

impl Routes {
    pub(super) fn of(live: &BTreeMap<FunctionId, Arc<Deployment>>) -> Self {
        let mut paths: HashMap<String, Vec<(PathPattern, Arc<Deployment>)>> = HashMap::new();
        for deployment in live.values() {
            let of_key = paths.entry(deployment.id.subscribe_key.as_str().to_owned()).or_default();
            of_key.extend(deployment.paths.iter().map(|path| (path.clone(), Arc::clone(deployment))));
        }
        Self { paths, all: live.clone() }
    }

    /// The deployment that answers to a path of a keyset.
    pub(crate) fn find(&self, subscribe_key: &str, path: &str) -> Option<&Arc<Deployment>> {
        let of_key = self.paths.get(subscribe_key)?;
        of_key.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, deployment)| deployment)
    }

    /// The deployment that `name` or `subscribe-key:name` means.
    pub(crate) fn named(&self, name: &str) -> Result<&Arc<Deployment>, NotNamed> {
        let (subscribe_key, name) = name.split_once(':').map_or((None, name), |(key, name)| (Some(key), name));
        let is_meant = |id: &FunctionId| {
            id.name.as_str() == name && subscribe_key.is_none_or(|key| id.subscribe_key.as_str() == key)
        };
        let mut meant = self.all.iter().filter(|(id, _)| is_meant(id)).map(|(_, deployment)| deployment);
        match (meant.next(), meant.next()) {
            (None, _) => Err(NotNamed::Unknown),
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(NotNamed::Several),
        }
    }

    /// The deployments of a keyset, by name.
    pub(super) fn of_keyset(&self, subscribe_key: &SubscribeKey) -> Vec<Arc<Deployment>> {
        let of_keyset = self.all.values().filter(|deployment| deployment.id.subscribe_key == *subscribe_key);
        of_keyset.cloned().collect()
    }
}

/// Two functions of a keyset never answer to the same path.
pub(super) fn check_overlap(live: &BTreeMap<FunctionId, Arc<Deployment>>, new: &Deployment) -> Result<(), DeployError> {
    let others = live.values().filter(|other| other.id.subscribe_key == new.id.subscribe_key && other.id != new.id);
    for other in others {
        for (path, taken) in new.paths.iter().flat_map(|path| other.paths.iter().map(move |taken| (path, taken))) {
            if path.overlaps(taken) {
                return Err(DeployError::Overlap {
                    path: path.as_str().to_owned(),
                    other: taken.as_str().to_owned(),
                    function: other.id.name.clone(),
                });
            }
        }
    }
    Ok(())
}
