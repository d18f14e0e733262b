//! The keysets of this server; their secret keys are in the vault, never here.

mod stored;

use usher_access::{Epoch, KeyNumber, PublishKey, SubscribeKey, Switches};
use usher_vault::SecretName;

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};
use crate::keysets::SecretKeys;
use crate::network_origin::NetworkOrigin;
use stored::Stored;

/// Subscribe key, publish key, where its grants go, and what counts as proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyset {
    pub(crate) subscribe_key: SubscribeKey,
    pub(crate) publish_key: PublishKey,
    pub(crate) access: AccessManager,
    /// What is behind the gateway; none where there is no gateway.
    pub(crate) network: Option<NetworkOrigin>,
    pub(crate) keys: SecretKeys,
    /// Tokens of an earlier epoch do not count.
    pub(crate) epoch: Epoch,
    pub(crate) switches: Switches,
    pub(crate) revocation: Revocability,
}

/// Who keeps a keyset's grants and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AccessManager {
    /// Usher itself.
    Embedded,
    /// A PubNub-compatible origin.
    Remote(NetworkOrigin),
}

/// Whether single tokens can be revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Revocability {
    #[default]
    On,
    Off,
}

impl Keyset {
    /// A keyset with one secret key, kept by Usher.
    pub(crate) fn new(subscribe_key: SubscribeKey, publish_key: PublishKey) -> Self {
        Self {
            subscribe_key,
            publish_key,
            access: AccessManager::Embedded,
            network: None,
            keys: SecretKeys::first(),
            epoch: Epoch::default(),
            switches: Switches::default(),
            revocation: Revocability::default(),
        }
    }

    /// Where the vault keeps a secret key.
    pub(crate) fn secret_name(&self, number: KeyNumber) -> Option<SecretName> {
        format!("keyset/{}/secret-key/{number}", self.subscribe_key.as_str()).parse().ok()
    }

    /// Where the vault kept the only secret key of a keyset before there were numbers: key 1 may still be there.
    pub(crate) fn unnumbered_secret_name(&self) -> Option<SecretName> {
        format!("keyset/{}/secret-key", self.subscribe_key.as_str()).parse().ok()
    }
}

/// Whose secret key a secret is, by its name.
pub(crate) fn key_of_secret(name: &SecretName) -> Option<(SubscribeKey, KeyNumber)> {
    let (subscribe_key, rest) = name.as_str().strip_prefix("keyset/")?.split_once('/')?;
    let number = match rest.strip_prefix("secret-key")?.strip_prefix('/') {
        Some(number) => number.parse().ok().filter(|parsed: &u32| parsed.to_string() == number)?,
        None if rest == "secret-key" => 1,
        None => return None,
    };
    Some((subscribe_key.parse().ok()?, KeyNumber::new(number)))
}

/// All keysets, in the order of their subscribe keys.
pub(crate) fn all(store: &Store) -> Result<Vec<Keyset>, StoreError> {
    store.scan(Space::Keysets, b"", None, usize::MAX)?.iter().map(|(_, value)| decode(value)).collect()
}

/// Adds or replaces a keyset.
pub(crate) fn put(store: &Store, keyset: &Keyset, record: &Record) -> Result<(), StoreError> {
    let value = serde_json::to_vec(&Stored::from(keyset)).map_err(|error| StoreError(error.to_string()))?;
    let mut batch = Batch::default();
    batch.put(Space::Keysets, keyset.subscribe_key.as_str(), value);
    record.add_to(&mut batch);
    store.commit(batch, Durability::Disk)
}

fn decode(value: &[u8]) -> Result<Keyset, StoreError> {
    let damaged = |what: String| StoreError(format!("keyset record: {what}"));
    let stored: Stored = serde_json::from_slice(value).map_err(|error| damaged(error.to_string()))?;
    stored.try_into().map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keysets::KeyState;
    use usher_access::{GlobalPresence, MetadataLists, UnixSeconds};

    #[test]
    fn a_record_of_before_there_were_numbers_is_read() {
        let old = br#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null}"#;
        let expected = Keyset::new("sub-c-1".parse().unwrap(), "pub-c-1".parse().unwrap());
        assert_eq!(decode(old).unwrap(), expected);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let plain = Keyset::new("sub-c-1".parse().unwrap(), "pub-c-1".parse().unwrap());
        let until = UnixSeconds::new(1_800_000_000);
        let keys = plain.keys.rotated(KeyState::Active, until).unwrap();
        let keys = keys.rotated(KeyState::Retiring { until }, UnixSeconds::new(0)).unwrap();
        let switches = Switches { metadata_lists: MetadataLists::Granted, global_presence: GlobalPresence::Open };
        let network = Some("https://ps.example.com".parse().unwrap());
        let rich =
            Keyset { network, keys, epoch: Epoch::new(7), switches, revocation: Revocability::Off, ..plain.clone() };
        let far = Keyset { access: AccessManager::Remote("https://far.example.com".parse().unwrap()), ..plain.clone() };
        for keyset in [plain, rich, far] {
            let store = Store::in_memory();
            let record = Record { at: 0, action: "a".into(), subject: "s".into(), request: "r".into() };
            put(&store, &keyset, &record).unwrap();
            assert_eq!(all(&store).unwrap(), [keyset]);
        }
    }

    #[test]
    fn a_secret_is_a_secret_key_by_its_name() {
        let keyset = Keyset::new("sub-c-1".parse().unwrap(), "pub-c-1".parse().unwrap());
        for number in [1, 2, u32::MAX].map(KeyNumber::new) {
            let named = key_of_secret(&keyset.secret_name(number).unwrap());
            assert_eq!(named, Some((keyset.subscribe_key.clone(), number)));
        }
        let first = Some((keyset.subscribe_key.clone(), KeyNumber::new(1)));
        assert_eq!(key_of_secret(&keyset.unnumbered_secret_name().unwrap()), first);
        for other in
            ["keyset/sub-c-1/secret-key/01", "keyset/sub-c-1/secret-keys", "keyset/sub-c-1/other/1", "secret-key/1"]
        {
            assert_eq!(key_of_secret(&other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn a_record_that_makes_no_sense_is_damage() {
        for record in [
            r"{}",
            r#"{"subscribe_key":"sub c","publish_key":"pub-c-1","origin":null}"#,
            r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":"nowhere"}"#,
            r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null,"keys":[]}"#,
            r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null,"network":"nowhere"}"#,
            r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null,"keys":[{"number":1,"state":"lost"}]}"#,
            r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null,"more":1}"#,
        ] {
            assert!(decode(record.as_bytes()).is_err(), "{record}");
        }
    }
}
