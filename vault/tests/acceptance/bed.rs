//! A vault with a storage in memory that a test may tamper with.

use std::collections::BTreeMap;

use usher_vault::{Changes, MasterKey, OpenError, Secret, SecretName, UnlockError, Vault};

/// The vault as its caller sees it, and every byte that the caller stores.
pub(super) struct Bed {
    pub(super) master: MasterKey,
    pub(super) vault: Vault,
    pub(super) header: Vec<u8>,
    pub(super) records: BTreeMap<SecretName, Vec<u8>>,
}

impl Bed {
    pub(super) fn new() -> Self {
        let master = MasterKey::generate().unwrap();
        let (vault, changes) = Vault::create(&master).unwrap();
        assert!(changes.put.is_empty() && changes.remove.is_empty());
        Self { master, vault, header: changes.header, records: BTreeMap::new() }
    }

    /// A bed holding these secrets, set in this order.
    pub(super) fn with(secrets: &[(&str, &str)]) -> Self {
        let mut bed = Self::new();
        for (name, value) in secrets {
            bed.set(name, value);
        }
        bed
    }

    /// The transaction, and the swap.
    pub(super) fn apply(&mut self, (vault, changes): (Vault, Changes)) {
        let Changes { header, put, remove } = changes;
        self.header = header;
        self.records.extend(put);
        self.records.retain(|name, _| !remove.contains(name));
        self.vault = vault;
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.apply(self.vault.set(&self::name(name), &secret(value)).unwrap());
    }

    pub(super) fn record(&self, name: &str) -> Vec<u8> {
        self.records[&self::name(name)].clone()
    }

    pub(super) fn open(&self, name: &str) -> Result<String, OpenError> {
        let name = self::name(name);
        self.open_record(&name, self.records.get(&name).map(Vec::as_slice))
    }

    pub(super) fn open_record(&self, name: &SecretName, record: Option<&[u8]>) -> Result<String, OpenError> {
        let secret = self.vault.open(name, record)?;
        Ok(String::from_utf8(secret.reveal().to_vec()).unwrap())
    }

    /// Forgets the vault and unlocks it again from what is stored.
    pub(super) fn restart(&mut self) -> Result<(), UnlockError> {
        self.vault = Vault::unlock(&self.master, &self.header)?;
        Ok(())
    }

    /// Every secret, opened.
    pub(super) fn everything(&self) -> Vec<(String, String)> {
        self.vault.names().map(|(name, _)| (name.to_string(), self.open(name.as_str()).unwrap())).collect()
    }
}

pub(super) fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

pub(super) fn secret(value: &str) -> Secret {
    Secret::try_from(value.as_bytes().to_vec()).unwrap()
}
