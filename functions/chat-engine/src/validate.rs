//! The validators, in the original's order and with its texts; what hardening adds is refused after them.

use crate::fields::{Field, Fields};
use crate::namespace::Dialect;
use crate::refusal::Refusal;

/// UTF-16 units, as JavaScript counts a string's length.
const LONGEST_CHANNEL: usize = 97;
/// Bytes.
const LONGEST_UUID: usize = 92;
/// Bytes. Signed tokens serve as auth keys, and they are long.
const LONGEST_AUTH_KEY: usize = 2048;

/// A user's uuid: not empty, bounded, without the delimiters of channel, group and grant names.
pub(crate) fn uuid(value: &Field<'_>) -> Result<String, Refusal> {
    let uuid = value.text().ok_or(Refusal::Invalid("UUID must be a string"))?;
    if uuid.is_empty() {
        return Err(Refusal::Invalid("UUID not supplied"));
    }
    if uuid.len() > LONGEST_UUID {
        return Err(Refusal::Invalid("UUID too long"));
    }
    if uuid.chars().any(is_delimiter) {
        return Err(Refusal::Invalid("UUID contains illegal characters"));
    }
    Ok(uuid.to_owned())
}

/// One auth key. An empty one would grant to everybody. The 0.10 clients may send an integer.
pub(crate) fn auth_key(value: &Field<'_>, dialect: Dialect) -> Result<String, Refusal> {
    let key = match (value, dialect) {
        (Field::Text(key), _) => key.as_ref(),
        (Field::Number(number), Dialect::Namespace) if is_integer(number) => number,
        (
            Field::Number(_) | Field::Undefined | Field::Null | Field::Bool(_) | Field::Array(_) | Field::Object(_),
            _,
        ) => {
            return Err(Refusal::Invalid("authKey must be a string"));
        }
    };
    if key.is_empty() {
        return Err(Refusal::Invalid("authKey not supplied"));
    }
    if key.len() > LONGEST_AUTH_KEY {
        return Err(Refusal::Invalid("authKey too long"));
    }
    if key.chars().any(is_delimiter) {
        return Err(Refusal::Invalid("authKey contains illegal characters"));
    }
    Ok(key.to_owned())
}

/// A channel's name: no list, no wildcard, and not the presence feed of another channel.
pub(crate) fn channel(value: &Field<'_>) -> Result<String, Refusal> {
    let name = value.text().ok_or(Refusal::Invalid("Chat channel must be a string"))?;
    if name.is_empty() {
        return Err(Refusal::Invalid("Channel not supplied"));
    }
    if name.encode_utf16().count() > LONGEST_CHANNEL {
        return Err(Refusal::Invalid("Channel too long"));
    }
    // Names of chats may contain spaces.
    let is_illegal = |char: char| matches!(char, ',' | '*') || is_blank(char) && char != ' ';
    if name.chars().any(is_illegal) {
        return Err(Refusal::Invalid("Channel contains illegal characters"));
    }
    if name.ends_with("-pnpres") {
        return Err(Refusal::Invalid("Channel not supported"));
    }
    Ok(name.to_owned())
}

/// The kind of channel group that a client sorts a chat into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Rooms,
    System,
    Custom,
}

impl Group {
    pub(crate) const ALL: [Self; 3] = [Self::Rooms, Self::System, Self::Custom];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::System => "system",
            Self::Custom => "custom",
        }
    }
}

/// A chat as a client describes it. Whether it is private is read off the channel's name, not off `chat.private`.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) channel: String,
    pub(crate) group: Group,
    /// JSON text of an object, an array or null.
    pub(crate) meta: String,
}

impl Chat {
    /// A chat's description, as the field `chat` holds it.
    pub(crate) fn of(chat: &Field<'_>) -> Result<Self, Refusal> {
        if *chat != Field::Undefined && chat.is_falsy() {
            return Err(Refusal::Invalid("Must supply a chat."));
        }
        let members = match chat {
            Field::Object(json) => Fields::from_json(json),
            Field::Undefined | Field::Null | Field::Bool(_) | Field::Number(_) | Field::Text(_) | Field::Array(_) => {
                None
            }
        };
        let members = members.ok_or(Refusal::Invalid("Must supply a chat isPrivate value."))?;
        if !matches!(members.value("private"), Field::Bool(_)) {
            return Err(Refusal::Invalid("Must supply a chat isPrivate value."));
        }
        let asked = members.value("group");
        let group = Group::ALL.into_iter().find(|group| asked.text() == Some(group.name()));
        let group = group.ok_or(Refusal::Invalid("Must supply a chat group."))?;
        let channel = channel(&members.value("channel"))?;
        match members.value("meta") {
            Field::Null => Ok(Self { channel, group, meta: "null".to_owned() }),
            Field::Array(json) | Field::Object(json) => Ok(Self { channel, group, meta: json.to_owned() }),
            Field::Undefined | Field::Bool(_) | Field::Number(_) | Field::Text(_) => {
                Err(Refusal::Invalid("Invalid meta object supplied."))
            }
        }
    }
}

/// Whether JavaScript would print the number as it is written.
fn is_integer(number: &str) -> bool {
    const MOST_DIGITS: usize = 15;
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.len() <= MOST_DIGITS && number != "-0" && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_delimiter(char: char) -> bool {
    matches!(char, ',' | '*' | '#' | '/') || is_blank(char)
}

fn is_blank(char: char) -> bool {
    // Nearly every character that comes by: the ranges below are for the rest.
    if char.is_ascii() {
        return char == ' ' || char.is_ascii_control();
    }
    char.is_whitespace() || char.is_control() || is_invisible(char)
}

/// Whether a character takes no room or turns the text around, so that two names look alike: Unicode's format characters
/// and fillers. Variation selectors pass, since emoji are written with them.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
