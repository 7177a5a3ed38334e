//! Tells which watched files have changed, once each change is complete: it neither misses one nor
//! tells one twice. What a change means is for others to judge; no file is opened here.
//!
//! Events of the system only say when to look. What counts is what a look finds, so a lost event
//! costs time and nothing else: every `reload.poll` there is a look without any.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::directories::{Directories, Heard};
use super::settling::{Settling, Verdict};
use crate::config::Reload;
use crate::files::{Fingerprint, GRAIN};

/// However many events there are, looks are this far apart at least: each costs a question to
/// the file system for every file.
const BREATHER: Duration = Duration::from_millis(10);

/// A watched file that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path as it was given to be watched.
    pub path: PathBuf,
    /// What it leads to now, after it stayed so for `reload.settle`.
    pub found: Fingerprint,
}

/// Watches files on a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    /// None when nothing is to be watched.
    shared: Option<Arc<Shared>>,
}

/// What the watching thread, the thread that hears events and the watcher's owner share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    stirred: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The files to watch from now on, if that is to change.
    files: Option<Vec<(PathBuf, Fingerprint)>>,
    /// What was heard since the last look.
    heard: Option<Heard>,
    /// Changes that nobody has taken yet, the last one of each file.
    changes: BTreeMap<PathBuf, Fingerprint>,
    stopped: bool,
}

impl Watcher {
    /// Starts to watch, no files yet. `wake` is called, on another thread, whenever there are
    /// changes to take; it must not block. If `settings` says not to watch, nothing happens, ever.
    /// If the system cannot tell of changes, that is logged, and files are looked at every `poll`.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub fn start(settings: &Reload, wake: impl Fn() + Send + 'static) -> io::Result<Watcher> {
        if !settings.watch {
            return Ok(Watcher { shared: None });
        }
        let shared = Arc::new(Shared::default());
        let its_shared = Arc::clone(&shared);
        let directories = Directories::start(move |heard| its_shared.hear(heard));
        if let Err(error) = &directories {
            tracing::warn!(
                "cannot watch files: {error}; changes are noticed each reload.poll only (the limit \
                 fs.inotify.max_user_instances may be too low)"
            );
        }
        Watcher::start_with(shared, directories.ok(), settings, wake)
    }

    /// Watches these files and no others. Each comes with the fingerprint of what is in use of it,
    /// so that a change since then is told. A file that is watched already goes on as it was, and
    /// its fingerprint is ignored: what was told of it once is not told again.
    pub fn set_files(&self, files: Vec<(PathBuf, Fingerprint)>) {
        if let Some(shared) = &self.shared {
            shared.lock().files = Some(files);
            shared.stirred.notify_one();
        }
    }

    /// The changes since the last call, the last one of each file. One of a file that is no longer
    /// watched may be among them.
    pub fn take_changes(&self) -> Vec<Change> {
        let changes = self
            .shared
            .as_ref()
            .map(|shared| mem::take(&mut shared.lock().changes));
        let changes = changes.into_iter().flatten();
        changes
            .map(|(path, found)| Change { path, found })
            .collect()
    }

    /// Without directories, files are looked at every `poll` only.
    fn start_with(
        shared: Arc<Shared>,
        directories: Option<Directories>,
        settings: &Reload,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Watcher> {
        let mut observer = Observer {
            shared: Arc::clone(&shared),
            directories,
            files: BTreeMap::new(),
            settle: settings.settle.max(GRAIN),
            poll: settings.poll,
        };
        thread::Builder::new()
            .name("file-watch".to_owned())
            .spawn(move || observer.run(&wake))?;
        Ok(Watcher {
            shared: Some(shared),
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().stopped = true;
            shared.stirred.notify_one();
        }
    }
}

/// Why the thread wakes.
enum Reason {
    /// These files are to be watched.
    Files(Vec<(PathBuf, Fingerprint)>),
    /// Something was heard.
    Heard(Heard),
    /// The time to look has come.
    Due,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, heard: Heard) {
        let mut state = self.lock();
        let before = state.heard.take();
        if before.is_none() {
            self.stirred.notify_one();
        }
        state.heard = Some(before.unwrap_or_default().and(heard));
    }

    /// Waits until there is a reason to look, events not counting before `earliest`. None when
    /// the watcher was dropped.
    fn wait(&self, earliest: Instant, due: Instant) -> Option<Reason> {
        let mut state = self.lock();
        while !state.stopped {
            if let Some(files) = state.files.take() {
                return Some(Reason::Files(files));
            }
            let now = Instant::now();
            let at = if state.heard.is_some() {
                earliest.min(due)
            } else {
                due
            };
            if now >= at {
                return Some(state.heard.take().map_or(Reason::Due, Reason::Heard));
            }
            let waited = self.stirred.wait_timeout(state, at - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

/// What the watching thread has.
struct Observer {
    shared: Arc<Shared>,
    directories: Option<Directories>,
    files: BTreeMap<PathBuf, Settling>,
    settle: Duration,
    poll: Duration,
}

impl Observer {
    /// The thread's whole life.
    fn run(&mut self, wake: &impl Fn()) {
        let mut poll_at = Instant::now() + self.poll;
        let (mut earliest, mut due) = (Instant::now(), poll_at);
        while let Some(reason) = self.shared.wait(earliest, due) {
            let now = Instant::now();
            let polls = now >= poll_at;
            if polls {
                poll_at = now + self.poll;
            }
            self.prepare(reason, polls);
            let look_again = self.look(wake);
            due = look_again.map_or(poll_at, |at| at.min(poll_at));
            earliest = Instant::now() + BREATHER;
        }
    }

    /// Sees to it that all that happens from now on is heard, before files are looked at.
    fn prepare(&mut self, reason: Reason, polls: bool) {
        let (heard, are_others) = match reason {
            Reason::Heard(heard) => (heard, false),
            Reason::Files(files) => {
                self.replace_files(files);
                (Heard::default(), true)
            }
            Reason::Due => (Heard::default(), false),
        };
        let follow = are_others || polls || heard.is_of_entries();
        if let (true, Some(directories)) = (follow, &mut self.directories) {
            let files: Vec<&Path> = self.files.keys().map(PathBuf::as_path).collect();
            directories.follow(&files, &heard);
        }
    }

    fn replace_files(&mut self, files: Vec<(PathBuf, Fingerprint)>) {
        let (now, mut before) = (Instant::now(), mem::take(&mut self.files));
        for (path, known) in files {
            let settling = before.remove(&path);
            // Of a file that is named twice, what is in use of it first counts.
            self.files
                .entry(path)
                .or_insert_with(|| settling.unwrap_or_else(|| Settling::new(known, now)));
        }
    }

    /// Looks at every file and tells what has changed. Returns when to look again, if a file is
    /// still changing.
    fn look(&mut self, wake: &impl Fn()) -> Option<Instant> {
        let (mut changes, mut again) = (Vec::new(), None::<Instant>);
        for (path, settling) in &mut self.files {
            let found = Fingerprint::of(path);
            match settling.look(found, Instant::now(), self.settle) {
                Verdict::Same => {}
                Verdict::LookAgain(at) => again = Some(again.map_or(at, |again| again.min(at))),
                Verdict::Changed => changes.push((path.clone(), found)),
            }
        }
        if !changes.is_empty() {
            self.shared.lock().changes.extend(changes);
            wake();
        }
        again
    }
}

#[cfg(test)]
mod tests;
