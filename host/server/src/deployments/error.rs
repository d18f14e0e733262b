//! Why a deployment did not happen, and why a name means none.

use usher_access::SubscribeKey;
use usher_runtime::{CompileError, LinkError};
use usher_vault::SecretName;

use super::policy::PolicyFaults;
use crate::document::Problems;
use crate::manifest::FunctionName;
use crate::store::StoreError;

/// Why a function was not deployed. What was active still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error("no keyset `{0}`; `usher keyset list` shows those there are")]
    NoKeyset(SubscribeKey),
    #[error("{0}")]
    Manifest(Problems),
    #[error("{0}")]
    Compile(#[from] CompileError),
    #[error("{0}")]
    Link(#[from] LinkError),
    #[error("the vault holds no secret `{0}`; set it with `usher secret set {0}`")]
    NoSecret(SecretName),
    #[error("the path `{path}` overlaps with `{other}` of the function `{function}`")]
    Overlap { path: String, other: String, function: FunctionName },
    #[error("{0}")]
    Policy(PolicyFaults),
    #[error("the manifest names `{0}`, which was not uploaded with it")]
    PolicyMissing(String),
    #[error("a policy was uploaded that the manifest does not name; add `policy = \"policy.yaml\"` or leave it out")]
    PolicyNotNamed,
    #[error("the function has a manifest with `paths`, but no component was uploaded")]
    ComponentMissing,
    #[error("a component was uploaded, but the manifest has no `paths` that lead to it")]
    ComponentNotServed,
    #[error("no version of `{0}` is active whose policy could be changed")]
    NotActive(FunctionName),
    #[error(
        "version {0} is in force, but what was granted before could not be checked again: {1}; apply its policy again, or activate version {0} again by the admin API"
    )]
    NotRechecked(u32, StoreError),
    #[error("{0}")]
    Assembly(String),
    #[error("no function `{0}`")]
    NoFunction(FunctionName),
    #[error("`{0}` has no version {1}")]
    NoVersion(FunctionName, u32),
    #[error("`{0}` has no earlier version to go back to")]
    NothingToRollBack(FunctionName),
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Why a name means no deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNamed {
    #[error("no deployment has this name")]
    Unknown,
    #[error("several keysets have a deployment of this name; name one as `subscribe-key:name`")]
    Several,
}

impl From<PolicyFaults> for DeployError {
    fn from(faults: PolicyFaults) -> Self {
        Self::Policy(faults)
    }
}
