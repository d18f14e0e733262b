//! A configuration is whole or refused whole; the environment wins over the file, and every mistake names its place.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::{Config, MasterKeySource};

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn mistakes(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let read = Config::read("usher.toml", text, variables(environment));
    read.map_or_else(|problems| problems.0.iter().map(ToString::to_string).collect(), |_| Vec::new())
}

#[test]
fn nothing_said_is_a_configuration() {
    let config = Config::read("usher.toml", "", []).unwrap();
    assert_eq!(config.listen.data_plane.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data.path(), Path::new("usher-data"));
    assert_eq!(config.master_key, MasterKeySource::File("usher-data/master.key".into()));
    assert_eq!(config.decisions_kept, 64 << 20);
}

#[test]
fn the_environment_wins_over_the_file_one_key_at_a_time() {
    let file = "[server]\ndrain = \"5s\"\nconnections = 7\n[store]\ndata = \"of-file\"\n";
    let environment = variables(&[
        ("USHER_SERVER__DRAIN", "1s"),
        ("USHER_STORE__DATA", "2024"),
        ("USHER_LIMITS__PER_USER", "3"),
        ("USHER_SERVER__DECISIONS_KEPT", "2MiB"),
        ("USHER_BIN", "ignored"),
        ("PATH", "ignored"),
    ]);
    let config = Config::read("usher.toml", file, environment).unwrap();
    assert_eq!(config.listen.drain, Duration::from_secs(1));
    assert_eq!(config.listen.connections, 7);
    assert_eq!(config.data.path(), Path::new("2024"), "a folder may have a number for a name");
    assert_eq!(config.limits.per_user, 3);
    assert_eq!(config.decisions_kept, 2 << 20);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let file = "[server]\nlisten = \"nowhere\"\nadmin = \"0.0.0.0:1\"\ndrain = 5\ndrian = \"5s\"\n[tls]\nkey = \"k.pem\"\n[log]\nformat = \"xml\"\nlevel = \"info=loud\"\n[stor]\n";
    let found = mistakes(file, &[("USHER_LIMITS__PER_USER", "many"), ("USHER_SERVER__PORT", "1")]);
    let expected = [
        "usher.toml:2: `server.listen`",
        "usher.toml:3: `server.admin`: the admin API speaks plain HTTP",
        "usher.toml:4: `server.drain` is to be a text in quotes, not this number",
        "usher.toml:5: unknown key `server.drian`; did you mean `drain`?",
        "`tls.certificate` and `tls.key` go together",
        "usher.toml:9: `log.format`: `xml` is neither \"text\" nor \"json\"",
        "usher.toml:10: `log.level`",
        "usher.toml:11: unknown key `stor`; did you mean `store`?",
        "environment variable USHER_LIMITS__PER_USER: `limits.per_user` is to be a whole number from 0 to 1000000, not this text",
        "environment variable USHER_SERVER__PORT: unknown key `server.port`; known keys: listen, admin, metrics, decisions, drain",
    ];
    for expected in expected {
        assert!(found.iter().any(|mistake| mistake.contains(expected)), "no `{expected}` in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn broken_toml_is_reported_with_the_mistakes_around_it() {
    let found = mistakes("[server]\nlisten = \n[sever]\nx = 1\n", &[]);
    assert!(found.iter().any(|mistake| mistake.starts_with("usher.toml:2: ")), "{found:#?}");
    assert!(found.iter().any(|mistake| mistake.contains("`sever`; did you mean `server`?")), "{found:#?}");
}

#[test]
fn a_master_key_in_the_environment_is_never_shown() {
    let key = "ab".repeat(32);
    let config = Config::read("usher.toml", "", variables(&[("USHER_MASTER_KEY", &key)])).unwrap();
    assert_eq!(config.master_key, MasterKeySource::Text(key.clone()));
    assert!(!format!("{config:?}").contains(&key));
}

proptest! {
    #[test]
    fn any_text_and_any_environment_is_read_to_an_end(
        text in "(?s).{0,200}",
        section in "(SERVER|STORE|LOG|LIMITS|VAULT|TLS|ENGINE|[A-Z]{1,6})",
        key in "[A-Z_]{0,12}",
        value in "\\PC{0,20}",
    ) {
        let environment = [(format!("USHER_{section}__{key}"), value)];
        if let Err(problems) = Config::read("usher.toml", &text, environment) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                prop_assert!(problem.place.starts_with("usher.toml") || problem.place.starts_with("environment variable"), "{problem}");
            }
        }
    }
}
