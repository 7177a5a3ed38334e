//! Brings what serves up to date with the files: a changed component becomes a new generation, a
//! changed configuration new routes, guests and limits. Whatever fails leaves what serves alone.

use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::restart;
use super::watch::Watcher;
use crate::config::{Component, Config};
use crate::dispatch::Dispatch;
use crate::files::{self, Fingerprint};
use crate::registry::Slot;
use crate::server::Handle;

/// The largest configuration that is read while the server runs.
const CONFIG_BYTES_MAX: u64 = 16 << 20;
/// How long a configuration that keeps changing is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept from one reload to the next.
pub(super) struct Work {
    path: PathBuf,
    config: Config,
    /// The configuration of the start, which some keys still have.
    started_with: Config,
    server: Handle,
    watcher: Watcher,
    /// The state of the configuration's file when it was last looked into.
    config_seen: Fingerprint,
    /// The components of a configuration that was not taken, as they were then: when one of them
    /// changes, it may be taken after all.
    wanted: Vec<(PathBuf, Fingerprint)>,
    /// Components that could not be taken for a reason that may pass without their changing.
    retry: BTreeSet<PathBuf>,
    retry_at: Instant,
    /// What was last said of the configuration's file, so that it is said once. Others see it too.
    last_problems: Problems,
}

/// Why the configuration's file is not taken; nothing while it is.
pub(super) type Problems = Arc<Mutex<Vec<String>>>;

impl Work {
    /// `config` was read from `path`, and `server` serves it.
    pub(super) fn new(
        path: &Path,
        config: Config,
        server: Handle,
        watcher: Watcher,
        last_problems: Problems,
    ) -> Self {
        Self {
            path: path.to_owned(),
            started_with: config.clone(),
            config,
            server,
            watcher,
            config_seen: Fingerprint::Missing,
            wanted: Vec::new(),
            retry: BTreeSet::new(),
            retry_at: Instant::now(),
            last_problems,
        }
    }

    /// Finds what has changed since the start read it, and watches from then on.
    pub(super) fn begin(&mut self) {
        let mut outcome = Outcome::default();
        self.reload_config(&mut outcome);
        outcome.log("the start");
        self.watch();
    }

    /// What somebody asked for: looks at everything, and says every problem again.
    pub(super) fn reload_everything(&mut self) -> Outcome {
        self.set_problems(Vec::new());
        let mut outcome = Outcome::default();
        if !self.reload_config(&mut outcome) {
            let dispatch = self.server.dispatch();
            for slot in dispatch.registry().slots() {
                slot.set_last_error(None);
                self.refresh(&dispatch, slot, &mut outcome);
            }
        }
        outcome.log("asked for");
        if outcome == Outcome::default() {
            tracing::info!("reload: nothing is different");
        }
        outcome
    }

    /// What the files' changes ask for.
    pub(super) fn reload_changed(&mut self) {
        let changes = self.watcher.take_changes();
        let changed: Vec<_> = changes.into_iter().map(|change| change.path).collect();
        self.reload_files(&changed);
    }

    /// Tries again what may go well by now, now and then.
    pub(super) fn retry(&mut self) {
        if !self.retry.is_empty() && Instant::now() >= self.retry_at {
            self.retry_at = Instant::now() + self.config.reload.poll;
            let files: Vec<_> = mem::take(&mut self.retry).into_iter().collect();
            self.reload_files(&files);
        }
    }

    fn reload_files(&mut self, changed: &[PathBuf]) {
        let wanted = |file: &PathBuf| {
            *file == self.path || self.wanted.iter().any(|(wanted, _)| wanted == file)
        };
        let mut outcome = Outcome::default();
        let all_looked_at = changed.iter().any(wanted) && self.reload_config(&mut outcome);
        if !all_looked_at {
            let dispatch = self.server.dispatch();
            let slots = dispatch.registry().slots();
            for slot in slots.filter(|slot| component(slot).is_some_and(|c| changed.contains(c))) {
                self.refresh(&dispatch, slot, &mut outcome);
            }
        }
        outcome.log("a file has changed");
    }

    /// Lets generations go whose time to be put back is over.
    pub(super) fn settle(&self) {
        let dispatch = self.server.dispatch();
        dispatch.registry().slots().for_each(|slot| slot.settle());
    }

    /// Watches the files that count now.
    fn watch(&self) {
        let dispatch = self.server.dispatch();
        let components = dispatch
            .registry()
            .slots()
            .filter_map(|slot| Some((component(slot)?.clone(), slot.current().fingerprint()?)));
        let config = (self.path.clone(), self.config_seen);
        let files = std::iter::once(config)
            .chain(components)
            .chain(self.wanted.iter().cloned());
        self.watcher.set_files(files.collect());
    }

    /// Takes the configuration's file, all of it or nothing. Returns whether guests have been
    /// looked at on the way.
    fn reload_config(&mut self, outcome: &mut Outcome) -> bool {
        let config = match self.read_config() {
            Ok(config) => config,
            Err(problems) => {
                self.keep_config(problems, outcome);
                return false;
            }
        };
        self.wanted.clear();
        if config == self.config {
            self.set_problems(Vec::new());
            return false;
        }
        let seen: Vec<_> = components(&config)
            .map(|path| (path.clone(), Fingerprint::of(path)))
            .collect();
        match self.server.dispatch().stage(&config) {
            Ok(staged) => {
                self.set_problems(Vec::new());
                let (dispatch, changes) = staged.commit();
                self.server.apply(&config, dispatch);
                outcome
                    .changes
                    .push(format!("{} is taken", self.path.display()));
                outcome
                    .changes
                    .extend(changes.iter().map(ToString::to_string));
                outcome.needs_restart = restart::needed(&self.started_with, &config);
                self.config = config;
                self.watch();
                true
            }
            Err(errors) => {
                self.wanted = seen;
                self.keep_config(errors.iter().map(ToString::to_string).collect(), outcome);
                self.watch();
                false
            }
        }
    }

    /// Reads the configuration, and not the components that it names: staging does that.
    fn read_config(&mut self) -> Result<Config, Vec<String>> {
        self.config_seen = Fingerprint::of(&self.path);
        let settle = self.config.reload.settle;
        let (text, _) = files::read_stable(&self.path, CONFIG_BYTES_MAX, settle, PATIENCE)
            .map_err(|error| vec![error.to_string()])?;
        let text = String::from_utf8(text)
            .map_err(|error| vec![format!("{}: {error}", self.path.display())])?;
        Config::parse(&text, &self.path)
            .map_err(|error| error.to_string().lines().map(str::to_owned).collect())
    }

    /// Says, once, why the file is not taken.
    fn keep_config(&mut self, problems: Vec<String>, outcome: &mut Outcome) {
        if *self.problems() == problems {
            return;
        }
        outcome.errors.extend(problems.iter().cloned());
        let path = self.path.display();
        outcome.errors.push(format!(
            "{path} is not taken: the configuration before it serves on"
        ));
        self.set_problems(problems);
    }

    fn problems(&self) -> MutexGuard<'_, Vec<String>> {
        self.last_problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set_problems(&self, problems: Vec<String>) {
        *self.problems() = problems;
    }

    /// Takes one guest's component, if its content has changed.
    fn refresh(&mut self, dispatch: &Dispatch, slot: &Arc<Slot>, outcome: &mut Outcome) {
        match dispatch.registry().refresh(&self.config, slot) {
            Ok(None) => slot.set_last_error(None),
            Ok(Some(change)) => outcome.changes.push(change.to_string()),
            Err(error) => {
                if error.may_pass() {
                    self.retry.extend(component(slot).cloned());
                }
                let current = slot.current();
                let (number, hash) = (current.number(), current.short_hash());
                let problem = format!("{error}; generation {number} ({hash}) serves on");
                if slot.last_error().as_ref() != Some(&problem) {
                    slot.set_last_error(Some(problem.clone()));
                    outcome.errors.push(problem);
                }
            }
        }
    }
}

/// The file of a slot's component; none where it is built in.
fn component(slot: &Slot) -> Option<&PathBuf> {
    match &slot.config().component {
        Component::File(path) => Some(path),
        Component::Welcome => None,
    }
}

/// The files of all components that a configuration names.
fn components(config: &Config) -> impl Iterator<Item = &PathBuf> {
    config
        .guests
        .values()
        .filter_map(|guest| match &guest.component {
            Component::File(path) => Some(path),
            Component::Welcome => None,
        })
}
