//! The tokens that were granted, by the secret key they were granted under: what an operator asks before a key is dropped.
//!
//! A token proves itself; nothing here is asked when one is shown.
//!
//! ```text
//! key    subscribe key, 0x00, key number (4 bytes), expiry in unix seconds (8), token id (16); numbers are big-endian
//! value  0x01, epoch (4 bytes), issued in unix seconds (8), then the uuid, if the token is for one
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use usher_access::{Epoch, Expiry, KeyNumber, SubscribeKey, TokenId, UnixSeconds};

use super::audit::Record;
use super::{Batch, Durability, Space, Store, StoreError};

/// Tokens in one batch of a sweep at the most.
const MOST_SWEPT: usize = 10_000;
const VALUE_VERSION: u8 = 0x01;
/// Beyond every entry of a key number: longer than what follows the number.
const BEYOND: [u8; 25] = [0xff; 25];

/// A token that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedToken {
    pub(crate) key: KeyNumber,
    pub(crate) epoch: Epoch,
    pub(crate) id: TokenId,
    pub(crate) issued: UnixSeconds,
    pub(crate) expires: Expiry,
    pub(crate) uuid: Option<String>,
}

/// The granted tokens of one keyset.
#[derive(Debug)]
pub(crate) struct IssuedTokens {
    store: Arc<Store>,
    prefix: Vec<u8>,
}

/// What an operator wants to know of the tokens under one secret key.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Tokens that count now.
    pub(crate) live: u64,
    /// When the last of them expires.
    pub(crate) last_expiry: Option<UnixSeconds>,
    /// Users they are for, in order, at most [`Summary::MOST_UUIDS`].
    pub(crate) uuids: BTreeSet<String>,
    /// How many of them are for no user in particular.
    pub(crate) for_anyone: u64,
}

impl Summary {
    /// Users in one summary at the most.
    pub(crate) const MOST_UUIDS: usize = 100;

    fn add(&mut self, token: IssuedToken) {
        self.live += 1;
        self.last_expiry = self.last_expiry.max(token.expires.instant());
        match token.uuid {
            None => self.for_anyone += 1,
            Some(uuid) if self.uuids.len() < Self::MOST_UUIDS => drop(self.uuids.insert(uuid)),
            Some(_) => {}
        }
    }
}

impl IssuedTokens {
    pub(crate) fn new(store: Arc<Store>, subscribe_key: &SubscribeKey) -> Self {
        Self { store, prefix: format!("{}\0", subscribe_key.as_str()).into_bytes() }
    }

    /// Remembers a token. Survives the process when this returns.
    pub(crate) fn put(&self, token: &IssuedToken, record: Option<&Record>) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        if let Some(record) = record {
            record.add_to(&mut batch);
        }
        batch.put(Space::Tokens, self.key(token.key, token.expires, token.id), value(token));
        self.store.commit(batch, Durability::Journal)
    }

    /// Forgets a token with the batch that revokes it.
    pub(crate) fn forget(&self, (key, expires, id): (KeyNumber, Expiry, TokenId), batch: &mut Batch) {
        batch.remove(Space::Tokens, self.key(key, expires, id));
    }

    /// Sums up the tokens under a key that are still to come to their end after `beyond` and that `counts` lets count.
    pub(crate) fn summary(
        &self,
        key: KeyNumber,
        beyond: UnixSeconds,
        counts: impl Fn(&IssuedToken) -> bool,
    ) -> Result<Summary, StoreError> {
        let mut summary = Summary::default();
        let prefix = self.of_key(key);
        let after = [prefix.as_slice(), beyond.get().to_be_bytes().as_slice(), &BEYOND].concat();
        self.store.visit(Space::Tokens, &prefix, Some(&after), |stored, value| {
            let token = stored.get(self.prefix.len()..).and_then(|key| decode(key, value));
            if let Some(token) = token.filter(|token| counts(token)) {
                summary.add(token);
            }
            true
        })?;
        Ok(summary)
    }

    /// Forgets what has expired, and everything under keys that `counts` does not know any more; returns how many tokens.
    pub(crate) fn sweep(&self, now: UnixSeconds, counts: impl Fn(KeyNumber) -> bool) -> Result<usize, StoreError> {
        let (mut swept, mut after) = (0, self.prefix.clone());
        while let Some((first, _)) = self.store.scan(Space::Tokens, &self.prefix, Some(&after), 1)?.pop() {
            let Some(key) = first.get(self.prefix.len()..).and_then(|key| key.first_chunk::<4>()) else { break };
            let key = KeyNumber::new(u32::from_be_bytes(*key));
            swept += self.sweep_key(key, if counts(key) { now } else { UnixSeconds::new(u64::MAX) })?;
            after = [self.of_key(key).as_slice(), &BEYOND].concat();
        }
        Ok(swept)
    }

    /// Forgets what expires until `end`.
    fn sweep_key(&self, key: KeyNumber, end: UnixSeconds) -> Result<usize, StoreError> {
        let prefix = self.of_key(key);
        let mut swept = 0;
        loop {
            let (mut batch, mut found) = (Batch::default(), 0);
            self.store.visit(Space::Tokens, &prefix, None, |stored, _| {
                let expires = stored.get(prefix.len()..).and_then(|rest| rest.first_chunk::<8>());
                if expires.is_some_and(|expires| u64::from_be_bytes(*expires) > end.get()) {
                    return false;
                }
                batch.remove(Space::Tokens, stored);
                found += 1;
                found < MOST_SWEPT
            })?;
            self.store.commit(batch, Durability::Journal)?;
            swept += found;
            if found < MOST_SWEPT {
                return Ok(swept);
            }
        }
    }

    fn of_key(&self, key: KeyNumber) -> Vec<u8> {
        [self.prefix.as_slice(), &key.get().to_be_bytes()].concat()
    }

    fn key(&self, key: KeyNumber, expires: Expiry, id: TokenId) -> Vec<u8> {
        let expires = expires.instant().map_or(u64::MAX, UnixSeconds::get);
        [self.of_key(key).as_slice(), &expires.to_be_bytes(), id.as_bytes()].concat()
    }
}

fn value(token: &IssuedToken) -> Vec<u8> {
    let mut value = vec![VALUE_VERSION];
    value.extend(token.epoch.get().to_be_bytes());
    value.extend(token.issued.get().to_be_bytes());
    value.extend(token.uuid.as_deref().unwrap_or_default().as_bytes());
    value
}

/// `key` without the subscribe key.
fn decode(key: &[u8], value: &[u8]) -> Option<IssuedToken> {
    let (number, key) = key.split_first_chunk::<4>()?;
    let (expires, id) = key.split_first_chunk::<8>()?;
    let (&[VALUE_VERSION], value) = value.split_first_chunk::<1>()? else { return None };
    let (epoch, value) = value.split_first_chunk::<4>()?;
    let (issued, uuid) = value.split_first_chunk::<8>()?;
    Some(IssuedToken {
        key: KeyNumber::new(u32::from_be_bytes(*number)),
        epoch: Epoch::new(u32::from_be_bytes(*epoch)),
        id: TokenId::from_bytes(id.try_into().ok()?),
        issued: UnixSeconds::new(u64::from_be_bytes(*issued)),
        expires: Expiry::at(UnixSeconds::new(u64::from_be_bytes(*expires))),
        uuid: (!uuid.is_empty()).then(|| String::from_utf8_lossy(uuid).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds)
    }

    fn token(key: u32, number: u8, expires: u64) -> IssuedToken {
        IssuedToken {
            key: KeyNumber::new(key),
            epoch: Epoch::new(3),
            id: TokenId::from_bytes([number; 16]),
            issued: at(1),
            expires: Expiry::at(at(expires)),
            uuid: number.is_multiple_of(2).then(|| format!("u{number}")),
        }
    }

    /// Tokens of two keysets, one of which has a name that begins like the other's.
    fn two_keysets() -> (IssuedTokens, IssuedTokens) {
        let store = Store::in_memory();
        let tokens = |name: &str| IssuedTokens::new(Arc::clone(&store), &name.parse().unwrap());
        (tokens("sub-c-1"), tokens("sub-c-10"))
    }

    #[test]
    fn tokens_are_summed_up_by_key() {
        let (tokens, others) = two_keysets();
        for (key, number, expires) in [(1, 1, 100), (1, 2, 200), (1, 4, 300), (2, 5, 400), (256, 6, 500)] {
            tokens.put(&token(key, number, expires), None).unwrap();
        }
        others.put(&token(1, 7, 900), None).unwrap();
        for (key, beyond, live, last, uuids, for_anyone) in [
            (1, 0, 3, Some(300), vec!["u2", "u4"], 1),
            (1, 100, 2, Some(300), vec!["u2", "u4"], 0),
            (1, 299, 1, Some(300), vec!["u4"], 0),
            (1, 300, 0, None, vec![], 0),
            (2, 0, 1, Some(400), vec![], 1),
            (256, 0, 1, Some(500), vec!["u6"], 0),
            (3, 0, 0, None, vec![], 0),
        ] {
            let uuids = uuids.into_iter().map(str::to_owned).collect();
            let expected = Summary { live, last_expiry: last.map(at), uuids, for_anyone };
            assert_eq!(tokens.summary(KeyNumber::new(key), at(beyond), |_| true).unwrap(), expected, "{key} {beyond}");
        }
        let none = tokens.summary(KeyNumber::new(1), at(0), |token| token.epoch == Epoch::new(4)).unwrap();
        assert_eq!(none, Summary::default());
    }

    #[test]
    fn what_expired_or_lost_its_key_is_swept() {
        let (tokens, others) = two_keysets();
        for (key, number, expires) in [(1, 1, 100), (1, 2, 200), (2, 3, 100), (2, 4, 200), (7, 5, 900)] {
            tokens.put(&token(key, number, expires), None).unwrap();
        }
        others.put(&token(9, 7, 50), None).unwrap();
        assert_eq!(tokens.sweep(at(100), |key| key.get() != 7).unwrap(), 3);
        assert_eq!(tokens.sweep(at(100), |_| true).unwrap(), 0);
        let live = |key| tokens.summary(KeyNumber::new(key), at(0), |_| true).unwrap().live;
        assert_eq!([live(1), live(2), live(7)], [1, 1, 0]);
        assert_eq!(others.summary(KeyNumber::new(9), at(0), |_| true).unwrap().live, 1);
    }

    #[test]
    fn more_than_one_batch_is_swept_too() {
        let (tokens, _) = two_keysets();
        for number in 0..=u32::try_from(MOST_SWEPT).unwrap() {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            tokens.put(&IssuedToken { id: TokenId::from_bytes(id), ..token(1, 1, 10) }, None).unwrap();
        }
        assert_eq!(tokens.sweep(at(10), |_| true).unwrap(), MOST_SWEPT + 1);
    }
}
