//! Nothing that the vault prints or stores gives a secret away.

use usher_vault::{MasterKey, OpenError, Secret, SecretError, SecretName, Vault};

use super::bed::{Bed, name, secret};

const CANARY: &str = "canary-5ee1ab1e";

fn assert_silent(what: &str, text: &str) {
    assert!(!text.is_empty() && !text.contains(CANARY), "{what}: {text}");
    assert!(!text.contains(&format!("{:?}", CANARY.as_bytes())), "{what}: {text}");
}

#[test]
fn debug_output_shows_no_secret() {
    let bed = Bed::with(&[("a", CANARY)]);
    assert_silent("secret", &format!("{:?}", secret(CANARY)));
    assert_silent("opened", &format!("{:?}", bed.vault.open(&name("a"), Some(&bed.record("a")))));
    assert_silent("vault", &format!("{:?}", bed.vault));
    assert_silent("changes", &format!("{:?}", bed.vault.set(&name("a"), &secret(CANARY)).unwrap()));
    let text = format!("{:?} {:?}", bed.master, bed.vault.derive("tokens"));
    assert_eq!(text, "MasterKey(..) Secret(..)");
}

#[test]
fn error_texts_show_no_secret() {
    let bed = Bed::with(&[("a", CANARY), ("b", CANARY)]);
    let mut errors: Vec<OpenError> = vec![bed.open("c").unwrap_err(), bed.vault.open(&name("a"), None).unwrap_err()];
    errors.push(bed.open_record(&name("a"), Some(&bed.record("b"))).unwrap_err());
    errors.push(bed.open_record(&name("a"), Some(CANARY.as_bytes())).unwrap_err());
    for error in errors {
        assert_silent("open", &format!("{error} {error:?}"));
    }
    for pasted in [CANARY.to_owned(), CANARY.repeat(20), format!("{CANARY}:{CANARY}"), format!("/{CANARY}")] {
        let error = MasterKey::parse(pasted.as_bytes()).unwrap_err();
        assert_silent("master key", &format!("{error} {error:?}"));
        let error = Vault::unlock(&bed.master, pasted.as_bytes()).unwrap_err();
        assert_silent("unlock", &format!("{error} {error:?}"));
        if let Err(error) = pasted.parse::<SecretName>() {
            assert_silent("name", &format!("{error} {error:?}"));
        }
    }
    let error: SecretError = Secret::try_from(CANARY.repeat(10_000).into_bytes()).unwrap_err();
    assert_silent("secret", &format!("{error} {error:?}"));
}

#[test]
fn what_is_stored_holds_no_secret_and_the_header_no_name() {
    let bed = Bed::with(&[(CANARY, CANARY)]);
    for stored in [&bed.header, &bed.record(CANARY)] {
        assert!(!stored.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
}
