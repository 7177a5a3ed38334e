//! Files that can be read, and everything else that may stand in their place.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

const MIB: u64 = 1 << 20;
const SETTLE: Duration = Duration::from_millis(30);
const PATIENCE: Duration = Duration::from_secs(20);

fn read(path: &Path) -> Result<(Vec<u8>, Fingerprint), ReadError> {
    read_stable(path, MIB, SETTLE, PATIENCE)
}

/// What the error of reading a path says behind the path.
fn complaint(path: &Path) -> String {
    let message = read(path).unwrap_err().to_string();
    let rest = message.strip_prefix(&path.display().to_string());
    rest.unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn a_file_is_read_whole_with_its_fingerprint_through_links_too() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("file"), directory.path().join("link"));
    symlink(&path, &link).unwrap();
    let full = vec![b'x'; usize::try_from(MIB).unwrap()];
    for content in [&b""[..], &b"content"[..], &full] {
        fs::write(&path, content).unwrap();
        for path in [&path, &link] {
            let (read, fingerprint) = read(path).unwrap();
            assert_eq!(read, content);
            assert_eq!(fingerprint, Fingerprint::of(path));
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_by_its_size() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    // A hole: reading its 200 GiB would never end.
    fs::File::create(&path).unwrap().set_len(200 << 30).unwrap();
    assert_eq!(
        complaint(&path),
        " has 214748364800 bytes, and at most 1MiB are allowed"
    );
    fs::File::create(&path).unwrap().set_len(MIB + 1).unwrap();
    assert_eq!(
        complaint(&path),
        " has 1048577 bytes, and at most 1MiB are allowed"
    );
}

#[test]
fn what_is_no_file_is_named_and_never_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(
        complaint(directory.path()),
        " is a directory, not a regular file"
    );

    let pipe = directory.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR).unwrap();
    assert_eq!(complaint(&pipe), " is a pipe, not a regular file");

    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert_eq!(complaint(&socket), " is a socket, not a regular file");
    assert_eq!(
        complaint(Path::new("/dev/null")),
        " is a device, not a regular file"
    );
}

#[test]
fn what_is_missing_or_refused_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none");
    assert_eq!(complaint(&path), " does not exist");
    symlink("nowhere", &path).unwrap();
    assert_eq!(complaint(&path), " does not exist");
    let circle = directory.path().join("circle");
    symlink("circle", &circle).unwrap();
    assert!(complaint(&circle).starts_with(" cannot be read: Too many levels"));
    fs::write(directory.path().join("file"), "").unwrap();
    let below = directory.path().join("file/below");
    assert!(complaint(&below).starts_with(" cannot be read: Not a directory"));
}

#[test]
fn a_file_that_is_being_written_is_read_when_it_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut file = fs::File::create(&path).unwrap();
    let settle = Duration::from_millis(200);
    let ((content, _), (written, longest_pause)) = thread::scope(|scope| {
        let writer = scope.spawn(|| write_for(&mut file, settle * 3));
        let read = read_stable(&path, 1 << 30, settle, PATIENCE).unwrap();
        (read, writer.join().unwrap())
    });
    // A writer that had to wait for a processor looked as if it were done.
    if longest_pause < settle - GRAIN {
        assert_eq!(u64::try_from(content.len()), Ok(written));
    }
    assert_eq!(u64::try_from(read_all(&path).len()), Ok(written));
}

/// Writes byte after byte for this long. Returns their number and the longest pause between two.
fn write_for(file: &mut fs::File, duration: Duration) -> (u64, Duration) {
    let start = Instant::now();
    let (mut last, mut written, mut longest_pause) = (start, 0, Duration::ZERO);
    while last - start < duration {
        file.write_all(b"x").unwrap();
        written += 1;
        longest_pause = longest_pause.max(last.elapsed());
        last = Instant::now();
    }
    (written, longest_pause)
}

fn read_all(path: &Path) -> Vec<u8> {
    read_stable(path, 1 << 30, SETTLE, PATIENCE).unwrap().0
}

#[test]
fn a_fresh_file_without_patience_is_unstable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "x").unwrap();
    let settle = Duration::from_secs(3600);
    let error = read_stable(&path, MIB, settle, Duration::ZERO).unwrap_err();
    assert!(matches!(error, ReadError::Unstable { .. }));
    let message = error.to_string();
    assert!(message.ends_with("kept changing for 0ms; it is read once it stays the same"));
}
