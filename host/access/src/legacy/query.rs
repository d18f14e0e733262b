//! The query of a v2 admin call: each parameter once and in plain sight, each list split after decoding.

use std::borrow::Cow;
use std::collections::HashSet;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::LegacyFault;
use crate::operation::query::hidden;
use crate::signature::parameters;

/// The parameters that mean something; a client sends others beside them.
const KNOWN: [&str; 15] = [
    "channel",
    "channel-group",
    "target-uuid",
    "category",
    "auth",
    "ttl",
    "timestamp",
    "r",
    "w",
    "m",
    "d",
    "g",
    "u",
    "j",
    SIGNATURE,
];

/// Read by whoever verifies it; here it only has to stand in plain sight.
const SIGNATURE: &str = "signature";

/// Decoded values by name.
pub(super) struct Query<'q>(Vec<(&'q str, Cow<'q, str>)>);

impl<'q> Query<'q> {
    pub(super) fn read(query: &'q str) -> Result<Self, LegacyFault> {
        let mut read: Vec<(&str, Cow<'_, str>)> = Vec::new();
        for (name, value) in parameters(query) {
            let is_repeated = || read.iter().any(|&(earlier, _)| earlier == name);
            // Overlooking a `channel` that is spelt otherwise would make a grant of the whole keyset.
            if name.contains('%') || hidden((name, value), &KNOWN).is_some() || is_repeated() {
                return Err(LegacyFault::Arguments);
            }
            if name != SIGNATURE && KNOWN.contains(&name) {
                let value = percent_decode_str(value).decode_utf8().map_err(|_| LegacyFault::Arguments)?;
                read.push((name, value));
            }
        }
        Ok(Self(read))
    }

    /// A value; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.stated(name).filter(|value| !value.is_empty())
    }

    /// A value, be it empty.
    pub(super) fn stated(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|&&(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// A comma list, each item once. An empty one is refused, for without it a grant would be of everything.
    pub(super) fn list<T: FromStr>(&self, name: &str) -> Result<Vec<T>, LegacyFault> {
        let mut seen = HashSet::new();
        let items = self.stated(name).into_iter().flat_map(|list| list.split(',')).filter(|&item| seen.insert(item));
        items.map(|item| item.parse().map_err(|_| LegacyFault::Arguments)).collect()
    }

    /// A timestamp is unix seconds; whether it is of now is asked with the signature.
    pub(super) fn check_timestamp(&self) -> Result<(), LegacyFault> {
        let Some(text) = self.get("timestamp") else { return Ok(()) };
        let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>());
        seconds.and_then(Result::ok).map(drop).ok_or(LegacyFault::Timestamp)
    }
}
