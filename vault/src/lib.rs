//! The vault: secrets sealed with AES-256-GCM so that the storage that keeps them need not be trusted.
//!
//! This crate opens no file, socket, clock or environment variable; the operating system's random number generator is its only
//! input besides its arguments. The caller keeps two kinds of bytes: one *header*, and one *record* per secret. Every
//! change is a function from a [`Vault`] to a new [`Vault`] and the [`Changes`] to write. **Write them in one transaction, then
//! swap the new vault in**; if the transaction fails, drop the new vault and nothing has happened.
//! One change at a time: of two changes made from the same vault, the one written last undoes the other.
//!
//! ```
//! use usher_vault::{MasterKey, Secret, SecretName, Vault};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let master = MasterKey::generate()?;
//! let (vault, _write_this) = Vault::create(&master)?;
//! let name: SecretName = "chat/secret-key".parse()?;
//! let (vault, changes) = vault.set(&name, &Secret::try_from(b"sec-c-mine".to_vec())?)?;
//! let [(_, record)] = changes.put.as_slice() else { return Err("one record".into()) };
//! assert_eq!(vault.open(&name, Some(record))?.reveal(), b"sec-c-mine");
//! # Ok(()) }
//! ```
//!
//! # Keys
//!
//! ```text
//! master key ─ HMAC ─┬─ key check (tells the wrong key from damage)
//!                    └─ header key ─ seals the header: ┬─ root key ─ HMAC ─ `Vault::derive`
//!                                                      ├─ data keys, by version ─ seal the records
//!                                                      └─ the ledger: name → version, data key, tag
//! ```
//!
//! Keys derived from another key are `HMAC-SHA256(key, label ‖ 0x00 ‖ context)`, with a label of its own for each use.
//!
//! # Header, format 1 (integers are big-endian)
//!
//! ```text
//!  at  bytes
//!   0   8    magic "USHERVLT"
//!   8   2    format version, 1
//!  10  16    salt, random, new with each master key
//!  26  16    key check: first half of HMAC(master key, "usher-vault 1 check" ‖ 0 ‖ salt)
//!  42   8    generation: 1 at creation, one more with every change
//!  50  12    nonce, random
//!  62   n    body, encrypted under HMAC(master key, "usher-vault 1 header" ‖ 0 ‖ salt)
//!  62+n 16   GCM tag; associated data: bytes 0..50
//!  78+n 32   SHA-256 of everything before it: no protection, it tells damage from the wrong key
//!
//! body:  32   root key
//!         2   number of data keys, at least 1; then each, versions ascending, the last one seals:
//!               4 version, 32 key
//!         4   number of secrets; then each, names ascending:
//!               1 length of name, the name, 8 record version, 4 data key version, 16 GCM tag of the record
//! ```
//!
//! # Record, format 1
//!
//! ```text
//!  at  bytes
//!   0   1    format version, 1
//!   1   4    data key version
//!   5   8    record version: the vault's generation when it was sealed, so no two writes share one
//!  13  12    nonce, random
//!  25   n    the secret, encrypted under the data key
//!  25+n 16   GCM tag; associated data: "usher-vault record" ‖ bytes 0..13 ‖ 1 length of name ‖ name
//! ```
//!
//! # What is detected, and what is not
//!
//! - A flipped byte, a truncation, an extension, or a record under another name does not authenticate.
//! - An authentic record other than the one in the ledger is refused: an older one, a newer one (then the header was rolled back,
//!   or the caller's vault is a snapshot from before a change), or one from a change that was never committed.
//! - A removed secret stays removed: the ledger no longer knows its name.
//! - **The header and all records rolled back together look like a vault that was never changed.** Nothing inside the storage can
//!   tell. A caller with memory outside it keeps [`Vault::generation`] there and opens with [`Vault::unlock_at_least`].
//! - Hidden from a reader of the storage: values, and the names in the header. Not hidden: the length of each value, the number of
//!   writes, and the names under which the caller files the records.
//! - Memory: keys and values are overwritten when dropped. Copies that the compiler, the processor's registers, swap or a core dump
//!   made are out of reach of safe code.
//! - A key with random 96-bit nonces should seal at most 2³² times; every change seals the header once. Rotate, and rewrap, before.

#![forbid(unsafe_code)]

mod changes;
mod cipher;
mod header;
mod key;
mod ledger;
mod mac;
mod master_key;
mod name;
mod record;
mod ring;
mod secret;
mod vault;
mod wire;

pub use changes::Changes;
pub use cipher::SealError;
pub use header::UnlockError;
pub use key::RandomnessError;
pub use ledger::RecordInfo;
pub use master_key::{MasterKey, MasterKeyError};
pub use name::{SecretName, SecretNameError};
pub use record::OpenError;
pub use secret::{Secret, SecretError};
pub use vault::{RemoveError, RotateError, Vault};
