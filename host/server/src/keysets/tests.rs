//! What the live keysets promise each other: keys of before there were numbers, and held requests that learn of every loss.

use std::time::Duration;

use usher_access::{KeyNumber, Revocation, TokenGrant, UnixSeconds};

use super::*;
use crate::config::MasterKeySource;
use crate::store::audit::Record;
use crate::store::{Batch, Durability, Space};
use crate::tokens::{self, Under};

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

fn record() -> Record {
    Record { at: 0, action: "test".into(), subject: "test".into(), request: "test".into() }
}

fn secret(text: &str) -> Secret {
    Secret::try_from(text.as_bytes().to_vec()).unwrap()
}

/// A store as an earlier version left it: one secret key without a number, and a record without keys.
fn earlier() -> (Arc<Store>, Arc<Secrets>) {
    let store = Store::in_memory();
    let secrets = Secrets::unlock(Arc::clone(&store), &MasterKeySource::Text("00".repeat(32))).unwrap();
    secrets.set(&"keyset/sub-c-1/secret-key".parse().unwrap(), &secret("sec-c-first"), &record()).unwrap();
    let mut batch = Batch::default();
    let old = r#"{"subscribe_key":"sub-c-1","publish_key":"pub-c-1","origin":null}"#;
    batch.put(Space::Keysets, "sub-c-1", old);
    store.commit(batch, Durability::Disk).unwrap();
    (store, Arc::new(secrets))
}

fn load((store, secrets): (Arc<Store>, Arc<Secrets>)) -> (Keysets, Arc<LiveKeyset>) {
    let clock = Clock::controlled(|| NOW.get() * 1_000);
    let keysets = Keysets::load(store, secrets, clock, Vec::new()).unwrap();
    let live = keysets.find(&"sub-c-1".parse().unwrap()).unwrap();
    (keysets, live)
}

fn secrets_of(live: &LiveKeyset) -> Vec<(u32, String)> {
    let shown =
        |(number, secret): (KeyNumber, Secret)| (number.get(), String::from_utf8(secret.reveal().to_vec()).unwrap());
    live.secrets(NOW).into_iter().map(shown).collect()
}

fn asked() -> TokenGrant {
    TokenGrant::parse(br#"{"ttl":60,"permissions":{"resources":{"channels":{"a":1}},"uuid":"u"}}"#).unwrap()
}

fn rotation(text: &str) -> Rotation {
    Rotation { secret_key: secret(text), former: None }
}

#[test]
fn a_secret_key_of_before_there_were_numbers_counts_until_it_is_retired() {
    let (store, secrets) = earlier();
    let (keysets, live) = load((Arc::clone(&store), Arc::clone(&secrets)));
    assert_eq!(secrets_of(&live), [(1, "sec-c-first".to_owned())]);
    keysets.rotate(&live, &rotation("sec-c-second"), &record()).unwrap();
    let both = [(2, "sec-c-second".to_owned()), (1, "sec-c-first".to_owned())];
    assert_eq!(secrets_of(&live), both);
    let (keysets, live) = load((Arc::clone(&store), Arc::clone(&secrets)));
    assert_eq!(secrets_of(&live), both);
    let now = Retirement { number: KeyNumber::new(1), after: Duration::ZERO, tokens: LiveTokens::Keep };
    keysets.retire(&live, now, &record()).unwrap();
    assert_eq!(secrets_of(&live), [(2, "sec-c-second".to_owned())]);
    let names: Vec<String> = secrets.list().into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["keyset/sub-c-1/secret-key/2"], "what is retired leaves the vault");
}

#[test]
fn a_secret_key_that_went_missing_signs_nothing_and_keeps_no_server_from_starting() {
    let (store, secrets) = earlier();
    secrets.remove(&"keyset/sub-c-1/secret-key".parse().unwrap(), &record()).unwrap();
    let (_, live) = load((store, secrets));
    assert_eq!(secrets_of(&live), []);
}

#[test]
fn held_requests_learn_of_everything_that_takes_away() {
    let (keysets, live) = load(earlier());
    let mut changes = live.changes();
    let mut moved = || {
        let moved = changes.has_changed().unwrap();
        changes.mark_unchanged();
        moved
    };
    let granted = tokens::grant(&live, &asked(), Under::Key(KeyNumber::new(1)), (NOW, None)).unwrap();
    let token = granted.minted;
    assert!(!moved(), "a grant takes nothing away");
    tokens::revoke_token(&live, token.reveal(), NOW, None).unwrap();
    assert!(moved(), "a token");
    tokens::revoke_token(&live, token.reveal(), NOW, None).unwrap();
    assert!(!moved(), "the same token again");
    tokens::revoke_uuid(&live, &"u".parse().unwrap(), NOW, None).unwrap();
    assert!(moved(), "a user");
    tokens::revoke_before(&live, NOW, NOW, None).unwrap();
    assert!(moved(), "an instant");
    keysets.revoke_all(&live, &record()).unwrap();
    assert!(moved(), "an epoch");
    keysets.rotate(&live, &rotation("sec-c-second"), &record()).unwrap();
    moved();
    let later = Retirement { number: KeyNumber::new(1), after: Duration::from_mins(1), tokens: LiveTokens::Keep };
    keysets.retire(&live, later, &record()).unwrap();
    assert!(moved(), "a key's end");
    assert_eq!(live.key_until(KeyNumber::new(1)).instant(), Some(UnixSeconds::new(NOW.get() + 60)));
}

#[test]
fn a_grant_tells_when_it_would_wait_for_the_end_of_a_key() {
    let (_, live) = load(earlier());
    let at_once = || tokens::grant_at_once(&live, &asked(), Under::KeyOrPrimary(KeyNumber::new(1)), NOW).is_some();
    assert!(at_once());
    live.while_none_is_granted(|| assert!(!at_once()));
    assert!(at_once());
}

#[test]
fn a_token_is_revoked_and_forgotten_in_one_batch() {
    let (keysets, live) = load(earlier());
    let granted = tokens::grant(&live, &asked(), Under::Key(KeyNumber::new(1)), (NOW, None)).unwrap();
    let live_tokens = || keysets.plan(&live).unwrap().first().unwrap().tokens.live;
    let (id, until) = (granted.minted.id(), granted.minted.expires());
    let mut batch = Batch::default();
    live.issued.forget((granted.key, until, id), &mut batch);
    assert_eq!(live_tokens(), 1, "until the batch is committed");
    live.revocations.revoke(|_| Revocation::Token { id, until }, (batch, None)).unwrap();
    assert_eq!((live_tokens(), live.revocations.read().names(id)), (0, true));
}

#[test]
fn of_two_rotations_at_once_the_second_is_refused() {
    let (keysets, live) = load(earlier());
    let noted = live.record().keys.primary();
    keysets.rotate(&live, &rotation("sec-c-second"), &record()).unwrap();
    let end = KeyState::Retiring { until: NOW };
    let overtaken = keysets.make_primary(&live, &secret("sec-c-third"), (noted, end), &record());
    assert!(matches!(overtaken, Err(ChangeError::Overtaken(number)) if number == noted), "{overtaken:?}");
    assert_eq!(secrets_of(&live), [(2, "sec-c-second".to_owned()), (1, "sec-c-first".to_owned())]);
}
