//! An approved proposal: the proof that somebody with the right to do so allowed it.

use crate::ceiling::{BeyondCeiling, Bindings, Ceiling};
use crate::grant::Grant;
use crate::proposal::Proposal;
use crate::time::UnixSeconds;

/// A proposal that may be carried out; the only source of grants.
///
/// The field is private to this file, so a value exists only through [`Proposal::within`] or [`Approved::by_root`].
/// ```compile_fail
/// fn forge(proposal: usher_access::Proposal) -> usher_access::Approved {
///     usher_access::Approved(proposal)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved(Proposal);

impl Proposal {
    /// Approves the proposal if every part of it stays within `ceiling`; nothing is ever cut down to fit.
    ///
    /// # Errors
    /// [`BeyondCeiling`] names the first resource that asks for more than the rules allow.
    pub fn within(self, ceiling: &Ceiling, bindings: &Bindings) -> Result<Approved, BeyondCeiling> {
        ceiling.check(&self, bindings)?;
        Ok(Approved(self))
    }
}

impl Approved {
    /// Approves **without any ceiling**: for admin calls whose secret-key signature or operator has been verified.
    pub const fn by_root(proposal: Proposal) -> Self {
        Self(proposal)
    }

    /// What was approved.
    pub const fn proposal(&self) -> &Proposal {
        &self.0
    }

    /// One grant for each resource and auth key; the time to live starts `now`.
    pub fn grants(&self, now: UnixSeconds) -> impl Iterator<Item = Grant> {
        let permissions = self.0.asked().permissions;
        let expires = self.0.asked().ttl.expiry(now);
        self.0.targets().map(move |target| Grant { target, permissions, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{Holder, Target};
    use crate::permissions::Permission;
    use crate::proposal::Asked;
    use crate::time::Expiry;

    #[test]
    fn names_and_keys_multiply() {
        let channel = |name: &str, holder| Target::Channel { name: name.parse().unwrap(), holder };
        let key = |key: &str| Holder::Key(key.parse().unwrap());
        let asked = Asked {
            channels: vec!["a".parse().unwrap(), "b.*".parse().unwrap()],
            groups: vec!["g".parse().unwrap()],
            auth_keys: vec!["k1".parse().unwrap(), "k2".parse().unwrap()],
            permissions: Permission::Read.into(),
            ..Asked::default()
        };
        let approved = Approved::by_root(asked.try_into().unwrap());
        let grants: Vec<Grant> = approved.grants(UnixSeconds::new(40)).collect();
        let targets: Vec<Target> = grants.iter().map(|grant| grant.target.clone()).collect();
        let group = |holder| Target::Group { name: "g".parse().unwrap(), holder };
        let expected = [
            channel("a", key("k1")),
            channel("a", key("k2")),
            channel("b.*", key("k1")),
            channel("b.*", key("k2")),
            group(key("k1")),
            group(key("k2")),
        ];
        assert_eq!(targets, expected);
        assert!(grants.iter().all(|grant| grant.expires == Expiry::at(UnixSeconds::new(86_440))));
    }

    #[test]
    fn naming_nothing_means_the_keyset() {
        let approved = Approved::by_root(Asked::default().try_into().unwrap());
        let targets: Vec<_> = approved.grants(UnixSeconds::new(0)).map(|grant| grant.target).collect();
        assert_eq!(targets, [Target::Keyset]);
    }

    #[test]
    fn uuids_are_granted_to_keys_and_channels_to_everyone() {
        let uuids =
            Asked { uuids: vec!["u".parse().unwrap()], auth_keys: vec!["k".parse().unwrap()], ..Asked::default() };
        let open = Asked { channels: vec!["c".parse().unwrap()], ..Asked::default() };
        for (asked, expected) in [
            (uuids, Target::Uuid { name: "u".parse().unwrap(), key: "k".parse().unwrap() }),
            (open, Target::Channel { name: "c".parse().unwrap(), holder: Holder::Everyone }),
        ] {
            let approved = Approved::by_root(asked.try_into().unwrap());
            let targets: Vec<_> = approved.grants(UnixSeconds::new(0)).map(|grant| grant.target).collect();
            assert_eq!(targets, [expected]);
        }
    }
}
