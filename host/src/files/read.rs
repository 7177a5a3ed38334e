//! Reads a file whole once it has stopped changing, within a bound and without ever hanging on
//! something that is no file. What is in it is for others to judge.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::fingerprint::{Fingerprint, GRAIN, Stamp};
use crate::config::{ShowDuration, ShowSize};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is nothing at the path.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path as it was asked for.
        path: PathBuf,
    },
    /// What is at the path is no regular file.
    #[error("{} is {kind}, not a regular file", path.display())]
    NotAFile {
        /// The path as it was asked for.
        path: PathBuf,
        /// What it is, with an article.
        kind: &'static str,
    },
    /// The file is larger than it may be. It was not read.
    #[error("{} has {size} bytes, and at most {} are allowed", path.display(), ShowSize(*size_max))]
    TooLarge {
        /// The path as it was asked for.
        path: PathBuf,
        /// Its bytes.
        size: u64,
        /// How many it may have.
        size_max: u64,
    },
    /// The file never stayed the same for long enough.
    #[error(
        "{} kept changing for {}; it is read once it stays the same",
        path.display(), ShowDuration(*patience)
    )]
    Unstable {
        /// The path as it was asked for.
        path: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The system refuses.
    #[error("{} cannot be read: {source}", path.display())]
    Refused {
        /// The path as it was asked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The content of the regular file that `path` leads to, with its fingerprint, once it has stayed
/// the same for `settle`. A file that changed long ago is read at once. This blocks, at most for
/// `patience` and the reading itself.
///
/// # Errors
/// Anything but a regular file of at most `size_max` bytes that stops changing within `patience`.
/// A file that is too large is refused by its size, before it is complete.
pub fn read_stable(
    path: &Path,
    size_max: u64,
    settle: Duration,
    patience: Duration,
) -> Result<(Vec<u8>, Fingerprint), ReadError> {
    let end = Instant::now() + patience;
    let settle = settle.max(GRAIN);
    let mut pause = Duration::ZERO;
    loop {
        let (file, stamp) = open(path)?;
        if stamp.size > size_max {
            let (path, size) = (path.to_owned(), stamp.size);
            return Err(ReadError::TooLarge {
                path,
                size,
                size_max,
            });
        }
        let rest = settle.saturating_sub(stamp.age().unwrap_or_default());
        let rest = rest.max(pause);
        if Instant::now() + rest > end {
            let path = path.to_owned();
            return Err(ReadError::Unstable { path, patience });
        }
        thread::sleep(rest);
        if let Some(content) = read_if_same(path, file, stamp)? {
            return Ok((content, Fingerprint::File(stamp)));
        }
        // The clock of a file server may lag, and a file that changes would seem old each time.
        pause = GRAIN;
    }
}

/// Opens what is certainly a regular file. Opening a device may do things, and opening a pipe may
/// block for ever, so each is recognised before; should one be put there in between, the flags
/// see to it that nothing blocks.
fn open(path: &Path) -> Result<(File, Stamp), ReadError> {
    stamp(path, std::fs::metadata(path))?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|source| refused(path, source))?;
    let stamp = stamp(path, file.metadata())?;
    Ok((file, stamp))
}

/// The stamp of a regular file, or why there is none.
fn stamp(path: &Path, metadata: io::Result<Metadata>) -> Result<Stamp, ReadError> {
    let metadata = metadata.map_err(|source| refused(path, source))?;
    Stamp::of(&metadata).ok_or_else(|| ReadError::NotAFile {
        path: path.to_owned(),
        kind: kind(&metadata),
    })
}

fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// The content, if the path leads to the file of that stamp before the reading and after it.
fn read_if_same(path: &Path, file: File, stamp: Stamp) -> Result<Option<Vec<u8>>, ReadError> {
    if Fingerprint::of(path) != Fingerprint::File(stamp) {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
    // A byte more would show that the size is not what the system says.
    let read = file
        .take(stamp.size.saturating_add(1))
        .read_to_end(&mut content);
    let read = read.map_err(|source| refused(path, source))?;
    let same = Fingerprint::of(path) == Fingerprint::File(stamp);
    let whole = u64::try_from(read) == Ok(stamp.size);
    Ok((same && whole).then_some(content))
}

fn refused(path: &Path, source: io::Error) -> ReadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => ReadError::Missing { path },
        _ => ReadError::Refused { path, source },
    }
}

#[cfg(test)]
mod tests;
