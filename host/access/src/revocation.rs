//! Which tokens of a keyset were taken back before their time: one by one, all of a user, or all up to an instant.

mod record;
#[cfg(test)]
mod tests;

pub use record::{MalformedRevocation, Revocation};

use std::collections::HashMap;
use std::fmt;

use crate::time::{Expiry, UnixSeconds};
use crate::token::{Token, TokenId, TokenTtl};

/// The revocations of one keyset, in memory. Each is a record that the caller stores before it is applied.
///
/// A token carries whole seconds only, so a cut takes every token *issued* up to its instant, and what is granted after
/// a cut is issued the second after it at the earliest: [`earliest_issue`](Self::earliest_issue) says when.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    tokens: HashMap<TokenId, Expiry>,
    uuids: HashMap<Box<str>, UnixSeconds>,
    before: Option<UnixSeconds>,
}

/// An instant up to which tokens are revoked. It was not to come when it was chosen: no token would be granted until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut(UnixSeconds);

/// A cut that was to be in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at} is still to come; tokens are revoked up to now at the latest")]
pub struct FutureCut {
    /// The instant asked for.
    pub at: UnixSeconds,
}

/// By which rule a token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It was revoked itself.
    Token,
    /// All tokens of its user were.
    Uuid {
        /// Those issued up to here.
        at: UnixSeconds,
    },
    /// All tokens were.
    Before {
        /// Those issued up to here.
        at: UnixSeconds,
    },
}

impl Cut {
    /// The cut at that instant.
    ///
    /// # Errors
    /// [`FutureCut`] if it is after now.
    pub fn new(at: UnixSeconds, now: UnixSeconds) -> Result<Self, FutureCut> {
        match at <= now {
            true => Ok(Self(at)),
            false => Err(FutureCut { at }),
        }
    }
}

impl Revocations {
    /// Lets a record count from now on. Applying one again, or an older one after a newer, changes nothing.
    pub fn apply(&mut self, revocation: &Revocation) {
        match revocation {
            Revocation::Token { id, until } => {
                let known = self.tokens.entry(*id).or_insert(*until);
                *known = (*known).max(*until);
            }
            Revocation::Uuid { uuid, at } => {
                let known = self.uuids.entry(uuid.clone()).or_insert(*at);
                *known = (*known).max(*at);
            }
            Revocation::Before { at } => self.before = self.before.max(Some(*at)),
        }
    }

    /// The record that revokes every token granted to this user so far, in this second too.
    pub fn of_uuid(&self, uuid: &str, now: UnixSeconds) -> Revocation {
        Revocation::Uuid { uuid: uuid.into(), at: self.earliest_issue(Some(uuid), now) }
    }

    /// The record that revokes every token issued up to the cut, or up to a later one that counts already.
    pub fn of_before(&self, Cut(at): Cut) -> Revocation {
        Revocation::Before { at: self.before.map_or(at, |known| known.max(at)) }
    }

    /// Whether a token was taken back, and by which rule.
    pub fn is_revoked(&self, token: &Token) -> Option<Revoked> {
        if self.tokens.contains_key(&token.id()) {
            return Some(Revoked::Token);
        }
        let issued_up_to = |at: &UnixSeconds| token.issued() <= *at;
        if let Some(at) = self.before.filter(issued_up_to) {
            return Some(Revoked::Before { at });
        }
        let at = token.uuid().and_then(|uuid| self.uuids.get(uuid)).copied().filter(issued_up_to)?;
        Some(Revoked::Uuid { at })
    }

    /// Whether a token was taken back by its id. The same grant in the same second is the same token, so who grants asks this.
    pub fn names(&self, id: TokenId) -> bool {
        self.tokens.contains_key(&id)
    }

    /// When a token granted now has to say it was issued, for no cut made before to take it: now, or the second after
    /// the last cut.
    pub fn earliest_issue(&self, uuid: Option<&str>, now: UnixSeconds) -> UnixSeconds {
        let of_uuid = uuid.and_then(|uuid| self.uuids.get(uuid)).copied();
        [of_uuid, self.before].into_iter().flatten().map(second_after).fold(now, Ord::max)
    }

    /// Forgets whatever no living token can be under any more, and hands it back for the store to forget as well.
    pub fn sweep(&mut self, now: UnixSeconds) -> Vec<Revocation> {
        let mut over = Vec::new();
        let mut keep = |revocation: Revocation| {
            let is_over = revocation.is_over(now);
            over.extend(is_over.then_some(revocation));
            !is_over
        };
        self.tokens.retain(|&id, &mut until| keep(Revocation::Token { id, until }));
        self.uuids.retain(|uuid, &mut at| keep(Revocation::Uuid { uuid: uuid.clone(), at }));
        self.before = self.before.filter(|&at| keep(Revocation::Before { at }));
        over
    }

    /// How many records count.
    pub fn len(&self) -> usize {
        self.tokens.len() + self.uuids.len() + usize::from(self.before.is_some())
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// When the longest token issued at that instant ends.
const fn last_end(issued: UnixSeconds) -> Expiry {
    TokenTtl::LONGEST.expiry(issued)
}

fn second_after(at: UnixSeconds) -> UnixSeconds {
    UnixSeconds::new(at.get().saturating_add(1))
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("the token was revoked"),
            Self::Uuid { at } => write!(f, "all tokens of its user issued up to {at} were revoked"),
            Self::Before { at } => write!(f, "all tokens issued up to {at} were revoked"),
        }
    }
}
