//! The thread that drops instances which nobody has used for long: one for all guests, and no timer
//! for each instance. It sleeps for as long as no instance waits.

use super::idle::IdleList;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// It looks at least so often while an instance waits, for one that comes later may have less time.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// And no more often than this.
const SLEEP_MIN: Duration = Duration::from_millis(10);

/// Owns the thread; dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Sweeper {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    /// It sleeps until it is woken: nothing waited when it last looked.
    parked: AtomicBool,
    stopped: AtomicBool,
}

impl Sweeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub(super) fn start(list: &Arc<IdleList>) -> io::Result<Sweeper> {
        let shared = Arc::new(Shared::default());
        let (list, its_shared) = (Arc::clone(list), Arc::clone(&shared));
        let handle = thread::Builder::new()
            .name("guest-idle".to_owned())
            .spawn(move || sweep_until_stopped(&list, &its_shared))?;
        Ok(Sweeper {
            shared,
            thread: handle.thread().clone(),
        })
    }

    /// There is something to sweep, from now on or later.
    pub(super) fn wake(&self) {
        if self.shared.parked.load(SeqCst) && self.shared.parked.swap(false, SeqCst) {
            self.thread.unpark();
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        self.thread.unpark();
    }
}

fn sweep_until_stopped(list: &IdleList, shared: &Shared) {
    while !shared.stopped.load(SeqCst) {
        // Set before the look, so that whatever comes after it wakes the thread.
        shared.parked.store(true, SeqCst);
        let now = Instant::now();
        match list.sweep(now) {
            Some(next) => {
                shared.parked.store(false, SeqCst);
                let sleep = next.saturating_duration_since(now);
                thread::park_timeout(sleep.clamp(SLEEP_MIN, SLEEP_MAX));
            }
            None => {
                while shared.parked.load(SeqCst) && !shared.stopped.load(SeqCst) {
                    thread::park();
                }
            }
        }
    }
}
