//! A document that is one map of names, such as a list of users: its entries with their places.

use super::Position;
use super::values::{Values, read};
use crate::{Json, MalformedDocument};

/// One entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub name: String,
    /// Where the key is.
    pub at: Position,
    /// The value, without places.
    pub value: Json<'static>,
}

/// Reads a document in YAML or JSON that is a map; anything else, an empty one included, has no entries to answer with.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn read_entries(text: &str) -> Result<Option<Vec<Entry>>, (MalformedDocument, Position)> {
    let tree = read(text)?;
    let Values::Map(members) = &tree.content else { return Ok(None) };
    let entry = |(name, at, value): &(String, Position, std::rc::Rc<super::Tree>)| Entry {
        name: name.clone(),
        at: *at,
        value: value.to_json(),
    };
    Ok(Some(members.iter().map(entry).collect()))
}
