//! 32 bytes of key material that are wiped when dropped.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::mac::hmac_sha256;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomnessError(#[from] getrandom::Error);

/// A 256-bit key. Boxed, so that moving it copies a pointer and leaves no stray copy of the key behind.
pub(crate) struct Key(Box<[u8; Self::LEN]>);

impl Key {
    pub(crate) const LEN: usize = 32;

    /// All zeros, to be filled in place.
    pub(crate) fn blank() -> Self {
        Self(Box::new([0; Self::LEN]))
    }

    /// A new random key.
    pub(crate) fn random() -> Result<Self, RandomnessError> {
        let mut key = Self::blank();
        getrandom::fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// The bytes of `bytes`, which the caller wipes.
    pub(crate) fn copied_from(bytes: &[u8; Self::LEN]) -> Self {
        let mut key = Self::blank();
        key.0.copy_from_slice(bytes);
        key
    }

    /// The key for `context` under `label`: `HMAC-SHA256(self, label ‖ 0x00 ‖ context)`.
    // INVARIANT: labels hold no zero byte, so two pairs of label and context never meet.
    pub(crate) fn derive(&self, label: &str, context: &[u8]) -> Self {
        let mut derived = hmac_sha256(self.bytes(), &[label.as_bytes(), &[0], context]);
        let key = Self::copied_from(&derived);
        derived.zeroize();
        key
    }

    pub(crate) fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; Self::LEN] {
        &mut self.0
    }
}

/// `N` random bytes that are not secret: a salt, a nonce.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomnessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

impl Zeroize for Key {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_wiped_on_drop<T: ZeroizeOnDrop>() {}

    #[test]
    fn everything_that_holds_a_key_is_wiped_on_drop() {
        assert_wiped_on_drop::<Key>();
        assert_wiped_on_drop::<crate::MasterKey>();
        assert_wiped_on_drop::<crate::Secret>();
        assert_wiped_on_drop::<aes_gcm::Aes256Gcm>();
        // HMAC has no such mark of its own: it is two of these.
        assert_wiped_on_drop::<sha2::Sha256>();
    }

    #[test]
    fn what_drop_runs_leaves_zeros() {
        let mut key = Key::random().unwrap();
        assert_ne!(key.bytes(), &[0; Key::LEN]);
        key.zeroize();
        assert_eq!(key.bytes(), &[0; Key::LEN]);
    }

    #[test]
    fn another_label_or_context_is_another_key() {
        let key = Key::copied_from(&[7; Key::LEN]);
        let derived = [("a", "b"), ("a", "c"), ("b", "b"), ("ab", ""), ("a", "")]
            .map(|(label, context)| *key.derive(label, context.as_bytes()).bytes());
        for (at, one) in derived.iter().enumerate() {
            assert!(derived[at + 1..].iter().all(|other| one != other));
        }
    }
}
