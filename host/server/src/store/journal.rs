//! Reads the database's journals batch by batch, for their form only: where whole batches end, and whether any follow the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What every whole batch ends with (`fjall::file::MAGIC_BYTES`).
const TRAILER: [u8; 4] = *b"FJL\x03";
/// Journals are made 64 MiB long and filled from the front; this much of zeros is taken for the end.
const UNWRITTEN: u64 = 64 << 10;

/// One journal, read up to some point.
pub(super) struct Journal {
    reader: Counted,
    end: u64,
    newest: Option<u64>,
}

/// What stopped the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// No whole batch follows at once.
    NoBatch,
    /// A batch is older than the one before it.
    BackInTime,
}

enum Broken {
    Entry,
    Io(io::Error),
}

/// The journals of a database by their numbers; the last one is being written.
pub(super) fn journals(folder: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut journals = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let number = file.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        journals.extend(number.map(|number| (number, file)));
    }
    Ok(journals)
}

impl Journal {
    /// Opens a journal to read on from a batch's beginning.
    pub(super) fn open(file: &Path, from: u64) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(file)?);
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { reader: Counted { file, at: from }, end: from, newest: None })
    }

    /// Where the last whole batch ends that was read.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Reads whole batches as long as there are any.
    pub(super) fn read_on(&mut self) -> io::Result<Stop> {
        loop {
            match self.reader.batch() {
                Ok(batch) if self.newest.is_none_or(|newest| newest < batch) => self.newest = Some(batch),
                Ok(_) => return Ok(Stop::BackInTime),
                Err(Broken::Entry) => return Ok(Stop::NoBatch),
                Err(Broken::Io(error)) => return Err(error),
            }
            self.end = self.reader.at;
        }
    }

    /// Whether the end of a whole batch is to be found behind [`Journal::end`].
    pub(super) fn batches_follow(&mut self) -> io::Result<bool> {
        let file = &mut self.reader.file;
        file.seek(SeekFrom::Start(self.end))?;
        let (mut seen, mut chunk) = (Vec::new(), Vec::new());
        loop {
            chunk.clear();
            file.take(UNWRITTEN).read_to_end(&mut chunk)?;
            if chunk == vec![0; chunk.len()] {
                return Ok(false);
            }
            seen.extend_from_slice(&chunk);
            if seen.windows(TRAILER.len()).any(|window| window == TRAILER) {
                return Ok(true);
            }
            seen.drain(..seen.len().saturating_sub(TRAILER.len()));
        }
    }
}

/// A file and how far it was read; asking the file itself is a system call each time.
struct Counted {
    file: BufReader<File>,
    at: u64,
}

impl Counted {
    /// Reads one batch (`fjall::journal::entry`) and returns its number; contents are left to the database, which has their checksum.
    fn batch(&mut self) -> Result<u64, Broken> {
        let [1] = self.bytes()? else { return Err(Broken::Entry) };
        let (entries, number) = (u32::from_le_bytes(self.bytes()?), u64::from_le_bytes(self.bytes()?));
        for _ in 0..entries {
            match self.bytes()? {
                [2] => self.item()?,
                [4] => drop(self.bytes::<8>()?),
                [_] => return Err(Broken::Entry),
            }
        }
        let ([end], _checksum) = (self.bytes()?, self.bytes::<8>()?);
        if end == 3 && self.bytes()? == TRAILER { Ok(number) } else { Err(Broken::Entry) }
    }

    fn item(&mut self) -> Result<(), Broken> {
        let ([kind, compression], _space) = (self.bytes()?, self.bytes::<8>()?);
        let key = u16::from_le_bytes(self.bytes()?);
        let (length, stored) = (u32::from_le_bytes(self.bytes()?), u32::from_le_bytes(self.bytes()?));
        // A value, a removal, or a removal of the last version; never compressed.
        if kind > 2 || compression != 0 || length != stored {
            return Err(Broken::Entry);
        }
        let contents = u64::from(key) + u64::from(stored);
        // Beyond the file's end this succeeds; the next read does not.
        self.file.seek_relative(i64::from(key) + i64::from(stored))?;
        self.at += contents;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Entry } else { Self::Io(error) }
    }
}
