//! A record: one secret, sealed under a data key and bound to its name and version.

use std::cmp::Ordering;

use crate::{
    Secret, SecretName,
    cipher::{self, SealError, TAG},
    ledger::{Entry, RecordInfo},
    ring::Ring,
    wire::Reader,
};

const FORMAT: u8 = 1;
const CONTEXT: &[u8] = b"usher-vault record";
/// Bytes of format, data key version and record version.
const PREFIX: usize = 1 + 4 + 8;

/// Why a secret could not be opened. None of these is ever a reason to go on without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The vault holds no secret of this name.
    #[error("no secret is named `{name}`")]
    NotFound {
        /// The name asked for.
        name: SecretName,
    },
    /// The vault holds the secret, but the storage gave no record.
    #[error("the record of secret `{name}` is missing from storage")]
    Missing {
        /// The name asked for.
        name: SecretName,
    },
    /// The record is not one that this vault sealed for this name: changed, cut, another secret's, or never committed.
    #[error("the record of secret `{name}` is damaged, or belongs to another secret or vault")]
    Damaged {
        /// The name asked for.
        name: SecretName,
    },
    /// The record is older than the ledger's. If its data key was dropped by a rotation, the age is what the record claims.
    #[error("the record of secret `{name}` was rolled back to version {found}, version {expected} is the newest")]
    RolledBack {
        /// The name asked for.
        name: SecretName,
        /// The record's version.
        found: u64,
        /// The version in the ledger.
        expected: u64,
    },
    /// The record is newer than the ledger's: this vault is a snapshot from before a change (take the present one and read again,
    /// once), or the header was rolled back. If its data key is unknown here, the age is what the record claims.
    #[error(
        "the record of secret `{name}` is of version {found}, newer than version {expected} in this vault's ledger"
    )]
    Ahead {
        /// The name asked for.
        name: SecretName,
        /// The record's version.
        found: u64,
        /// The version in the ledger.
        expected: u64,
    },
}

/// Seals `secret` under the ring's current key. Returns the record and what the ledger has to know of it.
pub(crate) fn seal(
    ring: &Ring,
    name: &SecretName,
    version: u64,
    secret: &Secret,
) -> Result<(Vec<u8>, Entry), SealError> {
    let data_key = ring.current();
    let info = RecordInfo { version, data_key: data_key.version };
    let prefix = prefix(info);
    let sealed = cipher::seal(&data_key.key, &associated(&prefix, name), secret.reveal())?;
    Ok(([prefix.as_slice(), &sealed.bytes].concat(), Entry { info, tag: sealed.tag }))
}

/// Opens `record` if it is the very one that `entry` stands for.
pub(crate) fn open(ring: &Ring, name: &SecretName, entry: &Entry, record: &[u8]) -> Result<Secret, OpenError> {
    let damaged = || OpenError::Damaged { name: name.clone() };
    let found = read_prefix(record).ok_or_else(damaged)?;
    let out_of_step = || out_of_step(name, found.version, entry.info.version);
    let (prefix, sealed) = record.split_first_chunk::<PREFIX>().ok_or_else(damaged)?;
    let key = ring.get(found.data_key).ok_or_else(out_of_step)?;
    let value = cipher::open(key, &associated(prefix, name), sealed).map_err(|_| damaged())?;
    if found != entry.info || record.last_chunk::<TAG>() != Some(&entry.tag) {
        return Err(out_of_step());
    }
    Ok(Secret::opened(value))
}

fn out_of_step(name: &SecretName, found: u64, expected: u64) -> OpenError {
    let name = name.clone();
    match found.cmp(&expected) {
        Ordering::Less => OpenError::RolledBack { name, found, expected },
        Ordering::Greater => OpenError::Ahead { name, found, expected },
        Ordering::Equal => OpenError::Damaged { name },
    }
}

fn prefix(RecordInfo { version, data_key }: RecordInfo) -> Vec<u8> {
    [[FORMAT].as_slice(), &data_key.to_be_bytes(), &version.to_be_bytes()].concat()
}

fn read_prefix(record: &[u8]) -> Option<RecordInfo> {
    let mut from = Reader::new(record);
    let format = from.u8()?;
    let data_key = from.u32()?;
    let version = from.u64()?;
    (format == FORMAT).then_some(RecordInfo { version, data_key })
}

fn associated(prefix: &[u8], name: &SecretName) -> Vec<u8> {
    [CONTEXT, prefix, &name.prefixed()].concat()
}
