//! The bytes of a token: one definite-length CBOR map whose own keys are byte strings and whose names are text.
//!
//! ```text
//! v t ttl res pat [cat] meta [uuid] kid sig          res, pat: chan grp spc usr uuid, all five always there
//! ```
//! `kid` is ours: `"{key number}.{epoch}"`; clients skip it. `sig` is HMAC-SHA256 over the same map without `sig`.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;
use serde_json::{Map, Value};

use super::{Epoch, PermitKind, Permits, TokenAsked, TokenId, TokenKey};
use crate::time::UnixSeconds;

type Written = Result<(), Error<Infallible>>;

/// Entries that every token has before `sig`: v, t, ttl, res, pat, meta, kid.
const ALWAYS: u8 = 7;
/// A map of fewer than 24 entries is this byte plus how many.
pub(super) const MAP: u8 = 0xa0;

/// The entry `sig` as far as its value. No other spelling of it counts, for the signature is not over it.
pub(super) const SIG: &[u8] = b"\x43sig\x58\x20";

/// The whole token, signature included, and its id.
pub(super) fn signed(asked: &TokenAsked, key: &TokenKey, epoch: Epoch, issued: UnixSeconds) -> (Vec<u8>, TokenId) {
    let entries = ALWAYS + u8::from(!asked.categories.is_empty()) + u8::from(asked.uuid.is_some());
    let kid = format!("{}.{epoch}", key.number());
    let mut body = Vec::new();
    infallible(write_body(&mut Encoder::new(&mut body), asked, issued, &kid));
    let signed: [&[u8]; 2] = [&[MAP + entries], &body];
    let (mac, id) = (key.mac(signed), TokenId::of(signed));
    let mut token = Vec::with_capacity(body.len() + 40);
    token.push(MAP + entries + 1);
    token.append(&mut body);
    token.extend([SIG, &mac].concat());
    (token, id)
}

#[expect(clippy::expect_used, reason = "a vector takes every write, so there is no error to hand on")]
fn infallible(written: Written) {
    written.expect("a vector takes every write");
}

fn write_body(e: &mut Encoder<&mut Vec<u8>>, asked: &TokenAsked, issued: UnixSeconds, kid: &str) -> Written {
    let TokenAsked { ttl, resources, patterns, categories, meta, uuid } = asked;
    e.bytes(b"v")?.u8(2)?;
    e.bytes(b"t")?.u64(issued.get())?;
    e.bytes(b"ttl")?.u32(ttl.minutes())?;
    e.bytes(b"res")?;
    write_permits(e, resources)?;
    e.bytes(b"pat")?;
    write_permits(e, patterns)?;
    if !categories.is_empty() {
        let granted = [("chan", categories.channels), ("uuid", categories.uuids)];
        let granted = granted.into_iter().filter(|&(_, bits)| bits != 0);
        e.bytes(b"cat")?.map(granted.clone().count() as u64)?;
        for (kind, bits) in granted {
            e.bytes(kind.as_bytes())?.u8(bits)?;
        }
    }
    e.bytes(b"meta")?;
    write_object(e, meta)?;
    if let Some(uuid) = uuid {
        e.bytes(b"uuid")?.str(uuid)?;
    }
    e.bytes(b"kid")?.str(kid)?;
    Ok(())
}

fn write_permits(e: &mut Encoder<&mut Vec<u8>>, permits: &Permits) -> Written {
    e.map(PermitKind::IN_TOKEN.len() as u64)?;
    for kind in PermitKind::IN_TOKEN {
        let names = permits.of(kind);
        e.bytes(kind.short().as_bytes())?.map(names.len() as u64)?;
        for (name, &bits) in names {
            e.str(name)?.u8(bits)?;
        }
    }
    Ok(())
}

fn write_object(e: &mut Encoder<&mut Vec<u8>>, object: &Map<String, Value>) -> Written {
    e.map(object.len() as u64)?;
    for (name, value) in object {
        e.str(name)?;
        write_value(e, value)?;
    }
    Ok(())
}

/// Depth is bounded by [`TokenAsked::check`].
fn write_value(e: &mut Encoder<&mut Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Null => e.null().map(drop),
        Value::Bool(value) => e.bool(*value).map(drop),
        Value::String(text) => e.str(text).map(drop),
        Value::Object(object) => write_object(e, object),
        Value::Array(items) => {
            e.array(items.len() as u64)?;
            items.iter().try_for_each(|item| write_value(e, item))
        }
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => e.u64(positive).map(drop),
            (None, Some(negative)) => e.i64(negative).map(drop),
            (None, None) => e.f64(number.as_f64().unwrap_or_default()).map(drop),
        },
    }
}
