//! What the host lets a function do: one file per capability, each of four parts — the granted data, a borrowed view, the
//! generated trait's implementation, `add_to_linker`.

pub mod access;
pub mod clock;
pub mod config;
pub mod groups;
pub mod http;
pub mod identity;
pub mod kv;
pub mod log;
pub mod policy;
pub mod random;
pub mod vault;

use std::future::Future;
use std::pin::Pin;

use wasmtime::component::Linker;

use crate::state::State;

/// The answer of a part that may have to wait.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something the host lets a function do; a manifest lists them by [`Capability::word`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Opening the secrets that the manifest names.
    Vault,
    /// Calling the hosts that the manifest names.
    Http,
    /// Granting up to the ceiling.
    Access,
    /// Changing channel groups.
    Groups,
    /// Storing key-value pairs under a prefix.
    Kv,
    /// Asking who a caller is.
    Identity,
    /// Asking the policy what the caller may do.
    Policy,
    /// Reading the manifest's `[config]`.
    Config,
    /// Writing to the operator's log.
    Log,
    /// Reading the clock.
    Clock,
    /// Reading randomness.
    Random,
    /// An empty WASI world, for functions compiled for `wasm32-wasip2`.
    Wasi,
}

/// What a deployment grants to its function; a missing part is a capability it does not have.
#[derive(Debug, Default)]
pub struct Capabilities {
    /// See [`vault`].
    pub vault: Option<vault::Granted>,
    /// See [`http`].
    pub http: Option<http::Granted>,
    /// See [`access`].
    pub access: Option<access::Granted>,
    /// See [`groups`].
    pub groups: Option<groups::Granted>,
    /// See [`kv`].
    pub kv: Option<kv::Granted>,
    /// See [`identity`].
    pub identity: Option<identity::Granted>,
    /// See [`policy`].
    pub policy: Option<policy::Granted>,
    /// See [`config`].
    pub config: Option<config::Granted>,
    /// See [`log`].
    pub log: Option<log::Granted>,
    /// See [`clock`].
    pub clock: Option<clock::Granted>,
    /// See [`random`].
    pub random: Option<random::Granted>,
    /// Whether an empty WASI world is linked.
    pub wasi: Option<Wasi>,
}

/// The empty WASI world is granted.
#[derive(Debug, Clone, Copy)]
pub struct Wasi;

/// What an import of a component asks for.
pub(crate) enum Import {
    /// Types only; always there.
    Types,
    /// An interface behind a capability.
    Behind(Capability),
    /// Nothing that this host has.
    Unknown,
}

impl Capability {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 12] = [
        Self::Vault,
        Self::Http,
        Self::Access,
        Self::Groups,
        Self::Kv,
        Self::Identity,
        Self::Policy,
        Self::Config,
        Self::Log,
        Self::Clock,
        Self::Random,
        Self::Wasi,
    ];

    /// The word that a manifest lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Http => "http",
            Self::Access => "access",
            Self::Groups => "groups",
            Self::Kv => "kv",
            Self::Identity => "identity",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Wasi => "wasi",
        }
    }

    /// The capability of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.word() == word)
    }
}

impl Import {
    pub(crate) fn of(name: &str) -> Self {
        if name.starts_with("wasi:") {
            return Self::Behind(Capability::Wasi);
        }
        let interface = name.strip_prefix("usher:function/").and_then(|rest| rest.split('@').next());
        match interface {
            Some("types") => Self::Types,
            Some("wasi") | None => Self::Unknown,
            Some(word) => Capability::from_word(word).map_or(Self::Unknown, Self::Behind),
        }
    }
}

impl Capabilities {
    /// The capabilities that are granted.
    #[must_use]
    pub fn listed(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.grants(*capability)).collect()
    }

    const fn grants(&self, capability: Capability) -> bool {
        match capability {
            Capability::Vault => self.vault.is_some(),
            Capability::Http => self.http.is_some(),
            Capability::Access => self.access.is_some(),
            Capability::Groups => self.groups.is_some(),
            Capability::Kv => self.kv.is_some(),
            Capability::Identity => self.identity.is_some(),
            Capability::Policy => self.policy.is_some(),
            Capability::Config => self.config.is_some(),
            Capability::Log => self.log.is_some(),
            Capability::Clock => self.clock.is_some(),
            Capability::Random => self.random.is_some(),
            Capability::Wasi => self.wasi.is_some(),
        }
    }
}

/// Links the listed capabilities and nothing else.
pub(crate) fn add_to_linker(linker: &mut Linker<State>, listed: &[Capability]) -> wasmtime::Result<()> {
    for capability in listed {
        match capability {
            Capability::Vault => vault::add_to_linker(linker)?,
            Capability::Http => http::add_to_linker(linker)?,
            Capability::Access => access::add_to_linker(linker)?,
            Capability::Groups => groups::add_to_linker(linker)?,
            Capability::Kv => kv::add_to_linker(linker)?,
            Capability::Identity => identity::add_to_linker(linker)?,
            Capability::Policy => policy::add_to_linker(linker)?,
            Capability::Config => config::add_to_linker(linker)?,
            Capability::Log => log::add_to_linker(linker)?,
            Capability::Clock => clock::add_to_linker(linker)?,
            Capability::Random => random::add_to_linker(linker)?,
            Capability::Wasi => wasmtime_wasi::p2::add_to_linker_async(linker)?,
        }
    }
    Ok(())
}

/// A host call that failed for no fault of the function's; ends the invocation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct HostFailed(pub(crate) String);

/// The trap of a call to something that is linked but not granted; linking only what is granted makes it unreachable.
pub(crate) fn not_granted(capability: Capability) -> wasmtime::Error {
    HostFailed(format!("capability `{}` is not granted", capability.word())).into()
}
