//! What becomes of secret keys whose end has come: first the record forgets them, then the vault.

use super::{Keysets, LiveKeyset};
use crate::data_plane::fresh_id;
use crate::store::audit::Record;
use crate::store::keysets::{Keyset, key_of_secret};
use crate::store::{StoreError, secrets};

impl Keysets {
    /// Drops the keys whose end has come. Their secrets count for nothing from then on.
    pub(super) fn drop_ended_keys(&self, live: &LiveKeyset) -> Result<(), StoreError> {
        let _changing = self.lock();
        let keyset = live.record();
        let (keys, ended) = keyset.keys.without_ended(self.now());
        if ended.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = ended.iter().map(ToString::to_string).collect();
        let record =
            self.housekeeping("keyset.key-ended", format!("{} key {}", live.subscribe_key, numbers.join(", ")));
        self.put_in_force(live, Keyset { keys, ..Keyset::clone(&keyset) }, &record)
    }

    /// Removes the secrets that no key names: those of ended keys, and what a process left that died in the middle of a change.
    pub(super) fn remove_unnamed_secrets(&self) -> Result<(), StoreError> {
        let _changing = self.lock();
        let keysets = self.live.load();
        for (name, _) in self.secrets.list() {
            let Some((subscribe_key, number)) = key_of_secret(&name) else { continue };
            // Of a keyset that there is not, a secret is whoever's that set it.
            let Some(live) = keysets.get(&subscribe_key) else { continue };
            if live.record().keys.find(number).is_some() {
                continue;
            }
            let record = self.housekeeping("secret.remove", name.to_string());
            match self.secrets.remove(&name, &record) {
                Ok(()) | Err(secrets::ChangeError::NotFound(_)) => {}
                Err(error @ secrets::ChangeError::Unusable(_)) => return Err(StoreError::other(&error)),
            }
        }
        Ok(())
    }

    fn housekeeping(&self, action: &str, subject: String) -> Record {
        // Records of one millisecond are told apart by their request.
        let request = format!("housekeeping-{}", fresh_id());
        Record { at: self.clock.millis(), action: action.into(), subject, request }
    }
}
