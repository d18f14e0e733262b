//! The header: everything the vault must know before it opens a record, sealed under the master key.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    MasterKey,
    cipher::{self, SealError},
    key::{Key, random_bytes},
    ledger::Ledger,
    ring::Ring,
    wire::Reader,
};

const MAGIC: &[u8; 8] = b"USHERVLT";
const FORMAT: u16 = 1;
const CHECK_LABEL: &str = "usher-vault 1 check";
const HEADER_LABEL: &str = "usher-vault 1 header";
const SALT: usize = 16;
const CHECK: usize = 16;
/// Bytes before the nonce, which the tag covers as associated data.
const PREFIX: usize = 8 + 2 + SALT + CHECK + 8;
/// Bytes of the SHA-256 at the end.
const CHECKSUM: usize = 32;

/// Why a header did not unlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// The header is whole, and another master key sealed it.
    #[error("this is not the vault's master key")]
    WrongMasterKey,
    /// The bytes are no header, or one that was changed or cut.
    #[error("the vault's header is damaged")]
    Damaged,
    /// A header in a format that this version of Usher does not know.
    #[error("the vault's header is in format {found}, this version reads format 1 only")]
    UnknownFormat {
        /// The format the header names.
        found: u16,
    },
    /// An authentic header from before the generation that the caller remembers.
    #[error("the vault was rolled back to generation {found}, generation {required} or later is required")]
    RolledBack {
        /// The header's generation.
        found: u64,
        /// The least generation the caller accepts.
        required: u64,
    },
}

/// The key that seals the header, and what finds it again from the master key.
#[derive(Clone)]
pub(crate) struct HeaderKey {
    salt: [u8; SALT],
    check: [u8; CHECK],
    key: Arc<Key>,
}

/// What the header holds.
#[derive(Clone)]
pub(crate) struct Contents {
    pub(crate) generation: u64,
    /// The source of [`crate::Vault::derive`]; never changes.
    pub(crate) root: Arc<Key>,
    pub(crate) ring: Ring,
    pub(crate) ledger: Ledger,
}

impl HeaderKey {
    /// A header key under `master` that no header had before.
    pub(crate) fn fresh(master: &MasterKey) -> Result<Self, SealError> {
        Ok(Self::salted(master, random_bytes()?))
    }

    fn salted(master: &MasterKey, salt: [u8; SALT]) -> Self {
        let mut check = [0; CHECK];
        for (to, from) in check.iter_mut().zip(master.key().derive(CHECK_LABEL, &salt).bytes()) {
            *to = *from;
        }
        Self { salt, check, key: Arc::new(master.key().derive(HEADER_LABEL, &salt)) }
    }
}

/// Writes and seals a header.
pub(crate) fn seal(header_key: &HeaderKey, contents: &Contents) -> Result<Vec<u8>, SealError> {
    let HeaderKey { salt, check, key } = header_key;
    let generation = contents.generation.to_be_bytes();
    let prefix = [MAGIC.as_slice(), &FORMAT.to_be_bytes(), salt, check, &generation].concat();
    let body = cipher::seal(key, &prefix, &write_body(contents)?)?.bytes;
    let checksum = Sha256::new().chain_update(&prefix).chain_update(&body).finalize();
    Ok([prefix.as_slice(), &body, checksum.as_slice()].concat())
}

/// Authenticates and reads a header.
pub(crate) fn unseal(master: &MasterKey, header: &[u8]) -> Result<(HeaderKey, Contents), UnlockError> {
    let prefix = read_prefix(header).ok_or(UnlockError::Damaged)?;
    if prefix.format != FORMAT {
        return Err(UnlockError::UnknownFormat { found: prefix.format });
    }
    let (content, checksum) = header.split_last_chunk::<CHECKSUM>().ok_or(UnlockError::Damaged)?;
    if Sha256::digest(content).as_slice() != checksum {
        return Err(UnlockError::Damaged);
    }
    let header_key = HeaderKey::salted(master, prefix.salt);
    if !bool::from(header_key.check.ct_eq(&prefix.check)) {
        return Err(UnlockError::WrongMasterKey);
    }
    let (associated, sealed) = content.split_at_checked(PREFIX).ok_or(UnlockError::Damaged)?;
    let body = cipher::open(&header_key.key, associated, sealed).map_err(|_| UnlockError::Damaged)?;
    let contents = read_body(prefix.generation, &body).ok_or(UnlockError::Damaged)?;
    Ok((header_key, contents))
}

fn write_body(contents: &Contents) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let Contents { generation: _, root, ring, ledger } = contents;
    // INVARIANT: the capacity is the final length; growing would leave keys behind in freed memory.
    let length = Key::LEN + ring.written_len() + ledger.written_len();
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(root.bytes());
    ring.write(&mut body)?;
    ledger.write(&mut body)?;
    debug_assert_eq!(body.len(), length, "the body outgrew its buffer");
    Ok(body)
}

fn read_body(generation: u64, body: &[u8]) -> Option<Contents> {
    let mut from = Reader::new(body);
    let root = Arc::new(Key::copied_from(from.array()?));
    let ring = Ring::read(&mut from)?;
    let ledger = Ledger::read(&mut from)?;
    let known = |(_, entry): (_, &crate::ledger::Entry)| {
        entry.info.version <= generation && ring.get(entry.info.data_key).is_some()
    };
    (from.rest().is_empty() && ledger.iter().all(known)).then_some(Contents { generation, root, ring, ledger })
}

struct Prefix {
    format: u16,
    salt: [u8; SALT],
    check: [u8; CHECK],
    generation: u64,
}

fn read_prefix(header: &[u8]) -> Option<Prefix> {
    let mut from = Reader::new(header);
    if from.array()? != MAGIC {
        return None;
    }
    Some(Prefix { format: from.u16()?, salt: *from.array()?, check: *from.array()?, generation: from.u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            generation: 1,
            root: Arc::new(Key::random().unwrap()),
            ring: Ring::fresh().unwrap(),
            ledger: Ledger::default(),
        }
    }

    #[test]
    fn every_flipped_bit_is_refused_even_with_a_fitting_checksum() {
        let master = MasterKey::generate().unwrap();
        let header = seal(&HeaderKey::fresh(&master).unwrap(), &contents()).unwrap();
        let content = header.len() - CHECKSUM;
        for bit in 0..content * 8 {
            let mut flipped = header[..content].to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let checksum = Sha256::digest(&flipped);
            flipped.extend_from_slice(&checksum);
            let error = unseal(&master, &flipped).err().unwrap();
            let expected = match bit / 8 {
                8..10 => matches!(error, UnlockError::UnknownFormat { .. }),
                10..42 => error == UnlockError::WrongMasterKey,
                _ => error == UnlockError::Damaged,
            };
            assert!(expected, "bit {bit}: {error}");
        }
    }

    #[test]
    fn an_authentic_body_that_makes_no_sense_is_damaged() {
        let sound = write_body(&contents()).unwrap();
        let twice_the_same_key = [&sound[..32], &[0, 2], &sound[34..70], &sound[34..]].concat();
        let bodies = [
            ("empty", Vec::new()),
            ("cut", sound[..sound.len() - 1].to_vec()),
            ("something behind", [sound.as_slice(), &[0]].concat()),
            ("no data key", [&sound[..32], &[0; 6]].concat()),
            ("twice the same key", twice_the_same_key),
            ("more secrets than bytes", [&sound[..sound.len() - 4], &[0xff; 4]].concat()),
            (
                "a secret of the future",
                [&sound[..sound.len() - 1], &[1, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1], &[0; 16]].concat(),
            ),
            (
                "a data key nobody has",
                [&sound[..sound.len() - 1], &[1, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &[0; 16]].concat(),
            ),
        ];
        assert!(read_body(1, &sound).is_some());
        for (what, body) in bodies {
            assert!(read_body(1, &body).is_none(), "{what}");
        }
    }
}
