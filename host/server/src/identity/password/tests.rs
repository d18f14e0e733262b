//! Stored passwords: deepstream's published hashes are understood, what is made is understood, and nothing else fits.

use super::{Digest, MalformedPassword, Pbkdf2, Scheme, hash_with_argon2};

const SAMPLE: Pbkdf2 = Pbkdf2 { digest: Digest::Md5, iterations: 100, key_length: 32 };

#[test]
fn the_hash_that_deepstream_publishes_is_the_word_password() {
    let text = "rCOSZxJrgze2AZdVQh12c6ErDMOG0M+Rx5Yu7S5d91c=GS4SbTQYmoaGwjm2shEobg==";
    let stored = Scheme::Pbkdf2(SAMPLE).read(text).unwrap();
    for (password, expected) in [("password", true), ("Password", false), ("passwor", false), ("", false)] {
        assert_eq!(stored.is(password.as_bytes()), expected, "{password}");
    }
}

#[test]
fn what_is_made_fits_its_password_and_no_other() {
    for digest in [Digest::Md5, Digest::Sha1, Digest::Sha256, Digest::Sha512] {
        for key_length in [1, 31, 32, 33, 64, 100] {
            let how = Pbkdf2 { digest, iterations: 3, key_length };
            let text = how.hash(b"secret").unwrap();
            let stored = Scheme::Pbkdf2(how).read(&text).unwrap();
            assert!(stored.is(b"secret"), "{digest:?} {key_length}");
            assert!(key_length == 1 || !stored.is(b"another"), "{digest:?} {key_length}");
            assert_ne!(text, how.hash(b"secret").unwrap(), "salts are new each time");
        }
    }
    let text = hash_with_argon2(b"secret").unwrap();
    assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    for scheme in [Scheme::Argon2, Scheme::Pbkdf2(SAMPLE)] {
        let stored = scheme.read(&text).unwrap();
        assert!(stored.is(b"secret") && !stored.is(b"another"));
    }
}

#[test]
fn a_text_that_is_no_hash_of_its_scheme_is_refused_when_it_is_read() {
    let argon2 = |parameters: &str| {
        format!("$argon2id$v=19${parameters}$Z2dnZ2dnZ2dnZ2dnZ2dnZw$3yLYIJZXGLrFzmBd0U9wJnoOOJDRqJLdCuO2I38Bl4M")
    };
    let argon2i = argon2("m=4096,t=1,p=1").replace("argon2id", "argon2i");
    for (scheme, text, expected) in [
        (Scheme::Argon2, "password".to_owned(), MalformedPassword::NotArgon2),
        (Scheme::Argon2, String::new(), MalformedPassword::NotArgon2),
        (Scheme::Argon2, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ".into(), MalformedPassword::NotArgon2),
        (Scheme::Argon2, argon2i, MalformedPassword::NotArgon2),
        (Scheme::Argon2, argon2("m=4000000,t=1,p=1"), MalformedPassword::TooCostly),
        (Scheme::Argon2, argon2("m=4096,t=4000,p=1"), MalformedPassword::TooCostly),
        (Scheme::Argon2, argon2("m=4096,t=1,p=255"), MalformedPassword::TooCostly),
        (Scheme::Pbkdf2(SAMPLE), "password".into(), MalformedPassword::NotPbkdf2(32)),
        (Scheme::Pbkdf2(SAMPLE), "é".repeat(30), MalformedPassword::NotPbkdf2(32)),
        (Scheme::Pbkdf2(SAMPLE), "A".repeat(60), MalformedPassword::NotPbkdf2(32)),
        (
            Scheme::Pbkdf2(SAMPLE),
            "rCOSZxJrgze2AZdVQh12c6ErDMOG0M+Rx5Yu7S5d91c=".into(),
            MalformedPassword::NotPbkdf2(32),
        ),
        (Scheme::Clear, String::new(), MalformedPassword::Empty),
    ] {
        assert_eq!(scheme.read(&text).map(drop).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn an_empty_or_endless_password_is_neither_kept_nor_checked() {
    let endless = vec![b'x'; super::LONGEST_PASSWORD + 1];
    for password in [b"".as_slice(), &endless] {
        assert!(hash_with_argon2(password).is_err() && SAMPLE.hash(password).is_err());
    }
    let clear = Scheme::Clear.read(&"x".repeat(endless.len())).unwrap();
    assert!(!clear.is(&endless));
    assert!(!format!("{clear:?}").contains('x'));
}
