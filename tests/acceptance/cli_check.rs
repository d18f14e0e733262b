//! `usher check`: every mistake at once, each with its place and what to write instead.

use std::fs;

use crate::process_bed::{Ended, Run};

fn check_config(text: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("usher.toml"), text).unwrap();
    Run::usher("check").within(folder.path()).end()
}

fn check_manifest(text: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("function.toml"), text).unwrap();
    fs::write(folder.path().join("f.wasm"), "").unwrap();
    Run::usher("check .").within(folder.path()).end()
}

#[test]
fn each_mistake_of_a_configuration_has_its_line_and_a_suggestion() {
    let cases: [(&str, &[&str]); 10] = [
        ("[server]\nlisten = 8080\n", &["usher.toml:2: `server.listen` is to be a text in quotes, not this number"]),
        ("[server]\nlisten = \"localhost\"\n", &["usher.toml:2: `server.listen`"]),
        ("[sever]\nlisten = \"127.0.0.1:1\"\n", &["usher.toml:1: unknown key `sever`; did you mean `server`?"]),
        (
            "[server]\n\nlitsen = \"127.0.0.1:1\"\n",
            &["usher.toml:3: unknown key `server.litsen`; did you mean `listen`?"],
        ),
        ("[server]\nadmin = \"0.0.0.0:8081\"\n", &["usher.toml:2: `server.admin`", "loopback"]),
        ("[server]\ndrain = \"10\"\n", &["usher.toml:2: `server.drain`", "`2s`"]),
        ("[log]\nformat = \"xml\"\n", &["usher.toml:2: `log.format`", "\"json\""]),
        ("[store]\nkind = \"cloud\"\n", &["usher.toml:2: `store.kind`", "\"memory\""]),
        ("[tls]\nkey = \"k.pem\"\n", &["usher.toml", "go together"]),
        ("[server\nlisten = 1\n", &["usher.toml:1: "]),
    ];
    for (text, mentions) in cases {
        let ended = check_config(text);
        println!("{}", ended.stderr.trim());
        assert_eq!(ended.check(2, mentions).stdout, "", "{text}");
    }
}

#[test]
fn all_mistakes_of_a_configuration_come_at_once() {
    let ended = check_config("[server]\nlisten = 1\ndrain = \"x\"\n[log]\nlevle = \"info\"\n");
    ended.check(
        2,
        &["usher.toml:2: ", "usher.toml:3: ", "usher.toml:5: unknown key `log.levle`; did you mean `level`?"],
    );
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, value: &str| Run::usher("check").within(folder.path()).env(name, value).end();
    check("USHER_SERVER__LISTEN", "x").check(2, &["environment variable USHER_SERVER__LISTEN: `server.listen`"]);
    check("USHER_SERVR__LISTEN", "x")
        .check(2, &["environment variable USHER_SERVR__LISTEN: unknown key `servr`; did you mean `server`?"]);
    check("USHER_SERVER__LISTEN", "127.0.0.1:1").check(0, &[]);
}

#[test]
fn each_mistake_of_a_manifest_has_its_line_and_a_suggestion() {
    let good = "name = \"f\"\npaths = [\"f\"]\n";
    let cases: [(&str, &[&str]); 9] = [
        ("paths = [\"f\"]\n", &["function.toml", "`name` is missing"]),
        ("name = \"F f\"\npaths = [\"f\"]\n", &["function.toml:1: `name`", "`F f`"]),
        ("name = \"f\"\n", &["`paths`"]),
        (
            "name = \"f\"\npaths = [\"f\"]\npath = [\"f\"]\n",
            &["function.toml:3: unknown key `path`; did you mean `paths`?"],
        ),
        (
            "name = \"f\"\npaths = [\"f\"]\ncapabilities = [\"acces\"]\n",
            &["function.toml:3: `capabilities`: `acces` is none of"],
        ),
        (
            "name = \"f\"\npaths = [\"f\"]\n[limits]\ntime = \"5\"\nmemory = 7\n",
            &["function.toml:4: `limits.time`", "function.toml:5: `limits.memory`"],
        ),
        ("name = \"f\"\npaths = [\"f\"]\n[limits]\ntime = \"2h\"\n", &["function.toml:4: `limits.time`: 10ms to 60s"]),
        ("name = \"f\"\npaths = [\"f\"]\n[[authentication]]\nkind = \"magic\"\n", &["function.toml:4: ", "`magic`"]),
        ("name = \"f\"\npaths = [\"f\"]\nsecrets = [\"NOT/\"]\n", &["function.toml:3: `secrets`"]),
    ];
    for (text, mentions) in cases {
        let ended = check_manifest(text);
        println!("{}", ended.stderr.trim());
        assert_eq!(ended.check(2, mentions).stdout, "", "{text}");
    }
    check_manifest(&format!("{good}component = \"f.wasm\"\n")).check(0, &[]);
}

#[test]
fn what_is_missing_is_named_with_what_belongs_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| Run::usher(arguments).within(folder.path()).end();
    run("check nowhere").check(5, &["nowhere/function.toml", "component"]);
    run("--config nowhere.toml check").check(5, &["nowhere.toml"]);
    fs::write(folder.path().join("function.toml"), "name = \"f\"\npaths = [\"f\"]\n").unwrap();
    run("check .").check(5, &["f.wasm", "cargo build"]);
}

#[test]
fn programs_get_the_mistakes_as_json() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("usher.toml"), "[server]\nlisten = 1\n").unwrap();
    let ended = Run::usher("--json check").within(folder.path()).end();
    ended.check(2, &["\"exit\":2"]);
    assert_eq!(ended.json()["problems"][0]["place"], "usher.toml:2");
    fs::write(folder.path().join("usher.toml"), "").unwrap();
    let ended = Run::usher("--json check").within(folder.path()).end();
    assert_eq!(ended.check(0, &[]).json()["ok"], true);
}
