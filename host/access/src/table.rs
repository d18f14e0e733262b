//! The grant table: the memory index of one keyset's live grants, which answers every check.

mod filter;
mod finding;
mod index;
mod question;
#[cfg(test)]
mod tests;

pub use filter::Filter;
pub use finding::{Basis, Denial, Finding};
pub use index::Held;
pub use question::{Question, Subject};

use crate::grant::{Grant, Target, View};
use crate::key::AuthKey;
use crate::resource::wildcard_lead;
use crate::time::UnixSeconds;
use index::{Index, Name};

/// All grants of one keyset. Keysets never share a table, so a grant in one cannot open another.
///
/// Expiry is enforced when read; [`GrantTable::sweep`] only frees memory. Names and auth keys are hashed with
/// SipHash under a random key, because clients choose them.
#[derive(Debug, Default)]
pub struct GrantTable {
    keyset: Option<Held>,
    /// Grants for everyone; usually few, so that looking here first stays in the processor's cache.
    shared: Index,
    /// Grants for one auth key.
    keyed: Index,
}

impl GrantTable {
    /// Puts a grant in force, or takes one away if it has no permissions. Returns what the target held before, lapsed or not.
    pub fn apply(&mut self, grant: &Grant) -> Option<Held> {
        if grant.permissions.is_empty() {
            return self.remove(&grant.target);
        }
        let held = Held { permissions: grant.permissions, expires: grant.expires };
        match View::of(&grant.target) {
            None => self.keyset.replace(held),
            Some(view) => self.index_mut(view).insert(view, held),
        }
    }

    /// Forgets the grant of this target, and returns what it held.
    pub fn remove(&mut self, target: &Target) -> Option<Held> {
        match View::of(target) {
            None => self.keyset.take(),
            Some(view) => self.index_mut(view).remove(view),
        }
    }

    /// The live grant of exactly this target.
    pub fn find(&self, target: &Target, now: UnixSeconds) -> Option<Grant> {
        let held = match View::of(target) {
            None => self.keyset,
            Some(view) => self.index(view).get(view.kind, Name::exact(view.name), view.auth_key),
        };
        held.filter(|held| !held.expires.is_over(now)).map(|held| held.to_grant(target.clone()))
    }

    /// Decides one question. Grants only ever add, so the broadest that holds the permission gives it.
    pub fn check(&self, question: &Question<'_>, now: UnixSeconds) -> Finding {
        if question.writes_to_presence() {
            return Finding::Deny { because: Denial::PresenceFeed };
        }
        let mut because = Denial::NothingGranted;
        for by in Basis::BROAD_TO_NARROW {
            let Some(held) = self.held(question, by) else {
                continue;
            };
            match held.judge(question.permission, now) {
                Ok(()) => return Finding::Allow { by, until: held.expires },
                Err(denial) => because = because.or_more_telling(denial),
            }
        }
        Finding::Deny { because }
    }

    /// The live grants that a filter selects, in no particular order. Walks the whole table.
    pub fn list(&self, filter: &Filter<'_>, now: UnixSeconds) -> impl Iterator<Item = Grant> {
        let keyset = self.keyset.filter(|held| filter.is_open() && !held.expires.is_over(now));
        let keyset = keyset.map(|held| held.to_grant(Target::Keyset));
        let entries = self.shared.iter().chain(self.keyed.iter());
        let live = entries.filter(move |(view, held)| !held.expires.is_over(now) && filter.selects(*view));
        // Entries come from targets, so none of them fails to turn back into one.
        let grants = live.filter_map(|(view, held)| Some(held.to_grant(view.to_target().ok()?)));
        keyset.into_iter().chain(grants)
    }

    /// Frees what has expired and says which targets that was, so that the journal can forget them too.
    pub fn sweep(&mut self, now: UnixSeconds) -> Vec<Target> {
        let mut swept = Vec::new();
        if self.keyset.is_some_and(|held| held.expires.is_over(now)) {
            self.keyset = None;
            swept.push(Target::Keyset);
        }
        self.shared.sweep(now, &mut swept);
        self.keyed.sweep(now, &mut swept);
        swept
    }

    /// How many grants are held, expired ones that were not swept included.
    pub fn len(&self) -> usize {
        usize::from(self.keyset.is_some()) + self.shared.len() + self.keyed.len()
    }

    /// Whether no grant is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap memory in bytes: the exact size of both hash tables, and each name with its auth key rounded up to the
    /// allocator's usual step of 16 bytes plus 8 of its own.
    pub fn approximate_bytes(&self) -> usize {
        self.shared.approximate_bytes() + self.keyed.approximate_bytes()
    }

    const fn index(&self, view: View<'_>) -> &Index {
        match view.auth_key {
            None => &self.shared,
            Some(_) => &self.keyed,
        }
    }

    fn index_mut(&mut self, view: View<'_>) -> &mut Index {
        match view.auth_key {
            None => &mut self.shared,
            Some(_) => &mut self.keyed,
        }
    }

    fn held(&self, question: &Question<'_>, basis: Basis) -> Option<Held> {
        let (kind, name) = match question.about.resource() {
            Some((kind, name)) => (kind, name.as_str()),
            None => return self.keyset.filter(|_| basis == Basis::Keyset),
        };
        let shown = question.auth_key.map(AuthKey::reveal);
        let wildcard = || Some(Name::wildcard(wildcard_lead(kind, name)?));
        match basis {
            Basis::Keyset => self.keyset.filter(|_| question.about.is_opened_by_keyset()),
            Basis::Name => self.shared.get(kind, Name::exact(name), None),
            Basis::Wildcard => self.shared.get(kind, wildcard()?, None),
            Basis::NameAndKey => self.keyed.get(kind, Name::exact(name), Some(shown?)),
            Basis::WildcardAndKey => self.keyed.get(kind, wildcard()?, Some(shown?)),
        }
    }
}

impl Extend<Grant> for GrantTable {
    /// Applies grants in order, as when a journal is read back.
    fn extend<I: IntoIterator<Item = Grant>>(&mut self, grants: I) {
        for grant in grants {
            self.apply(&grant);
        }
    }
}
