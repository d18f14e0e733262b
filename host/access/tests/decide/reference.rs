//! Deciding once more, as plainly as it can be written: lists, loops and strings, and nothing of the crate under test.

/// What a keyset, a request and a moment are, in plain values.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) now: u64,
    pub(crate) grants: Vec<Grant>,
    pub(crate) revoked: Vec<Revoked>,
    pub(crate) open_lists: bool,
    pub(crate) open_presence: bool,
    pub(crate) shown: Shown,
    pub(crate) uuid: Option<String>,
    pub(crate) wanted: Wanted,
}

/// A v2 grant; `kind` is `channel`, `group`, `uuid` or `keyset`, `end` is `u64::MAX` for never.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) bits: u8,
    pub(crate) end: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Nothing,
    Root,
    Key(String),
    Token(Token),
    Forged,
    OfAnEarlierEpoch,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) issued: u64,
    pub(crate) minutes: u64,
    pub(crate) uuid: Option<String>,
    /// Kind, name, bits.
    pub(crate) entries: Vec<(&'static str, String, u8)>,
    /// Kind, pattern, bits.
    pub(crate) patterns: Vec<(&'static str, String, u8)>,
    pub(crate) lists_channels: bool,
    pub(crate) lists_uuids: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Revoked {
    TheToken,
    User(String, u64),
    UpTo(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) operation: &'static str,
    /// Kind, name; in the order channels, groups, uuids.
    pub(crate) names: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Allowed until then; `u64::MAX` = no end.
    Allow(u64),
    /// The code, and kind and name of every resource that is denied.
    Deny(&'static str, Vec<(&'static str, String)>),
}

const READ: u8 = 1;
const WRITE: u8 = 2;
const MANAGE: u8 = 4;
const DELETE: u8 = 8;
const GET: u8 = 32;
const UPDATE: u8 = 64;
const JOIN: u8 = 128;

/// An operation; kind, bit and fewest names of what it takes on names; what it takes on the whole; and a request for it.
type Row = (&'static str, &'static [(&'static str, u8, usize)], Option<Whole>, &'static str);

const LISTED: &[(&str, u8, usize)] = &[("channel", READ, 0), ("group", READ, 0)];

/// Every operation. What takes something on names has at least one, whatever its kind.
pub(crate) const OPERATIONS: [Row; 49] = [
    ("publish", &[("channel", WRITE, 1)], None, "GET /publish/p/s/0/{channel}/0/1"),
    ("publish-body", &[("channel", WRITE, 1)], None, "POST /publish/p/s/0/{channel}/0"),
    ("publish-large", &[("channel", WRITE, 1)], None, "POST /v2/publish/p/s/0/{channel}/0"),
    ("fire", &[("channel", WRITE, 1)], None, "GET /publish/p/s/0/{channel}/0/1?store=0&norep=1"),
    ("signal", &[("channel", WRITE, 1)], None, "GET /signal/p/s/0/{channel}/0/1"),
    ("subscribe", LISTED, None, "GET /v2/subscribe/s/{channels}/0?channel-group={groups}"),
    ("heartbeat", LISTED, None, "GET /v2/presence/sub-key/s/channel/{channels}/heartbeat?channel-group={groups}"),
    ("leave", &[], None, "GET /v2/presence/sub-key/s/channel/a/leave"),
    ("here-now", LISTED, None, "GET /v2/presence/sub-key/s/channel/{channels}?channel-group={groups}"),
    ("here-now-global", &[], Some(Whole::Presence), "GET /v2/presence/sub-key/s"),
    ("where-now", &[], None, "GET /v2/presence/sub-key/s/uuid/u"),
    ("get-state", LISTED, None, "GET /v2/presence/sub-key/s/channel/{channels}/uuid/u?channel-group={groups}"),
    ("set-state", LISTED, None, "GET /v2/presence/sub-key/s/channel/{channels}/uuid/u/data?channel-group={groups}"),
    ("history-v2", &[("channel", READ, 1)], None, "GET /v2/history/sub-key/s/channel/{channel}"),
    ("history", &[("channel", READ, 1)], None, "GET /v3/history/sub-key/s/channel/{channels}"),
    ("history-with-actions", &[("channel", READ, 1)], None, "GET /v3/history-with-actions/sub-key/s/channel/{channel}"),
    ("message-counts", &[("channel", READ, 1)], None, "GET /v3/history/sub-key/s/message-counts/{channels}"),
    ("delete-messages", &[("channel", DELETE, 1)], None, "DELETE /v3/history/sub-key/s/channel/{channel}"),
    ("list-files", &[("channel", READ, 1)], None, "GET /v1/files/s/channels/{channel}/files"),
    ("generate-upload-url", &[("channel", WRITE, 1)], None, "POST /v1/files/s/channels/{channel}/generate-upload-url"),
    ("publish-file-message", &[("channel", WRITE, 1)], None, "GET /v1/files/publish-file/p/s/0/{channel}/0/1"),
    ("download-file", &[("channel", READ, 1)], None, "GET /v1/files/s/channels/{channel}/files/1/n"),
    ("delete-file", &[("channel", DELETE, 1)], None, "DELETE /v1/files/s/channels/{channel}/files/1/n"),
    (
        "group-add-channels",
        &[("group", MANAGE, 1)],
        None,
        "GET /v1/channel-registration/sub-key/s/channel-group/{group}?add=a",
    ),
    (
        "group-remove-channels",
        &[("group", MANAGE, 1)],
        None,
        "GET /v1/channel-registration/sub-key/s/channel-group/{group}?remove=a",
    ),
    (
        "group-list-channels",
        &[("group", MANAGE, 1)],
        None,
        "GET /v1/channel-registration/sub-key/s/channel-group/{group}",
    ),
    (
        "group-delete",
        &[("group", MANAGE, 1)],
        None,
        "GET /v1/channel-registration/sub-key/s/channel-group/{group}/remove",
    ),
    ("group-list-all", &[], Some(Whole::Groups), "GET /v1/channel-registration/sub-key/s/channel-group"),
    ("uuid-metadata-get", &[("uuid", GET, 1)], None, "GET /v2/objects/s/uuids/{uuid}"),
    ("uuid-metadata-set", &[("uuid", UPDATE, 1)], None, "PATCH /v2/objects/s/uuids/{uuid}"),
    ("uuid-metadata-delete", &[("uuid", DELETE, 1)], None, "DELETE /v2/objects/s/uuids/{uuid}"),
    ("uuid-metadata-list", &[], Some(Whole::UuidList), "GET /v2/objects/s/uuids"),
    ("channel-metadata-get", &[("channel", GET, 1)], None, "GET /v2/objects/s/channels/{channel}"),
    ("channel-metadata-set", &[("channel", UPDATE, 1)], None, "PATCH /v2/objects/s/channels/{channel}"),
    ("channel-metadata-delete", &[("channel", DELETE, 1)], None, "DELETE /v2/objects/s/channels/{channel}"),
    ("channel-metadata-list", &[], Some(Whole::ChannelList), "GET /v2/objects/s/channels"),
    ("memberships-get", &[("uuid", GET, 1)], None, "GET /v2/objects/s/uuids/{uuid}/channels"),
    (
        "memberships-set",
        &[("channel", JOIN, 0), ("uuid", UPDATE, 1)],
        None,
        "PATCH /v2/objects/s/uuids/{uuid}/channels",
    ),
    ("members-get", &[("channel", GET, 1)], None, "GET /v2/objects/s/channels/{channel}/uuids"),
    ("members-set", &[("channel", MANAGE, 1)], None, "PATCH /v2/objects/s/channels/{channel}/uuids"),
    ("members-remove", &[("channel", MANAGE, 1)], None, "PATCH /v2/objects/s/channels/{channel}/uuids"),
    ("push-channels", &[("channel", READ, 0)], None, "GET /v1/push/sub-key/s/devices/d?add={channels}"),
    ("push-channels-apns2", &[("channel", READ, 0)], None, "GET /v2/push/sub-key/s/devices-apns2/d?remove={channels}"),
    ("push-list-channels", &[], None, "GET /v1/push/sub-key/s/devices/d"),
    ("push-remove-device", &[], None, "GET /v1/push/sub-key/s/devices/d/remove"),
    ("message-action-add", &[("channel", WRITE, 1)], None, "POST /v1/message-actions/s/channel/{channel}/message/1"),
    (
        "message-action-remove",
        &[("channel", DELETE, 1)],
        None,
        "DELETE /v1/message-actions/s/channel/{channel}/message/1/action/2",
    ),
    ("message-actions-get", &[("channel", READ, 1)], None, "GET /v1/message-actions/s/channel/{channel}"),
    ("time", &[], None, "GET /time/0"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Whole {
    Presence,
    Groups,
    UuidList,
    ChannelList,
}

impl Shown {
    pub(crate) fn token(&self) -> Option<&Token> {
        if let Self::Token(token) = self { Some(token) } else { None }
    }

    pub(crate) fn key(&self) -> Option<String> {
        if let Self::Key(key) = self { Some(key.clone()) } else { None }
    }
}

pub(crate) fn answer(case: &Case) -> Answer {
    if let Some(code) = refused_credential(case) {
        return Answer::Deny(code, Vec::new());
    }
    let (_, takes, whole, _) = OPERATIONS.iter().find(|row| row.0 == case.wanted.operation).expect("a known operation");
    let mut until = case.shown.token().map_or(u64::MAX, |token| token.issued + 60 * token.minutes);
    let mut first = None;
    let mut denied = Vec::new();
    for (kind, name) in &case.wanted.names {
        let (_, bit, _) = takes.iter().find(|take| take.0 == *kind).expect("a kind that it takes something on");
        match on_name(case, kind, name, *bit) {
            Ok(end) => until = until.min(end),
            Err(code) => {
                first = first.or(Some(code));
                denied.push((*kind, name.clone()));
            }
        }
    }
    if let Some(whole) = whole {
        match on_whole(case, *whole) {
            Ok(end) => until = until.min(end),
            Err(code) => first = first.or(Some(code)),
        }
    }
    match first {
        Some(code) => Answer::Deny(code, denied),
        None => Answer::Allow(until),
    }
}

fn refused_credential(case: &Case) -> Option<&'static str> {
    let token = match &case.shown {
        Shown::Forged => return Some("token.invalid"),
        Shown::OfAnEarlierEpoch => return Some("token.revoked"),
        Shown::Token(token) => token,
        Shown::Nothing | Shown::Root | Shown::Key(_) => return None,
    };
    for revoked in &case.revoked {
        let hit = match revoked {
            Revoked::TheToken => true,
            Revoked::User(user, at) => token.uuid.as_ref() == Some(user) && token.issued <= *at,
            Revoked::UpTo(at) => token.issued <= *at,
        };
        if hit {
            return Some("token.revoked");
        }
    }
    if case.now >= token.issued + 60 * token.minutes {
        return Some("token.expired");
    }
    if token.uuid.is_some() && token.uuid != case.uuid {
        return Some("token.other-user");
    }
    None
}

fn on_name(case: &Case, kind: &str, name: &str, bit: u8) -> Result<u64, &'static str> {
    if let Shown::Root = case.shown {
        return Ok(u64::MAX);
    }
    if kind == "channel" && bit == WRITE && name.ends_with("-pnpres") {
        return Err("presence.read-only");
    }
    let Shown::Token(token) = &case.shown else { return by_grants(case, kind, name, bit) };
    let mut held = 0;
    for (of, entry, bits) in &token.entries {
        if *of == kind && (entry == name || kind == "group" && *entry == format!(":{name}")) {
            held |= bits;
        }
    }
    for (of, pattern, bits) in &token.patterns {
        if *of == kind && (found(pattern, name) || kind == "group" && found(pattern, &format!(":{name}"))) {
            held |= bits;
        }
    }
    if held & bit != 0 { Ok(token.issued + 60 * token.minutes) } else { Err("token.lacks") }
}

fn on_whole(case: &Case, whole: Whole) -> Result<u64, &'static str> {
    let is_list = matches!(whole, Whole::UuidList | Whole::ChannelList);
    if is_list && case.open_lists || whole == Whole::Presence && case.open_presence {
        return Ok(u64::MAX);
    }
    if let Shown::Root = case.shown {
        return Ok(u64::MAX);
    }
    if let Some(token) = case.shown.token() {
        let lists =
            whole == Whole::UuidList && token.lists_uuids || whole == Whole::ChannelList && token.lists_channels;
        return if lists { Ok(token.issued + 60 * token.minutes) } else { Err("token.lacks") };
    }
    match whole {
        Whole::Presence => by_grants(case, "keyset", "", READ),
        Whole::Groups => by_grants(case, "keyset", "", MANAGE),
        Whole::ChannelList => by_grants(case, "keyset", "", GET),
        Whole::UuidList => Err(nothing(case)),
    }
}

fn nothing(case: &Case) -> &'static str {
    if matches!(case.shown, Shown::Key(_)) { "grant.missing" } else { "credential.missing" }
}

/// Broad to narrow: the keyset, the name, its wildcard, then both again for the key.
fn by_grants(case: &Case, kind: &str, name: &str, bit: u8) -> Result<u64, &'static str> {
    let key = case.shown.key();
    let wildcard = name.split_once('.').filter(|(head, _)| !head.is_empty()).map(|(head, _)| format!("{head}.*"));
    let mut levels: Vec<(&str, String, Option<String>)> = Vec::new();
    if kind != "uuid" {
        levels.push(("keyset", String::new(), None));
    }
    if kind != "keyset" {
        for holder in [None, key] {
            levels.push((kind, name.to_owned(), holder.clone()));
            if let Some(wildcard) = wildcard.clone().filter(|_| kind == "channel") {
                levels.push((kind, wildcard, holder));
            }
        }
    }
    let (mut some_over, mut some_live) = (false, false);
    for (kind, name, holder) in levels {
        let Some(grant) = latest(case, kind, &name, holder.as_ref()) else { continue };
        let (live, holds) = (case.now < grant.end, grant.bits & bit != 0);
        if live && holds {
            return Ok(grant.end);
        }
        some_live |= live;
        some_over |= !live && holds;
    }
    Err(if some_over {
        "grant.expired"
    } else if some_live {
        "grant.lacks"
    } else {
        nothing(case)
    })
}

fn latest<'c>(case: &'c Case, kind: &str, name: &str, key: Option<&String>) -> Option<&'c Grant> {
    let is_it = |grant: &&Grant| grant.kind == kind && grant.name == name && grant.key.as_ref() == key;
    case.grants.iter().rev().find(is_it).filter(|grant| grant.bits != 0)
}

/// Whether a pattern of literals, `.`, `*` after one of these, `^` in front and `$` at the end is found in a text.
fn found(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    match pattern.split_first() {
        Some(('^', rest)) => found_here(rest, &text),
        _ => (0..=text.len()).any(|start| found_here(&pattern, &text[start..])),
    }
}

fn found_here(pattern: &[char], text: &[char]) -> bool {
    let fits = |wanted: char, text: &[char]| text.first().is_some_and(|c| wanted == '.' || wanted == *c);
    match pattern {
        [] => true,
        ['$'] => text.is_empty(),
        [wanted, '*', rest @ ..] => {
            let mut text = text;
            loop {
                if found_here(rest, text) {
                    return true;
                }
                if !fits(*wanted, text) {
                    return false;
                }
                text = &text[1..];
            }
        }
        [wanted, rest @ ..] => fits(*wanted, text) && found_here(rest, &text[1..]),
    }
}
