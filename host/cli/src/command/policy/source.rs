//! Where a policy comes from: a file, or a version of a function on a server.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::Value;
use usher_policy::Policy;

use super::{OnServer, check, read};
use crate::failure::{Exit, Failure};
use crate::target::{Target, keyset};

/// A policy as a command line names it.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    /// The version in force.
    Active,
    Version(u32),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let version = || text.strip_prefix("version:")?.parse().ok();
        Ok(match (text, version()) {
            ("active", _) => Self::Active,
            (_, Some(version)) => Self::Version(version),
            (file, None) => Self::File(file.into()),
        })
    }
}

impl Source {
    /// The policy, and how people call it.
    pub(super) async fn load(&self, server: &OnServer, target: &Target) -> Result<(Policy, String), Failure> {
        let version = match self {
            Self::File(file) => return Ok((check::parse(file, &read(file)?)?, file.display().to_string())),
            Self::Active => None,
            Self::Version(version) => Some(version.to_string()),
        };
        let Some(function) = &server.function else {
            return Err(Failure::new(Exit::Usage, "name the function whose policy is meant with --function"));
        };
        let client = target.client()?;
        let keyset = keyset(server.keyset.as_deref(), &client).await?;
        let query: Vec<(&str, &str)> = version.iter().map(|version| ("version", version.as_str())).collect();
        let found = client.get(&format!("/v1/keysets/{keyset}/functions/{function}/policy"), &query).await?;
        let document = found.get("document").and_then(Value::as_str).unwrap_or_default();
        let called = format!("{function} version {}", found.get("version").unwrap_or(&Value::Null));
        Ok((check::parse(Path::new(&called), document)?, called))
    }
}
