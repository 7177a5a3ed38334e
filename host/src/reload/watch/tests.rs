//! Changes of files as deployments make them, each told once and none missed. Looks without an
//! event are an hour apart here, so that what is told was heard, except where looks are meant.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(3600);
const SETTLE: Duration = Duration::from_millis(50);

/// A watcher and the directory that its files are in.
struct Watched {
    root: tempfile::TempDir,
    watcher: Watcher,
    woken: Receiver<()>,
}

impl Watched {
    fn new(settle: Duration) -> Watched {
        let settings = Reload {
            watch: true,
            settle,
            poll: NEVER,
        };
        let (wake, woken) = channel();
        let wake = move || wake.send(()).unwrap_or_default();
        Watched {
            root: tempfile::tempdir().unwrap(),
            watcher: Watcher::start(&settings, wake).unwrap(),
            woken,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Watches these files of the directory, as they are now, and one more.
    fn set(&self, names: &[&str]) {
        fs::write(self.path("marker"), "").unwrap();
        let names = names.iter().chain(&["marker"]);
        let files = names.map(|name| self.path(name));
        let files = files.map(|path| (path.clone(), Fingerprint::of(&path)));
        self.watcher.set_files(files.collect());
    }

    /// All changes until there is one that is wanted.
    fn until(&self, wanted: impl Fn(&Change) -> bool) -> Vec<Change> {
        let (end, mut changes) = (Instant::now() + PATIENCE, Vec::new());
        while !changes.iter().any(&wanted) {
            let left = end.saturating_duration_since(Instant::now());
            let woken = self.woken.recv_timeout(left);
            woken.unwrap_or_else(|error| panic!("{error}, told so far: {changes:?}"));
            changes.extend(self.watcher.take_changes());
        }
        changes
    }

    /// Waits until a file is told to be as it is now. Returns how often it was told of.
    fn until_told(&self, name: &str) -> usize {
        let path = self.path(name);
        let changes = self.until(|change| change.path == path && is_now(change));
        changes.iter().filter(|change| change.path == path).count()
    }

    /// That nothing is told of any other file before a change made now.
    fn nothing_but_the_marker(&self) {
        fs::write(self.path("marker"), "x").unwrap();
        let marker = self.path("marker");
        let changes = self.until(|change| change.path == marker && is_now(change));
        assert!(
            changes.iter().all(|change| change.path == marker),
            "{changes:?}"
        );
    }
}

fn is_now(change: &Change) -> bool {
    change.found == Fingerprint::of(&change.path)
}

/// Puts a file in place of another in one step.
fn rename_over(path: &Path, content: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, content).unwrap();
    fs::rename(aside, path).unwrap();
}

#[test]
fn a_file_written_in_many_small_writes_is_told_when_it_is_complete() {
    let settle = Duration::from_millis(200);
    let watched = Watched::new(settle);
    fs::write(watched.path("file"), "").unwrap();
    watched.set(&["file"]);
    let mut file = File::create(watched.path("file")).unwrap();
    let start = Instant::now();
    let (mut last, mut longest_pause) = (start, Duration::ZERO);
    while last - start < settle * 3 {
        file.write_all(b"x").unwrap();
        longest_pause = longest_pause.max(last.elapsed());
        last = Instant::now();
    }
    let told = watched.until_told("file");
    // A writer that had to wait for a processor looked as if it were done.
    assert!(
        told == 1 || longest_pause >= settle / 2,
        "told {told} times"
    );
    watched.nothing_but_the_marker();
}

#[test]
fn a_file_is_told_when_it_is_renamed_over_touched_removed_and_made_again() {
    let watched = Watched::new(SETTLE);
    let path = watched.path("file");
    fs::write(&path, "old").unwrap();
    watched.set(&["file"]);
    for _ in 0..3 {
        rename_over(&path, "new");
        assert_eq!(watched.until_told("file"), 1);
        fs::write(&path, "in place").unwrap();
        watched.until_told("file");
        File::open(&path)
            .unwrap()
            .set_modified(std::time::SystemTime::now())
            .unwrap();
        assert_eq!(watched.until_told("file"), 1, "touched");
        fs::remove_file(&path).unwrap();
        assert_eq!(watched.until_told("file"), 1, "removed");
        // Making a file and writing it are two steps, which a busy machine may take apart.
        fs::write(&path, "new").unwrap();
        watched.until_told("file");
    }
    watched.nothing_but_the_marker();
}

#[test]
fn a_flipped_link_is_told_at_every_place_of_the_way() {
    let watched = Watched::new(SETTLE);
    for version in ["v1", "v2"] {
        fs::create_dir(watched.path(version)).unwrap();
        fs::write(watched.path(version).join("file"), version).unwrap();
    }
    let flip = |link: &str, target: &str| {
        symlink(target, watched.path("aside")).unwrap();
        fs::rename(watched.path("aside"), watched.path(link)).unwrap();
    };
    // As Kubernetes mounts a ConfigMap.
    flip("..data", "v1");
    flip("file", "..data/file");
    flip("direct", "v1/file");
    watched.set(&["file", "direct"]);
    for version in ["v2", "v1", "v2"] {
        flip("..data", version);
        assert_eq!(watched.until_told("file"), 1);
        flip("direct", &format!("{version}/file"));
        assert_eq!(watched.until_told("direct"), 1);
    }
    // What the links lead to is watched where it is.
    rename_over(&watched.path("v2/file"), "v3");
    let mut told: Vec<_> = watched.until(|change| change.path.ends_with("direct"));
    if told.len() == 1 {
        told.extend(watched.until(|change| change.path.ends_with("file")));
    }
    assert_eq!(told.len(), 2, "{told:?}");
    fs::write(watched.path("v1/file"), "of no interest").unwrap();
    watched.nothing_but_the_marker();
}

#[test]
fn a_directory_may_be_replaced_or_removed_and_made_again() {
    let watched = Watched::new(SETTLE);
    let (directory, aside) = (watched.path("a"), watched.path("aside"));
    let file = watched.path("a/b/file");
    fs::create_dir_all(watched.path("a/b")).unwrap();
    fs::write(&file, "old").unwrap();
    watched.set(&["a/b/file"]);
    for _ in 0..3 {
        fs::create_dir_all(aside.join("b")).unwrap();
        fs::write(aside.join("b/file"), "replaced").unwrap();
        fs::rename(&directory, watched.path("gone")).unwrap();
        fs::rename(&aside, &directory).unwrap();
        watched.until_told("a/b/file");
        fs::write(watched.path("gone/b/file"), "of no interest").unwrap();
        fs::remove_dir_all(watched.path("gone")).unwrap();
        fs::write(&file, "in place").unwrap();
        assert_eq!(
            watched.until_told("a/b/file"),
            1,
            "the new directory is watched"
        );

        fs::remove_dir_all(&directory).unwrap();
        fs::create_dir_all(watched.path("a/b")).unwrap();
        fs::write(&file, "made again").unwrap();
        watched.until_told("a/b/file");
        rename_over(&file, "renamed over again");
        assert_eq!(
            watched.until_told("a/b/file"),
            1,
            "the same directory is watched"
        );
    }
    watched.nothing_but_the_marker();
}

#[test]
fn a_directory_that_looks_like_the_one_removed_is_watched() {
    let watched = Watched::new(SETTLE);
    let (directory, file) = (watched.path("a"), watched.path("a/file"));
    fs::create_dir(&directory).unwrap();
    fs::write(&file, "old").unwrap();
    watched.set(&["a/file"]);
    for _ in 0..3 {
        // Many file systems give the new directory the inode of the old one.
        fs::remove_dir_all(&directory).unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(&file, "made again").unwrap();
        watched.until_told("a/file");
        rename_over(&file, "renamed over");
        assert_eq!(watched.until_told("a/file"), 1);
    }
}

#[test]
fn a_file_that_is_not_there_yet_is_told_when_it_comes() {
    let watched = Watched::new(SETTLE);
    watched.set(&["a/b/file"]);
    fs::create_dir(watched.path("a")).unwrap();
    fs::create_dir(watched.path("a/b")).unwrap();
    fs::write(watched.path("a/b/file"), "new").unwrap();
    watched.until_told("a/b/file");
}

#[test]
fn the_last_of_a_thousand_changes_is_told() {
    let watched = Watched::new(GRAIN);
    let path = watched.path("file");
    watched.set(&["file"]);
    for version in 0..1000 {
        if version % 2 == 0 {
            rename_over(&path, &"x".repeat(version));
        } else {
            fs::write(&path, "x".repeat(version)).unwrap();
        }
    }
    watched.until_told("file");
    watched.nothing_but_the_marker();
}

#[test]
fn a_change_from_before_the_watching_is_told_and_one_that_was_told_is_not() {
    let watched = Watched::new(SETTLE);
    let path = watched.path("file");
    fs::write(&path, "in use").unwrap();
    let known = Fingerprint::of(&path);
    fs::write(&path, "written meanwhile").unwrap();
    watched.watcher.set_files(vec![(path.clone(), known)]);
    assert_eq!(watched.until_told("file"), 1);
    let marker = watched.path("marker");
    let files = vec![(path, known), (marker, Fingerprint::Missing)];
    watched.watcher.set_files(files);
    watched.nothing_but_the_marker();
}

#[test]
fn a_file_that_is_no_longer_watched_is_not_told_of() {
    let watched = Watched::new(SETTLE);
    fs::write(watched.path("file"), "").unwrap();
    watched.set(&["file"]);
    fs::write(watched.path("file"), "new").unwrap();
    watched.until_told("file");
    watched.set(&[]);
    watched.nothing_but_the_marker();
    fs::write(watched.path("file"), "of no interest").unwrap();
    watched.set(&[]);
    fs::write(watched.path("marker"), "longer").unwrap();
    watched.until_told("marker");
}

#[test]
fn without_events_looking_is_enough() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let settings = Reload {
        watch: true,
        settle: SETTLE,
        poll: Duration::from_millis(10),
    };
    let (wake, woken) = channel();
    let wake = move || wake.send(()).unwrap_or_default();
    let watcher = Watcher::start_with(Arc::default(), None, &settings, wake).unwrap();
    watcher.set_files(vec![(path.clone(), Fingerprint::Missing)]);
    for content in ["1", "22", "333"] {
        rename_over(&path, content);
        woken.recv_timeout(PATIENCE).unwrap();
        let found = Fingerprint::of(&path);
        assert_eq!(
            watcher.take_changes(),
            [Change {
                path: path.clone(),
                found
            }]
        );
    }
}

#[test]
fn the_thread_ends_with_its_watcher_and_is_none_when_nothing_is_to_be_watched() {
    for watch in [true, false] {
        let settings = Reload {
            watch,
            ..Reload::default()
        };
        let (wake, woken) = channel::<()>();
        let wake = move || wake.send(()).unwrap_or_default();
        let watcher = Watcher::start(&settings, wake).unwrap();
        if watch {
            drop(watcher);
        } else {
            watcher.set_files(vec![("/etc/passwd".into(), Fingerprint::Missing)]);
            assert!(watcher.take_changes().is_empty());
        }
        // The thread has the only sender.
        assert_eq!(
            woken.recv_timeout(PATIENCE),
            Err(RecvTimeoutError::Disconnected)
        );
    }
}
