//! The thread that reloads, one reload after the other, because reading and compiling block: when
//! files have changed, and when it is asked to. Requests never wait for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::outcome::Outcome;
use super::watch::Watcher;
use super::work::{Problems, Work};
use crate::config::Config;
use crate::server::Handle;

/// Reloads that may be asked for and not yet be done.
const ASKED_MAX: usize = 16;
/// What is said after a panic, besides what the panic itself printed.
const PANICKED: &str = "the reload failed by a bug of the host; what served before serves on";
/// What an asker is told who asks too late.
const ENDING: &str = "the server is ending";
/// How often old generations are looked after whose time to be put back may be over.
const SETTLE_PACE: Duration = Duration::from_secs(1);

/// The running reloader. Dropping it ends it after the reload that is being done.
#[derive(Debug)]
pub struct Reloader {
    asks: SyncSender<Ask>,
    problems: Problems,
}

/// Asks a [`Reloader`] for a reload.
#[derive(Debug, Clone)]
pub struct Asker {
    asks: SyncSender<Ask>,
    problems: Problems,
}

#[derive(Debug)]
enum Ask {
    /// Look at the configuration and at every guest.
    Everything(oneshot::Sender<Outcome>),
    /// Files may have changed.
    Changed,
    Stop,
}

impl Reloader {
    /// Watches `path`, from which `config` was read, and the components it names, for `server`.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub fn start(path: &Path, config: Config, server: Handle) -> io::Result<Self> {
        let (asks, asked) = mpsc::sync_channel(ASKED_MAX);
        let woken = Arc::new(AtomicBool::new(false));
        let wake = {
            let (asks, woken): (SyncSender<Ask>, _) = (asks.clone(), Arc::clone(&woken));
            move || {
                woken.store(true, Ordering::Release);
                // A full queue is emptied soon, and the flag is looked at then.
                let _ = asks.try_send(Ask::Changed);
            }
        };
        let watcher = Watcher::start(&config.reload, wake)?;
        let problems = Problems::default();
        let work = Work::new(path, config, server, watcher, Arc::clone(&problems));
        thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || run(work, &asked, &woken))?;
        Ok(Self { asks, problems })
    }

    /// What others ask with.
    pub fn asker(&self) -> Asker {
        Asker {
            asks: self.asks.clone(),
            problems: Arc::clone(&self.problems),
        }
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        // A full queue of asks: the thread ends with the process then.
        let _ = self.asks.try_send(Ask::Stop);
    }
}

impl Asker {
    /// Reloads the configuration and every guest whose content has changed, and says what came of
    /// it. Dropping the future does not stop the reload.
    pub async fn reload(&self) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        match self.asks.try_send(Ask::Everything(reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Outcome::refused("too many reloads are asked for already; try again soon");
            }
            Err(TrySendError::Disconnected(_)) => return Outcome::refused(ENDING),
        }
        outcome.await.unwrap_or_else(|_| Outcome::refused(ENDING))
    }

    /// Why the configuration's file is not taken, a line each; nothing while it is.
    pub fn problems(&self) -> Vec<String> {
        self.problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The thread's whole life.
fn run(mut work: Work, asked: &Receiver<Ask>, woken: &AtomicBool) {
    survive(|| work.begin());
    loop {
        match asked.recv_timeout(SETTLE_PACE) {
            // Whoever asked may have gone; the log has it.
            Ok(Ask::Everything(reply)) => {
                let outcome = survive(|| work.reload_everything());
                drop(reply.send(outcome.unwrap_or_else(|| Outcome::refused(PANICKED))));
            }
            Ok(Ask::Changed) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Ask::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if woken.swap(false, Ordering::AcqRel) {
            survive(|| work.reload_changed());
        }
        survive(|| work.retry());
        work.settle();
    }
}

/// Does something that may panic deep in a compiler: the next reload may go well all the same.
fn survive<T>(mut work: impl FnMut() -> T) -> Option<T> {
    // What serves is changed only once everything is ready, so nothing is left half done.
    catch_unwind(AssertUnwindSafe(&mut work))
        .inspect_err(|_| tracing::error!("{PANICKED}"))
        .ok()
}
