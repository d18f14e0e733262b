//! `function.toml`: what a function answers to, what it may do and how much of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use usher_access::Ceiling;
use usher_runtime::{CallLimits, Capability, Limits};
use usher_vault::SecretName;

use crate::document::{Document, Free, Problems, Section};
use crate::outbound::AllowedHost;
use crate::route::PathPattern;

mod authentication;
mod ceiling;

pub use authentication::{
    Authenticator, ClaimNames, FileAuthenticator, HttpAuthenticator, JwtAuthenticator, KeySource, RemoteKeys,
    Resilience, Retry, UserList, Users,
};

/// A checked manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// 1 to 64 of `a-z`, `0-9`, `-`.
    pub name: FunctionName,
    /// The file beside the manifest that holds the component.
    pub component: Option<String>,
    /// What follows the subscribe key; none where there is no function.
    pub paths: Vec<PathPattern>,
    /// Whether a component answers requests, or only deepstream is served with authentication and policy.
    pub serves: Serves,
    /// What the host lets it do.
    pub capabilities: BTreeSet<Capability>,
    /// The secrets it may open.
    pub secrets: BTreeSet<SecretName>,
    /// The hosts it may call.
    pub hosts: Vec<AllowedHost>,
    /// What one invocation may use.
    pub limits: Limits,
    /// Its part of the key-value store; the function's name when it is not said.
    pub kv_prefix: String,
    /// `[config]`.
    pub config: BTreeMap<String, Free>,
    /// Asked in order; without any, nobody is let in.
    pub authentication: Vec<Authenticator>,
    /// The file beside the manifest that holds the policy.
    pub policy: Option<PolicyFile>,
    /// What deepstream's server has to show as its password, `[deepstream] basic_secret`; without one, nothing.
    pub basic_secret: Option<SecretName>,
    /// The most it may ever grant; without one, nothing.
    pub ceiling: Ceiling,
}

/// The name of a function within its keyset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionName(String);

/// What a deployment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// A component answers requests at its paths.
    Requests,
    /// No component: its authentication and its policy answer a deepstream server.
    Deepstream,
}

/// The name of a policy's file: a plain one, in the manifest's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile(String);

/// The text is no plain file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a file beside the manifest, such as \"policy.yaml\", and no path")]
pub struct MalformedPolicyFile;

/// The text is no function name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a function's name has 1 to 64 of `a-z`, `0-9` and `-`, not `{0}`")]
pub struct MalformedFunctionName(String);

impl Manifest {
    /// Reads and checks a manifest; `file` is the name shown in messages.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file, text);
        let mut root = document.root();
        let manifest = read(&mut root);
        root.finish();
        document.finish(manifest)
    }

    /// The users files that are named, and still to be put under `[files]`.
    pub fn missing_files(&self) -> impl Iterator<Item = &str> {
        self.authentication.iter().filter_map(Authenticator::missing_file)
    }

    /// What an operator should know of it, though it is no mistake.
    pub fn warnings(&self) -> impl Iterator<Item = &'static str> {
        self.authentication.iter().flat_map(Authenticator::warnings)
    }
}

fn read(root: &mut Section) -> Option<Manifest> {
    let name = root.parsed::<FunctionName>("name");
    let name = root.required("name", name);
    let component = root.text("component");
    let paths = root.parsed_list("paths");
    let policy = root.parsed::<PolicyFile>("policy");
    let capabilities = read_capabilities(root);
    let secrets: BTreeSet<SecretName> = root.parsed_list("secrets").unwrap_or_default().into_iter().collect();
    let hosts = root.parsed_list("hosts").unwrap_or_default();
    let limits = read_limits(root.section("limits"));
    let mut kv = root.section("kv");
    let kv_prefix = kv.parsed::<FunctionName>("prefix");
    kv.finish();
    let config = root.section("config").free();
    let authenticates = root.has("authentication");
    let authentication = authentication::read_all(root);
    let mut deepstream = root.section("deepstream");
    let basic_secret = deepstream.parsed("basic_secret");
    deepstream.finish();
    let ceiling = ceiling::read(root.section("ceiling"));
    let is_bare = component.is_none() && paths.is_none() && capabilities.is_empty();
    let serves = match is_bare && (policy.is_some() || authenticates) {
        true => Serves::Deepstream,
        false => Serves::Requests,
    };
    let paths = read_paths(root, serves, paths);
    check_needs(root, &capabilities, (policy.as_ref(), &authentication));
    check_reserved(root, &config, &secrets);
    let name = name?;
    let kv_prefix = kv_prefix.map_or_else(|| name.0.clone(), |prefix| prefix.0);
    Some(Manifest {
        name,
        component,
        paths,
        serves,
        capabilities,
        secrets,
        hosts,
        limits,
        kv_prefix,
        config,
        authentication,
        policy,
        basic_secret,
        ceiling,
    })
}

/// Capabilities that need something of the manifest.
fn check_needs(
    root: &Section,
    capabilities: &BTreeSet<Capability>,
    (policy, authentication): (Option<&PolicyFile>, &[Authenticator]),
) {
    if capabilities.contains(&Capability::Policy) && policy.is_none() {
        root.wrong("policy", "the capability `policy` needs `policy = \"policy.yaml\"`, a file beside the manifest");
    }
    if capabilities.contains(&Capability::Identity) && authentication.is_empty() {
        root.wrong(
            "authentication",
            "the capability `identity` needs at least one `[[authentication]]`; without one nobody is let in",
        );
    }
}

/// Names that are the host's own.
fn check_reserved(root: &Section, config: &BTreeMap<String, Free>, secrets: &BTreeSet<SecretName>) {
    for reserved in ["uuid", "uuids", "auth_key", "auth_keys"] {
        if config.contains_key(reserved) {
            root.wrong("config", format!("`{reserved}` is what a caller proves, not a setting"));
        }
    }
    if secrets.iter().any(|name| name.as_str().starts_with("keyset/")) {
        root.wrong("secrets", "`keyset/…` are the host's own");
    }
}

fn read_paths(root: &Section, serves: Serves, paths: Option<Vec<PathPattern>>) -> Vec<PathPattern> {
    match serves {
        Serves::Deepstream => Vec::new(),
        Serves::Requests => {
            let paths = root.required("paths", paths).unwrap_or_default();
            if paths.is_empty() {
                root.wrong("paths", "at least one path is needed");
            }
            paths
        }
    }
}

fn read_capabilities(root: &mut Section) -> BTreeSet<Capability> {
    let mut capabilities = BTreeSet::new();
    for word in root.texts("capabilities").unwrap_or_default() {
        match Capability::from_word(&word) {
            Some(capability) => drop(capabilities.insert(capability)),
            None => {
                let known: Vec<&str> = Capability::ALL.into_iter().map(Capability::word).collect();
                root.wrong("capabilities", format!("`{word}` is none of {}", known.join(", ")));
            }
        }
    }
    capabilities
}

fn read_limits(mut section: Section) -> Limits {
    let default = Limits::default();
    let calls = default.calls;
    let limits = Limits {
        time: section.duration("time").unwrap_or(default.time),
        memory: section.size("memory").unwrap_or(default.memory),
        table_elements: section.number("table_elements", 1..=20_000).map_or(default.table_elements, |n| n as usize),
        body: section.size("body").unwrap_or(default.body),
        reply: section.size("reply").unwrap_or(default.reply),
        outbound_body: section.size("outbound_body").unwrap_or(default.outbound_body),
        calls: CallLimits {
            outbound: section.number("outbound_calls", 0..=100).unwrap_or(calls.outbound),
            vault: section.number("vault_calls", 0..=1_000).unwrap_or(calls.vault),
            access: section.number("access_calls", 0..=1_000).unwrap_or(calls.access),
            kv: section.number("kv_calls", 0..=1_000).unwrap_or(calls.kv),
            identity: section.number("identity_calls", 0..=10).unwrap_or(calls.identity),
            policy: section.number("policy_calls", 0..=1_000).unwrap_or(calls.policy),
            log: section.number("log_lines", 0..=10_000).unwrap_or(calls.log),
        },
    };
    if limits.time < Duration::from_millis(10) || limits.time > Duration::from_secs(60) {
        section.wrong("time", "10ms to 60s");
    }
    if limits.body > 8 << 20 {
        section.wrong("body", "8MiB at the most");
    }
    if limits.reply > 16 << 20 || limits.outbound_body > 16 << 20 {
        section.wrong("reply", "`reply` and `outbound_body` are 16MiB at the most");
    }
    section.finish();
    limits
}

impl FunctionName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PolicyFile {
    /// The file's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for PolicyFile {
    type Err = MalformedPolicyFile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=200).contains(&text.len()) && !text.starts_with('.') && !text.contains(['/', '\\', '\0']);
        if fits { Ok(Self(text.to_owned())) } else { Err(MalformedPolicyFile) }
    }
}

impl std::fmt::Display for FunctionName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::str::FromStr for FunctionName {
    type Err = MalformedFunctionName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(MalformedFunctionName(text.chars().take(80).collect())) }
    }
}
