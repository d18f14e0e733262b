//! `vault`: secrets by handle; revealing one is a call of its own, and logged.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use usher_vault::{Secret, SecretName};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::{Capability, not_granted};
use crate::bindings::usher::function::vault as wire;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::Recorder;

/// Where secrets come from.
pub trait Secrets: Send + Sync + std::fmt::Debug {
    /// Opens one secret.
    ///
    /// # Errors
    /// When the vault does not hold it, or its record cannot be opened.
    fn open(&self, name: &SecretName) -> Result<Secret, OpenError>;
}

/// Why a secret did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// The vault does not hold it.
    NotFound,
    /// Its record is damaged, tampered with or cannot be read.
    Unreadable,
}

/// The secrets a deployment may open.
#[derive(Debug)]
pub struct Granted {
    /// Those named in the manifest.
    pub names: BTreeSet<SecretName>,
    /// Where they are.
    pub source: Arc<dyn Secrets>,
}

/// An open secret, on the host's side of its handle.
#[derive(Debug)]
pub struct Handle {
    name: SecretName,
    secret: Secret,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    table: &'a mut ResourceTable,
    left: &'a mut u32,
    request_id: &'a str,
    trace: &'a mut Recorder,
}

impl View<'_> {
    fn take_call(&mut self) -> wasmtime::Result<()> {
        if CallLimits::take(self.left) { Ok(()) } else { Err(wasmtime::Error::msg("too many vault calls")) }
    }

    fn open_listed(&mut self, granted: &Granted, name: &str) -> Result<Handle, wire::VaultError> {
        if !CallLimits::take(self.left) {
            return Err(wire::VaultError::TooManyCalls);
        }
        let listed = name.parse::<SecretName>().ok().filter(|name| granted.names.contains(name));
        let name = listed.ok_or(wire::VaultError::NotListed)?;
        match granted.source.open(&name) {
            Ok(secret) => Ok(Handle { name, secret }),
            Err(OpenError::NotFound) => Err(wire::VaultError::NotFound),
            Err(OpenError::Unreadable) => Err(wire::VaultError::Unreadable),
        }
    }
}

impl wire::Host for View<'_> {
    fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Handle>, wire::VaultError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Vault))?;
        let began = Instant::now();
        let answer = self.open_listed(granted, &name);
        self.trace.call((Capability::Vault, "open"), began, &answer, code);
        match answer {
            Ok(handle) => Ok(Ok(self.table.push(handle)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl wire::HostSecret for View<'_> {
    fn reveal(&mut self, handle: Resource<Handle>) -> wasmtime::Result<Vec<u8>> {
        self.take_call()?;
        let Handle { name, secret } = self.table.get(&handle)?;
        tracing::info!(request = self.request_id, secret = %name, "secret revealed to the function");
        Ok(secret.reveal().to_vec())
    }

    fn hmac_sha256(&mut self, handle: Resource<Handle>, message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.take_call()?;
        Ok(self.table.get(&handle)?.secret.hmac_sha256(&message).to_vec())
    }

    fn drop(&mut self, handle: Resource<Handle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

const fn code(error: &wire::VaultError) -> &'static str {
    match error {
        wire::VaultError::NotListed => "vault.not-listed",
        wire::VaultError::NotFound => "vault.not-found",
        wire::VaultError::Unreadable => "vault.unreadable",
        wire::VaultError::TooManyCalls => "vault.too-many-calls",
    }
}

struct Vault;

impl HasData for Vault {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Vault>(linker, |state| View {
        granted: state.capabilities.vault.as_ref(),
        table: &mut state.table,
        left: &mut state.calls.vault,
        request_id: &state.context.request_id,
        trace: &mut state.recorder,
    })
}
