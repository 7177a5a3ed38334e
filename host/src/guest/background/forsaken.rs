//! What happens while other processes take all processors. Threads of the idle class would hold the
//! calls they take for seconds, so they take none, and threads of the process's own priority serve,
//! as long as the process has little of the machine: beyond that it is its own quick guests that
//! leave nothing over.

use super::job::Job;
use super::portion::{self, Portion};
use super::{Queue, Shared, lock};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// No thread of the idle class comes for a call within this time, and the process has little of the
/// processors: others have them all.
const LATE: Duration = Duration::from_millis(10);
/// How long such a thread sleeps to see whether it gets a processor, and how late it may wake.
const PROBE: Duration = Duration::from_millis(1);
/// How often in a row it must wake in time.
const CALM: u32 = 32;
/// How long it waits between two such rows, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

/// Whether the threads of the idle class serve.
#[derive(Debug)]
pub(super) struct Standing {
    /// Whether they are of that class at all, and can be forsaken.
    pub(super) is_watched: bool,
    forsaken: bool,
    /// One of them looks whether it would get a processor.
    probed: bool,
    /// What the process has had since.
    portion: Portion,
}

/// What the process has had of the processors while somebody waited.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<Portion>);

impl Standing {
    /// They serve, on so many processors.
    pub(super) fn new(processors: usize) -> Standing {
        Standing {
            is_watched: cfg!(target_os = "linux"),
            forsaken: false,
            probed: false,
            portion: Portion::new(processors, Instant::now(), portion::used()),
        }
    }

    /// Whether they take no calls.
    pub(super) fn is_forsaken(&self) -> bool {
        self.forsaken
    }
}

impl Watch {
    /// As it was when somebody began to wait.
    #[cfg(test)]
    pub(super) fn since(portion: Portion) -> Watch {
        Watch(Some(portion))
    }

    /// Whether that was little. It is not known at the first look.
    fn saw_little(&mut self, processors: usize, now: Instant) -> bool {
        let used = portion::used();
        match &mut self.0 {
            Some(portion) => portion.is_little(now, used),
            None => {
                self.0 = Some(Portion::new(processors, now, used));
                false
            }
        }
    }
}

impl Shared {
    /// Has other threads serve if nobody comes for those that wait. To be called at intervals while
    /// somebody does.
    pub(super) fn look_for_forsaken(&self, queue: &mut Queue, watch: &mut Watch, now: Instant) {
        let standing = &mut queue.standing;
        if !standing.is_watched || standing.forsaken || queue.ready.is_empty() {
            return;
        }
        let had_little = watch.saw_little(self.processors, now);
        if had_little && queue.waits.is_some_and(|since| now > since + LATE) {
            standing.forsaken = true;
            standing.portion = Portion::new(self.processors, now, portion::used());
            self.forsaken.notify_all();
        }
    }

    /// Keeps a thread of the idle class from calls. One of them returns when it is likely to get a
    /// processor again; then all serve.
    pub(super) fn stay_away<'q>(
        &'q self,
        mut queue: MutexGuard<'q, Queue>,
    ) -> MutexGuard<'q, Queue> {
        if queue.standing.probed {
            let woken = self.work.wait(queue);
            return woken.unwrap_or_else(PoisonError::into_inner);
        }
        queue.standing.probed = true;
        drop(queue);
        self.wait_for_processor();
        self.come_back()
    }

    fn wait_for_processor(&self) {
        let (mut pause, longest) = PAUSES;
        while !(0..CALM).all(|_| self.wakes_in_time()) && !lock(&self.queue).stopped {
            thread::sleep(pause);
            pause = longest.min(2 * pause);
        }
    }

    /// Sleeps for a moment. Whether the kernel then let this thread run, or kept it waiting for no
    /// others than those of this process.
    fn wakes_in_time(&self) -> bool {
        let (start, before) = (Instant::now(), portion::used());
        thread::sleep(PROBE);
        let elapsed = start.elapsed();
        let processors = u32::try_from(self.processors).unwrap_or(u32::MAX);
        let own = portion::used().saturating_sub(before) / processors;
        elapsed.saturating_sub(own) < 2 * PROBE
    }

    /// The threads of the idle class serve again.
    pub(super) fn come_back(&self) -> MutexGuard<'_, Queue> {
        let mut queue = lock(&self.queue);
        queue.standing.forsaken = false;
        queue.standing.probed = false;
        // Whoever waits still may be forsaken again.
        queue.waits = (!queue.ready.is_empty()).then(Instant::now);
        self.work.notify_all();
        queue
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
            if !queue.standing.forsaken || queue.ready.is_empty() {
                let woken = self.forsaken.wait(queue);
                queue = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = Instant::now();
            if queue.standing.portion.is_little(now, portion::used())
                && let Some(job) = queue.ready.pop(now)
            {
                return Some(job);
            }
            let woken = self.forsaken.wait_timeout(queue, LATE);
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}
