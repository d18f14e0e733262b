//! How far the journal was when it was last brought to disk, in a file beside it: a shorter journal has lost its end.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::journal::{Journal, journals};

/// Within the database's folder, which leaves it alone.
pub(super) const FILE: &str = "journal.mark";

/// A place in the journals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    folder: PathBuf,
    /// The journal's number.
    pub(super) journal: u64,
    /// The end of a whole batch in it.
    pub(super) end: u64,
}

impl Mark {
    /// The beginning of the oldest journal.
    pub(super) fn beginning(folder: &Path) -> io::Result<Self> {
        let oldest = journals(folder)?.into_keys().next().unwrap_or(0);
        Ok(Self { folder: folder.to_owned(), journal: oldest, end: 0 })
    }

    /// The mark that was written last; none where there is none that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(FILE)).ok()?;
        let (journal, end) = text.trim().split_once(' ')?;
        Some(Self { folder: folder.to_owned(), journal: journal.parse().ok()?, end: end.parse().ok()? })
    }

    /// Moves on to the end of what is written now.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        for (number, file) in journals(&self.folder)?.range(self.journal..) {
            let from = if *number == self.journal { self.end } else { 0 };
            let mut journal = Journal::open(file, from)?;
            journal.read_on()?;
            (self.journal, self.end) = (*number, journal.end());
        }
        Ok(())
    }

    /// Writes the mark. To be called once everything up to it is on disk.
    pub(super) fn write(&self) -> io::Result<()> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.folder.join(FILE))?;
        // INVARIANT: always as long as the last one, so that a process that dies leaves the one or the other.
        file.write_all_at(format!("{:020} {:020}\n", self.journal, self.end).as_bytes(), 0)
    }
}
