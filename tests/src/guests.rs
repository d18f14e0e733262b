//! Components for tests, as `make guests` built them.

use std::fs;
use std::path::Path;

/// The component of `tests/guests/examples/{name}.rs`, or the text of `tests/guests/wat/{name}.wat` when that exists.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    let text = root().join(format!("tests/guests/wat/{name}.wat"));
    if text.exists() {
        return wat::parse_file(text).expect("the text is a component");
    }
    read(&root().join(format!("tests/guests/built/{}.wasm", name.replace('-', "_"))))
}

/// The component of a function, by its folder below `functions/`, such as `examples/hello`.
#[must_use]
pub fn function(folder: &str) -> Vec<u8> {
    let name = folder.rsplit('/').next().unwrap_or(folder).replace('-', "_");
    read(&root().join(format!("functions/{folder}/{name}.wasm")))
}

fn read(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{}: {error}; run `make guests` first", file.display()))
}

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the project")
}
