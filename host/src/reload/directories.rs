//! Has the system tell when entries of directories change. Which entries matter is known here, but
//! neither what they lead to nor when a change is complete.
//!
//! Reading a file must not be heard, or each reload would cause the next: opening and closing
//! for reading are left out, and so is everything that happens to other entries.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::entries::entries;

/// How often the ways of the files are walked again because a directory on them was new. Each
/// time it must be watched first: what changes after that is heard.
const ROUNDS_MAX: usize = 8;

/// What events were about. Without more it is the content of a file, or attributes of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Of those that matter: paths may lead elsewhere by them now, and a directory behind them may
    /// be another.
    entries: BTreeSet<PathBuf>,
    /// Events were lost: it may have been any of them.
    any: bool,
}

impl Heard {
    /// What both were about.
    pub(super) fn and(mut self, other: Heard) -> Heard {
        self.entries.extend(other.entries);
        self.any |= other.any;
        self
    }

    /// Whether paths may lead elsewhere now.
    pub(super) fn is_of_entries(&self) -> bool {
        self.any || !self.entries.is_empty()
    }

    /// Whether a directory, by a path without symbolic links, may be another one now.
    fn may_replace(&self, directory: &Path) -> bool {
        let mut ways = directory.ancestors();
        self.any || ways.any(|entry| self.entries.contains(entry))
    }
}

/// The directories that are watched.
#[derive(Debug)]
pub(super) struct Directories {
    backend: RecommendedWatcher,
    /// The entries that matter, for the thread that hears.
    entries: Arc<Mutex<HashSet<PathBuf>>>,
    /// What is watched, with device and inode.
    watched: HashMap<PathBuf, (u64, u64)>,
    complained: bool,
}

impl Directories {
    /// Starts to listen. `heard` is called on a thread of its own for each event that matters; it
    /// must not block.
    ///
    /// # Errors
    /// The system has no such events, or grants no more of them.
    pub(super) fn start(heard: impl Fn(Heard) + Send + 'static) -> notify::Result<Directories> {
        let entries = Arc::new(Mutex::new(HashSet::new()));
        let its_entries = Arc::clone(&entries);
        let backend = notify::recommended_watcher(move |event| {
            if let Some(what) = what_matters(&event, &its_entries) {
                heard(what);
            }
        })?;
        Ok(Directories {
            backend,
            entries,
            watched: HashMap::new(),
            complained: false,
        })
    }

    /// Watches all directories on the ways of these files, and no others. When this returns, every
    /// later change is heard. `heard` says which directories may be others than those watched, even
    /// if they look the same. No others are watched anew: the kernel goes through all that it knows
    /// of a directory's entries for it, which takes milliseconds where there are many.
    pub(super) fn follow(&mut self, files: &[&Path], heard: &Heard) {
        self.unwatch(|directory| heard.may_replace(directory));
        for _ in 0..ROUNDS_MAX {
            let ways: HashSet<PathBuf> = files.iter().flat_map(|file| entries(file)).collect();
            let wanted: HashSet<PathBuf> = ways
                .iter()
                .filter_map(|entry| Some(entry.parent()?.to_owned()))
                .collect();
            *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = ways;
            self.unwatch(|directory| !wanted.contains(directory));
            if !self.watch(wanted) {
                return;
            }
        }
    }

    /// Watches those directories that are not watched yet, or are others by now. Returns whether
    /// there were any.
    fn watch(&mut self, wanted: HashSet<PathBuf>) -> bool {
        let mut any = false;
        for directory in wanted {
            // One that is missing is waited for where its own entry will be.
            let identity = identity(&directory).ok();
            if identity.is_some() && self.watched.get(&directory) == identity.as_ref() {
                continue;
            }
            self.unwatch(|watched| watched == directory);
            let Some(identity) = identity else {
                continue;
            };
            match self.backend.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(directory, identity);
                    any = true;
                }
                Err(error) => self.complain(&directory, &error),
            }
        }
        any
    }

    fn unwatch(&mut self, which: impl Fn(&Path) -> bool) {
        let backend = &mut self.backend;
        self.watched.retain(|directory, _| {
            let goes = which(directory);
            if goes {
                // It fails if the directory is gone already.
                let _ = backend.unwatch(directory);
            }
            !goes
        });
    }

    /// Tells once that the system does not tell all: looking from time to time makes up for it.
    fn complain(&mut self, directory: &Path, error: &notify::Error) {
        let gone = matches!(error.kind, ErrorKind::PathNotFound);
        if self.complained || gone || is_io(error, io::ErrorKind::NotFound) {
            return;
        }
        // Directories above may be closed to us; what is in them seldom changes.
        if is_io(error, io::ErrorKind::PermissionDenied) {
            tracing::debug!("{} may not be watched", directory.display());
            return;
        }
        self.complained = true;
        let advice = match error.kind {
            ErrorKind::MaxFilesWatch => "; raise the limit fs.inotify.max_user_watches",
            _ => "",
        };
        tracing::warn!(
            "cannot watch {}: {error}{advice}; its changes are noticed each reload.poll only",
            directory.display()
        );
    }
}

/// What an event was about, if it matters.
fn what_matters(event: &notify::Result<Event>, entries: &Mutex<HashSet<PathBuf>>) -> Option<Heard> {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        Ok(_) | Err(_) => {
            return Some(Heard {
                any: true,
                ..Heard::default()
            });
        }
    };
    let is_content = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => true,
        EventKind::Access(_) => return None,
        _ => false,
    };
    let entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    let mut paths = event.paths.iter().filter(|path| entries.contains(*path));
    if is_content {
        return paths.next().map(|_| Heard::default());
    }
    let entries: BTreeSet<_> = paths.cloned().collect();
    (!entries.is_empty()).then(|| Heard {
        entries,
        ..Heard::default()
    })
}

fn identity(directory: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(directory)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn is_io(error: &notify::Error, kind: io::ErrorKind) -> bool {
    matches!(&error.kind, ErrorKind::Io(error) if error.kind() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn reading_and_other_entries_are_not_heard() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        let (sender, heard) = channel();
        let tell = move |heard| sender.send(heard).unwrap_or_default();
        let mut directories = Directories::start(tell).unwrap();
        directories.follow(&[&file], &Heard::default());
        for turn in 0..100 {
            assert_eq!(fs::read(&file).unwrap(), b"x");
            fs::read_dir(root.path()).unwrap();
            fs::write(root.path().join("other"), "x").unwrap();
            fs::remove_file(root.path().join("other")).unwrap();
            directories.follow(&[&file], &any(turn % 2 == 0));
        }
        fs::remove_file(&file).unwrap();
        // The first to be heard is the removal, and events come in their order.
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(of(&[&file])));
        assert!(heard.try_iter().all(|heard| heard == of(&[&file])));
    }

    fn any(any: bool) -> Heard {
        Heard {
            any,
            ..Heard::default()
        }
    }

    fn of(entries: &[&Path]) -> Heard {
        Heard {
            entries: entries.iter().map(|entry| entry.to_path_buf()).collect(),
            ..Heard::default()
        }
    }

    #[test]
    fn each_kind_of_event_is_heard_as_what_it_is() {
        let entries = Mutex::new(HashSet::from([PathBuf::from("/a")]));
        let matters = |kind: EventKind, path: &str| {
            what_matters(&Ok(Event::new(kind).add_path(path.into())), &entries)
        };
        let write = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        let create = EventKind::Create(notify::event::CreateKind::Any);
        assert_eq!(matters(write, "/a"), Some(Heard::default()));
        assert_eq!(matters(write, "/a/b"), None);
        assert_eq!(matters(read, "/a"), None);
        assert_eq!(matters(create, "/a"), Some(of(&["/a".as_ref()])));
        assert_eq!(matters(create, "/b"), None);
        let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        let lost = what_matters(&Ok(lost), &entries);
        assert_eq!(lost, Some(any(true)), "events were lost");
        let error = notify::Error::generic("broken");
        assert_eq!(what_matters(&Err(error), &entries), Some(any(true)));
    }

    #[test]
    fn an_entry_may_be_another_directory_and_so_those_in_it() {
        let heard = of(&["/a/b".as_ref()]);
        for (directory, may_be_another) in [
            ("/", false),
            ("/a", false),
            ("/a/b", true),
            ("/a/b/c", true),
            ("/a/bc", false),
        ] {
            assert_eq!(
                heard.may_replace(directory.as_ref()),
                may_be_another,
                "{directory}"
            );
            assert!(any(true).may_replace(directory.as_ref()));
            assert!(!Heard::default().may_replace(directory.as_ref()));
        }
        let both = heard.and(any(true));
        assert!(both.any && both.is_of_entries() && both.may_replace("/".as_ref()));
        assert!(!Heard::default().is_of_entries());
    }

    /// The numbers of the watches of a directory, which are others each time. Only the kernel
    /// knows them (proc_pid_fdinfo(5)).
    #[cfg(target_os = "linux")]
    fn watches(directory: &Path) -> Vec<String> {
        let inode = format!("ino:{:x}", identity(directory).unwrap().1);
        let files = fs::read_dir("/proc/self/fdinfo").unwrap();
        let infos = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        let watches = infos.flat_map(|info| {
            let lines = info.lines().filter(|line| line.starts_with("inotify "));
            let own = lines.filter(|line| line.split(' ').any(|word| word == inode));
            own.filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
                .collect::<Vec<_>>()
        });
        watches.collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_directory_that_may_be_another_is_watched_anew() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (inner, file) = (root.join("inner"), root.join("inner/file"));
        fs::create_dir(&inner).unwrap();
        let mut directories = Directories::start(|_| {}).unwrap();
        directories.follow(&[&file], &Heard::default());
        let before = [&root, &inner].map(|directory| watches(directory));
        assert!(
            before.iter().all(|watches| watches.len() == 1),
            "{before:?}"
        );
        directories.follow(&[&file], &of(&[&file]));
        assert_eq!([&root, &inner].map(|directory| watches(directory)), before);
        directories.follow(&[&file], &of(&[&inner]));
        assert_eq!(watches(&root), before[0]);
        let after = watches(&inner);
        assert!(
            after.len() == 1 && after != before[1],
            "{before:?} {after:?}"
        );
    }

    #[test]
    fn directories_off_the_way_are_let_go() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        let mut directories = Directories::start(|_| {}).unwrap();
        let (deep, flat) = (root.join("a/b/file"), root.join("file"));
        directories.follow(&[&deep, &flat], &Heard::default());
        assert!(directories.watched.contains_key(&root.join("a/b")));
        directories.follow(&[&flat], &Heard::default());
        assert!(!directories.watched.contains_key(&root.join("a/b")));
        assert!(directories.watched.contains_key(&root));
        assert!(!directories.complained);
    }
}
