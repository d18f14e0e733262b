//! Looks at a database's files before it opens them, for it mends what is damaged by forgetting it.
//!
//! What would be forgotten may be a revocation. So the journals may end in a batch that was being written when the process died,
//! and in nothing else: whole batches behind a broken one are damage, so are batches that go back in time, and so is an end
//! that lies before the one that was on disk already.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::journal::{Journal, Stop, journals};
use super::mark::{self, Mark};

/// A database that must not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum InspectError {
    #[error("`{}` is damaged at byte {at}, and whole entries follow", file.display())]
    Damaged { file: PathBuf, at: u64 },
    #[error("`{}` ends too early: {} says that more was on disk; delete that file to go on with what is left", file.display(), mark.display())]
    Shortened { file: PathBuf, mark: PathBuf },
    #[error("`{}` is missing, but what belongs to it is there", .0.display())]
    Missing(PathBuf),
    #[error("another process has it")]
    InUse,
    #[error("`{}`: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
}

/// Inspects the database in `folder`; one that does not exist yet is fine.
pub(super) fn inspect(folder: &Path) -> Result<(), InspectError> {
    let file = folder.join("lock");
    if !file.exists() {
        return Ok(());
    }
    let unreadable = |error| InspectError::Unreadable { file: file.clone(), error };
    let lock = File::open(&file).map_err(unreadable)?;
    // INVARIANT: held while reading, for a journal that is being written looks damaged. Let go when this returns.
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => InspectError::InUse,
        fs::TryLockError::Error(error) => unreadable(error),
    })?;
    inspect_journals(folder)?;
    // A space without its pointer would be taken for one that was never finished, and be deleted.
    let orphaned = |space: &PathBuf| {
        !space.join("current").exists() && entries(&space.join("tables")).is_ok_and(|tables| !tables.is_empty())
    };
    let spaces = folder.join("keyspaces");
    let spaces = entries(&spaces).map_err(|error| InspectError::Unreadable { file: spaces, error })?;
    spaces.into_iter().find(orphaned).map_or(Ok(()), |space| Err(InspectError::Missing(space.join("current"))))
}

fn inspect_journals(folder: &Path) -> Result<(), InspectError> {
    let journals = journals(folder).map_err(|error| InspectError::Unreadable { file: folder.to_owned(), error })?;
    let mark = Mark::read(folder);
    let shortened = |file: &Path| InspectError::Shortened { file: file.to_owned(), mark: folder.join(mark::FILE) };
    for (number, file) in &journals {
        let end = inspect_journal(file)?;
        if mark.as_ref().is_some_and(|mark| mark.journal == *number && end < mark.end) {
            return Err(shortened(file));
        }
    }
    match mark {
        Some(mark) if journals.range(mark.journal..).next().is_none() => Err(shortened(folder)),
        Some(_) | None => Ok(()),
    }
}

/// Where the last whole batch ends.
fn inspect_journal(file: &Path) -> Result<u64, InspectError> {
    let unreadable = |error| InspectError::Unreadable { file: file.to_owned(), error };
    let mut journal = Journal::open(file, 0).map_err(unreadable)?;
    let stop = journal.read_on().map_err(unreadable)?;
    let damaged = match stop {
        Stop::BackInTime => true,
        Stop::NoBatch => journal.batches_follow().map_err(unreadable)?,
    };
    if damaged { Err(InspectError::Damaged { file: file.to_owned(), at: journal.end() }) } else { Ok(journal.end()) }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}
