//! The live keysets: where each one's grants and groups are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use usher_access::{PublishKey, SubscribeKey};
use usher_runtime::capability::access::Grants;
use usher_runtime::capability::groups::Groups;
use usher_vault::{Secret, SecretName};

use crate::clock::Clock;
use crate::outbound::{AllowedHost, ClientError, OutboundClient};
use crate::remote::RemoteOrigin;
use crate::store::audit::Record;
use crate::store::grants::EmbeddedGrants;
use crate::store::groups::EmbeddedGroups;
use crate::store::keysets::{AccessManager, Keyset};
use crate::store::secrets::{ChangeError, Secrets};
use crate::store::{Store, StoreError, keysets};

/// All keysets of this server.
#[derive(Debug)]
pub(crate) struct Keysets {
    store: Arc<Store>,
    secrets: Arc<Secrets>,
    clock: Clock,
    /// PEM certificates trusted besides the system's.
    roots: Vec<Vec<u8>>,
    live: ArcSwap<BTreeMap<SubscribeKey, Arc<LiveKeyset>>>,
    changing: Mutex<()>,
}

/// A keyset and its Access Manager.
#[derive(Debug)]
pub(crate) struct LiveKeyset {
    pub(crate) keyset: Keyset,
    pub(crate) access: LiveAccess,
}

/// Where a keyset's grants and groups are.
#[derive(Debug)]
pub(crate) enum LiveAccess {
    Embedded { grants: Arc<EmbeddedGrants>, groups: Arc<EmbeddedGroups> },
    Remote(Arc<RemoteOrigin>),
}

/// Why a keyset could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysetError {
    #[error("the keyset `{0}` exists already")]
    Exists(SubscribeKey),
    #[error("`{0}` is no origin: write scheme and host, such as `https://ps.example.com`")]
    Origin(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Secret(#[from] ChangeError),
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("{0}")]
    Malformed(String),
}

impl Keysets {
    /// Loads every keyset with its grants and groups.
    pub(crate) fn load(
        store: Arc<Store>,
        secrets: Arc<Secrets>,
        clock: Clock,
        roots: Vec<Vec<u8>>,
    ) -> Result<Self, KeysetError> {
        let keysets = Self { store, secrets, clock, roots, live: ArcSwap::default(), changing: Mutex::new(()) };
        let mut live = BTreeMap::new();
        for keyset in keysets::all(&keysets.store)? {
            live.insert(keyset.subscribe_key.clone(), Arc::new(keysets.enliven(keyset)?));
        }
        keysets.live.store(Arc::new(live));
        Ok(keysets)
    }

    pub(crate) fn find(&self, subscribe_key: &SubscribeKey) -> Option<Arc<LiveKeyset>> {
        self.live.load().get(subscribe_key).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveKeyset>> {
        self.live.load().values().cloned().collect()
    }

    /// Stores the secret key in the vault, then the keyset, then makes it live.
    pub(crate) fn create(
        &self,
        keyset: Keyset,
        secret_key: &Secret,
        record: &Record,
    ) -> Result<Arc<LiveKeyset>, KeysetError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.live.load().contains_key(&keyset.subscribe_key) {
            return Err(KeysetError::Exists(keyset.subscribe_key));
        }
        let live = Arc::new(self.enliven(keyset.clone())?);
        self.secrets.set(&secret_name(&keyset)?, secret_key, record)?;
        keysets::put(&self.store, &keyset, record)?;
        let mut all = BTreeMap::clone(&self.live.load());
        all.insert(keyset.subscribe_key, Arc::clone(&live));
        self.live.store(Arc::new(all));
        Ok(live)
    }

    /// Frees expired grants of every keyset; returns how many.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        let mut swept = 0;
        for live in self.all() {
            if let LiveAccess::Embedded { grants, .. } = &live.access {
                swept += grants.sweep()?;
            }
        }
        Ok(swept)
    }

    fn enliven(&self, keyset: Keyset) -> Result<LiveKeyset, KeysetError> {
        let access = match &keyset.access {
            AccessManager::Embedded => LiveAccess::Embedded {
                grants: Arc::new(EmbeddedGrants::load(
                    Arc::clone(&self.store),
                    self.clock.clone(),
                    &keyset.subscribe_key,
                )?),
                groups: Arc::new(EmbeddedGroups::load(Arc::clone(&self.store), keyset.subscribe_key.as_str())?),
            },
            AccessManager::Remote(origin) => LiveAccess::Remote(Arc::new(self.remote(&keyset, origin)?)),
        };
        Ok(LiveKeyset { keyset, access })
    }

    fn remote(&self, keyset: &Keyset, origin: &str) -> Result<RemoteOrigin, KeysetError> {
        let origin = origin.trim_end_matches('/');
        if origin.split_once("://").is_none_or(|(_, host)| host.contains(['/', '?', '#'])) {
            return Err(KeysetError::Origin(origin.to_owned()));
        }
        let host = AllowedHost::of_url(origin).map_err(|_| KeysetError::Origin(origin.to_owned()))?;
        Ok(RemoteOrigin {
            origin: origin.to_owned(),
            subscribe_key: keyset.subscribe_key.clone(),
            publish_key: keyset.publish_key.clone(),
            secret_key: secret_name(keyset)?,
            secrets: Arc::clone(&self.secrets),
            client: Arc::new(OutboundClient::for_operator(host, &self.roots)?),
            clock: self.clock.clone(),
        })
    }
}

impl LiveKeyset {
    pub(crate) fn grants(&self) -> Arc<dyn Grants> {
        match &self.access {
            LiveAccess::Embedded { grants, .. } => Arc::<EmbeddedGrants>::clone(grants),
            LiveAccess::Remote(origin) => Arc::<RemoteOrigin>::clone(origin),
        }
    }

    pub(crate) fn groups(&self) -> Arc<dyn Groups> {
        match &self.access {
            LiveAccess::Embedded { groups, .. } => Arc::<EmbeddedGroups>::clone(groups),
            LiveAccess::Remote(origin) => Arc::<RemoteOrigin>::clone(origin),
        }
    }
}

/// Fresh keys in PubNub's form: `sub-c-…`, `pub-c-…` and a secret of 32 random bytes.
pub(crate) fn fresh() -> Result<(SubscribeKey, PublishKey, String), KeysetError> {
    let random = || {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map(|()| hex::encode(bytes))
            .map_err(|error| KeysetError::Malformed(error.to_string()))
    };
    let malformed = |error: usher_access::MalformedKey| KeysetError::Malformed(error.to_string());
    let subscribe_key = format!("sub-c-{}", random()?).parse().map_err(malformed)?;
    let publish_key = format!("pub-c-{}", random()?).parse().map_err(malformed)?;
    Ok((subscribe_key, publish_key, format!("sec-c-{}{}", random()?, random()?)))
}

/// Keys for a demo keyset, as texts.
#[derive(Debug)]
pub struct DemoKeys {
    /// `sub-c-…`
    pub subscribe_key: String,
    /// `pub-c-…`
    pub publish_key: String,
    /// `sec-c-…`
    pub secret_key: String,
}

impl DemoKeys {
    /// Fresh random keys.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn make() -> Result<Self, String> {
        let (subscribe_key, publish_key, secret_key) = fresh().map_err(|error| error.to_string())?;
        Ok(Self { subscribe_key: subscribe_key.to_string(), publish_key: publish_key.to_string(), secret_key })
    }
}

fn secret_name(keyset: &Keyset) -> Result<SecretName, KeysetError> {
    keyset.secret_name().ok_or_else(|| KeysetError::Malformed("the subscribe key makes no secret name".into()))
}
