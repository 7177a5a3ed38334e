//! Compiled code that outlives the process: wasmtime's own cache, in a folder that nobody else can
//! write to. What is compiled, and when, is decided elsewhere.
//!
//! An entry is machine code, and whoever can write one can run code as this process: wasmtime
//! compares an entry's settings and version with its own, but cannot know that it wrote it. So the
//! folder's safety is all there is, and `trust` sees to it.

mod trust;

use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;
use trust::Untrusted;
use wasmtime::{Cache, CacheConfig};

/// The part of the directory that is ours alone. wasmtime's clean-up removes whatever it does not
/// know from the folder it is given, so it never gets one that somebody named.
const FOLDER: &str = "httpd-host-code";
/// zstd's level: the fastest to read back, too, at 40 % of the code's size. A start is worth more
/// than the fifth of that which the highest level would save.
const COMPRESSION_LEVEL: i32 = 1;
/// What wasmtime's thread may have to note down later: more than guests of one start.
const EVENTS_MAX: u64 = 1024;
/// The largest size that wasmtime can compute percentages of.
const SIZE_MAX: u64 = u64::MAX / 100;

/// Where compiled code is kept, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// The directory; it is made if it is not there.
    pub directory: PathBuf,
    /// Bytes of all files together. Past it, those go that were unused longest.
    pub size_max: u64,
}

/// Compiled code cannot be kept. Everything else works without.
#[derive(Debug, Error)]
pub(super) enum CacheError {
    /// The directory cannot be made or looked at.
    #[error(
        "cannot use {}: {source}; set cache.directory to a directory that this process can \
         write to", path.display()
    )]
    Unusable {
        /// The directory, or a part of it.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Somebody else could put code there.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// wasmtime refuses it.
    #[error("{0}")]
    Refused(String),
}

/// Opens the cache, after a look at who can write to its directory and the folders above.
///
/// # Errors
/// Why compiled code is not kept there, and what to do about it.
pub(super) fn open(settings: &CacheSettings) -> Result<Cache, CacheError> {
    let folder = trust::private_folder(&settings.directory, FOLDER)?;
    let mut config = CacheConfig::new();
    config
        .with_directory(folder)
        .with_baseline_compression_level(COMPRESSION_LEVEL)
        // The same level: entries in frequent use are not compressed once more.
        .with_optimized_compression_level(COMPRESSION_LEVEL)
        .with_worker_event_queue_size(EVENTS_MAX)
        // Clean up after every new entry. An interval would not only let the cache grow meanwhile:
        // a process that has cleaned up once finds its own old lock file then, and never cleans
        // up again.
        .with_cleanup_interval(Duration::ZERO)
        .with_files_total_size_soft_limit(settings.size_max.min(SIZE_MAX));
    Cache::new(config).map_err(|error| CacheError::Refused(format!("{error:#}")))
}
