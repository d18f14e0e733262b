//! The live keysets: made when the server starts or an admin creates one, changed while requests are answered.

mod change;
mod changes;
mod ended;
mod keys;
mod live;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use usher_access::{PublishKey, SubscribeKey};
use usher_vault::Secret;

pub(crate) use change::{ChangeError, KeyPlan, LiveTokens, Retirement, Rotation, Settings};
pub(crate) use changes::Changes;
pub(crate) use keys::{KeyState, KeysError, SecretKey, SecretKeys};
pub(crate) use live::{LiveAccess, LiveKeyset};

use crate::clock::Clock;
use crate::network_origin::NetworkOrigin;
use crate::outbound::{ClientError, OutboundClient};
use crate::remote::RemoteOrigin;
use crate::store::audit::Record;
use crate::store::grants::EmbeddedGrants;
use crate::store::groups::EmbeddedGroups;
use crate::store::keysets::{AccessManager, Keyset};
use crate::store::revocations::StoredRevocations;
use crate::store::secrets::Secrets;
use crate::store::tokens::IssuedTokens;
use crate::store::{Store, StoreError, keysets, secrets};
use live::{Parts, secret_name};

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

/// Why a keyset could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysetError {
    #[error("the keyset `{0}` exists already")]
    Exists(SubscribeKey),
    #[error(
        "the grants of a keyset with an origin are kept there, so that it cannot have a network behind Usher's gateway"
    )]
    NetworkOfRemote,
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Secret(#[from] secrets::ChangeError),
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
        let _changing = self.lock();
        if self.live.load().contains_key(&keyset.subscribe_key) {
            return Err(KeysetError::Exists(keyset.subscribe_key));
        }
        check_origins(&keyset)?;
        let name = keyset.secret_name(keyset.keys.primary());
        let name = name.ok_or_else(no_secret_name)?;
        self.secrets.set(&name, secret_key, record)?;
        let live = Arc::new(self.enliven(keyset.clone())?);
        keysets::put(&self.store, &keyset, record)?;
        let mut all = BTreeMap::clone(&self.live.load());
        all.insert(keyset.subscribe_key, Arc::clone(&live));
        self.live.store(Arc::new(all));
        Ok(live)
    }

    /// Frees what has expired in every keyset: grants, tokens, revocations, secret keys; returns how many.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.now();
        let mut swept = 0;
        for live in self.all() {
            if let LiveAccess::Embedded { grants, .. } = &live.access {
                swept += grants.sweep()?;
            }
            self.drop_ended_keys(&live)?;
            // Asked anew for each key: one that was made meanwhile may have granted already.
            swept += live.issued.sweep(now, |number| live.record().keys.find(number).is_some())?;
            swept += live.revocations.sweep(now)?;
        }
        self.remove_unnamed_secrets()?;
        Ok(swept)
    }

    fn enliven(&self, keyset: Keyset) -> Result<LiveKeyset, KeysetError> {
        let changes = Changes::new();
        let access = match &keyset.access {
            AccessManager::Embedded => LiveAccess::Embedded {
                grants: Arc::new(EmbeddedGrants::load(
                    (Arc::clone(&self.store), self.clock.clone()),
                    &keyset.subscribe_key,
                    changes.clone(),
                )?),
                groups: Arc::new(EmbeddedGroups::load(Arc::clone(&self.store), keyset.subscribe_key.as_str())?),
            },
            AccessManager::Remote(origin) => LiveAccess::Remote(Arc::new(self.remote(&keyset, origin)?)),
        };
        let parts = Parts {
            access,
            issued: IssuedTokens::new(Arc::clone(&self.store), &keyset.subscribe_key),
            revocations: StoredRevocations::load(Arc::clone(&self.store), &keyset.subscribe_key)?,
            changes,
            secrets: Arc::clone(&self.secrets),
        };
        Ok(LiveKeyset::new(keyset, parts))
    }

    fn remote(&self, keyset: &Keyset, origin: &NetworkOrigin) -> Result<RemoteOrigin, KeysetError> {
        let name = secret_name(keyset, keyset.keys.primary(), &self.secrets);
        let name = name.ok_or_else(no_secret_name)?;
        Ok(RemoteOrigin {
            origin: origin.as_str().to_owned(),
            subscribe_key: keyset.subscribe_key.clone(),
            publish_key: keyset.publish_key.clone(),
            secret_key: Arc::new(ArcSwap::from_pointee(name)),
            secrets: Arc::clone(&self.secrets),
            client: Arc::new(OutboundClient::for_operator(origin.host().clone(), &self.roots)?),
            clock: self.clock.clone(),
        })
    }
}

fn no_secret_name() -> KeysetError {
    KeysetError::Malformed("the subscribe key makes no secret name".into())
}

/// There is an origin for grants or one for the network, not both.
fn check_origins(keyset: &Keyset) -> Result<(), KeysetError> {
    match (&keyset.access, &keyset.network) {
        (AccessManager::Embedded, Some(_) | None) | (AccessManager::Remote(_), None) => Ok(()),
        (AccessManager::Remote(_), Some(_)) => Err(KeysetError::NetworkOfRemote),
    }
}

/// Fresh keys in PubNub's form: `sub-c-…`, `pub-c-…` and a secret of 32 random bytes.
pub(crate) fn fresh() -> Result<(SubscribeKey, PublishKey, String), KeysetError> {
    let malformed = |error: usher_access::MalformedKey| KeysetError::Malformed(error.to_string());
    let subscribe_key = format!("sub-c-{}", random_hex::<16>()?).parse().map_err(malformed)?;
    let publish_key = format!("pub-c-{}", random_hex::<16>()?).parse().map_err(malformed)?;
    Ok((subscribe_key, publish_key, fresh_secret()?))
}

/// A fresh secret key in PubNub's form: `sec-c-…`, 32 random bytes.
pub(crate) fn fresh_secret() -> Result<String, KeysetError> {
    Ok(format!("sec-c-{}", random_hex::<32>()?))
}

fn random_hex<const N: usize>() -> Result<String, KeysetError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| KeysetError::Malformed(error.to_string()))?;
    Ok(hex::encode(bytes))
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
