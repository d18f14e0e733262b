//! The keys that sign a keyset's tokens.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Epoch, KeyNumber};

/// The key that signs the tokens granted under one secret key of a keyset. Wiped on drop.
pub struct TokenKey {
    number: KeyNumber,
    bytes: Zeroizing<[u8; 32]>,
}

/// Every key whose tokens count, and the epoch that they must be of.
pub struct TokenKeys {
    keys: BTreeMap<KeyNumber, TokenKey>,
    epoch: Epoch,
}

impl TokenKey {
    /// The key with these bytes; each keyset and number must have its own, for a token does not name its keyset.
    pub fn new(number: KeyNumber, bytes: [u8; 32]) -> Self {
        Self { number, bytes: Zeroizing::new(bytes) }
    }

    /// Which secret key of the keyset it belongs to.
    pub const fn number(&self) -> KeyNumber {
        self.number
    }

    /// The MAC over all these parts, one after the other.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length, so there is no error to hand on")]
    pub(super) fn mac(&self, parts: [&[u8]; 2]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.bytes.as_slice()).expect("a key of any length");
        parts.into_iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl TokenKeys {
    /// Keys by their numbers; of two with the same number the later counts.
    pub fn new(keys: impl IntoIterator<Item = TokenKey>, epoch: Epoch) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.number, key)).collect(), epoch }
    }

    /// The key of that number, if its tokens count.
    pub fn key(&self, number: KeyNumber) -> Option<&TokenKey> {
        self.keys.get(&number)
    }

    /// The only epoch whose tokens count.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({}, redacted)", self.number)
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({} keys, epoch {})", self.keys.len(), self.epoch)
    }
}
