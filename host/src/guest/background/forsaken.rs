//! What happens while other processes take all processors: threads of the idle class would hold the
//! calls they take, so they take none, and one thread of the process's own priority serves all. It
//! has no say where the process itself has most of the processors.

use super::job::Job;
use super::{Queue, Shared, lock, portion};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A thread of the idle class that wakes so late has no idle processor. If it is other processes
/// that have them all, it takes no more calls: it would only hold them.
const LATE: Duration = Duration::from_millis(1);
/// A call for which such a thread should have come so long ago is forsaken.
const FORSAKEN: Duration = Duration::from_millis(5);
/// How often in a row such a thread must wake in time before it takes calls again.
const CALM: u32 = 32;
/// How long it sleeps before it tries that, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

impl Shared {
    /// A thread of the idle class waited for a processor. If other processes have them all, none of
    /// these threads takes calls any more.
    pub(super) fn forsake(&self, queue: &mut Queue) {
        if !queue.forsaken && queue.has_little() {
            queue.forsaken = true;
            self.forsaken.notify_one();
        }
    }

    /// Returns when a thread of the idle class, which this is, is sure to get a processor again, or
    /// all is stopped.
    pub(super) fn wait_for_idle_processor(&self) {
        let (mut pause, longest) = PAUSES;
        while !(0..CALM).all(|_| sleeps_in_time(LATE)) && !lock(&self.queue).stopped {
            thread::sleep(pause);
            pause = longest.min(2 * pause);
        }
        lock(&self.queue).forsaken = false;
    }

    pub(super) fn stand_in_until_stopped(&self) {
        while let Some(job) = self.next_forsaken() {
            job.take_turn();
        }
    }

    /// Waits for a call whose turn it is while the threads of the idle class take none, and this
    /// process has little of the processors. `None` when there will be none any more.
    fn next_forsaken(&self) -> Option<Arc<Job>> {
        let mut queue = lock(&self.queue);
        while !queue.stopped {
            let now = Instant::now();
            if queue.told.is_some_and(|told| now > told + FORSAKEN) {
                self.forsake(&mut queue);
            }
            if queue.forsaken && !queue.ready.is_empty() && queue.has_little() {
                return queue.ready.pop(now);
            }
            queue.is_stand_in_asleep = queue.ready.is_empty();
            queue = if queue.is_stand_in_asleep {
                let woken = self.forsaken.wait(queue);
                woken.unwrap_or_else(PoisonError::into_inner)
            } else {
                let woken = self.forsaken.wait_timeout(queue, FORSAKEN);
                woken.unwrap_or_else(PoisonError::into_inner).0
            };
        }
        None
    }
}

impl Queue {
    /// Whether the process has had little of the processors of late. It is not its own quick guests
    /// then that leave nothing over.
    fn has_little(&mut self) -> bool {
        self.portion.is_little(Instant::now(), portion::used())
    }
}

/// Whether it is late for a thread that was told then.
pub(super) fn is_late(told: Instant, now: Instant) -> bool {
    now > told + LATE
}

/// Sleeps for so long. Whether the kernel then let this thread run.
pub(super) fn sleeps_in_time(time: Duration) -> bool {
    let start = Instant::now();
    thread::sleep(time);
    start.elapsed() < time + LATE
}
