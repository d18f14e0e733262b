//! Setting, replacing and removing secrets.

use std::collections::BTreeMap;

use proptest::prelude::*;
use usher_vault::{OpenError, RemoveError, Secret, Vault};

use super::bed::{Bed, name, secret};

#[test]
fn a_change_writes_its_own_record_and_no_other() {
    let bed = Bed::with(&[("a", "one"), ("b", "two")]);
    let (_, changes) = bed.vault.set(&name("b"), &secret("three")).unwrap();
    assert_eq!(changes.put.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(changes.remove.is_empty());
    let (_, changes) = bed.vault.remove(&name("b")).unwrap();
    assert!(changes.put.is_empty());
    assert_eq!(changes.remove, [name("b")]);
}

#[test]
fn a_change_that_was_not_committed_changes_nothing() {
    let mut bed = Bed::with(&[("a", "one")]);
    let (abandoned, changes) = bed.vault.set(&name("a"), &secret("two")).unwrap();
    assert_eq!(bed.open("a").unwrap(), "one");
    drop(abandoned);
    bed.set("a", "three");
    let (_, record) = &changes.put[0];
    let damaged = OpenError::Damaged { name: name("a") };
    assert_eq!(bed.open_record(&name("a"), Some(record)), Err(damaged), "same version, other tag");
}

#[test]
fn removing_what_is_not_there_is_refused() {
    let bed = Bed::with(&[("a", "one")]);
    assert!(matches!(bed.vault.remove(&name("b")), Err(RemoveError::NotFound { .. })));
}

#[test]
fn the_largest_secret_fits() {
    let mut bed = Bed::new();
    let value = "x".repeat(Secret::MAX_LEN);
    bed.set("large", &value);
    assert_eq!(bed.open("large").unwrap(), value);
}

#[test]
fn versions_rise_with_every_write_and_across_removal() {
    let mut bed = Bed::new();
    let mut last = 0;
    for _ in 0..3 {
        bed.set("a", "value");
        let version = bed.vault.info(&name("a")).unwrap().version;
        assert!(version > last, "{version} after {last}");
        last = version;
        bed.apply(bed.vault.remove(&name("a")).unwrap());
        assert_eq!(bed.vault.info(&name("a")), None);
    }
}

#[test]
fn a_vault_can_be_shared_between_threads() {
    fn assert_shared<T: Send + Sync + 'static>() {}
    assert_shared::<Vault>();
    assert_shared::<Secret>();
}

/// What a caller may do to a vault.
#[derive(Debug, Clone)]
enum Step {
    Set(String, String),
    Remove(String),
    Rotate,
    BeginRotation,
    Reseal(String),
    Rewrap,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let name = "[a-c]";
    prop_oneof![
        3 => (name, ".{1,40}").prop_map(|(name, value)| Step::Set(name, value)),
        2 => name.prop_map(Step::Remove),
        1 => Just(Step::Rotate),
        1 => Just(Step::BeginRotation),
        1 => name.prop_map(Step::Reseal),
        1 => Just(Step::Rewrap),
        1 => Just(Step::Restart),
    ]
}

fn take(bed: &mut Bed, model: &mut BTreeMap<String, String>, step: Step) {
    match step {
        Step::Set(name, value) => {
            bed.set(&name, &value);
            model.insert(name, value);
        }
        Step::Remove(name) => {
            let removed = bed.vault.remove(&self::name(&name));
            assert_eq!(removed.is_ok(), model.remove(&name).is_some());
            removed.into_iter().for_each(|change| bed.apply(change));
        }
        Step::Rotate => bed.apply(bed.vault.rotate(|name| bed.records.get(name).cloned()).unwrap()),
        Step::BeginRotation => bed.apply(bed.vault.begin_rotation().unwrap()),
        Step::Reseal(name) => {
            let name = self::name(&name);
            let resealed = bed.vault.reseal(&name, bed.records.get(&name).map(Vec::as_slice));
            assert_eq!(resealed.is_ok(), model.contains_key(name.as_str()));
            resealed.into_iter().for_each(|change| bed.apply(change));
        }
        Step::Rewrap => {
            bed.master = usher_vault::MasterKey::generate().unwrap();
            bed.apply(bed.vault.rewrap(&bed.master).unwrap());
        }
        Step::Restart => bed.restart().unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_vault_holds_what_was_put_in_whatever_happens_to_its_keys(steps in prop::collection::vec(step(), 0..24)) {
        let mut bed = Bed::new();
        let mut model = BTreeMap::new();
        let derived = bed.vault.derive("tokens");
        for step in steps {
            let generation = bed.vault.generation();
            take(&mut bed, &mut model, step);
            prop_assert!(bed.vault.generation() >= generation);
            prop_assert_eq!(bed.everything(), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(bed.vault.names().len(), bed.records.len());
        }
        let derived_at_last = bed.vault.derive("tokens");
        prop_assert_eq!(derived_at_last.reveal(), derived.reveal());
    }
}
