//! The stored form of a keyset: what an earlier version did not write has the meaning it had then.

use serde::{Deserialize, Serialize};
use usher_access::{Epoch, GlobalPresence, KeyNumber, MetadataLists, Switches, UnixSeconds};

use super::{AccessManager, Keyset, Revocability};
use crate::keysets::{KeyState, SecretKey, SecretKeys};

/// A keyset's record, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    subscribe_key: String,
    publish_key: String,
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// Without them: one primary key of number 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<StoredKey>>,
    #[serde(default)]
    epoch: u32,
    #[serde(default)]
    switches: StoredSwitches,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    number: u32,
    #[serde(flatten)]
    state: StoredState,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum StoredState {
    Primary,
    Active,
    Retiring { until: u64 },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoredSwitches {
    metadata_lists: StoredMetadataLists,
    global_presence: StoredGlobalPresence,
    revocation: StoredRevocability,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredMetadataLists {
    #[default]
    Open,
    Granted,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredGlobalPresence {
    Open,
    #[default]
    Granted,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredRevocability {
    #[default]
    On,
    Off,
}

impl From<&Keyset> for Stored {
    fn from(keyset: &Keyset) -> Self {
        let Keyset { subscribe_key, publish_key, access, network, keys, epoch, switches, revocation } = keyset;
        Self {
            subscribe_key: subscribe_key.as_str().to_owned(),
            publish_key: publish_key.as_str().to_owned(),
            origin: match access {
                AccessManager::Embedded => None,
                AccessManager::Remote(origin) => Some(origin.to_string()),
            },
            network: network.as_ref().map(ToString::to_string),
            keys: Some(keys.all().iter().map(StoredKey::from).collect()),
            epoch: epoch.get(),
            switches: StoredSwitches::of(*switches, *revocation),
        }
    }
}

impl TryFrom<Stored> for Keyset {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { subscribe_key, publish_key, origin, network, keys, epoch, switches } = stored;
        let keys = match keys {
            None => SecretKeys::first(),
            Some(keys) => SecretKeys::stored(keys.into_iter().map(SecretKey::from).collect())
                .map_err(|error| error.to_string())?,
        };
        let (switches, revocation) = switches.into_parts();
        let origin = origin.map(|origin| origin.parse()).transpose().map_err(|_| "origin")?;
        Ok(Self {
            subscribe_key: subscribe_key.parse().map_err(|_| "subscribe key")?,
            publish_key: publish_key.parse().map_err(|_| "publish key")?,
            access: origin.map_or(AccessManager::Embedded, AccessManager::Remote),
            network: network.map(|origin| origin.parse()).transpose().map_err(|_| "network")?,
            keys,
            epoch: Epoch::new(epoch),
            switches,
            revocation,
        })
    }
}

impl From<&SecretKey> for StoredKey {
    fn from(key: &SecretKey) -> Self {
        let SecretKey { number, state } = key;
        let state = match state {
            KeyState::Primary => StoredState::Primary,
            KeyState::Active => StoredState::Active,
            KeyState::Retiring { until } => StoredState::Retiring { until: until.get() },
        };
        Self { number: number.get(), state }
    }
}

impl From<StoredKey> for SecretKey {
    fn from(StoredKey { number, state }: StoredKey) -> Self {
        let state = match state {
            StoredState::Primary => KeyState::Primary,
            StoredState::Active => KeyState::Active,
            StoredState::Retiring { until } => KeyState::Retiring { until: UnixSeconds::new(until) },
        };
        Self { number: KeyNumber::new(number), state }
    }
}

impl StoredSwitches {
    fn of(switches: Switches, revocation: Revocability) -> Self {
        let Switches { metadata_lists, global_presence } = switches;
        Self {
            metadata_lists: match metadata_lists {
                MetadataLists::Open => StoredMetadataLists::Open,
                MetadataLists::Granted => StoredMetadataLists::Granted,
            },
            global_presence: match global_presence {
                GlobalPresence::Open => StoredGlobalPresence::Open,
                GlobalPresence::Granted => StoredGlobalPresence::Granted,
            },
            revocation: match revocation {
                Revocability::On => StoredRevocability::On,
                Revocability::Off => StoredRevocability::Off,
            },
        }
    }

    fn into_parts(self) -> (Switches, Revocability) {
        let Self { metadata_lists, global_presence, revocation } = self;
        let metadata_lists = match metadata_lists {
            StoredMetadataLists::Open => MetadataLists::Open,
            StoredMetadataLists::Granted => MetadataLists::Granted,
        };
        let global_presence = match global_presence {
            StoredGlobalPresence::Open => GlobalPresence::Open,
            StoredGlobalPresence::Granted => GlobalPresence::Granted,
        };
        let revocation = match revocation {
            StoredRevocability::On => Revocability::On,
            StoredRevocability::Off => Revocability::Off,
        };
        (Switches { metadata_lists, global_presence }, revocation)
    }
}
