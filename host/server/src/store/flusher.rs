//! The thread that brings the journal to disk within 10 ms of a write, and sleeps while nothing is written.
//!
//! It syncs the journal's files by handles of its own: the database's `persist` holds the lock that every write needs for as long
//! as the disk takes, so that grants would wait for it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::journal::journals;
use super::mark::Mark;

/// The longest that an acknowledged write waits for the disk.
const INTERVAL: Duration = Duration::from_millis(10);

/// Stops and joins its thread when dropped.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    dirty: AtomicBool,
    failed: AtomicBool,
    stop: AtomicBool,
}

impl Flusher {
    pub(super) fn start(folder: PathBuf, mark: Mark) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let handle = thread::Builder::new().name("usher-flush".into()).spawn(move || run(&of_thread, &folder, mark))?;
        Ok(Self { shared, handle: Some(handle) })
    }

    /// Something was written that is not on disk yet.
    pub(super) fn wake(&self) {
        if !self.shared.dirty.swap(true, Ordering::SeqCst)
            && let Some(handle) = &self.handle
        {
            handle.thread().unpark();
        }
    }

    /// A write did not reach the disk.
    pub(super) fn fail(&self) {
        self.shared.failed.store(true, Ordering::SeqCst);
    }

    pub(super) fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::SeqCst)
    }
}

fn run(shared: &Shared, folder: &Path, mut mark: Mark) {
    while !shared.stop.load(Ordering::SeqCst) {
        if !shared.dirty.load(Ordering::SeqCst) {
            thread::park();
            continue;
        }
        thread::sleep(INTERVAL);
        // INVARIANT: cleared before the sync, so that a write during the sync asks for another.
        shared.dirty.store(false, Ordering::SeqCst);
        sync(shared, folder, &mut mark);
    }
    if shared.dirty.load(Ordering::SeqCst) {
        sync(shared, folder, &mut mark);
    }
}

fn sync(shared: &Shared, folder: &Path, mark: &mut Mark) {
    // After a failed sync the kernel may have dropped what was to be written: a later success proves nothing.
    if shared.failed.load(Ordering::SeqCst) {
        return;
    }
    // INVARIANT: advanced before the sync and written after it, so that it never tells of more than is on disk.
    let advanced = mark.advance();
    if let Err(error) = sync_journal(folder) {
        tracing::error!(%error, "the journal cannot be brought to disk; writes are refused until a restart");
        shared.failed.store(true, Ordering::SeqCst);
    } else if let Err(error) = advanced.and_then(|()| mark.write()) {
        tracing::warn!(%error, "the journal's end is not marked");
    }
}

/// Syncs every journal file; sealed ones cost nothing, and one that was deleted meanwhile is in the tables already.
fn sync_journal(folder: &Path) -> io::Result<()> {
    for file in journals(folder)?.into_values() {
        match File::open(&file).and_then(|file| file.sync_data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(handle) = self.handle.take() {
            handle.thread().unpark();
            // A panic of the flusher was reported by the thread itself.
            drop(handle.join());
        }
    }
}
