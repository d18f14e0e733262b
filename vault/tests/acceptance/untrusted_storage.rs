//! Whatever the storage gives back instead of what was stored is refused.

use proptest::prelude::*;
use usher_vault::{MasterKey, OpenError, UnlockError, Vault};

use super::bed::{Bed, name};

#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    let bed = Bed::with(&[("a", "one"), ("a", "two")]);
    let record = bed.record("a");
    for bit in 0..record.len() * 8 {
        let mut flipped = record.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = bed.open_record(&name("a"), Some(&flipped)).unwrap_err();
        let data_key = (1..5).contains(&(bit / 8));
        assert!(data_key || error == OpenError::Damaged { name: name("a") }, "bit {bit}: {error}");
    }
}

#[test]
fn every_flipped_bit_of_a_header_is_refused() {
    let mut bed = Bed::with(&[("a", "one")]);
    for bit in 0..bed.header.len() * 8 {
        bed.header[bit / 8] ^= 1 << (bit % 8);
        let error = bed.restart().unwrap_err();
        let format = (8..10).contains(&(bit / 8)) && matches!(error, UnlockError::UnknownFormat { .. });
        assert!(format || error == UnlockError::Damaged, "bit {bit}: {error}");
        bed.header[bit / 8] ^= 1 << (bit % 8);
    }
    bed.restart().unwrap();
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bed = Bed::with(&[("a", "one")]);
    let record = bed.record("a");
    for length in 0..record.len() {
        assert_eq!(
            bed.open_record(&name("a"), Some(&record[..length])),
            Err(OpenError::Damaged { name: name("a") }),
            "{length}"
        );
    }
    for length in 0..bed.header.len() {
        assert_eq!(Vault::unlock(&bed.master, &bed.header[..length]).unwrap_err(), UnlockError::Damaged, "{length}");
    }
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    assert!(bed.open_record(&name("a"), Some(&longer(&record))).is_err());
    assert_eq!(Vault::unlock(&bed.master, &longer(&bed.header)).unwrap_err(), UnlockError::Damaged);
}

#[test]
fn a_record_under_another_name_or_from_another_vault_is_damaged() {
    let bed = Bed::with(&[("a", "one"), ("b", "two")]);
    let other = Bed::with(&[("a", "one"), ("b", "two")]);
    for record in [bed.record("b"), other.record("a"), bed.header.clone()] {
        assert_eq!(bed.open_record(&name("a"), Some(&record)), Err(OpenError::Damaged { name: name("a") }));
    }
}

#[test]
fn an_older_record_is_rolled_back() {
    let mut bed = Bed::with(&[("a", "one")]);
    let old = bed.record("a");
    bed.set("a", "two");
    let expected = OpenError::RolledBack { name: name("a"), found: 2, expected: 3 };
    assert_eq!(bed.open_record(&name("a"), Some(&old)), Err(expected));
}

#[test]
fn a_removed_record_stays_removed_even_when_its_name_returns() {
    let mut bed = Bed::with(&[("a", "one")]);
    let old = bed.record("a");
    bed.apply(bed.vault.remove(&name("a")).unwrap());
    assert_eq!(bed.open_record(&name("a"), Some(&old)), Err(OpenError::NotFound { name: name("a") }));
    bed.set("a", "two");
    assert!(matches!(bed.open_record(&name("a"), Some(&old)), Err(OpenError::RolledBack { .. })));
}

#[test]
fn a_record_that_the_storage_lost_is_missing() {
    let bed = Bed::with(&[("a", "one")]);
    assert_eq!(bed.open_record(&name("a"), None), Err(OpenError::Missing { name: name("a") }));
}

#[test]
fn a_header_rolled_back_alone_is_behind_its_records() {
    let mut bed = Bed::with(&[("a", "one")]);
    let header = bed.header.clone();
    bed.set("a", "two");
    bed.header = header;
    bed.restart().unwrap();
    let expected = OpenError::Ahead { name: name("a"), found: 3, expected: 2 };
    assert_eq!(bed.open("a"), Err(expected));
}

#[test]
fn a_snapshot_from_before_a_rotation_is_behind_its_records() {
    let mut bed = Bed::with(&[("a", "one")]);
    let snapshot = Vault::unlock(&bed.master, &bed.header).unwrap();
    bed.apply(bed.vault.rotate(|name| bed.records.get(name).cloned()).unwrap());
    let error = snapshot.open(&name("a"), Some(&bed.record("a"))).unwrap_err();
    assert!(matches!(error, OpenError::Ahead { .. }), "{error}");
}

#[test]
fn a_whole_rollback_shows_only_against_a_remembered_generation() {
    let mut bed = Bed::with(&[("a", "one")]);
    let (header, records) = (bed.header.clone(), bed.records.clone());
    bed.set("a", "two");
    let remembered = bed.vault.generation();
    assert!(Vault::unlock_at_least(&bed.master, &bed.header, remembered).is_ok());
    (bed.header, bed.records) = (header, records);
    bed.restart().unwrap();
    assert_eq!(bed.open("a").unwrap(), "one");
    let error = Vault::unlock_at_least(&bed.master, &bed.header, remembered).unwrap_err();
    assert_eq!(error, UnlockError::RolledBack { found: 2, required: 3 });
}

/// Bytes that begin like a header, so that they come past the first look.
fn almost_a_header() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400).prop_map(|tail| [b"USHERVLT\0\x01".as_slice(), &tail].concat())
}

/// Bytes that begin like a record.
fn almost_a_record() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400).prop_map(|tail| [b"\x01\0\0\0\x01".as_slice(), &tail].concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_panic(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), almost_a_header(), almost_a_record()],
    ) {
        let bed = Bed::with(&[("a", "one")]);
        prop_assert!(Vault::unlock(&bed.master, &bytes).is_err());
        prop_assert!(bed.open_record(&name("a"), Some(&bytes)).is_err());
        prop_assert!(MasterKey::parse(&bytes).is_err());
    }

    #[test]
    fn any_tampering_with_any_stored_bytes_is_refused(
        value in ".{1,80}",
        cut in any::<prop::sample::Index>(),
        paste in prop::collection::vec(any::<u8>(), 0..24),
        length in 0_usize..24,
    ) {
        let mut bed = Bed::with(&[("a", &value)]);
        for target in ["header", "record"] {
            let stored = if target == "header" { bed.header.clone() } else { bed.record("a") };
            let from = cut.index(stored.len());
            let to = stored.len().min(from + length);
            let tampered = [&stored[..from], &paste, &stored[to..]].concat();
            prop_assume!(tampered != stored);
            if target == "header" {
                prop_assert!(Vault::unlock(&bed.master, &tampered).is_err());
            } else {
                prop_assert!(bed.open_record(&name("a"), Some(&tampered)).is_err());
            }
        }
        bed.restart().unwrap();
        prop_assert_eq!(bed.open("a").unwrap(), value);
    }

    #[test]
    fn of_all_records_a_name_ever_had_only_the_last_opens(values in prop::collection::vec("[a-z]{1,8}", 2..8)) {
        let mut bed = Bed::new();
        let mut history = Vec::new();
        for value in &values {
            bed.set("a", value);
            history.push(bed.record("a"));
        }
        let opened = history.iter().filter(|record| bed.open_record(&name("a"), Some(record)).is_ok()).count();
        prop_assert_eq!(opened, 1);
        prop_assert_eq!(&bed.open("a").unwrap(), values.last().unwrap());
    }
}
