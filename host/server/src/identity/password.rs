//! Passwords as users files keep them: argon2id, deepstream's PBKDF2, or clear text where the operator insists.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Argon2, Params, PasswordHash, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The longest password that is checked, in bytes.
pub(crate) const LONGEST_PASSWORD: usize = 8 << 10;
/// The most memory one argon2id check may take, in KiB.
const MOST_MEMORY: u32 = 256 << 10;
/// The most passes of one argon2id check.
const MOST_PASSES: u32 = 16;
/// The most lanes of one argon2id check.
const MOST_LANES: u32 = 16;
/// Random bytes of a salt; deepstream's number.
const SALT: usize = 16;
/// The most PBKDF2 rounds.
pub(crate) const MOST_ITERATIONS: u32 = 10_000_000;
/// The most PBKDF2 rounds, each counted for every block of the key.
const MOST_WORK: u64 = MOST_ITERATIONS as u64;
/// The shortest PBKDF2 key, in bytes: a shorter one fits too many passwords.
pub(crate) const SHORTEST_KEY: u32 = 16;
/// The longest PBKDF2 key, in bytes.
pub(crate) const LONGEST_KEY: u32 = 512;

/// How a users file keeps passwords that are not argon2id's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Not at all: every password is argon2id's.
    Argon2,
    /// As deepstream does: the key in base64, and behind it the text of the salt.
    Pbkdf2(Pbkdf2),
    /// As they are. Whoever reads the file knows them all.
    Clear,
}

/// PBKDF2 with HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pbkdf2 {
    /// The hash.
    pub digest: Digest,
    /// Rounds, 1 to 10,000,000.
    pub iterations: u32,
    /// Bytes of the key, 16 to 512.
    pub key_length: u32,
}

/// A hash for PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// As deepstream's sample has it.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// One stored password.
#[derive(Clone)]
pub(crate) enum Stored {
    Argon2(Box<PasswordHash>),
    Pbkdf2 { how: Pbkdf2, key: Vec<u8>, salt: String },
    Clear(Zeroizing<String>),
}

/// The text is no stored password of its scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPassword {
    /// Another form than argon2id's.
    #[error("is no argon2id hash; make one with `usher hash`, or say with `hash` how passwords are kept")]
    NotArgon2,
    /// An argon2id hash that would take too much.
    #[error("an argon2id hash beyond {} MiB, {MOST_PASSES} passes or {MOST_LANES} lanes", MOST_MEMORY >> 10)]
    TooCostly,
    /// No PBKDF2 hash of that length.
    #[error("is no hash of {0} bytes in base64 with its salt behind it")]
    NotPbkdf2(u32),
    /// Nothing.
    #[error("is empty")]
    Empty,
}

/// No hash could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// An empty password, or one longer than is ever checked.
    #[error("a password has 1 to {LONGEST_PASSWORD} bytes")]
    Length,
    /// The system gives no randomness, or not enough memory.
    #[error("no hash could be made: {0}")]
    System(String),
}

impl Scheme {
    /// Reads a password as a users file keeps it. An argon2id hash is one under every scheme but [`Scheme::Clear`].
    pub(crate) fn read(self, text: &str) -> Result<Stored, MalformedPassword> {
        match self {
            Self::Clear if text.is_empty() => Err(MalformedPassword::Empty),
            Self::Clear => Ok(Stored::Clear(Zeroizing::new(text.to_owned()))),
            Self::Pbkdf2(how) if !text.starts_with("$argon2") => how.read(text),
            Self::Argon2 | Self::Pbkdf2(_) => read_argon2(text),
        }
    }
}

fn read_argon2(text: &str) -> Result<Stored, MalformedPassword> {
    let hash = PasswordHash::new(text).map_err(|_| MalformedPassword::NotArgon2)?;
    let params = Params::try_from(&hash).map_err(|_| MalformedPassword::NotArgon2)?;
    if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
        return Err(MalformedPassword::NotArgon2);
    }
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(MalformedPassword::TooCostly);
    }
    Ok(Stored::Argon2(Box::new(hash)))
}

impl Pbkdf2 {
    fn read(self, text: &str) -> Result<Stored, MalformedPassword> {
        let malformed = MalformedPassword::NotPbkdf2(self.key_length);
        let length = self.key_length as usize;
        let (key, salt) = text.split_at_checked(4 * length.div_ceil(3)).ok_or_else(|| malformed.clone())?;
        let key = STANDARD.decode(key).ok().filter(|key| key.len() == length);
        match key {
            Some(key) if !salt.is_empty() => Ok(Stored::Pbkdf2 { how: self, key, salt: salt.to_owned() }),
            Some(_) | None => Err(malformed),
        }
    }

    /// Whether checking a password does not keep a core busy for too long.
    pub(crate) const fn is_affordable(self) -> bool {
        let block = match self.digest {
            Digest::Md5 => 16,
            Digest::Sha1 => 20,
            Digest::Sha256 => 32,
            Digest::Sha512 => 64,
        };
        self.iterations as u64 * self.key_length.div_ceil(block) as u64 <= MOST_WORK
    }

    /// The text of the salt is the salt, not the bytes that it stands for: deepstream's way.
    fn derive(self, password: &[u8], salt: &str) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; self.key_length as usize]);
        let (salt, rounds) = (salt.as_bytes(), self.iterations);
        match self.digest {
            Digest::Md5 => pbkdf2_hmac::<Md5>(password, salt, rounds, &mut key),
            Digest::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, rounds, &mut key),
            Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, rounds, &mut key),
            Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, rounds, &mut key),
        }
        key
    }

    /// A new hash of a password, as deepstream's own tool prints it.
    ///
    /// # Errors
    /// An empty or overlong password, and no randomness.
    pub fn hash(self, password: &[u8]) -> Result<String, HashError> {
        let salt = STANDARD.encode(new_salt(password)?);
        Ok(STANDARD.encode(self.derive(password, &salt).as_slice()) + &salt)
    }
}

impl Stored {
    /// Takes as long as its scheme wants, so not on a thread that others wait for.
    pub(crate) fn is(&self, password: &[u8]) -> bool {
        if password.len() > LONGEST_PASSWORD {
            return false;
        }
        match self {
            Self::Argon2(hash) => Argon2::default().verify_password(password, hash.as_ref()).is_ok(),
            Self::Pbkdf2 { how, key, salt } => how.derive(password, salt).ct_eq(key).into(),
            Self::Clear(text) => text.as_bytes().ct_eq(password).into(),
        }
    }
}

/// A new argon2id hash of a password, with the parameters that OWASP recommends: 19 MiB, two passes, one lane.
///
/// # Errors
/// An empty or overlong password, and no randomness or memory.
pub fn hash_with_argon2(password: &[u8]) -> Result<String, HashError> {
    let salt = new_salt(password)?;
    let hash = Argon2::default().hash_password_with_salt(password, &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| HashError::System(error.to_string()))
}

fn new_salt(password: &[u8]) -> Result<[u8; SALT], HashError> {
    if password.is_empty() || password.len() > LONGEST_PASSWORD {
        return Err(HashError::Length);
    }
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|error| HashError::System(error.to_string()))?;
    Ok(salt)
}

impl std::str::FromStr for Digest {
    type Err = UnknownDigest;

    fn from_str(text: &str) -> Result<Self, UnknownDigest> {
        match text {
            "md5" => Ok(Self::Md5),
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            other => Err(UnknownDigest(other.chars().take(40).collect())),
        }
    }
}

/// No digest of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of md5, sha1, sha256, sha512")]
pub struct UnknownDigest(String);

/// Without what it keeps.
impl std::fmt::Debug for Stored {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Argon2(_) => "Stored::Argon2",
            Self::Pbkdf2 { .. } => "Stored::Pbkdf2",
            Self::Clear(_) => "Stored::Clear",
        })
    }
}

#[cfg(test)]
mod tests;
