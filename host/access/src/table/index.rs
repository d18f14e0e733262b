//! A hash table from encoded targets to what is held, searched by borrowed parts without allocating.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use crate::grant::{Grant, Target, View};
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceKind;
use crate::table::Denial;
use crate::time::{Expiry, UnixSeconds};

/// Spreads 32 stored bits over the 64 that the table wants.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What one grant gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What may be done.
    pub permissions: Permissions,
    /// Until when.
    pub expires: Expiry,
}

/// A name in two parts, so that `head.*` can be looked up by borrowing `head.` from a longer name.
///
/// INVARIANT: a final `*` is always the second part, whichever way the name was made.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    lead: &'a str,
    star: &'static str,
}

#[derive(Default)]
pub(super) struct Index {
    entries: HashTable<Entry>,
    hasher: RandomState,
    /// What the allocator is taken to spend on all keys.
    key_bytes: usize,
}

/// 32 bytes, apart from the key's own.
struct Entry {
    key: Box<[u8]>,
    expires: Expiry,
    /// Kept so that growing the table reads no key.
    hash: u32,
    permissions: Permissions,
}

impl Held {
    pub(super) fn judge(self, asked: Permission, now: UnixSeconds) -> Result<(), Denial> {
        let over = self.expires.instant().filter(|_| self.expires.is_over(now));
        match (over, self.permissions.allows(asked)) {
            (None, true) => Ok(()),
            (None, false) => Err(Denial::Lacks { missing: asked, held: self.permissions }),
            (Some(at), true) => Err(Denial::Expired { at }),
            (Some(_), false) => Err(Denial::NothingGranted),
        }
    }

    pub(super) const fn to_grant(self, target: Target) -> Grant {
        Grant { target, permissions: self.permissions, expires: self.expires }
    }
}

impl<'a> Name<'a> {
    pub(super) fn exact(name: &'a str) -> Self {
        match name.strip_suffix('*') {
            Some(lead) => Self { lead, star: "*" },
            None => Self { lead: name, star: "" },
        }
    }

    pub(super) const fn wildcard(lead: &'a str) -> Self {
        Self { lead, star: "*" }
    }
}

impl Index {
    pub(super) fn get(&self, kind: ResourceKind, name: Name<'_>, key: Option<&str>) -> Option<Held> {
        if self.entries.is_empty() {
            return None;
        }
        let sought = Sought { kind, name, key };
        let hash = self.hash(sought);
        let entry = self.entries.find(spread(hash), |entry| entry.hash == hash && sought.is(&entry.key))?;
        Some(entry.held())
    }

    /// Returns what was held before.
    pub(super) fn insert(&mut self, view: View<'_>, held: Held) -> Option<Held> {
        let sought = Sought::of(view);
        let hash = self.hash(sought);
        let is_same = |entry: &Entry| entry.hash == hash && sought.is(&entry.key);
        match self.entries.entry(spread(hash), is_same, |entry| spread(entry.hash)) {
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                let earlier = entry.held();
                (entry.permissions, entry.expires) = (held.permissions, held.expires);
                Some(earlier)
            }
            Slot::Vacant(slot) => {
                let key = view.encode().into_boxed_slice();
                self.key_bytes += allocated(&key);
                let Held { permissions, expires } = held;
                slot.insert(Entry { key, expires, hash, permissions });
                None
            }
        }
    }

    pub(super) fn remove(&mut self, view: View<'_>) -> Option<Held> {
        let sought = Sought::of(view);
        let hash = self.hash(sought);
        let is_same = |entry: &Entry| entry.hash == hash && sought.is(&entry.key);
        let (entry, _) = self.entries.find_entry(spread(hash), is_same).ok()?.remove();
        self.key_bytes -= allocated(&entry.key);
        Some(entry.held())
    }

    pub(super) fn sweep(&mut self, now: UnixSeconds, swept: &mut Vec<Target>) {
        for entry in self.entries.extract_if(|entry| entry.expires.is_over(now)) {
            self.key_bytes -= allocated(&entry.key);
            swept.extend(Target::decode(&entry.key));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (View<'_>, Held)> {
        // Keys come from `View::encode`, so none of them fails to decode.
        self.entries.iter().filter_map(|entry| Some((View::decode(&entry.key).ok()?, entry.held())))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn approximate_bytes(&self) -> usize {
        self.entries.allocation_size() + self.key_bytes
    }

    fn hash(&self, sought: Sought<'_>) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u8(View::tag(sought.kind));
        hasher.write(sought.name.lead.as_bytes());
        hasher.write(sought.name.star.as_bytes());
        if let Some(key) = sought.key {
            hasher.write_u8(0);
            hasher.write(key.as_bytes());
        }
        // The lower half is as good as the whole for telling a few million grants apart.
        (hasher.finish() & u64::from(u32::MAX)) as u32
    }
}

impl Entry {
    const fn held(&self) -> Held {
        Held { permissions: self.permissions, expires: self.expires }
    }
}

/// The parts of a key that is looked for.
#[derive(Clone, Copy)]
struct Sought<'a> {
    kind: ResourceKind,
    name: Name<'a>,
    key: Option<&'a str>,
}

impl<'a> Sought<'a> {
    fn of(view: View<'a>) -> Self {
        Self { kind: view.kind, name: Name::exact(view.name), key: view.auth_key }
    }

    /// Whether these are the parts of an encoded target.
    fn is(self, encoded: &[u8]) -> bool {
        let rest = encoded
            .strip_prefix(&[View::tag(self.kind)])
            .and_then(|rest| rest.strip_prefix(self.name.lead.as_bytes()))
            .and_then(|rest| rest.strip_prefix(self.name.star.as_bytes()));
        match (rest, self.key) {
            (Some(rest), None) => rest.is_empty(),
            (Some(rest), Some(key)) => rest.strip_prefix(&[0]) == Some(key.as_bytes()),
            (None, _) => false,
        }
    }
}

const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(SPREAD)
}

const fn allocated(key: &[u8]) -> usize {
    (key.len() + 8).next_multiple_of(16)
}

impl fmt::Debug for Index {
    /// Counts only: the keys hold auth keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len()).finish_non_exhaustive()
    }
}
