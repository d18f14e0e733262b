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

pub use authentication::{Authenticator, HttpAuthenticator};

/// A checked manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// 1 to 64 of `a-z`, `0-9`, `-`.
    pub name: FunctionName,
    /// The file beside the manifest that holds the component.
    pub component: Option<String>,
    /// What follows the subscribe key; at least one.
    pub paths: Vec<PathPattern>,
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
    /// The most it may ever grant; without one, nothing.
    pub ceiling: Ceiling,
}

/// The name of a function within its keyset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionName(String);

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
}

fn read(root: &mut Section) -> Option<Manifest> {
    let name = root.parsed::<FunctionName>("name");
    let name = root.required("name", name);
    let component = root.text("component");
    let paths = root.parsed_list("paths");
    let paths = root.required("paths", paths).unwrap_or_default();
    if paths.is_empty() {
        root.wrong("paths", "at least one path is needed");
    }
    let capabilities = read_capabilities(root);
    let secrets: BTreeSet<SecretName> = root.parsed_list("secrets").unwrap_or_default().into_iter().collect();
    let hosts = root.parsed_list("hosts").unwrap_or_default();
    let limits = read_limits(root.section("limits"));
    let mut kv = root.section("kv");
    let kv_prefix = kv.parsed::<FunctionName>("prefix");
    kv.finish();
    let config = root.section("config").free();
    let authentication =
        root.sections("authentication").into_iter().filter_map(authentication::read).collect::<Vec<_>>();
    let ceiling = ceiling::read(root.section("ceiling"));
    if capabilities.contains(&Capability::Identity) && authentication.is_empty() {
        root.wrong(
            "authentication",
            "the capability `identity` needs at least one `[[authentication]]`; without one nobody is let in",
        );
    }
    for reserved in ["uuid", "uuids", "auth_key", "auth_keys"] {
        if config.contains_key(reserved) {
            root.wrong("config", format!("`{reserved}` is what a caller proves, not a setting"));
        }
    }
    if secrets.iter().any(|name| name.as_str().starts_with("keyset/")) {
        root.wrong("secrets", "`keyset/…` are the host's own");
    }
    let believes = |authenticator: &Authenticator| matches!(authenticator, Authenticator::None);
    if authentication.len() > 1 && authentication.iter().any(believes) {
        root.wrong("authentication", "\"none\" beside another would let in whom the other refuses");
    }
    let name = name?;
    let kv_prefix = kv_prefix.map_or_else(|| name.0.clone(), |prefix| prefix.0);
    Some(Manifest {
        name,
        component,
        paths,
        capabilities,
        secrets,
        hosts,
        limits,
        kv_prefix,
        config,
        authentication,
        ceiling,
    })
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
