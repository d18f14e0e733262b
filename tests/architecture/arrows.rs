//! Who may depend on whom: the arrows between our crates, and the one crate that names each foreign engine.

use std::io;
use std::path::Path;

use crate::repository::{assert_none, output, root};

/// Each crate of the host with those of ours that it may name.
const ARROWS: [(&str, &[&str]); 7] = [
    ("usher-access", &[]),
    ("usher-vault", &[]),
    ("usher-network", &[]),
    ("usher-policy", &["usher-access"]),
    ("usher-runtime", &["usher-access", "usher-policy", "usher-vault"]),
    ("usher-server", &["usher-access", "usher-network", "usher-policy", "usher-runtime", "usher-vault"]),
    ("usher", &["usher-access", "usher-policy", "usher-server", "usher-vault"]),
];

/// May name everything, and nothing may name it.
const TESTS: &str = "usher-tests";

/// Each foreign engine with the crates that may name it; a trailing `*` stands for any ending. The tests may name all.
const ENGINES: [(&str, &[&str]); 16] = [
    ("wasmtime*", &["usher-runtime"]),
    ("wit-component", &["usher-runtime"]),
    ("aes*", &["usher-vault"]),
    ("chacha20*", &["usher-vault"]),
    ("axum*", &["usher-server"]),
    ("hyper*", &["usher-server"]),
    ("reqwest", &["usher-server"]),
    ("rustls", &["usher-server"]),
    ("tokio-rustls", &["usher-server"]),
    ("fjall", &["usher-server"]),
    ("tracing-subscriber", &["usher-server", "usher"]),
    ("clap*", &["usher"]),
    ("miette", &["usher"]),
    ("oxc*", &["usher-policy"]),
    ("saphyr*", &["usher-policy"]),
    ("anyhow", &["usher"]),
];

#[test]
fn crates_of_the_host_follow_the_arrows() -> io::Result<()> {
    let edges = edges(&root())?;
    assert!(edges.iter().any(|edge| edge.from == TESTS), "`cargo tree` listed no edge from `{TESTS}`");
    assert_none(&edges.iter().filter_map(broken_by).collect::<Vec<_>>());
    Ok(())
}

/// Host and guest share the text of `functions/wit`, never a Rust type.
#[test]
fn guests_depend_on_nothing_outside_their_folder() -> io::Result<()> {
    let functions = root().join("functions");
    let inside = functions.to_string_lossy().into_owned();
    let outside = |edge: &Edge| edge.folder.as_ref().is_some_and(|folder| !folder.starts_with(&inside));
    let message = |edge: &Edge| {
        format!("`{}` names `{}`, which is not in functions/: share WIT text instead", edge.from, edge.to)
    };
    assert_none(&edges(&functions)?.iter().filter(|edge| outside(edge)).map(message).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn an_edge_against_the_rules_is_reported() {
    for (from, to, ours, reported) in [
        ("usher-runtime", "usher-access", true, None),
        ("usher-access", "usher-runtime", true, Some("not among the arrows")),
        ("usher-server", "usher-tests", true, Some("not among the arrows")),
        ("usher-server", "usher-sdk", true, Some("not among the arrows")),
        ("usher-tests", "usher-server", true, None),
        ("usher-extra", "serde", false, Some("is not in `ARROWS`")),
        ("usher-server", "wasmtime-wasi", false, Some("only `usher-runtime`")),
        ("usher-runtime", "wasmtime-wasi", false, None),
        ("usher-access", "aes-gcm", false, Some("only `usher-vault`")),
        ("usher-tests", "reqwest", false, None),
    ] {
        let edge = Edge { from: from.into(), to: to.into(), folder: ours.then(|| "somewhere".into()) };
        let broken = broken_by(&edge);
        assert_eq!(broken.is_some(), reported.is_some(), "{from} to {to}: {broken:?}");
        assert!(broken.unwrap_or_default().contains(reported.unwrap_or_default()), "{from} to {to}");
    }
}

/// One crate naming another.
struct Edge {
    from: String,
    to: String,
    /// Where `to` is, when it is a folder here and not a published crate.
    folder: Option<String>,
}

/// The direct dependencies of every member of the workspace in `folder`.
fn edges(folder: &Path) -> io::Result<Vec<Edge>> {
    // INVARIANT: without `--no-dedupe` a crate that was printed before shows no dependencies, and every rule passes.
    let tree = ["tree", "--workspace", "--no-dedupe", "--depth", "1", "--prefix", "depth", "--format", "{p}"];
    let printed = output(
        folder,
        "cargo",
        &[&tree[..], &["--locked", "--edges", "normal,build,dev", "--target", "all"]].concat(),
    )?;
    let mut from = String::new();
    let mut edges = Vec::new();
    for line in printed.lines() {
        let (depth, package) = (line.chars().next(), line.trim_start_matches(|digit: char| digit.is_ascii_digit()));
        let name = package.split(' ').next().unwrap_or_default().to_owned();
        match depth {
            Some('0') => from = name,
            Some('1') => edges.push(Edge { from: from.clone(), to: name, folder: folder_of(package) }),
            Some(_) | None => {}
        }
    }
    Ok(edges)
}

/// `name v0.1.0 (/some/folder)` names a folder; `name v0.1.0` and `name v0.1.0 (proc-macro)` do not.
fn folder_of(package: &str) -> Option<String> {
    package.split(['(', ')']).find(|part| part.starts_with('/')).map(str::to_owned)
}

fn broken_by(edge: &Edge) -> Option<String> {
    let Edge { from, to, folder } = edge;
    if from == TESTS {
        return None;
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == from) else {
        return Some(format!(
            "`{from}` is not in `ARROWS` of tests/architecture/arrows.rs: say there what it may name"
        ));
    };
    if folder.is_some() && !allowed.contains(&to.as_str()) {
        return Some(format!(
            "`{from}` names `{to}`, which is not among the arrows: move the code, or the line it crosses"
        ));
    }
    let (engine, owners) = ENGINES.iter().find(|(engine, _)| names(engine, to))?;
    let owned = owners.contains(&from.as_str());
    (!owned).then(|| {
        format!("`{from}` names `{to}`, but only `{}` may name {engine}: call that crate instead", owners.join("`, `"))
    })
}

fn names(engine: &str, package: &str) -> bool {
    engine.strip_suffix('*').map_or(engine == package, |start| package.starts_with(start))
}
