//! The policy of a deployment: checked when a version is uploaded, in force with the version.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use usher_policy::{Faults, Policy};
use usher_runtime::capability::kv::KeyValue;

/// Hexadecimal digits of a digest: enough to tell the versions of a policy apart.
const DIGITS: usize = 12;
/// Faults that an answer lists.
const MOST_TOLD: usize = 100;

/// A policy and what its rules look up.
#[derive(Debug, Clone)]
pub(crate) struct PolicyInForce {
    pub(crate) policy: Arc<Policy>,
    /// The beginning of the document's SHA-256, for people to compare.
    pub(crate) digest: Arc<str>,
    /// The records of `_()`: the deployment's key-value pairs.
    pub(crate) pairs: Arc<dyn KeyValue>,
}

/// A policy as the admin API shows it.
#[derive(Debug, Clone)]
pub(crate) struct PolicySummary {
    pub(crate) digest: Arc<str>,
    pub(crate) paths: usize,
    pub(crate) rules: usize,
    pub(crate) warnings: Vec<String>,
}

/// Everything that is wrong with a policy, a line each.
#[derive(Debug)]
pub(crate) struct PolicyFaults(pub(crate) Faults);

impl PolicyInForce {
    pub(super) fn parse(document: &str, pairs: Arc<dyn KeyValue>) -> Result<Self, PolicyFaults> {
        let policy = Policy::parse(document).map_err(PolicyFaults)?;
        Ok(Self { policy: Arc::new(policy), digest: digest(document), pairs })
    }

    pub(crate) fn summary(&self) -> PolicySummary {
        let Self { policy, digest, pairs: _ } = self;
        let warnings = policy.warnings().iter().take(MOST_TOLD).map(ToString::to_string).collect();
        PolicySummary { digest: Arc::clone(digest), paths: policy.path_count(), rules: policy.rule_count(), warnings }
    }
}

pub(crate) fn digest(document: &str) -> Arc<str> {
    hex::encode(Sha256::digest(document)).chars().take(DIGITS).collect::<String>().into()
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults { faults, more } = &self.0;
        write!(f, "{}:", self.0)?;
        faults.iter().take(MOST_TOLD).try_for_each(|fault| write!(f, "\n{fault}"))?;
        match faults.len().saturating_sub(MOST_TOLD) + more {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}
