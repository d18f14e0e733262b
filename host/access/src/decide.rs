//! Deciding: whether what a client shows gives it everything that its intent takes, and who or what gives it.

#[cfg(test)]
mod tests;
mod verdict;

pub use verdict::{About, Denied, Explanation, Given, Giver, Reason, Ruling, Verdict};

use crate::key::AuthKey;
use crate::operation::{Intent, Need, Resource};
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceKind;
use crate::revocation::Revocations;
use crate::table::{Denial, Finding, GrantTable, Question, Subject};
use crate::time::{Expiry, UnixSeconds};
use crate::token::{InvalidToken, Token};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// What the request proves.
    pub shown: Shown<'a>,
    /// Who the client says it is; a token may be good for one user only.
    pub uuid: Option<&'a str>,
}

/// What a request proves. A text that is neither token nor auth key can hold no grant and counts as [`Shown::Nothing`].
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// Nothing: what is granted to everyone is left.
    Nothing,
    /// A signature with a secret key of the keyset, verified.
    Root,
    /// A v2 auth key.
    AuthKey(&'a AuthKey),
    /// A v3 token that the keyset made.
    Token(&'a Token),
    /// A v3 token that does not count.
    Invalid(InvalidToken),
}

/// What a keyset knows when it decides.
#[derive(Clone, Copy, Debug)]
pub struct KeysetState<'a> {
    /// Its v2 grants.
    pub grants: &'a GrantTable,
    /// Which of its tokens are taken back.
    pub revocations: &'a Revocations,
    /// What it leaves open.
    pub switches: Switches,
}

/// What a keyset leaves open to every client with a valid credential or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// The lists of all users' and all channels' metadata.
    pub metadata_lists: MetadataLists,
    /// Who is here on all channels.
    pub global_presence: GlobalPresence,
}

/// Who lists all metadata of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetadataLists {
    /// Everyone.
    #[default]
    Open,
    /// Tokens with the category, and for channels a v2 grant of `get` on the keyset.
    Granted,
}

/// Who asks who is here on all channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlobalPresence {
    /// Everyone.
    Open,
    /// A v2 grant of `read` on the keyset; no token can name it.
    #[default]
    Granted,
}

/// Decides whether all that an intent takes is given. Allocates only for a denial.
pub fn decide(intent: &Intent, credentials: &Credentials<'_>, keyset: &KeysetState<'_>, now: UnixSeconds) -> Verdict {
    let judge = match Judge::admit(credentials, keyset, now) {
        Ok(judge) => judge,
        Err(reason) => return Verdict::Deny(Denied { reason, rulings: Vec::new() }),
    };
    let mut until = judge.bearer.until();
    let mut refused = Vec::new();
    for point in points(intent) {
        match judge.outcome(point) {
            Ok(given) => until = until.min(given.until),
            Err(reason) => refused.push((reason, point.ruling(Err(reason)))),
        }
    }
    match refused.first() {
        None => Verdict::Allow { until },
        Some(&(reason, _)) => {
            let rulings = refused.into_iter().map(|(_, ruling)| ruling).collect();
            Verdict::Deny(Denied { reason, rulings })
        }
    }
}

/// Decides as [`decide`] does, and tells for everything that the intent takes what gives it or what is missing.
pub fn explain<'t>(
    intent: &Intent,
    credentials: &Credentials<'t>,
    keyset: &KeysetState<'_>,
    now: UnixSeconds,
) -> Explanation<'t> {
    let verdict = decide(intent, credentials, keyset, now);
    let rulings = match Judge::admit(credentials, keyset, now) {
        Ok(judge) => points(intent).map(|point| point.ruling(judge.outcome(point))).collect(),
        Err(_) => Vec::new(),
    };
    Explanation { verdict, rulings }
}

/// One thing that an intent takes.
#[derive(Clone, Copy)]
enum Point<'i> {
    Resource(&'i Resource),
    KeysetWide { kind: ResourceKind, permission: Permission },
    Category { kind: ResourceKind },
}

fn points(intent: &Intent) -> impl Iterator<Item = Point<'_>> {
    let whole = intent.operation().needs().iter().filter_map(|need| match *need {
        Need::Named { .. } => None,
        Need::KeysetWide { kind, permission } => Some(Point::KeysetWide { kind, permission }),
        Need::Category { kind } => Some(Point::Category { kind }),
    });
    intent.resources().iter().map(Point::Resource).chain(whole)
}

impl Point<'_> {
    const fn permission(self) -> Permission {
        match self {
            Self::Resource(resource) => resource.permission,
            Self::KeysetWide { permission, .. } => permission,
            Self::Category { .. } => Permission::Get,
        }
    }

    fn ruling<'t>(self, outcome: Result<Given<'t>, Reason>) -> Ruling<'t> {
        let about = match self {
            Self::Resource(Resource { kind, name, .. }) => About::Resource { kind: *kind, name: name.clone() },
            Self::KeysetWide { .. } => About::Keyset,
            Self::Category { kind } => About::Category { kind },
        };
        Ruling { about, permission: self.permission(), outcome }
    }
}

/// Whose permissions count.
#[derive(Clone, Copy)]
enum Bearer<'t> {
    Root,
    Key(Option<&'t AuthKey>),
    Token(&'t Token),
}

/// A credential that counts, before the keyset it counts in.
struct Judge<'t, 'k> {
    bearer: Bearer<'t>,
    keyset: &'k KeysetState<'k>,
    now: UnixSeconds,
}

impl<'t, 'k> Judge<'t, 'k> {
    fn admit(credentials: &Credentials<'t>, keyset: &'k KeysetState<'k>, now: UnixSeconds) -> Result<Self, Reason> {
        let bearer = match credentials.shown {
            Shown::Nothing => Bearer::Key(None),
            Shown::Root => Bearer::Root,
            Shown::AuthKey(key) => Bearer::Key(Some(key)),
            Shown::Token(token) => Bearer::Token(admitted(token, credentials.uuid, keyset, now)?),
            Shown::Invalid(error) => return Err(Reason::TokenInvalid(error)),
        };
        Ok(Self { bearer, keyset, now })
    }

    fn outcome(&self, point: Point<'_>) -> Result<Given<'t>, Reason> {
        if let Some(by) = self.left_open(point) {
            return Ok(Given { by, until: Expiry::NEVER });
        }
        match self.bearer {
            Bearer::Root => Ok(Given { by: Giver::Root, until: Expiry::NEVER }),
            Bearer::Key(key) => self.granted(point, key),
            Bearer::Token(token) => permitted(token, point),
        }
    }

    fn left_open(&self, point: Point<'_>) -> Option<Giver<'t>> {
        let Switches { metadata_lists, global_presence } = self.keyset.switches;
        match point {
            Point::Category { .. } if metadata_lists == MetadataLists::Open => Some(Giver::OpenLists),
            Point::KeysetWide { kind: ResourceKind::Channel, permission: Permission::Read }
                if global_presence == GlobalPresence::Open =>
            {
                Some(Giver::OpenPresence)
            }
            Point::Category { .. } | Point::KeysetWide { .. } | Point::Resource(_) => None,
        }
    }

    fn granted(&self, point: Point<'_>, auth_key: Option<&AuthKey>) -> Result<Given<'t>, Reason> {
        let about = match point {
            Point::Resource(Resource { kind: ResourceKind::Channel, name, .. }) => Subject::Channel(name),
            Point::Resource(Resource { kind: ResourceKind::Group, name, .. }) => Subject::Group(name),
            Point::Resource(Resource { kind: ResourceKind::Uuid, name, .. }) => Subject::Uuid(name),
            // A grant on the keyset opens channels and groups, never users.
            Point::Category { kind: ResourceKind::Uuid } => return Err(Reason::nothing_granted(auth_key)),
            Point::Category { .. } | Point::KeysetWide { .. } => Subject::Keyset,
        };
        let question = Question { about, auth_key, permission: point.permission() };
        match self.keyset.grants.check(&question, self.now) {
            Finding::Allow { by, until } => Ok(Given { by: Giver::Grant(by), until }),
            Finding::Deny { because } => Err(match because {
                Denial::NothingGranted => Reason::nothing_granted(auth_key),
                Denial::Lacks { missing, held } => Reason::GrantLacks { missing, held },
                Denial::PresenceFeed => Reason::PresenceReadOnly,
                Denial::Expired { at } => Reason::GrantExpired { at },
            }),
        }
    }
}

impl Bearer<'_> {
    fn until(self) -> Expiry {
        match self {
            Self::Root | Self::Key(_) => Expiry::NEVER,
            Self::Token(token) => token.expires(),
        }
    }
}

/// A token that counts now and for this user.
fn admitted<'t>(
    token: &'t Token,
    uuid: Option<&str>,
    keyset: &KeysetState<'_>,
    now: UnixSeconds,
) -> Result<&'t Token, Reason> {
    if let Some(revoked) = keyset.revocations.is_revoked(token) {
        return Err(Reason::TokenRevoked(revoked));
    }
    if token.expires().is_over(now) {
        return Err(Reason::TokenExpired { at: token.expires() });
    }
    match token.uuid() {
        Some(owner) if uuid != Some(owner) => Err(Reason::TokenOtherUser),
        Some(_) | None => Ok(token),
    }
}

fn permitted<'t>(token: &'t Token, point: Point<'_>) -> Result<Given<'t>, Reason> {
    let missing = point.permission();
    let by = match point {
        Point::Resource(Resource { kind: ResourceKind::Channel, name, permission: Permission::Write })
            if name.is_presence_feed() =>
        {
            return Err(Reason::PresenceReadOnly);
        }
        Point::Resource(Resource { kind, name, permission }) => {
            let basis = token.allows(*kind, name.as_str(), *permission).map(Giver::Token);
            basis.map_err(|held| Reason::TokenLacks { missing, held })?
        }
        Point::Category { kind } if token.lists(kind) => Giver::TokenCategory,
        Point::Category { .. } | Point::KeysetWide { .. } => {
            return Err(Reason::TokenLacks { missing, held: Permissions::NONE });
        }
    };
    Ok(Given { by, until: token.expires() })
}
