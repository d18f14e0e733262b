//! Help that a newcomer can start from, completions for three shells, and no escape codes.

use crate::process_bed::Run;

#[test]
fn every_command_explains_itself() {
    let cases: [(&str, &[&str]); 19] = [
        ("--help", &["usher dev", "Exit codes", "--json", "completion", "USHER_ADMIN_URL"]),
        ("dev --help", &["--port", "free ports", "usher dev --json --port 0", "demo keyset"]),
        ("serve --help", &["usher.toml", "USHER_SECTION__KEY", "SIGTERM"]),
        ("init --help", &["master key", "overwritten"]),
        ("check --help", &["every mistake", "usher check functions/examples/hello"]),
        ("secret --help", &["usher secret set", "never an argument"]),
        ("secret rotate --help", &["--master-key-file", "64 hexadecimal digits"]),
        ("keyset --help", &["usher keyset create", "usher keyset rotate", "usher keyset plan"]),
        ("keyset retire --help", &["--force", "--until", "usher keyset plan"]),
        ("grant --help", &["usher grant check --as", "publish room-1", "usher grant create"]),
        ("grant check --help", &["an operation such as publish", "exit code 4"]),
        ("token --help", &["usher token mint", "needs no server", "exit code 4"]),
        ("token mint --help", &["--channel-pattern", "NAME=PERMISSIONS", "v3 grant"]),
        ("functions --help", &["versions"]),
        ("deploy --help", &["function.toml", "rollback"]),
        ("rollback --help", &["usher rollback"]),
        ("why --help", &["X-Usher-Decision-Id", "usher why", "usher logs --denied"]),
        ("logs --help", &["--follow", "usher logs --denied", "--since", "usher why ID"]),
        ("policy --help", &["usher policy check", "usher policy test", "usher policy diff", "usher policy apply"]),
    ];
    for (command, mentions) in cases {
        let ended = Run::usher(command).end();
        ended.check(0, &[]);
        for text in mentions {
            assert!(
                ended.stdout.to_lowercase().contains(&text.to_lowercase()),
                "{command}: no `{text}` in\n{}",
                ended.stdout
            );
        }
        assert!(ended.stdout.lines().all(|line| line.chars().count() <= 140), "{command}: {}", ended.stdout);
    }
}

#[test]
fn every_subcommand_is_completed_in_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = Run::usher(&format!("completion {shell}")).end();
        assert_eq!(ended.check(0, &[]).stderr, "");
        for word in [
            "dev",
            "serve",
            "init",
            "check",
            "secret",
            "keyset",
            "grant",
            "token",
            "functions",
            "deploy",
            "rollback",
            "why",
            "logs",
        ] {
            assert!(ended.stdout.contains(word), "{shell}: no {word}");
        }
    }
    Run::usher("completion tcsh").end().check(2, &["bash"]);
}

#[test]
fn the_version_is_told() {
    let ended = Run::usher("--version").end();
    assert_eq!(ended.check(0, &[]).stdout, format!("usher {}\n", env!("CARGO_PKG_VERSION")));
}
