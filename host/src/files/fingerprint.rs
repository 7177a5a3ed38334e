//! What tells one state of a file from another without reading it. Nothing here waits or opens.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long two writes may share a timestamp: the kernel's clock for files advances with its
/// timer, every 10 ms at worst, and is taken twice here. Whoever looks at a file again after this
/// long sees every write since by its time.
pub(crate) const GRAIN: Duration = Duration::from_millis(20);

/// A state of what a path leads to, symbolic links followed. Equal fingerprints mean an equal
/// content, if they were taken 20 ms apart at least: so coarse may a file's times be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// A regular file.
    File(Stamp),
    /// Something else: a directory, a pipe, a device.
    NotAFile,
    /// Nothing, or nothing that can be reached.
    Missing,
}

/// What the system tells of a regular file. A file of the same size put in place of another has
/// another inode, and one written in place other times; the time of the last status change
/// (`ctime`) cannot be set back as the time of the last write (`mtime`) can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The device that the file is on.
    pub dev: u64,
    /// Its inode there.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// The last write, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The last change of content or attributes, in nanoseconds since 1970.
    pub ctime_ns: i128,
}

impl Fingerprint {
    /// The state of what a path leads to now. This asks the file system, which may block.
    pub fn of(path: &Path) -> Fingerprint {
        match std::fs::metadata(path) {
            Ok(metadata) => Stamp::of(&metadata).map_or(Fingerprint::NotAFile, Fingerprint::File),
            Err(_) => Fingerprint::Missing,
        }
    }
}

impl Stamp {
    /// The stamp of a regular file; none of anything else.
    pub(super) fn of(metadata: &Metadata) -> Option<Stamp> {
        metadata.is_file().then(|| Stamp {
            dev: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// How long ago the file last changed; none when its clock is ahead of ours.
    pub(super) fn age(&self) -> Option<Duration> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        let changed = Duration::from_nanos(u64::try_from(self.ctime_ns).ok()?);
        now.checked_sub(changed)
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Instant;

    #[test]
    fn each_kind_of_thing_has_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        assert_eq!(Fingerprint::of(&file), Fingerprint::Missing);
        assert_eq!(Fingerprint::of(directory.path()), Fingerprint::NotAFile);
        fs::write(&file, "12345").unwrap();
        assert_eq!(Fingerprint::of(&file.join("below")), Fingerprint::Missing);
        let Fingerprint::File(stamp) = Fingerprint::of(&file) else {
            panic!("a file is a file");
        };
        assert_eq!(stamp.size, 5);
        assert!(stamp.age().is_none_or(|age| age < Duration::from_secs(20)));

        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(Fingerprint::of(&link), Fingerprint::File(stamp));
    }

    #[test]
    fn a_write_that_hides_its_time_and_keeps_the_size_shows_still() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "old").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let before = Fingerprint::of(&path);
        let start = Instant::now();
        let mut last = start;
        // The clock of files may not have moved on since the first write.
        while Fingerprint::of(&path) == before {
            assert!(last - start < GRAIN, "a write was not seen");
            last = Instant::now();
            fs::write(&path, "new").unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
    }
}
