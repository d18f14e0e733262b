//! Master keys, data keys, and keys derived for others.

use usher_vault::{MasterKey, OpenError, RotateError, UnlockError, Vault};

use super::bed::{Bed, name};

#[test]
fn the_wrong_master_key_is_told_from_a_damaged_header() {
    let bed = Bed::with(&[("a", "one")]);
    let wrong = MasterKey::generate().unwrap();
    assert_eq!(Vault::unlock(&wrong, &bed.header).unwrap_err(), UnlockError::WrongMasterKey);
    let mut damaged = bed.header;
    damaged[70] ^= 1;
    assert_eq!(Vault::unlock(&wrong, &damaged).unwrap_err(), UnlockError::Damaged);
    assert_eq!(Vault::unlock(&bed.master, &damaged).unwrap_err(), UnlockError::Damaged);
}

#[test]
fn a_header_of_a_later_format_is_named_as_such() {
    let mut bed = Bed::new();
    bed.header[9] = 2;
    assert_eq!(bed.restart(), Err(UnlockError::UnknownFormat { found: 2 }));
}

#[test]
fn rotation_seals_every_record_under_a_new_data_key_and_drops_the_old_one() {
    let mut bed = Bed::with(&[("a", "one"), ("b", "two")]);
    let before = bed.records.clone();
    bed.apply(bed.vault.rotate(|name| bed.records.get(name).cloned()).unwrap());
    bed.restart().unwrap();
    assert_eq!(bed.everything(), [("a".to_owned(), "one".to_owned()), ("b".to_owned(), "two".to_owned())]);
    assert!(bed.vault.names().all(|(_, info)| info.data_key == 2));
    for (name, record) in &before {
        let error = bed.open_record(name, Some(record)).unwrap_err();
        assert!(matches!(error, OpenError::RolledBack { .. }), "{error}");
    }
    assert_eq!(bed.header.len(), Bed::with(&[("a", "one"), ("b", "two")]).header.len(), "one data key again");
}

#[test]
fn rotation_stops_at_a_record_that_does_not_open() {
    let bed = Bed::with(&[("a", "one"), ("b", "two")]);
    let error = bed.vault.rotate(|_| None).unwrap_err();
    assert!(matches!(error, RotateError::Open(OpenError::Missing { .. })), "{error}");
    let error = bed.vault.rotate(|_| Some(bed.record("a"))).unwrap_err();
    assert!(matches!(error, RotateError::Open(OpenError::Damaged { .. })), "{error}");
}

#[test]
fn a_rotation_in_steps_keeps_every_secret_readable_and_ends_with_one_data_key() {
    let mut bed = Bed::with(&[("a", "one"), ("b", "two")]);
    let one_key = bed.header.len();
    bed.apply(bed.vault.begin_rotation().unwrap());
    for resealed in ["a", "b"] {
        assert_eq!((bed.open("a").unwrap(), bed.open("b").unwrap()), ("one".to_owned(), "two".to_owned()));
        assert_eq!(bed.header.len(), one_key + 36, "two data keys before `{resealed}`");
        bed.apply(bed.vault.reseal(&name(resealed), Some(&bed.record(resealed))).unwrap());
        bed.restart().unwrap();
    }
    assert_eq!((bed.open("a").unwrap(), bed.open("b").unwrap()), ("one".to_owned(), "two".to_owned()));
    assert_eq!(bed.header.len(), one_key);
}

#[test]
fn rewrapping_changes_the_header_alone() {
    let mut bed = Bed::with(&[("a", "one")]);
    let old = std::mem::replace(&mut bed.master, MasterKey::generate().unwrap());
    let (vault, changes) = bed.vault.rewrap(&bed.master).unwrap();
    assert!(changes.put.is_empty() && changes.remove.is_empty());
    bed.apply((vault, changes));
    bed.restart().unwrap();
    assert_eq!(bed.open("a").unwrap(), "one");
    assert_eq!(Vault::unlock(&old, &bed.header).unwrap_err(), UnlockError::WrongMasterKey);
}

#[test]
fn a_derived_key_is_stable_and_one_of_a_kind() {
    let mut bed = Bed::with(&[("a", "one")]);
    let tokens = bed.vault.derive("tokens");
    assert_eq!(tokens.reveal().len(), 32);
    assert_ne!(tokens.reveal(), bed.vault.derive("cursors").reveal());
    assert_ne!(tokens.reveal(), Bed::new().vault.derive("tokens").reveal());
    bed.apply(bed.vault.rotate(|name| bed.records.get(name).cloned()).unwrap());
    bed.master = MasterKey::generate().unwrap();
    bed.apply(bed.vault.rewrap(&bed.master).unwrap());
    bed.restart().unwrap();
    assert_eq!(tokens.reveal(), bed.vault.derive("tokens").reveal());
}
