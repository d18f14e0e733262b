//! Users files that a manifest names: put into the manifest, so that one upload holds the whole deployment.

use std::fs;
use std::path::Path;

use serde_json::Value;
use usher_server::Manifest;

use super::deploy::ReadError;
use crate::failure::Failure;

/// The manifest with the users files it names under `[files]`, and checked again with them.
pub(crate) fn inlined(folder: &Path, text: String, checked: Manifest) -> Result<(String, Manifest), ReadError> {
    let mut named: Vec<&str> = checked.missing_files().collect();
    named.sort_unstable();
    named.dedup();
    let mut files = String::new();
    for name in named {
        let file = folder.join(name);
        let failure = |error| Failure::of_file(&file, &error).hint("function.toml names it under `[[authentication]]`");
        let users = fs::read_to_string(&file).map_err(|error| ReadError::File(failure(error)))?;
        files.push_str(&format!("{} = {}\n", quoted(name), quoted(&users)));
    }
    if files.is_empty() {
        return Ok((text, checked));
    }
    let text = format!("{}\n\n[files]\n{files}", text.trim_end());
    let name = folder.join("function.toml").display().to_string();
    let checked = Manifest::parse(&name, &text).map_err(ReadError::Manifest)?;
    Ok((text, checked))
}

/// A text as TOML writes it; JSON's way is TOML's too, but for one character.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
