//! AES-256-GCM over whole messages: the one file that names the cipher.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use zeroize::Zeroizing;

use crate::{
    RandomnessError,
    key::{Key, random_bytes},
};

/// Bytes of a nonce, in front of the ciphertext.
pub(crate) const NONCE: usize = 12;
/// Bytes of a tag, behind the ciphertext.
pub(crate) const TAG: usize = 16;

/// Why something could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No nonce or key could be drawn.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The vault's generation, number of secrets or number of data keys is at its end.
    #[error("the vault is full")]
    Full,
}

/// The bytes are not what this key sealed with this associated data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unauthentic;

/// A sealed message.
pub(crate) struct Sealed {
    /// Nonce ‖ ciphertext ‖ tag.
    pub(crate) bytes: Vec<u8>,
    /// The tag alone, which stands for this one message.
    pub(crate) tag: [u8; TAG],
}

/// Seals under a fresh random nonce.
pub(crate) fn seal(key: &Key, associated: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
    seal_with_nonce(key, &random_bytes()?, associated, plaintext)
}

/// Opens the bytes that [`seal`] returned.
pub(crate) fn open(key: &Key, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(Unauthentic)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(Unauthentic)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    Aes256Gcm::new(key.bytes().into())
        .decrypt_inout_detached(nonce.into(), associated, InOutBuf::from(buffer.as_mut_slice()), tag.into())
        .map_err(|_| Unauthentic)?;
    Ok(buffer)
}

// INVARIANT: outside tests only `seal` calls this; a nonce used twice under one key gives the key stream away.
fn seal_with_nonce(key: &Key, nonce: &[u8; NONCE], associated: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
    let mut buffer = Zeroizing::new(plaintext.to_vec());
    let tag = Aes256Gcm::new(key.bytes().into())
        .encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(buffer.as_mut_slice()))
        .map_err(|_| SealError::Full)?;
    Ok(Sealed { bytes: [nonce.as_slice(), buffer.as_slice(), tag.as_slice()].concat(), tag: tag.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        case: u8,
        key: &'static str,
        nonce: &'static str,
        associated: &'static str,
        plaintext: &'static str,
        ciphertext: &'static str,
        tag: &'static str,
    }

    const LONG_KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const LONG_PLAINTEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
    const LONG_CIPHERTEXT: &str = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: those with 256-bit keys and 96-bit nonces.
    fn mc_grew_viega() -> [Vector; 4] {
        const ZERO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
        const ZERO_NONCE: &str = "000000000000000000000000";
        const NONCE: &str = "cafebabefacedbaddecaf888";
        [
            Vector {
                case: 13,
                key: ZERO_KEY,
                nonce: ZERO_NONCE,
                associated: "",
                plaintext: "",
                ciphertext: "",
                tag: "530f8afbc74536b9a963b4f1c4cb738b",
            },
            Vector {
                case: 14,
                key: ZERO_KEY,
                nonce: ZERO_NONCE,
                associated: "",
                plaintext: "00000000000000000000000000000000",
                ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
                tag: "d0d1c8a799996bf0265b98b5d48ab919",
            },
            Vector {
                case: 15,
                key: LONG_KEY,
                nonce: NONCE,
                associated: "",
                plaintext: LONG_PLAINTEXT,
                ciphertext: LONG_CIPHERTEXT,
                tag: "b094dac5d93471bdec1a502270e3cc6c",
            },
            Vector {
                case: 16,
                key: LONG_KEY,
                nonce: NONCE,
                associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
                tag: "76fc6ece0f4e1768cddf8853bb2d551b",
            },
        ]
    }

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        hex::decode(hex).unwrap().try_into().unwrap()
    }

    #[test]
    fn sealing_gives_the_published_ciphertexts() {
        for vector in mc_grew_viega() {
            let key = Key::copied_from(&bytes(vector.key));
            let associated = hex::decode(vector.associated).unwrap();
            let plaintext = hex::decode(vector.plaintext).unwrap();
            let sealed = seal_with_nonce(&key, &bytes(vector.nonce), &associated, &plaintext).unwrap().bytes;
            assert_eq!(
                hex::encode(&sealed),
                [vector.nonce, vector.ciphertext, vector.tag].concat(),
                "case {}",
                vector.case
            );
            assert_eq!(*open(&key, &associated, &sealed).unwrap(), plaintext, "case {}", vector.case);
        }
    }

    #[test]
    fn every_flipped_bit_of_a_published_message_is_refused() {
        for vector in mc_grew_viega() {
            let key = Key::copied_from(&bytes(vector.key));
            let associated = hex::decode(vector.associated).unwrap();
            let sealed = hex::decode([vector.nonce, vector.ciphertext, vector.tag].concat()).unwrap();
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(&key, &associated, &flipped), Err(Unauthentic), "case {} bit {bit}", vector.case);
            }
        }
    }

    #[test]
    fn the_same_plaintext_is_never_sealed_alike() {
        let key = Key::random().unwrap();
        assert_ne!(seal(&key, b"", b"same").unwrap().bytes, seal(&key, b"", b"same").unwrap().bytes);
    }
}
