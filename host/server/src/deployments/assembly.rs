//! Turns a manifest into the capabilities of a deployment: everything a function can reach is decided here.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use usher_runtime::capability::{self, Capabilities, Wasi};
use usher_runtime::{Bounds, Capability};

use super::DeployError;
use crate::clock::Clock;
use crate::document::Free;
use crate::identity::{Authenticators, CachedWebhook, Lifetime, Source, Webhook};
use crate::keysets::LiveKeyset;
use crate::manifest::{Authenticator, HttpAuthenticator, Manifest};
use crate::outbound::OutboundClient;
use crate::store::pairs::Pairs;
use crate::store::secrets::Secrets;

/// What deployments are assembled from.
#[derive(Debug)]
pub(crate) struct Parts {
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
        secrets: Arc<Secrets>,
        pairs: Arc<Pairs>,
        clock: Clock,
        (roots, per_user): (Vec<Vec<u8>>, u32),
    ) -> Self {
        Self { secrets, pairs, clock, roots, per_user, authenticators: Mutex::new(Vec::new()) }
    }

    pub(super) fn sweep(&self) {
        let mut all = self.authenticators.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|weak| weak.upgrade().inspect(|authenticators| authenticators.sweep()).is_some());
    }

    /// What the manifest lists, and nothing else.
    pub(super) fn capabilities(&self, keyset: &LiveKeyset, manifest: &Manifest) -> Result<Capabilities, DeployError> {
        for name in manifest.secrets.iter().chain(webhook_secrets(manifest)) {
            if !self.secrets.holds(name) {
                return Err(DeployError::NoSecret(name.clone()));
            }
        }
        let mut granted = Capabilities::default();
        for capability in &manifest.capabilities {
            self.grant(&mut granted, *capability, keyset, manifest)?;
        }
        Ok(granted)
    }

    fn grant(
        &self,
        granted: &mut Capabilities,
        capability: Capability,
        keyset: &LiveKeyset,
        manifest: &Manifest,
    ) -> Result<(), DeployError> {
        match capability {
            Capability::Vault => granted.vault = Some(self.vault(manifest)),
            Capability::Http => granted.http = Some(self.http(manifest)?),
            Capability::Access => granted.access = Some(access(keyset, manifest)),
            Capability::Groups => {
                let (bounds, groups) = (Arc::new(bounds(manifest)), keyset.groups());
                granted.groups = Some(capability::groups::Granted { bounds, groups });
            }
            Capability::Kv => granted.kv = Some(self.kv(keyset, manifest)),
            Capability::Identity => granted.identity = Some(self.identity(manifest)?),
            Capability::Config => granted.config = Some(config(manifest)),
            Capability::Log => granted.log = Some(capability::log::Granted { function: manifest.name.to_string() }),
            Capability::Clock => granted.clock = Some(self.clock()),
            Capability::Random => granted.random = Some(capability::random::Granted),
            Capability::Wasi => granted.wasi = Some(Wasi),
        }
        Ok(())
    }

    fn vault(&self, manifest: &Manifest) -> capability::vault::Granted {
        capability::vault::Granted { names: manifest.secrets.clone(), source: Arc::<Secrets>::clone(&self.secrets) }
    }

    fn http(&self, manifest: &Manifest) -> Result<capability::http::Granted, DeployError> {
        let client = OutboundClient::new(manifest.hosts.clone(), &self.roots).map_err(assembly)?;
        Ok(capability::http::Granted { client: Arc::new(client), longest_answer: manifest.limits.outbound_body })
    }

    fn kv(&self, keyset: &LiveKeyset, manifest: &Manifest) -> capability::kv::Granted {
        let pairs = self.pairs.with_prefix(keyset.subscribe_key.as_str(), &manifest.kv_prefix);
        capability::kv::Granted { pairs: Arc::new(pairs) }
    }

    fn clock(&self) -> capability::clock::Granted {
        let clock = self.clock.clone();
        capability::clock::Granted { now: Arc::new(move || clock.millis()) }
    }

    fn identity(&self, manifest: &Manifest) -> Result<capability::identity::Granted, DeployError> {
        let chain = manifest.authentication.iter().map(|authenticator| match authenticator {
            Authenticator::None => Ok(Source::None),
            Authenticator::Http(http) => self.webhook(http).map(|webhook| Source::Http(Box::new(webhook))),
        });
        let authenticators = Arc::new(Authenticators::new(chain.collect::<Result<_, _>>()?, self.per_user));
        self.authenticators.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&authenticators));
        Ok(capability::identity::Granted { authenticators })
    }

    fn webhook(&self, http: &HttpAuthenticator) -> Result<CachedWebhook, DeployError> {
        let client = OutboundClient::for_operator(http.host.clone(), &self.roots).map_err(assembly)?;
        let webhook = Webhook {
            url: http.url.clone(),
            timeout: http.timeout,
            headers: http.headers.clone(),
            bearer: http.bearer.clone(),
            secrets: Arc::clone(&self.secrets),
            client: Arc::new(client),
        };
        Ok(CachedWebhook::new(webhook, Lifetime { known: http.cache, unknown: http.negative_cache }))
    }
}

fn access(keyset: &LiveKeyset, manifest: &Manifest) -> capability::access::Granted {
    capability::access::Granted { bounds: Arc::new(bounds(manifest)), grants: keyset.grants() }
}

fn bounds(manifest: &Manifest) -> Bounds {
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

fn webhook_secrets(manifest: &Manifest) -> impl Iterator<Item = &usher_vault::SecretName> {
    manifest.authentication.iter().filter_map(|authenticator| match authenticator {
        Authenticator::None => None,
        Authenticator::Http(http) => http.bearer.as_ref(),
    })
}

fn assembly(error: impl std::fmt::Display) -> DeployError {
    DeployError::Assembly(error.to_string())
}
