//! Reading a request: which operation it is, and what it touches, as every server behind would understand it.

use std::fmt;

use super::path::{self, Parts};
use super::query::Query;
use super::{Change, Intent, LoneComma, NamePlace, Need, Operation, Resource, When, body};
use crate::key::{PublishKey, SubscribeKey};
use crate::resource::{MalformedResourceName, ResourceKind, ResourceName};

/// A request that is an operation.
#[derive(Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The keyset; none for the time.
    pub subscribe_key: Option<SubscribeKey>,
    /// The publish key, where the path names it; whether it belongs to the keyset is the caller's to check.
    pub publish_key: Option<PublishKey>,
    /// The token or auth key shown, decoded; an empty one counts as none.
    pub auth: Option<Box<str>>,
    /// Who the client says it is, decoded; an empty one counts as none.
    pub uuid: Option<Box<str>>,
    /// What it wants.
    pub wants: Wants,
}

/// What a request wants, known at once or only with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wants {
    /// All there is to know.
    Ready(Intent),
    /// The body names resources too: read it before deciding.
    Body(UnreadIntent),
}

/// An intent without what the body names; nothing can be decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadIntent {
    operation: &'static Operation,
    /// The row for a body that only deletes.
    deleting: &'static Operation,
    resources: Vec<Resource>,
}

/// Why a request is not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// No operation has this method and path; what is not known is never let through.
    #[error("no operation has this method and path")]
    Unknown,
    /// An operation, but written so that two servers might read it differently, or beyond a limit.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What is wrong with a request. None of the texts shows a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A segment, or a part of a name, that is `.` or `..`.
    #[error("the path holds a `.` or `..` segment")]
    DotSegment,
    /// A backslash, which some servers take for a slash: in a path as it is, in a name encoded too.
    #[error("the request holds a backslash")]
    Backslash,
    /// A bare semicolon in a name, where some servers cut names off.
    #[error("the request holds a bare `;`; `%3B` is one in a name")]
    Semicolon,
    /// A control character, encoded or not.
    #[error("the request holds a control character")]
    Control,
    /// A percent escape that is not whole, or bytes that are not UTF-8.
    #[error("the request holds a malformed percent escape")]
    Escape,
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] MalformedResourceName),
    /// Something has to be named and is not.
    #[error("the request names no channel")]
    NoName,
    /// A path with an encoded slash that is another operation, or about others, for a server that decodes it first.
    #[error("the path means something else once it is decoded")]
    Ambiguous,
    /// More than [`Intent::MOST_NAMES`].
    #[error("the request names more than {} resources", Intent::MOST_NAMES)]
    TooManyNames,
    /// Not the form of a subscribe key.
    #[error("the subscribe key is malformed")]
    SubscribeKey,
    /// Not the form of a publish key.
    #[error("the publish key is malformed")]
    PublishKey,
    /// Two of what may come once.
    #[error("the parameter `{parameter}` is repeated")]
    Repeated {
        /// Its name.
        parameter: &'static str,
    },
    /// A parameter whose name is encoded, stands behind a semicolon, or is spelt so that only some servers know it.
    #[error("the parameter `{parameter}` is not written plainly")]
    Hidden {
        /// Its name.
        parameter: &'static str,
    },
    /// Not the JSON that names members or memberships.
    #[error("the body is not a list of members or memberships")]
    Body,
}

/// Recognises a request by what is forwarded: its method, and path and query exactly as on the wire.
///
/// # Errors
/// [`Unrecognised`] for what is no operation and for what could be read in two ways.
pub fn recognise(method: &str, raw_path: &str, raw_query: &str) -> Result<Recognised, Unrecognised> {
    if path::climbs(raw_path) {
        return Err(Refusal::DotSegment.into());
    }
    if raw_path.contains('\\') {
        return Err(Refusal::Backslash.into());
    }
    let mut fitting = fitting(method, raw_path);
    let first = fitting.next().ok_or(Unrecognised::Unknown)?;
    let query = Query::read(raw_query)?;
    let rows = Rows::sorted(std::iter::once(first).chain(fitting), &query);
    let fit = rows.chosen().ok_or(Unrecognised::Unknown)?;
    path::check(fit.template, raw_path)?;
    let resources = resources(fit, &query)?;
    check_idle_places(fit)?;
    check_readings(fit, (method, raw_path), &query)?;
    let wants = match awaits_body(fit.operation) {
        true => Wants::Body(UnreadIntent {
            operation: fit.operation,
            deleting: rows.deleting.unwrap_or(fit.operation),
            resources,
        }),
        false => Wants::Ready(Intent::complete(fit.operation, resources)),
    };
    Ok(Recognised {
        subscribe_key: key(fit.parts.subscribe_key, Refusal::SubscribeKey)?,
        publish_key: key(fit.parts.publish_key, Refusal::PublishKey)?,
        auth: text(query.get("auth"))?,
        uuid: text(query.get("uuid"))?,
        wants,
    })
}

impl Recognised {
    /// The operation; of members that are set and removed, the one that sets.
    pub const fn operation(&self) -> &'static Operation {
        match &self.wants {
            Wants::Ready(intent) => intent.operation(),
            Wants::Body(unread) => unread.operation,
        }
    }
}

impl UnreadIntent {
    /// The operation, as far as it is known without the body.
    pub const fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// What is wanted whatever the body says: what this is not given for, no body can make right.
    pub fn without_body(&self) -> Intent {
        Intent::complete(self.operation, self.resources.clone())
    }

    /// The whole intent: every id of `set`, `delete` and of the older `add`, `update` and `remove` is a resource too.
    ///
    /// # Errors
    /// [`Unrecognised::Refused`] for a body that does not say plainly whom it is about.
    pub fn with_body(self, body: &[u8]) -> Result<Intent, Unrecognised> {
        let Self { operation, deleting, mut resources } = self;
        let body::Named { change, ids } = body::read(body)?;
        let joined = operation.needs.iter().filter(|need| need.is_in_body());
        for need in joined {
            for id in &ids {
                let name = path::plain_name(id)?;
                resources.push(Resource { kind: need.kind(), name, permission: need.permission() });
            }
        }
        let operation = match change {
            Change::Set => operation,
            Change::Delete => deleting,
        };
        Ok(Intent::complete(operation, bounded(resources)?))
    }
}

impl fmt::Debug for Recognised {
    /// Without what the client shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribe_key, publish_key: _, auth: _, uuid, wants } = self;
        let mut fields = f.debug_struct("Recognised");
        fields.field("subscribe_key", subscribe_key).field("uuid", uuid).field("wants", wants).finish_non_exhaustive()
    }
}

/// A row whose method and path fit.
#[derive(Clone, Copy)]
struct Fit<'p> {
    operation: &'static Operation,
    template: &'static str,
    parts: Parts<'p>,
}

fn fitting<'p>(method: &str, path: &'p str) -> impl Iterator<Item = Fit<'p>> {
    Operation::ALL.iter().filter_map(move |operation| {
        let fit = |template: &&'static str| Some(Fit { operation, template, parts: path::fit(template, path)? });
        // Asked in this order because a path tells most rows apart by its first few bytes.
        let alike = operation.paths.iter().filter(|template| path::begins_like(template, path));
        alike.filter(|_| operation.methods.contains(&method)).find_map(fit)
    })
}

/// The first row of each sort, of those that fit.
#[derive(Default)]
struct Rows<'p> {
    /// Its condition holds.
    conditional: Option<Fit<'p>>,
    /// It has none.
    otherwise: Option<Fit<'p>>,
    /// It is for a body that only deletes.
    deleting: Option<&'static Operation>,
}

impl<'p> Rows<'p> {
    fn sorted(fitting: impl Iterator<Item = Fit<'p>>, query: &Query<'_>) -> Self {
        let mut rows = Self::default();
        for fit in fitting {
            let slot = match fit.operation.when {
                When::Otherwise => &mut rows.otherwise,
                When::Fired | When::Query(_) | When::Body(_) => &mut rows.conditional,
            };
            if slot.is_none() && query.meets(fit.operation.when) {
                *slot = Some(fit);
            }
            if fit.operation.when == When::Body(Change::Delete) {
                rows.deleting.get_or_insert(fit.operation);
            }
        }
        rows
    }

    /// The row whose condition holds; one without a condition only if no other does.
    fn chosen(&self) -> Option<&Fit<'p>> {
        self.conditional.as_ref().or(self.otherwise.as_ref())
    }
}

fn awaits_body(operation: &Operation) -> bool {
    match operation.when {
        When::Body(_) => true,
        When::Otherwise | When::Fired | When::Query(_) => operation.needs.iter().any(|need| need.is_in_body()),
    }
}

/// Parses the names that the row needs nothing on: a place of names holds names.
fn check_idle_places(fit: &Fit<'_>) -> Result<(), Refusal> {
    let Parts { channel, channels, group, uuid, device, .. } = fit.parts;
    let is_idle = |kind| !fit.operation.needs.iter().any(|need| need.is_in_path() && need.kind() == kind);
    let single = [(ResourceKind::Channel, channel), (ResourceKind::Group, group), (ResourceKind::Uuid, uuid)];
    let idle = single.into_iter().filter(|&(kind, _)| is_idle(kind)).filter_map(|(_, segment)| segment);
    for segment in idle.chain(device) {
        path::name(segment)?;
    }
    match channels.filter(|_| is_idle(ResourceKind::Channel)) {
        Some(list) if listed(list, LoneComma::Allowed)?.len() > Intent::MOST_NAMES => Err(Refusal::TooManyNames),
        Some(_) | None => Ok(()),
    }
}

/// Refuses a path that a server which decodes it first would take for something else that is known.
fn check_readings(fit: &Fit<'_>, (method, raw_path): (&str, &str), query: &Query<'_>) -> Result<(), Refusal> {
    for reading in path::readings(raw_path)? {
        let rows = Rows::sorted(fitting(method, &reading), query);
        if rows.chosen().is_some_and(|other| other.operation != fit.operation || !other.parts.are_decoded(fit.parts)) {
            return Err(Refusal::Ambiguous);
        }
    }
    Ok(())
}

fn resources(fit: &Fit<'_>, query: &Query<'_>) -> Result<Vec<Resource>, Refusal> {
    let mut resources = Vec::new();
    for need in fit.operation.needs {
        let &Need::Named { kind, place, permission } = need else { continue };
        let names = match place {
            NamePlace::Path => vec![path::name(segment(fit, kind)?)?],
            NamePlace::PathList { lone_comma } => listed(segment(fit, kind)?, lone_comma)?,
            NamePlace::Query(parameters) => queried(parameters, query)?,
            NamePlace::Body => Vec::new(),
        };
        resources.extend(names.into_iter().map(|name| Resource { kind, name, permission }));
    }
    match resources.is_empty() && fit.operation.names_something() {
        true => Err(Refusal::NoName),
        false => bounded(resources),
    }
}

fn segment<'p>(fit: &Fit<'p>, kind: ResourceKind) -> Result<&'p str, Refusal> {
    let segment = match kind {
        ResourceKind::Channel => fit.parts.channel.or(fit.parts.channels),
        ResourceKind::Group => fit.parts.group,
        ResourceKind::Uuid => fit.parts.uuid,
    };
    segment.ok_or(Refusal::NoName)
}

fn listed(segment: &str, lone_comma: LoneComma) -> Result<Vec<ResourceName>, Refusal> {
    match (segment, lone_comma) {
        (",", LoneComma::Allowed) => Ok(Vec::new()),
        (",", LoneComma::Refused) => Err(Refusal::NoName),
        (list, _) => path::names(list).take(Intent::MOST_NAMES + 1).collect(),
    }
}

fn queried(parameters: &[&str], query: &Query<'_>) -> Result<Vec<ResourceName>, Refusal> {
    let mut names = Vec::new();
    for value in parameters.iter().filter_map(|name| query.get(name)) {
        names.extend(path::names_of_value(value)?);
    }
    Ok(names)
}

fn bounded(resources: Vec<Resource>) -> Result<Vec<Resource>, Refusal> {
    match resources.len() {
        0..=Intent::MOST_NAMES => Ok(resources),
        _ => Err(Refusal::TooManyNames),
    }
}

fn key<T: std::str::FromStr>(segment: Option<&str>, refusal: Refusal) -> Result<Option<T>, Refusal> {
    segment.map(|segment| segment.parse().map_err(|_| refusal)).transpose()
}

fn text(value: Option<&str>) -> Result<Option<Box<str>>, Refusal> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let decoded = path::decoded(value)?;
    match path::has_control(&decoded) {
        true => Err(Refusal::Control),
        false => Ok(Some(decoded.into())),
    }
}

impl Need {
    const fn is_in_path(self) -> bool {
        matches!(self, Self::Named { place: NamePlace::Path | NamePlace::PathList { .. }, .. })
    }

    const fn is_in_body(self) -> bool {
        matches!(self, Self::Named { place: NamePlace::Body, .. })
    }

    const fn kind(self) -> ResourceKind {
        match self {
            Self::Named { kind, .. } | Self::KeysetWide { kind, .. } | Self::Category { kind } => kind,
        }
    }
}
