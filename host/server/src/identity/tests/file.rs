//! `file` and `none`: whom names and passwords let in, and what a users file must be.

use serde_json::json;
use usher_runtime::capability::identity::{Identity, IdentityError};

use super::{Bed, mistakes};
use crate::identity::password::hash_with_argon2;

/// Deepstream's sample: "password" with md5, 100 rounds and 32 bytes.
const SAMPLE: &str = "rCOSZxJrgze2AZdVQh12c6ErDMOG0M+Rx5Yu7S5d91c=GS4SbTQYmoaGwjm2shEobg==";
const SAMPLE_HASH: &str = "hash = \"md5\"\niterations = 100\nkey_length = 32\n";

/// An authenticator with these users.
fn users(more: &str, users: &str) -> String {
    format!("[[authentication]]\nkind = \"file\"\n{more}\nusers = '''\n{users}\n'''\n")
}

#[tokio::test]
async fn a_right_name_and_password_bring_the_id_and_both_data() {
    let argon2 = hash_with_argon2(b"secret").unwrap();
    let people = format!(
        "chris:\n  password: {SAMPLE}\n  clientData: {{color: blue, n: 5}}\n  serverData: [admin, 1.5, null]\n\
         max:\n  password: {argon2}\n"
    );
    let bed = Bed::new(&users(SAMPLE_HASH, &people));
    let chris = Identity {
        id: "chris".into(),
        client_data: "{\"color\":\"blue\",\"n\":5}".into(),
        server_data: "[\"admin\",1.5,null]".into(),
    };
    let max = Identity { id: "max".into(), client_data: "null".into(), server_data: "null".into() };
    for (sent, expected) in [
        (json!({ "username": "chris", "password": "password" }), Ok(chris.clone())),
        (json!({ "username": "chris", "password": "password", "more": 1 }), Ok(chris)),
        (json!({ "username": "max", "password": "secret" }), Ok(max)),
        (json!({ "username": "max", "password": "password" }), Err(IdentityError::Denied)),
        (json!({ "username": "chris", "password": SAMPLE }), Err(IdentityError::Denied)),
        (json!({ "username": "Chris", "password": "password" }), Err(IdentityError::Denied)),
        (json!({ "username": "nobody", "password": "password" }), Err(IdentityError::Denied)),
        (json!({ "username": "chris" }), Err(IdentityError::Denied)),
        (json!({ "username": "chris", "password": null }), Err(IdentityError::Denied)),
        (json!({ "username": ["chris"], "password": "password" }), Err(IdentityError::Denied)),
        (json!({ "username": "chris", "password": "x".repeat(100_000) }), Err(IdentityError::Denied)),
        (json!({ "username": "x".repeat(100_000), "password": "password" }), Err(IdentityError::Denied)),
        (json!({}), Err(IdentityError::Denied)),
        (json!(["chris", "password"]), Err(IdentityError::Denied)),
        (json!(null), Err(IdentityError::Denied)),
    ] {
        let shown: String = sent.to_string().chars().take(80).collect();
        assert_eq!(bed.login(sent).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn clear_text_is_a_choice_that_has_to_be_made() {
    let people = "{\"chris\": {\"password\": \"secret\"}}";
    assert!(mistakes(&users("", people)).contains("`usher hash`"));
    let bed = Bed::new(&users("hash = \"none\"", people));
    assert_eq!(bed.id(json!({ "username": "chris", "password": "secret" })).await, Ok("chris".into()));
    assert_eq!(bed.id(json!({ "username": "chris", "password": "secre" })).await, Err(IdentityError::Denied));
}

#[tokio::test]
async fn an_unknown_name_is_left_to_the_next_and_a_wrong_password_is_not() {
    let second = users("hash = \"none\"", "chris: {password: other}\nmax: {password: other}");
    let both = |report: &str| users(&format!("hash = \"none\"\n{report}"), "chris: {password: secret}") + &second;
    for (report, sent, expected) in [
        ("", json!({ "username": "max", "password": "other" }), Ok("max".to_owned())),
        ("", json!({ "username": "chris", "password": "other" }), Err(IdentityError::Denied)),
        ("report_invalid_parameters = true", json!({ "username": "max", "password": "other" }), Ok("max".to_owned())),
    ] {
        assert_eq!(Bed::new(&both(report)).id(sent.clone()).await, expected, "{report} {sent}");
    }
}

#[tokio::test]
async fn none_believes_a_name_and_nobody_who_gives_none() {
    let bed = Bed::new("[[authentication]]\nkind = \"none\"");
    for (sent, expected) in [
        (json!({ "username": "chris" }), Ok("chris".to_owned())),
        (json!({ "username": "chris", "password": 5 }), Ok("chris".to_owned())),
        (json!({}), Err(IdentityError::Denied)),
        (json!({ "username": "" }), Err(IdentityError::Denied)),
        (json!({ "username": 5 }), Err(IdentityError::Denied)),
        (json!({ "username": "open" }), Err(IdentityError::Denied)),
        (json!({ "username": "OPEN" }), Err(IdentityError::Denied)),
        (json!([]), Err(IdentityError::Denied)),
    ] {
        assert_eq!(bed.id(sent.clone()).await, expected, "{sent}");
    }
}

#[tokio::test]
async fn a_name_costs_the_same_whether_it_is_known_or_not() {
    let hash = hash_with_argon2(b"secret").unwrap();
    let bed = Bed::new(&users("cache = \"0s\"", &format!("chris:\n  password: {hash}")));
    let mut took = Vec::new();
    for name in ["chris", "nobody"] {
        let began = std::time::Instant::now();
        for attempt in 0..5 {
            let sent = json!({ "username": name, "password": format!("wrong {attempt}") });
            assert_eq!(bed.id(sent).await, Err(IdentityError::Denied));
        }
        took.push(began.elapsed().as_secs_f64());
    }
    assert!(took[1] > took[0] / 4.0, "an unknown name is answered without work: {took:?}");
}

#[test]
fn a_bad_users_file_is_told_with_its_places() {
    for (more, text, expected) in [
        ("", "", "with one at least"),
        ("", "- a\n- b", "with one at least"),
        ("", "chris: secret", "users:1:1: `chris`: a user is a map"),
        ("", "chris: {pasword: x}", "unknown key `pasword`"),
        ("", "chris: {password: 5}", "`password` is to be a text"),
        ("", "chris: {clientData: 5}", "`password` is to be a text"),
        ("", "a: {password: x}\nb: {password: y}", "users:2:1: `b`"),
        ("", "a: {password: [", "users:"),
        ("", "a: {password: x}\na: {password: y}", "there twice"),
        ("", "open: {password: x}", "nobody"),
        (SAMPLE_HASH, "a: {password: x}", "32 bytes in base64"),
        ("hash = \"md5\"", "a: {password: x}", "`authentication.iterations` is missing"),
        ("hash = \"md4\"", "a: {password: x}", "none of md5, sha1, sha256, sha512"),
        ("iterations = 5", "a: {password: x}", "belongs to PBKDF2"),
        ("hash = \"md5\"\niterations = 100\nkey_length = 15", "a: {password: x}", "from 16 to 512"),
        ("hash = \"sha256\"\niterations = 10000000\nkey_length = 33", "a: {password: x}", "every block of the digest"),
        ("hash = \"sha256\"\niterations = 10000000\nkey_length = 32", "a: {password: x}", "32 bytes in base64"),
        ("hash = \"md5\"\niterations = 312501\nkey_length = 512", "a: {password: x}", "every block of the digest"),
        ("path = \"users.yaml\"", "a: {password: x}", "not both"),
    ] {
        let told = mistakes(&users(more, text));
        assert!(told.contains(expected), "{more} {text}: {told}");
    }
    for path in ["../users.yaml", "/etc/passwd", ".users", ""] {
        let told = mistakes(&format!("[[authentication]]\nkind = \"file\"\npath = \"{path}\""));
        assert!(told.contains("beside the manifest"), "{path}: {told}");
    }
}

#[test]
fn authentication_as_one_table_is_a_mistake_and_never_open() {
    for text in ["[authentication]\nkind = \"file\"", "authentication = \"none\"", "authentication = {}"] {
        assert!(mistakes(text).contains("[[…]]"), "{text}");
    }
    let beside = "[[authentication]]\nkind = \"none\"\n[[authentication]]\nkind = \"none\"\n";
    assert!(mistakes(beside).contains("\"none\" beside another"));
}
