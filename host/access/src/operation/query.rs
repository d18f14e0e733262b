//! A request's query: the parameters that decide, each there once at the most and in plain sight.

use percent_encoding::percent_decode_str;

use super::{Refusal, When};
use crate::signature::parameters;

/// Servers differ in which of two counts, so none of these may come twice.
const WATCHED: [&str; 7] = ["auth", "uuid", "channel-group", "add", "remove", "signature", "timestamp"];

/// The values that decide, as they stand on the wire.
#[derive(Clone, Copy, Default)]
pub(super) struct Query<'q> {
    values: [Option<&'q str>; WATCHED.len()],
    is_unstored: bool,
    is_unreplicated: bool,
}

impl<'q> Query<'q> {
    pub(super) fn read(query: &'q str) -> Result<Self, Refusal> {
        let mut read = Self::default();
        for (name, value) in parameters(query) {
            if let Some(parameter) = hidden((name, value), &WATCHED) {
                return Err(Refusal::Hidden { parameter });
            }
            match name {
                "store" => read.is_unstored = matches!(value, "0" | "false"),
                "norep" => read.is_unreplicated = matches!(value, "1" | "true"),
                _ => {}
            }
            let slots = WATCHED.iter().zip(&mut read.values);
            for (&parameter, slot) in slots.filter(|&(&parameter, _)| parameter == name) {
                if value.contains(';') {
                    return Err(Refusal::Semicolon);
                }
                if slot.replace(value).is_some() {
                    return Err(Refusal::Repeated { parameter });
                }
            }
        }
        Ok(read)
    }

    /// The value of a watched parameter, still encoded.
    pub(super) fn get(&self, name: &str) -> Option<&'q str> {
        WATCHED.iter().zip(self.values).find(|&(&parameter, _)| parameter == name)?.1
    }

    /// Whether a row's condition holds, as far as the query tells.
    pub(super) fn meets(&self, when: When) -> bool {
        match when {
            When::Otherwise | When::Body(_) => true,
            When::Fired => self.is_unstored && self.is_unreplicated,
            When::Query(names) => names.iter().any(|name| self.get(name).is_some()),
        }
    }
}

/// The parameter among `watched` that the most lenient server would see in a pair and others would not: one whose name is
/// not plain, or stands beside a semicolon.
pub(crate) fn hidden((name, value): (&str, &str), watched: &[&'static str]) -> Option<&'static str> {
    // A name of such characters is the same to every server.
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    match name.bytes().all(is_plain) && !value.contains(';') {
        true => None,
        false => disguised((name, value), watched),
    }
}

/// [`hidden`], asked of any pair.
pub(super) fn disguised((name, value): (&str, &str), watched: &[&'static str]) -> Option<&'static str> {
    let beside = name.split(';').filter(|&part| part != name);
    let behind = value.split(';').skip(1).map(|part| part.split_once('=').map_or(part, |(name, _)| name));
    let disguised = lenient(name, watched).filter(|&parameter| parameter != name);
    disguised.or_else(|| beside.chain(behind).find_map(|part| lenient(part, watched)))
}

/// What the most lenient server would take a name for: decoded, in any case, between blanks, as a list.
fn lenient(name: &str, watched: &[&'static str]) -> Option<&'static str> {
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    let is_blank = |character: char| character == '+' || character.is_whitespace() || character.is_control();
    let head = decoded.split('[').next().unwrap_or_default().trim_matches(is_blank);
    watched.iter().copied().find(|parameter| parameter.eq_ignore_ascii_case(head))
}
