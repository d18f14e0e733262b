//! Reading the bytes of a token, strictly and in bounds: hostile bytes cost no more than their length.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;
use serde_json::{Map, Number, Value};

use super::encoding::MAP;
use super::{BitsByName, Categories, DEEPEST_META, Epoch, KeyNumber, PermitKind, Permits, TokenDetails};
use crate::time::UnixSeconds;

/// The bytes are a token, but a damaged one.
pub(super) struct Damaged;

/// A token taken apart.
pub(super) struct Decoded {
    pub(super) details: TokenDetails,
    /// The map's first byte as it was before `sig` was added.
    pub(super) unsigned_head: u8,
    /// Where the entry `sig` starts; what is signed lies between the first byte and here.
    pub(super) signed_to: usize,
}

/// Most bytes of a signature that is shown; ours has 32.
const LONGEST_SIGNATURE: usize = 64;

impl From<Error> for Damaged {
    fn from(_: Error) -> Self {
        Self
    }
}

/// Whether these bytes mean to be a token: a map of 2 to 23 entries, the first of which is `v` = 2.
pub(super) fn is_token(cbor: &[u8]) -> bool {
    let Some((head, rest)) = cbor.split_first() else { return false };
    (MAP + 2..=MAP + 23).contains(head) && (rest.starts_with(&[0x41, b'v', 2]) || rest.starts_with(&[0x61, b'v', 2]))
}

/// Takes a token apart. Its last entry has to be `sig`; entries of unknown name are skipped.
pub(super) fn decode(cbor: &[u8]) -> Result<Decoded, Damaged> {
    let head = *cbor.first().ok_or(Damaged)?;
    let entries = head.checked_sub(MAP).ok_or(Damaged)?;
    let mut d = Decoder::new(cbor);
    d.set_position(1);
    let mut parts = Parts::default();
    for _ in 1..entries {
        parts.read_entry(&mut d)?;
    }
    let signed_to = d.position();
    let signature = match key(&mut d)? {
        b"sig" => d.bytes()?,
        _ => return Err(Damaged),
    };
    if d.position() != cbor.len() || signature.len() > LONGEST_SIGNATURE {
        return Err(Damaged);
    }
    Ok(Decoded { details: parts.details(signature)?, unsigned_head: head - 1, signed_to })
}

/// The entries met so far; each may come once.
#[derive(Default)]
struct Parts {
    version: Option<u8>,
    issued: Option<u64>,
    ttl: Option<u32>,
    resources: Option<Permits>,
    patterns: Option<Permits>,
    categories: Option<Categories>,
    meta: Option<Map<String, Value>>,
    uuid: Option<Box<str>>,
    key: Option<(KeyNumber, Epoch)>,
}

impl Parts {
    fn read_entry(&mut self, d: &mut Decoder<'_>) -> Result<(), Damaged> {
        match key(d)? {
            b"v" => once(&mut self.version, d.u8()?),
            b"t" => once(&mut self.issued, d.u64()?),
            b"ttl" => once(&mut self.ttl, d.u32()?),
            b"res" => once(&mut self.resources, permits(d)?),
            b"pat" => once(&mut self.patterns, permits(d)?),
            b"cat" => once(&mut self.categories, categories(d)?),
            b"meta" => once(&mut self.meta, object(d, DEEPEST_META)?),
            b"uuid" => once(&mut self.uuid, d.str()?.into()),
            b"kid" => once(&mut self.key, key_id(d.str()?)?),
            b"sig" => Err(Damaged),
            _ => value(d, DEEPEST_META).map(drop),
        }
    }

    fn details(self, signature: &[u8]) -> Result<TokenDetails, Damaged> {
        Ok(TokenDetails {
            version: self.version.ok_or(Damaged)?,
            issued: UnixSeconds::new(self.issued.ok_or(Damaged)?),
            ttl: self.ttl.ok_or(Damaged)?,
            uuid: self.uuid,
            resources: self.resources.ok_or(Damaged)?,
            patterns: self.patterns.unwrap_or_default(),
            categories: self.categories.unwrap_or_default(),
            meta: self.meta.unwrap_or_default(),
            key: self.key,
            signature: signature.into(),
        })
    }
}

/// What comes twice would be read differently by different readers.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Damaged> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Damaged),
    }
}

/// A key of the structure: bytes as the service writes it, or text.
fn key<'b>(d: &mut Decoder<'b>) -> Result<&'b [u8], Damaged> {
    match d.datatype()? == Type::Bytes {
        true => Ok(d.bytes()?),
        false => Ok(d.str()?.as_bytes()),
    }
}

/// The number of entries of a map of definite length.
fn entries(d: &mut Decoder<'_>) -> Result<u64, Damaged> {
    d.map()?.ok_or(Damaged)
}

fn key_id(text: &str) -> Result<(KeyNumber, Epoch), Damaged> {
    let (number, epoch) = text.split_once('.').ok_or(Damaged)?;
    let plain = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u32>().map_err(|_| Damaged),
        false => Err(Damaged),
    };
    Ok((KeyNumber::new(plain(number)?), Epoch::new(plain(epoch)?)))
}

fn permits(d: &mut Decoder<'_>) -> Result<Permits, Damaged> {
    let mut kinds = [const { None }; PermitKind::IN_TOKEN.len()];
    for _ in 0..entries(d)? {
        let short = key(d)?;
        let mut places = PermitKind::IN_TOKEN.into_iter().zip(&mut kinds);
        match places.find(|(kind, _)| kind.short().as_bytes() == short) {
            Some((_, place)) => once(place, names(d)?)?,
            None => value(d, DEEPEST_META).map(drop)?,
        }
    }
    let [channels, groups, spaces, users, uuids] = kinds.map(Option::unwrap_or_default);
    Ok(Permits { channels, groups, uuids, users, spaces })
}

fn names(d: &mut Decoder<'_>) -> Result<BitsByName, Damaged> {
    let mut names = BitsByName::new();
    for _ in 0..entries(d)? {
        let name = d.str()?;
        if names.insert(name.into(), d.u8()?).is_some() {
            return Err(Damaged);
        }
    }
    Ok(names)
}

fn categories(d: &mut Decoder<'_>) -> Result<Categories, Damaged> {
    let (mut channels, mut uuids) = (None, None);
    for _ in 0..entries(d)? {
        match key(d)? {
            b"chan" => once(&mut channels, d.u8()?)?,
            b"uuid" => once(&mut uuids, d.u8()?)?,
            _ => value(d, DEEPEST_META).map(drop)?,
        }
    }
    Ok(Categories { channels: channels.unwrap_or_default(), uuids: uuids.unwrap_or_default() })
}

fn object(d: &mut Decoder<'_>, levels: usize) -> Result<Map<String, Value>, Damaged> {
    let mut object = Map::new();
    for _ in 0..entries(d)? {
        let name = std::str::from_utf8(key(d)?).map_err(|_| Damaged)?;
        if object.insert(name.into(), value(d, levels)?).is_some() {
            return Err(Damaged);
        }
    }
    Ok(object)
}

/// Any value of `meta`, as JSON, at most so many levels deep. What JSON has no word for damages the token.
fn value(d: &mut Decoder<'_>, levels: usize) -> Result<Value, Damaged> {
    let below = levels.checked_sub(1).ok_or(Damaged)?;
    Ok(match d.datatype()? {
        Type::Null => d.null().map(|()| Value::Null)?,
        Type::Bool => Value::Bool(d.bool()?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => d.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => d.i64()?.into(),
        Type::F16 => finite(d.f16()?.into())?,
        Type::F32 => finite(d.f32()?.into())?,
        Type::F64 => finite(d.f64()?)?,
        Type::String => d.str()?.into(),
        Type::Bytes => std::str::from_utf8(d.bytes()?).map_err(|_| Damaged)?.into(),
        Type::Map => Value::Object(object(d, below)?),
        Type::Array => {
            let length = d.array()?.ok_or(Damaged)?;
            Value::Array((0..length).map(|_| value(d, below)).collect::<Result<_, _>>()?)
        }
        Type::Int | Type::Undefined | Type::Simple | Type::Tag | Type::Break | Type::Unknown(_) => return Err(Damaged),
        Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => return Err(Damaged),
    })
}

fn finite(number: f64) -> Result<Value, Damaged> {
    Number::from_f64(number).map(Value::Number).ok_or(Damaged)
}
