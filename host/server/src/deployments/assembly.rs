//! Turns a manifest into the capabilities of a deployment: everything a function can reach is decided here.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use usher_access::{Rule, Ttl};
use usher_runtime::capability::clock::Now;
use usher_runtime::capability::http::Outbound;
use usher_runtime::capability::kv::KeyValue;
use usher_runtime::capability::{self, Capabilities, Wasi};
use usher_runtime::{Bounds, Capability};

use super::DeployError;
use super::policy::PolicyInForce;
use super::session::GrantsInSession;
use crate::clock::Clock;
use crate::document::Free;
use crate::identity::{Authenticators, Ingredients};
use crate::keysets::{LiveAccess, LiveKeyset};
use crate::manifest::{Authenticator, Manifest};
use crate::outbound::{AllowedHost, ClientError, OutboundClient};
use crate::store::Store;
use crate::store::grants::EmbeddedGrants;
use crate::store::groups::EmbeddedGroups;
use crate::store::pairs::Pairs;
use crate::store::secrets::Secrets;
use crate::store::sessions::Sessions;

/// What a manifest becomes.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) capabilities: Capabilities,
    pub(super) authenticators: Option<Arc<Authenticators>>,
    pub(super) policy: Option<PolicyInForce>,
    pub(super) granting: Option<Granting>,
}

/// The part of a manifest's text that authenticators are made from, to be compared; nothing is the same as what cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthenticationText(Option<[u8; 32]>);

/// What is needed to ask a changed policy about earlier grants; only where the function asks its policy and grants.
#[derive(Debug)]
pub(super) struct Granting {
    pub(super) bounds: Arc<Bounds>,
    pub(super) grants: Arc<EmbeddedGrants>,
    pub(super) groups: Arc<EmbeddedGroups>,
    pub(super) sessions: Sessions,
}

/// What deployments are assembled from.
#[derive(Debug)]
pub(crate) struct Parts {
    store: Arc<Store>,
    secrets: Arc<Secrets>,
    pairs: Arc<Pairs>,
    clock: Clock,
    roots: Vec<Vec<u8>>,
    per_user: u32,
    authenticators: Mutex<Vec<Weak<Authenticators>>>,
}

impl Parts {
    /// `roots` are PEM certificates trusted besides the system's; `per_user` limits authentications a second and uuid.
    pub(crate) fn new(
        store: Arc<Store>,
        secrets: Arc<Secrets>,
        pairs: Arc<Pairs>,
        clock: Clock,
        (roots, per_user): (Vec<Vec<u8>>, u32),
    ) -> Self {
        Self { store, secrets, pairs, clock, roots, per_user, authenticators: Mutex::new(Vec::new()) }
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn sweep(&self) {
        let mut all = self.authenticators.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|weak| weak.upgrade().inspect(|authenticators| authenticators.sweep()).is_some());
    }

    /// What the manifest lists, and nothing else; `policy` is the document that was uploaded with it. Authenticators are
    /// made unless they are `kept` from before.
    pub(super) fn assemble(
        &self,
        keyset: &LiveKeyset,
        manifest: &Manifest,
        policy: Option<&str>,
        kept: Option<&Arc<Authenticators>>,
    ) -> Result<Assembled, DeployError> {
        let of_authentication = manifest.authentication.iter().filter_map(Authenticator::secret);
        for name in manifest.secrets.iter().chain(of_authentication).chain(&manifest.basic_secret) {
            if !self.secrets.holds(name) {
                return Err(DeployError::NoSecret(name.clone()));
            }
        }
        let policy = self.policy(keyset, manifest, policy)?;
        let granting = self.granting(keyset, manifest, policy.as_ref());
        let authenticators = match kept {
            _ if manifest.authentication.is_empty() => None,
            Some(kept) => Some(Arc::clone(kept)),
            None => Some(self.authenticators(manifest)?),
        };
        let mut assembled = Assembled { capabilities: Capabilities::default(), authenticators, policy, granting };
        for capability in &manifest.capabilities {
            self.grant(&mut assembled, *capability, keyset, manifest)?;
        }
        Ok(assembled)
    }

    fn policy(
        &self,
        keyset: &LiveKeyset,
        manifest: &Manifest,
        document: Option<&str>,
    ) -> Result<Option<PolicyInForce>, DeployError> {
        match (&manifest.policy, document) {
            (None, None) => Ok(None),
            (Some(_), Some(document)) => Ok(Some(PolicyInForce::parse(document, self.pairs(keyset, manifest))?)),
            (Some(file), None) => Err(DeployError::PolicyMissing(file.as_str().to_owned())),
            // Versions of before there were policies kept a document that nothing asked.
            (None, Some(_)) => Ok(None),
        }
    }

    fn granting(&self, keyset: &LiveKeyset, manifest: &Manifest, policy: Option<&PolicyInForce>) -> Option<Granting> {
        policy?;
        let lists = |capability| manifest.capabilities.contains(&capability);
        let LiveAccess::Embedded { grants, groups } = &keyset.access else { return None };
        (lists(Capability::Policy) && lists(Capability::Access)).then(|| Granting {
            bounds: Arc::new(bounds(manifest)),
            grants: Arc::clone(grants),
            groups: Arc::clone(groups),
            sessions: Sessions::new(Arc::clone(&self.store), &keyset.subscribe_key, &manifest.name),
        })
    }

    fn grant(
        &self,
        assembled: &mut Assembled,
        capability: Capability,
        keyset: &LiveKeyset,
        manifest: &Manifest,
    ) -> Result<(), DeployError> {
        let Assembled { capabilities: granted, authenticators, policy, granting } = assembled;
        match capability {
            Capability::Vault => granted.vault = Some(self.vault(manifest)),
            Capability::Http => granted.http = Some(self.http(manifest)?),
            Capability::Access => granted.access = Some(self.access(keyset, manifest, granting.as_ref())),
            Capability::Groups => {
                let (bounds, groups) = (Arc::new(bounds(manifest)), keyset.groups());
                granted.groups = Some(capability::groups::Granted { bounds, groups });
            }
            Capability::Kv => granted.kv = Some(self.kv(keyset, manifest)),
            Capability::Identity => granted.identity = authenticators.as_ref().map(identity),
            Capability::Policy => granted.policy = policy.as_ref().map(|policy| self.asking(policy)),
            Capability::Config => granted.config = Some(config(manifest)),
            Capability::Log => granted.log = Some(capability::log::Granted { function: manifest.name.to_string() }),
            Capability::Clock => granted.clock = Some(capability::clock::Granted { now: self.now() }),
            Capability::Random => granted.random = Some(capability::random::Granted),
            Capability::Wasi => granted.wasi = Some(Wasi),
        }
        Ok(())
    }

    fn access(
        &self,
        keyset: &LiveKeyset,
        manifest: &Manifest,
        granting: Option<&Granting>,
    ) -> capability::access::Granted {
        let Some(Granting { bounds, grants, sessions, groups: _ }) = granting else {
            return capability::access::Granted { bounds: Arc::new(bounds(manifest)), grants: keyset.grants() };
        };
        let (grants, longest) = (Arc::clone(grants), longest_ttl(manifest));
        let (sessions, clock) = (sessions.clone(), self.clock.clone());
        let grants = GrantsInSession { grants, sessions, longest, clock };
        capability::access::Granted { bounds: Arc::clone(bounds), grants: Arc::new(grants) }
    }

    fn vault(&self, manifest: &Manifest) -> capability::vault::Granted {
        capability::vault::Granted { names: manifest.secrets.clone(), source: Arc::<Secrets>::clone(&self.secrets) }
    }

    fn http(&self, manifest: &Manifest) -> Result<capability::http::Granted, DeployError> {
        let client = OutboundClient::new(manifest.hosts.clone(), &self.roots).map_err(assembly)?;
        Ok(capability::http::Granted { client: Arc::new(client), longest_answer: manifest.limits.outbound_body })
    }

    fn kv(&self, keyset: &LiveKeyset, manifest: &Manifest) -> capability::kv::Granted {
        capability::kv::Granted { pairs: self.pairs(keyset, manifest) }
    }

    fn pairs(&self, keyset: &LiveKeyset, manifest: &Manifest) -> Arc<dyn KeyValue> {
        Arc::new(self.pairs.with_prefix(keyset.subscribe_key.as_str(), &manifest.kv_prefix))
    }

    fn asking(&self, PolicyInForce { policy, pairs, digest: _ }: &PolicyInForce) -> capability::policy::Granted {
        let now = self.now();
        capability::policy::Granted { policy: Arc::clone(policy), pairs: Arc::clone(pairs), now }
    }

    fn now(&self) -> Now {
        let clock = self.clock.clone();
        Arc::new(move || clock.millis())
    }

    fn authenticators(&self, manifest: &Manifest) -> Result<Arc<Authenticators>, DeployError> {
        let connect = |host: &AllowedHost| -> Result<Arc<dyn Outbound>, ClientError> {
            Ok(Arc::new(OutboundClient::for_operator(host.clone(), &self.roots)?))
        };
        let secrets: Arc<dyn capability::vault::Secrets> = Arc::<Secrets>::clone(&self.secrets);
        let from = Ingredients { secrets, clock: &self.clock, connect: &connect, per_user: self.per_user };
        let authenticators = Arc::new(Authenticators::assemble(&manifest.authentication, &from).map_err(assembly)?);
        self.authenticators.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&authenticators));
        Ok(authenticators)
    }
}

impl AuthenticationText {
    pub(super) fn of(manifest: &str) -> Self {
        let part = |key: &str| Some(manifest.parse::<toml::Table>().ok()?.remove(key)?.to_string());
        Self(part("authentication").map(|tables| {
            let files = part("files").unwrap_or_default();
            let length = (tables.len() as u64).to_be_bytes();
            Sha256::new().chain_update(length).chain_update(tables).chain_update(files).finalize().into()
        }))
    }
}

impl PartialEq for AuthenticationText {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() && self.0 == other.0
    }
}

fn identity(authenticators: &Arc<Authenticators>) -> capability::identity::Granted {
    capability::identity::Granted { authenticators: Arc::<Authenticators>::clone(authenticators) }
}

/// The longest that any grant of the function may last.
fn longest_ttl(manifest: &Manifest) -> Ttl {
    let longest = manifest.ceiling.rules.iter().map(|rule| match rule {
        Rule::Keyset(allowance) | Rule::Resources { allowance, .. } => allowance.longest_ttl,
    });
    longest.reduce(|one, other| if one.fits(other) { other } else { one }).unwrap_or(Ttl::DEFAULT)
}

/// What a manifest lets its function grant.
pub(super) fn bounds(manifest: &Manifest) -> Bounds {
    // `namespaces = [...]` in `[config]` is `${namespace}` in a template, as every list's plural is its items' singular.
    let variables = manifest.config.iter().filter_map(|(name, value)| match value {
        Free::List(values) => Some((name.strip_suffix('s')?.to_owned(), values.clone())),
        Free::Text(_) => None,
    });
    Bounds { ceiling: manifest.ceiling.clone(), variables: variables.collect() }
}

/// Lists reach the function as JSON.
fn config(manifest: &Manifest) -> capability::config::Granted {
    let text = |value: &Free| match value {
        Free::Text(text) => text.clone(),
        Free::List(values) => serde_json::json!(values).to_string(),
    };
    let values = manifest.config.iter().map(|(name, value)| (name.clone(), text(value)));
    capability::config::Granted { values: values.collect() }
}

fn assembly(error: impl std::fmt::Display) -> DeployError {
    DeployError::Assembly(error.to_string())
}
