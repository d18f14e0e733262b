//! The keysets of this server; their secret keys are in the vault, never here.

use serde::{Deserialize, Serialize};
use usher_access::{PublishKey, SubscribeKey};
use usher_vault::SecretName;

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};

/// Subscribe key, publish key and where its grants go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyset {
    pub(crate) subscribe_key: SubscribeKey,
    pub(crate) publish_key: PublishKey,
    pub(crate) access: AccessManager,
}

/// Who keeps a keyset's grants and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AccessManager {
    /// Usher itself.
    Embedded,
    /// A PubNub-compatible origin, such as `https://ps.example.com`.
    Remote(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    subscribe_key: String,
    publish_key: String,
    origin: Option<String>,
}

impl Keyset {
    /// Where the vault keeps a keyset's secret key.
    pub(crate) fn secret_name(&self) -> Option<SecretName> {
        format!("keyset/{}/secret-key", self.subscribe_key.as_str()).parse().ok()
    }
}

/// All keysets, in the order of their subscribe keys.
pub(crate) fn all(store: &Store) -> Result<Vec<Keyset>, StoreError> {
    store.scan(Space::Keysets, b"", None, usize::MAX)?.iter().map(|(_, value)| decode(value)).collect()
}

/// Adds or replaces a keyset.
pub(crate) fn put(store: &Store, keyset: &Keyset, record: &Record) -> Result<(), StoreError> {
    let Keyset { subscribe_key, publish_key, access } = keyset;
    let stored = Stored {
        subscribe_key: subscribe_key.as_str().to_owned(),
        publish_key: publish_key.as_str().to_owned(),
        origin: match access {
            AccessManager::Embedded => None,
            AccessManager::Remote(origin) => Some(origin.clone()),
        },
    };
    let value = serde_json::to_vec(&stored).map_err(|error| StoreError(error.to_string()))?;
    let mut batch = Batch::default();
    batch.put(Space::Keysets, subscribe_key.as_str(), value);
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

fn decode(value: &[u8]) -> Result<Keyset, StoreError> {
    let damaged = |what: String| StoreError(format!("keyset record: {what}"));
    let Stored { subscribe_key, publish_key, origin } =
        serde_json::from_slice(value).map_err(|error| damaged(error.to_string()))?;
    Ok(Keyset {
        subscribe_key: subscribe_key.parse().map_err(|_| damaged("subscribe key".into()))?,
        publish_key: publish_key.parse().map_err(|_| damaged("publish key".into()))?,
        access: origin.map_or(AccessManager::Embedded, AccessManager::Remote),
    })
}
