//! What servers compile, kept for the servers of the next tests: most of a test's time would go there.
//!
//! Files are linked, not copied: machine code is only ever replaced, never written to in place.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Puts what is compiled already into a fresh data folder; a folder with a cache of its own keeps it.
pub(crate) fn borrow(data: &Path) {
    // A server takes no folder that holds something and is open to others.
    fs::set_permissions(data, fs::Permissions::from_mode(0o700)).expect("a private folder");
    let cache = data.join("cache");
    if !cache.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&cache).expect("a cache folder");
        fs::write(data.join(BORROWED), "").expect("a mark");
        link_all(&shared(), &cache);
    }
}

/// Hands what was compiled in a data folder to the next ones.
pub(crate) fn lend(data: &Path) {
    if data.join(BORROWED).exists() {
        link_all(&data.join("cache"), &shared());
    }
}

/// Marks data folders whose cache is shared.
const BORROWED: &str = "cache-is-shared";

/// Beside the test's own binary.
fn shared() -> PathBuf {
    let folder = std::env::current_exe().expect("this test has a path").with_file_name("compiled-guests");
    fs::create_dir_all(&folder).expect("a folder beside this test");
    folder
}

fn link_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").filter_map(Result::ok) {
        let name = entry.file_name();
        if !name.to_string_lossy().ends_with(".partial") {
            // It may be there already, or just be replaced: then it is compiled once more.
            let _: std::io::Result<()> = fs::hard_link(entry.path(), to.join(name));
        }
    }
}
