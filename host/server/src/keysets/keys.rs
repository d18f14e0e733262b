//! The secret keys of a keyset: one primary, others that still count, some with an end date. Pure state; the secrets are in the vault.

use usher_access::{Expiry, KeyNumber, UnixSeconds};

/// Secret keys of one keyset at the most.
pub(crate) const MOST_KEYS: usize = 5;

/// Which secret keys there are, and what each still counts for.
// INVARIANT: exactly one is primary, and it has the newest number of all that ever were, so that no number is used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretKeys {
    keys: Vec<SecretKey>,
}

/// One secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretKey {
    pub(crate) number: KeyNumber,
    pub(crate) state: KeyState,
}

/// What a secret key counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Signatures and tokens count, and what Usher grants by itself is granted under it.
    Primary,
    /// Signatures and tokens count.
    Active,
    /// Signatures and tokens count until then.
    Retiring { until: UnixSeconds },
}

/// Why the keys stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("there are {MOST_KEYS} secret keys already; retire one first")]
    TooMany,
    #[error("there is no secret key {0}; `usher keyset plan` shows those there are")]
    NotFound(KeyNumber),
    #[error("secret key {0} is the primary one; `usher keyset rotate` makes another primary first")]
    Primary(KeyNumber),
    #[error("there is no number left for another secret key")]
    NumbersUsedUp,
    #[error("a keyset has one primary secret key, the newest")]
    Malformed,
}

impl KeyState {
    /// When it stops to count.
    pub(crate) const fn until(self) -> Expiry {
        match self {
            Self::Primary | Self::Active => Expiry::NEVER,
            Self::Retiring { until } => Expiry::at(until),
        }
    }

    /// The word for admins.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Active => "active",
            Self::Retiring { .. } => "retiring",
        }
    }
}

impl SecretKeys {
    /// The one key of a new keyset.
    pub(crate) fn first() -> Self {
        Self { keys: vec![SecretKey { number: KeyNumber::new(1), state: KeyState::Primary }] }
    }

    /// Keys as they were stored.
    pub(crate) fn stored(mut keys: Vec<SecretKey>) -> Result<Self, KeysError> {
        keys.sort_by_key(|key| std::cmp::Reverse(key.number));
        let is_primary = |key: &SecretKey| key.state == KeyState::Primary;
        let newest_alone =
            keys.first().is_some_and(is_primary) && keys.iter().filter(|key| is_primary(key)).count() == 1;
        let twice = keys.windows(2).any(|pair| matches!(pair, [one, other] if one.number == other.number));
        if newest_alone && !twice { Ok(Self { keys }) } else { Err(KeysError::Malformed) }
    }

    /// All of them, the primary first, then from new to old.
    pub(crate) fn all(&self) -> &[SecretKey] {
        &self.keys
    }

    /// Those that count now, in the same order.
    pub(crate) fn counting(&self, now: UnixSeconds) -> impl Iterator<Item = &SecretKey> {
        self.keys.iter().filter(move |key| !key.state.until().is_over(now))
    }

    /// The number of the primary key.
    pub(crate) fn primary(&self) -> KeyNumber {
        self.keys.first().map_or(KeyNumber::new(1), |key| key.number)
    }

    /// The key of that number, whether it still counts or not.
    pub(crate) fn find(&self, number: KeyNumber) -> Option<SecretKey> {
        self.keys.iter().find(|key| key.number == number).copied()
    }

    /// The keys with a new primary one; the one before gets the state `then`.
    pub(crate) fn rotated(&self, then: KeyState, now: UnixSeconds) -> Result<Self, KeysError> {
        let mut keys: Vec<SecretKey> = self.counting(now).copied().collect();
        if keys.len() >= MOST_KEYS {
            return Err(KeysError::TooMany);
        }
        let number = self.primary().get().checked_add(1).ok_or(KeysError::NumbersUsedUp)?;
        if let Some(former) = keys.first_mut() {
            former.state = then;
        }
        keys.insert(0, SecretKey { number: KeyNumber::new(number), state: KeyState::Primary });
        Ok(Self { keys })
    }

    /// The keys when one of them ends at `until`. A key whose end has come is none any more, dropped or not.
    pub(crate) fn retiring(&self, number: KeyNumber, until: UnixSeconds, now: UnixSeconds) -> Result<Self, KeysError> {
        let mut keys = self.keys.clone();
        let counts = |key: &&mut SecretKey| key.number == number && !key.state.until().is_over(now);
        let key = keys.iter_mut().find(counts).ok_or(KeysError::NotFound(number))?;
        if key.state == KeyState::Primary {
            return Err(KeysError::Primary(number));
        }
        key.state = KeyState::Retiring { until };
        Ok(Self { keys })
    }

    /// The keys without those that ended, and those.
    pub(crate) fn without_ended(&self, now: UnixSeconds) -> (Self, Vec<KeyNumber>) {
        let (ended, keys) = self.keys.iter().partition::<Vec<SecretKey>, _>(|key| key.state.until().is_over(now));
        (Self { keys }, ended.into_iter().map(|key| key.number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds)
    }

    fn shown(keys: &SecretKeys) -> Vec<String> {
        keys.all().iter().map(|key| format!("{} {}", key.number, key.state.word())).collect()
    }

    #[test]
    fn a_rotation_makes_a_new_primary_key_and_keeps_the_former() {
        let one = SecretKeys::first();
        let two = one.rotated(KeyState::Active, now(10)).unwrap();
        let three = two.rotated(KeyState::Retiring { until: now(20) }, now(10)).unwrap();
        assert_eq!(shown(&three), ["3 primary", "2 retiring", "1 active"]);
        assert_eq!(three.primary(), KeyNumber::new(3));
        for (at, counting) in [(19, vec![3, 2, 1]), (20, vec![3, 1])] {
            let numbers: Vec<u32> = three.counting(now(at)).map(|key| key.number.get()).collect();
            assert_eq!(numbers, counting, "{at}");
        }
    }

    #[test]
    fn there_are_five_keys_at_the_most_and_ended_ones_make_room() {
        let mut keys = SecretKeys::first();
        for _ in 1..MOST_KEYS {
            keys = keys.rotated(KeyState::Active, now(10)).unwrap();
        }
        assert_eq!(keys.rotated(KeyState::Active, now(10)), Err(KeysError::TooMany));
        let keys = keys.retiring(KeyNumber::new(2), now(20), now(10)).unwrap();
        assert_eq!(keys.rotated(KeyState::Active, now(19)), Err(KeysError::TooMany));
        let keys = keys.rotated(KeyState::Active, now(20)).unwrap();
        assert_eq!(shown(&keys), ["6 primary", "5 active", "4 active", "3 active", "1 active"]);
    }

    #[test]
    fn the_primary_key_is_not_retired() {
        let keys = SecretKeys::first();
        let retiring = |number| keys.retiring(KeyNumber::new(number), now(0), now(0));
        assert_eq!(retiring(1), Err(KeysError::Primary(KeyNumber::new(1))));
        assert_eq!(retiring(2), Err(KeysError::NotFound(KeyNumber::new(2))));
    }

    #[test]
    fn an_end_can_be_moved_until_it_has_come() {
        let keys = SecretKeys::first().rotated(KeyState::Retiring { until: now(20) }, now(0)).unwrap();
        let one = KeyNumber::new(1);
        for (at, until, expected) in [(19, 30, Ok(Some(now(30)))), (20, 30, Err(KeysError::NotFound(one)))] {
            let moved = keys.retiring(one, now(until), now(at));
            let end = moved.map(|keys| keys.find(one).and_then(|key| key.state.until().instant()));
            assert_eq!(end, expected, "{at}");
        }
    }

    #[test]
    fn a_number_is_never_used_again() {
        let keys = SecretKeys::first().rotated(KeyState::Active, now(0)).unwrap();
        let (keys, ended) = keys.retiring(KeyNumber::new(1), now(0), now(0)).unwrap().without_ended(now(0));
        assert_eq!((shown(&keys), ended), (vec!["2 primary".to_owned()], vec![KeyNumber::new(1)]));
        assert_eq!(shown(&keys.rotated(KeyState::Active, now(0)).unwrap()), ["3 primary", "2 active"]);
    }

    #[test]
    fn stored_keys_have_one_primary_and_that_the_newest() {
        let key = |number, state| SecretKey { number: KeyNumber::new(number), state };
        let retiring = KeyState::Retiring { until: now(1) };
        for (keys, fine) in [
            (vec![key(1, KeyState::Active), key(2, KeyState::Primary)], true),
            (vec![key(1, KeyState::Primary), key(2, KeyState::Active)], false),
            (vec![key(1, KeyState::Primary), key(2, KeyState::Primary)], false),
            (vec![key(2, KeyState::Primary), key(2, retiring)], false),
            (vec![key(1, retiring)], false),
            (vec![], false),
        ] {
            assert_eq!(SecretKeys::stored(keys.clone()).is_ok(), fine, "{keys:?}");
        }
    }
}
