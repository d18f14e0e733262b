//! Every code block in README and docs runs, parses or names a `make` target.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use usher_access::Operation;
use usher_policy::{Case, Policy, read_entries};
use usher_server::{Config, Manifest};
use usher_tests::{Process, binary};

/// One fenced block.
struct Block {
    page: String,
    line: usize,
    language: String,
    text: String,
}

#[test]
fn shell_blocks_run_against_a_demo_server() {
    for page in pages() {
        let folder = tempfile::tempdir().unwrap();
        symlink(root().join("functions"), folder.path().join("functions")).unwrap();
        let usher = Process::dev(&folder.path().join("usher-data"), &[]);
        for block in blocks(&page).iter().filter(|block| block.language == "sh" && !block.text.starts_with("make ")) {
            run(block, folder.path(), &usher);
        }
    }
}

fn run(block: &Block, folder: &Path, usher: &Process) {
    let path = std::env::var("PATH").unwrap();
    let binaries = binary().canonicalize().unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &block.text])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", binaries.parent().unwrap().display()))
        .env("USHER_STORE__DATA", usher.field("data"))
        .env("ENDPOINT", usher.field("endpoint"))
        .env("ORIGIN", format!("http://{}", usher.field("origin")))
        .env("DECISIONS", usher.field("decisions"))
        .env("USHER_KEYSET", usher.field("subscribe_key"))
        .env("SUBSCRIBE_KEY", usher.field("subscribe_key"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:{}: {}\n{errors}", block.page, block.line, block.text);
}

#[test]
fn blocks_that_make_something_name_targets_that_exist() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let is_target = |name: &str| makefile.lines().any(|line| line.starts_with(&format!("{name}:")));
    for block in all().iter().filter(|block| block.language == "sh") {
        for name in block.text.lines().filter_map(|line| line.strip_prefix("make ")) {
            assert!(is_target(name), "{}:{}: no target `{name}`", block.page, block.line);
        }
    }
}

#[test]
fn configurations_and_manifests_are_valid() {
    for block in all().iter().filter(|block| block.language == "toml") {
        let problems = match block.text.lines().next() {
            Some("# function.toml") => Manifest::parse("block", &block.text).err(),
            Some("# usher.toml") => Config::read("block", &block.text, []).err(),
            _ => panic!("{}:{}: the first line is to be `# function.toml` or `# usher.toml`", block.page, block.line),
        };
        assert_eq!(problems, None, "{}:{}", block.page, block.line);
    }
}

#[test]
fn javascript_parses() {
    for block in all().iter().filter(|block| block.language == "js") {
        let file = tempfile::NamedTempFile::with_suffix(".mjs").unwrap();
        fs::write(file.path(), &block.text).unwrap();
        let checked = Command::new("node").arg("--check").arg(file.path()).output().unwrap();
        assert!(
            checked.status.success(),
            "{}:{}: {}",
            block.page,
            block.line,
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

#[test]
fn json_parses() {
    for block in all().iter().filter(|block| block.language == "json") {
        let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
        assert!(parsed.is_ok(), "{}:{}: {parsed:?}", block.page, block.line);
    }
}

#[test]
fn policies_are_taken_or_refused_as_said_and_pass_their_cases() {
    for page in pages() {
        let mut policy = None;
        for block in blocks(&page).iter().filter(|block| block.language == "yaml") {
            let place = format!("{}:{}", block.page, block.line);
            match block.text.lines().next() {
                Some("# policy.yaml") => policy = Some(taken(&block.text, &place)),
                Some("# policy.test.yaml") => run_cases(&block.text, policy.as_ref().expect(&place), &place),
                Some(refused) if refused.starts_with("# refused: ") => assert_refused(&block.text, &place),
                // A part of another program's configuration.
                Some(fragment) if fragment.starts_with("# fragment: ") => assert!(read_entries(&block.text).is_ok()),
                _ => panic!(
                    "{place}: the first line is to be `# policy.yaml`, `# policy.test.yaml`, `# refused: …` or `# fragment: …`"
                ),
            }
        }
    }
}

fn taken(text: &str, place: &str) -> Policy {
    let policy = Policy::parse(text).unwrap_or_else(|faults| panic!("{place}: {}", faults.faults[0]));
    assert!(policy.warnings().is_empty(), "{place}: {}", policy.warnings()[0]);
    policy
}

fn run_cases(text: &str, policy: &Policy, place: &str) {
    let cases =
        Case::parse_all(text).unwrap_or_else(|faults| panic!("{place}, {}: {}", faults[0].position, faults[0].problem));
    for case in cases {
        if let Err(differing) = case.run(policy) {
            panic!("{place}, {}: {}", case.position, differing.explanation);
        }
    }
}

/// The first line says where and why.
fn assert_refused(text: &str, place: &str) {
    let expected = text.lines().next().unwrap().strip_prefix("# refused: ").unwrap();
    let faults = Policy::parse(text).expect_err(place);
    assert!(faults.faults[0].to_string().starts_with(expected), "{place}: {}", faults.faults[0]);
}

#[test]
fn every_operation_is_in_the_table_of_the_page() {
    let page = fs::read_to_string(root().join("docs/access-manager.md")).unwrap();
    for operation in Operation::ALL {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", operation.word())));
        let row = row.unwrap_or_else(|| panic!("`{}` is missing", operation.word()));
        assert_eq!(row.ends_with("| nothing |"), operation.needs().is_empty(), "{row}");
    }
}

#[test]
fn every_block_has_a_language_that_is_checked() {
    for block in all() {
        // The configuration of nginx is run by the tests of decisions.
        let checked = ["sh", "toml", "yaml", "js", "json", "nginx", ""].contains(&block.language.as_str());
        assert!(checked, "{}:{}: `{}` blocks are not checked", block.page, block.line, block.language);
    }
}

fn all() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The pages at the root and below `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = [root().to_owned(), root().join("docs"), root().join("docs/decisions")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => {
                let (page, language) = (page.display().to_string(), language.to_owned());
                open = Some(Block { page, line: number + 1, language, text: String::new() });
            }
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.display());
    blocks
}
