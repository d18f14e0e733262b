//! A request's path: which template it fits, what its segments name, and what no path may hold.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Refusal;
use crate::resource::ResourceName;

/// Stands for the whole rest of a path, slashes included.
const MESSAGE: &str = "{message}";

/// The segments of a path that a template gives a meaning, as they stand on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts<'p> {
    pub(super) subscribe_key: Option<&'p str>,
    pub(super) publish_key: Option<&'p str>,
    pub(super) channel: Option<&'p str>,
    /// A comma list.
    pub(super) channels: Option<&'p str>,
    pub(super) group: Option<&'p str>,
    pub(super) uuid: Option<&'p str>,
    pub(super) device: Option<&'p str>,
}

impl<'p> Parts<'p> {
    /// Whether these are the texts behind the escapes of `encoded`.
    pub(super) fn are_decoded(self, encoded: Parts<'_>) -> bool {
        let pairs = self.all().into_iter().zip(encoded.all());
        pairs.into_iter().all(|(plain, encoded)| {
            plain.map(Cow::Borrowed) == encoded.map(|text| percent_decode_str(text).decode_utf8_lossy())
        })
    }

    const fn all(self) -> [Option<&'p str>; 7] {
        let Self { subscribe_key, publish_key, channel, channels, group, uuid, device } = self;
        [subscribe_key, publish_key, channel, channels, group, uuid, device]
    }
}

/// What a path means under a template, or nothing if it does not fit.
pub(super) fn fit<'p>(template: &str, path: &'p str) -> Option<Parts<'p>> {
    let mut parts = Parts::default();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let segment = segments.next()?;
        let is_placeholder = wanted.starts_with('{');
        let fits = match wanted {
            "sub-key" => segment == "sub-key" || segment == "sub_key",
            _ => segment == wanted || is_placeholder && !segment.is_empty(),
        };
        if !fits {
            return None;
        }
        match wanted {
            "{sub}" => parts.subscribe_key = Some(segment),
            "{pub}" => parts.publish_key = Some(segment),
            "{channel}" => parts.channel = Some(segment),
            "{channels}" => parts.channels = Some(segment),
            "{group}" => parts.group = Some(segment),
            "{uuid}" => parts.uuid = Some(segment),
            "{device}" => parts.device = Some(segment),
            MESSAGE => return Some(parts),
            _ => {}
        }
    }
    segments.next().is_none().then_some(parts)
}

/// Whether a path begins as a template does before its placeholders; most templates are told apart by it.
///
/// That `sub_key` stands for `sub-key` is all that this is lenient about.
pub(super) fn begins_like(template: &str, path: &str) -> bool {
    let mut bytes = path.bytes();
    let mut wanted = template.bytes().take_while(|&wanted| wanted != b'{');
    wanted.all(|wanted| bytes.next().is_some_and(|byte| byte == wanted || wanted == b'-' && byte == b'_'))
}

/// Whether a segment is, or decodes to, `.` or `..`: a server further on might climb with it.
pub(super) fn climbs(path: &str) -> bool {
    let may_be_dots = |segment: &&str| segment.starts_with(['.', '%']);
    let mut segments = path.split('/').filter(may_be_dots);
    segments.any(|segment| step(&percent_decode_str(segment).decode_utf8_lossy()).is_dots())
}

/// Refuses what no path that fits `template` may hold, wherever it stands; that it does not climb was asked before.
///
/// An encoded message may hold anything but NUL, slashes and dots between them included, as long as it does not climb
/// out of itself; every other segment is one name.
pub(super) fn check(template: &str, path: &str) -> Result<(), Refusal> {
    if is_plain(path) { Ok(()) } else { check_segments(template, path) }
}

/// Whether every character stands for itself to every server; most paths are so, and hold nothing that is refused.
pub(super) fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'\\' | b';'))
}

pub(super) fn check_segments(template: &str, path: &str) -> Result<(), Refusal> {
    let names = template.split('/').take_while(|&wanted| wanted != MESSAGE).count();
    let mut message = String::new();
    for (position, segment) in path.split('/').enumerate() {
        let decoded = decoded(segment)?;
        if position >= names {
            message.push_str(&decoded);
            message.push('/');
        } else if has_control(&decoded) {
            return Err(Refusal::Control);
        } else if decoded.split(['/', '\\']).any(|part| step(part).is_dots()) {
            return Err(Refusal::DotSegment);
        } else if decoded.contains('\\') {
            return Err(Refusal::Backslash);
        } else if segment.contains(';') {
            return Err(Refusal::Semicolon);
        }
    }
    if message.contains('\0') {
        return Err(Refusal::Control);
    }
    // A server that takes a backslash for a slash counts other steps than one that does not.
    let climbs_out = climbs_out(message.split('/')) || climbs_out(message.split(['/', '\\']));
    if climbs_out { Err(Refusal::DotSegment) } else { Ok(()) }
}

/// What a part of a path does to a server that resolves dots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Up,
    Stay,
    /// Nothing between two slashes; some servers leave it out.
    Empty,
    Down,
}

impl Step {
    const fn is_dots(self) -> bool {
        matches!(self, Self::Up | Self::Stay)
    }
}

/// Some servers cut off what follows a semicolon.
fn step(part: &str) -> Step {
    match part.split(';').next() {
        Some("..") => Step::Up,
        Some(".") => Step::Stay,
        Some("") | None => Step::Empty,
        Some(_) => Step::Down,
    }
}

/// Whether parts ever lead above where they started.
fn climbs_out<'p>(mut parts: impl Iterator<Item = &'p str>) -> bool {
    let walked = parts.try_fold(0_usize, |depth, part| match step(part) {
        Step::Up => depth.checked_sub(1),
        Step::Stay | Step::Empty => Some(depth),
        Step::Down => depth.checked_add(1),
    });
    walked.is_none()
}

/// Other paths that a server might make of this one: its escapes decoded before it is split, then slashes merged.
///
/// INVARIANT: where the rows put a name, no other row has a word; so only slashes make other paths, not decoded words.
pub(super) fn readings(path: &str) -> Result<Vec<String>, Refusal> {
    let mut escapes = path.split('%').skip(1);
    let is_slash = |escape: &str| escape.starts_with("2F") || escape.starts_with("2f");
    if !(escapes.any(is_slash) || path.contains('%') && path.contains("//")) {
        return Ok(Vec::new());
    }
    let decoded = decoded(path)?.into_owned();
    if !decoded.contains("//") {
        return Ok(vec![decoded]);
    }
    let mut merged = decoded.replace("//", "/");
    while merged.contains("//") {
        merged = merged.replace("//", "/");
    }
    Ok(vec![decoded, merged])
}

/// The one name of a segment.
pub(super) fn name(segment: &str) -> Result<ResourceName, Refusal> {
    plain_name(&decoded(segment)?)
}

/// A decoded name; one with a backslash is two names to some servers.
pub(super) fn plain_name(decoded: &str) -> Result<ResourceName, Refusal> {
    match decoded.contains('\\') {
        true => Err(Refusal::Backslash),
        false => Ok(decoded.parse()?),
    }
}

/// The names of a comma list, split before they are decoded.
pub(super) fn names(segment: &str) -> impl Iterator<Item = Result<ResourceName, Refusal>> {
    segment.split(',').map(name)
}

/// The names of a comma list in a query, split after decoding; an empty one has none.
pub(super) fn names_of_value(value: &str) -> Result<Vec<ResourceName>, Refusal> {
    let decoded = decoded(value)?;
    if decoded.is_empty() {
        return Ok(Vec::new());
    }
    decoded.split(',').map(plain_name).collect()
}

/// The text behind percent escapes, which all have to be whole and to make UTF-8.
pub(super) fn decoded(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut escapes = text.split('%').skip(1);
    let is_whole = |escape: &str| escape.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !escapes.all(is_whole) {
        return Err(Refusal::Escape);
    }
    percent_decode_str(text).decode_utf8().map_err(|_| Refusal::Escape)
}

/// Whether a text holds a control character, those beyond ASCII included.
pub(super) fn has_control(text: &str) -> bool {
    match text.is_ascii() {
        true => text.bytes().any(|byte| byte.is_ascii_control()),
        false => text.contains(char::is_control),
    }
}
