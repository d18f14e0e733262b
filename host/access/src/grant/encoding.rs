//! The journal form of a grant: key bytes name the target, value bytes hold permissions and expiry.
//!
//! ```text
//! key    tag, then the name, then (only for one auth key) 0x00 and the auth key
//!        tag = 0x10 keyset | 0x11 channel | 0x12 group | 0x13 uuid; the high half is the version
//! value  0x01, permission bits, expiry in unix seconds (8 bytes, big endian, all ones = never)
//! ```
//! Neither names nor auth keys hold control characters, so `0x00` cannot be part of either, and all records of one
//! name lie side by side in an ordered store. Each target has exactly one key.

use super::{Grant, Holder, Target};
use crate::key::{AuthKey, MalformedKey};
use crate::permissions::{Permissions, UnknownPermissionBits};
use crate::resource::{MalformedResourceName, ResourceKind, ResourceName};
use crate::time::Expiry;

const KEYSET: u8 = 0x10;
const CHANNEL: u8 = 0x11;
const GROUP: u8 = 0x12;
const UUID: u8 = 0x13;
const VALUE_VERSION: u8 = 0x01;

/// Why bytes are not a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRecord {
    /// An empty key, or a first byte that no version has used.
    #[error("the record starts with a tag that is not known")]
    UnknownTag,
    /// Bytes after the tag of a keyset.
    #[error("a record of the keyset carries {extra} bytes too many")]
    ExtraBytes {
        /// How many.
        extra: usize,
    },
    /// A name or auth key that is not UTF-8.
    #[error("the record is not utf-8")]
    NotUtf8,
    /// A uuid without an auth key.
    #[error("a record of a uuid names no auth key")]
    UuidWithoutAuthKey,
    /// The name breaks the rules for names.
    #[error(transparent)]
    Name(#[from] MalformedResourceName),
    /// The auth key breaks the rules for auth keys.
    #[error(transparent)]
    AuthKey(#[from] MalformedKey),
    /// A value of another version or length.
    #[error("the value of a record has another version or length")]
    Value,
    /// A value with bits that mean nothing.
    #[error(transparent)]
    Permissions(#[from] UnknownPermissionBits),
}

impl Grant {
    /// Reads a grant back from its key bytes and value bytes.
    ///
    /// # Errors
    /// [`MalformedRecord`] for anything that [`Target::encode`] and [`Grant::encode_value`] did not write.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, MalformedRecord> {
        let target = Target::decode(key)?;
        let &[VALUE_VERSION, bits, ref expiry @ ..] = value else {
            return Err(MalformedRecord::Value);
        };
        let expiry = <[u8; 8]>::try_from(expiry).map_err(|_| MalformedRecord::Value)?;
        let expires = Expiry::from_bits(u64::from_be_bytes(expiry));
        Ok(Self { target, permissions: Permissions::try_from(bits)?, expires })
    }

    /// The ten value bytes: version, permissions, expiry.
    pub fn encode_value(&self) -> [u8; 10] {
        let [a, b, c, d, e, f, g, h] = self.expires.to_bits().to_be_bytes();
        [VALUE_VERSION, self.permissions.bits(), a, b, c, d, e, f, g, h]
    }
}

impl Target {
    /// The key bytes, at most 2,310; they hold the auth key in plain.
    pub fn encode(&self) -> Vec<u8> {
        View::of(self).map_or_else(|| vec![KEYSET], |view| view.encode())
    }

    /// Reads a target back from its key bytes.
    ///
    /// # Errors
    /// [`MalformedRecord`] for anything that [`Target::encode`] did not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, MalformedRecord> {
        match bytes.split_first() {
            Some((&KEYSET, [])) => Ok(Self::Keyset),
            Some((&KEYSET, extra)) => Err(MalformedRecord::ExtraBytes { extra: extra.len() }),
            Some(_) | None => View::decode(bytes)?.to_target(),
        }
    }
}

/// A target that is not the keyset, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View<'a> {
    pub(crate) kind: ResourceKind,
    pub(crate) name: &'a str,
    pub(crate) auth_key: Option<&'a str>,
}

impl<'a> View<'a> {
    pub(crate) fn of(target: &'a Target) -> Option<Self> {
        let (kind, name) = target.resource()?;
        let auth_key = target.auth_key().map(AuthKey::reveal);
        Some(Self { kind, name: name.as_str(), auth_key })
    }

    pub(crate) const fn tag(kind: ResourceKind) -> u8 {
        match kind {
            ResourceKind::Channel => CHANNEL,
            ResourceKind::Group => GROUP,
            ResourceKind::Uuid => UUID,
        }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let key_length = self.auth_key.map_or(0, |key| 1 + key.len());
        let mut bytes = Vec::with_capacity(1 + self.name.len() + key_length);
        bytes.push(Self::tag(self.kind));
        bytes.extend_from_slice(self.name.as_bytes());
        if let Some(key) = self.auth_key {
            bytes.push(0);
            bytes.extend_from_slice(key.as_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, MalformedRecord> {
        let (&tag, rest) = bytes.split_first().ok_or(MalformedRecord::UnknownTag)?;
        let kind = match tag {
            CHANNEL => ResourceKind::Channel,
            GROUP => ResourceKind::Group,
            UUID => ResourceKind::Uuid,
            _ => return Err(MalformedRecord::UnknownTag),
        };
        let text = std::str::from_utf8(rest).map_err(|_| MalformedRecord::NotUtf8)?;
        let (name, auth_key) = match text.split_once('\0') {
            Some((name, key)) => (name, Some(key)),
            None => (text, None),
        };
        Ok(Self { kind, name, auth_key })
    }

    pub(crate) fn to_target(self) -> Result<Target, MalformedRecord> {
        let name: ResourceName = self.name.parse()?;
        let key = self.auth_key.map(str::parse::<AuthKey>).transpose()?;
        let holder = |key: Option<AuthKey>| key.map_or(Holder::Everyone, Holder::Key);
        match (self.kind, key) {
            (ResourceKind::Channel, key) => Ok(Target::Channel { name, holder: holder(key) }),
            (ResourceKind::Group, key) => Ok(Target::Group { name, holder: holder(key) }),
            (ResourceKind::Uuid, Some(key)) => Ok(Target::Uuid { name, key }),
            (ResourceKind::Uuid, None) => Err(MalformedRecord::UuidWithoutAuthKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn targets() -> impl Strategy<Value = Target> {
        let name = "[^,\\p{C}\\p{Zl}\\p{Zp}]{1,60}".prop_map(|text| text.parse::<ResourceName>().unwrap());
        let key = "[!-+\\--~é]{1,40}".prop_map(|text| text.parse::<AuthKey>().unwrap());
        (0..4_u8, name, proptest::option::of(key)).prop_map(|(kind, name, key)| {
            let holder = key.clone().map_or(Holder::Everyone, Holder::Key);
            match (kind, key) {
                (0, _) => Target::Keyset,
                (1, _) => Target::Group { name, holder },
                (2, Some(key)) => Target::Uuid { name, key },
                _ => Target::Channel { name, holder },
            }
        })
    }

    proptest! {
        #[test]
        fn a_grant_survives_the_journal(target in targets(), bits in 0..=u8::MAX, end: u64) {
            let permissions = Permissions::try_from(bits & 239).unwrap();
            let grant = Grant { target, permissions, expires: Expiry::from_bits(end) };
            let decoded = Grant::decode(&grant.target.encode(), &grant.encode_value());
            prop_assert_eq!(decoded, Ok(grant));
        }

        #[test]
        fn hostile_bytes_are_refused_or_canonical(mut key: Vec<u8>, tag in 0x0f..0x15_u8, value: Vec<u8>) {
            if let Some(first) = key.first_mut() {
                *first = tag;
            }
            if let Ok(target) = Target::decode(&key) {
                prop_assert_eq!(target.encode(), key.clone());
            }
            if let Ok(grant) = Grant::decode(&key, &value) {
                prop_assert_eq!(grant.encode_value().to_vec(), value);
            }
        }
    }

    #[test]
    fn the_bytes_of_a_record_do_not_change() {
        let name: ResourceName = "a.*".parse().unwrap();
        let key: AuthKey = "k1".parse().unwrap();
        let channel = Target::Channel { name: name.clone(), holder: Holder::Everyone };
        for (target, expected) in [
            (Target::Keyset, b"\x10".to_vec()),
            (channel.clone(), b"\x11a.*".to_vec()),
            (Target::Group { name: name.clone(), holder: Holder::Key(key.clone()) }, b"\x12a.*\0k1".to_vec()),
            (Target::Uuid { name, key }, b"\x13a.*\0k1".to_vec()),
        ] {
            assert_eq!(target.encode(), expected);
        }
        let expires = Expiry::from_bits(0x0102);
        let grant = Grant { target: channel, permissions: Permissions::ALL, expires };
        assert_eq!(grant.encode_value(), [1, 239, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn each_damage_has_its_own_error() {
        let value = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        for (key, value, expected) in [
            (&b""[..], &value[..], MalformedRecord::UnknownTag),
            (b"\x21a", &value, MalformedRecord::UnknownTag),
            (b"\x10a", &value, MalformedRecord::ExtraBytes { extra: 1 }),
            (b"\x11\xff", &value, MalformedRecord::NotUtf8),
            (b"\x11", &value, MalformedResourceName::Empty.into()),
            (b"\x11a\0", &value, MalformedKey::Empty.into()),
            (b"\x11a\0b\0", &value, MalformedKey::Character { at: 1 }.into()),
            (b"\x13a", &value, MalformedRecord::UuidWithoutAuthKey),
            (b"\x11a", &value[..9], MalformedRecord::Value),
            (b"\x11a", &[2, 1, 0, 0, 0, 0, 0, 0, 0, 0], MalformedRecord::Value),
            (b"\x11a", &[1, 16, 0, 0, 0, 0, 0, 0, 0, 0], UnknownPermissionBits { bits: 16 }.into()),
        ] {
            assert_eq!(Grant::decode(key, value), Err(expected), "{key:?}");
        }
    }
}
