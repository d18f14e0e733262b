//! The repository as these tests see it: its root, its files, and what a command in it prints.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that git tracks, or would after `git add`.
pub(crate) struct Tracked {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The folder with the host's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Every text file that git does not ignore; a file that is not UTF-8 is none.
pub(crate) fn tracked() -> io::Result<Vec<Tracked>> {
    let listed = output(&root(), "git", &["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"])?;
    Ok(listed.lines().filter_map(read).collect())
}

/// What a command prints on stdout when run in `folder`.
pub(crate) fn output(folder: &Path, command: &str, arguments: &[&str]) -> io::Result<String> {
    let ran = Command::new(command).args(arguments).current_dir(folder).output()?;
    if ran.status.success() {
        return String::from_utf8(ran.stdout).map_err(io::Error::other);
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    Err(io::Error::other(format!("`{command} {}` failed: {said}", arguments.join(" "))))
}

/// Nothing is broken, or a list of what is and what to do about it.
pub(crate) fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n  {}\n", broken.join("\n  "));
}

fn read(path: &str) -> Option<Tracked> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(Tracked { path: path.to_owned(), text })
}
