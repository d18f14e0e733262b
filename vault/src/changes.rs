//! What a change to the vault asks its caller to write.

use crate::SecretName;

/// The writes of one change: all of them in one transaction, before the new vault replaces the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a change that is not written is lost"]
pub struct Changes {
    /// Replaces the stored header.
    pub header: Vec<u8>,
    /// Records to store, each replacing any record of that name.
    pub put: Vec<(SecretName, Vec<u8>)>,
    /// Names whose records to delete.
    pub remove: Vec<SecretName>,
}
