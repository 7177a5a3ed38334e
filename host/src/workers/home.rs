//! A processor of its own for each thread, as long as nobody else computes there. The
//! kernel places a thread anew whenever it wakes, often where another one runs while the next
//! processor is idle; and it takes the processor from a client on the same machine for each single
//! request, where a thread that lets the client finish finds several of them.
//!
//! A thread that is at home is bound to its processor and of the kernel's batch class, which takes
//! the processor from nobody who has it (sched(7)). So it waits for whoever computes there. It sees
//! how long, by what the kernel counts, and after some long waits it goes away: it is as any other
//! thread, and comes back later. Whoever else binds the thread, with `taskset` or a cpuset, is not
//! interfered with.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::kernel::{self, Class};
use super::schedstat::Schedstat;
use rustix::process::{Pid, getpid, getpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// So many longer waits, without so many short ones in a row between two of them, and somebody
/// computes.
const LONG_WAITS: u32 = 3;
const SHORT_WAITS: u32 = 64;
/// How often a thread looks how long it has waited, while it had no long wait of late.
const LOOKS: Duration = Duration::from_millis(2);
/// How long a thread that went away stays there, at first and at most. Each time is twice the last
/// one, unless it was at home for long in between.
const AWAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// At home for so many times what it was away before is long.
const LONG_AT_HOME: u32 = 8;

/// The homes of the threads.
#[derive(Clone, Debug)]
pub(super) struct Homes(Arc<Street>);

#[derive(Debug)]
struct Street {
    /// The process's first thread, which is never bound: it may run where all others may.
    process: Pid,
    /// A thread that waits for longer than this waits for one that computes.
    wait_max: Duration,
    /// Processors that no thread has yet.
    vacant: Mutex<Vec<usize>>,
}

/// The home of one thread, and where the thread is. Only that thread uses it.
#[derive(Debug)]
struct Home {
    processor: usize,
    schedstat: Schedstat,
    place: Place,
    /// How long it was away last, or will be at first.
    away: Duration,
    /// When it woke last.
    woke: Instant,
    /// When it looked last.
    looked: Instant,
    /// What it had waited in all before it slept, if it looks this time.
    before: Option<Duration>,
    tally: Tally,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    AtHome { since: Instant },
    Away { until: Instant },
}

/// Waits of late.
#[derive(Debug, Default)]
struct Tally {
    long: u32,
    /// Since the last long one.
    short: u32,
}

thread_local! {
    /// `None` before the thread's first work, and within it for one that has no home.
    static HOME: RefCell<Option<Option<Home>>> = const { RefCell::new(None) };
}

impl Homes {
    /// One for each of so many threads, if that is how many processors the process may use, and it
    /// is of the usual class with a nice value of 0.
    pub(super) fn new(threads: usize) -> Option<Homes> {
        let process = getpid();
        let processors = kernel::listed(&sched_getaffinity(Some(process)).ok()?);
        let is_usual = getpriority_process(None) == Ok(0) && kernel::is_of(Class::Other);
        (is_usual && threads > 1 && processors.len() == threads).then(|| {
            Homes(Arc::new(Street {
                process,
                wait_max: kernel::slice(threads, kernel::tick()) / 2,
                vacant: Mutex::new(processors),
            }))
        })
    }

    /// A thread has just begun: it has inherited where the one is that began it.
    pub(super) fn enter(&self) {
        if kernel::is_of(Class::Batch) {
            self.0.go_away();
        }
    }

    /// This thread has work.
    pub(super) fn begin(&self) {
        HOME.with_borrow_mut(|home| {
            let home = home.get_or_insert_with(|| self.0.home());
            if let Some(home) = home {
                home.begin(&self.0, Instant::now());
            }
        });
    }

    /// This thread is about to sleep.
    pub(super) fn rest(&self) {
        HOME.with_borrow_mut(|home| {
            if let Some(Some(home)) = home {
                home.rest();
            }
        });
    }
}

impl Street {
    /// The processor that the thread is on, if that is vacant, or else another one.
    fn home(&self) -> Option<Home> {
        let schedstat = Schedstat::of_this_thread()?;
        let mut vacant = self.vacant.lock().unwrap_or_else(PoisonError::into_inner);
        let here = sched_getcpu();
        let place = vacant.iter().position(|processor| *processor == here);
        let processor = (!vacant.is_empty()).then(|| vacant.remove(place.unwrap_or(0)))?;
        let now = Instant::now();
        Some(Home {
            processor,
            schedstat,
            place: Place::Away { until: now },
            away: AWAY.0,
            woke: now,
            looked: now,
            before: None,
            tally: Tally::default(),
        })
    }

    /// Where every thread of the process may run.
    fn everywhere(&self) -> Option<CpuSet> {
        sched_getaffinity(Some(self.process)).ok()
    }

    /// Lets this thread be as any other.
    fn go_away(&self) {
        kernel::set(Class::Other);
        if let Some(everywhere) = self.everywhere() {
            let _ = sched_setaffinity(None, &everywhere);
        }
    }
}

impl Home {
    fn begin(&mut self, street: &Street, now: Instant) {
        self.woke = now;
        match self.place {
            Place::Away { until } if now >= until => self.come(street),
            Place::Away { .. } => {}
            Place::AtHome { since } => {
                if let Some(before) = self.before.take() {
                    self.look(street, since, before);
                }
            }
        }
    }

    /// Goes away if it has waited for too long, or that is not known, or it is not where it was.
    fn look(&mut self, street: &Street, since: Instant, before: Duration) {
        let waited = self.waited().and_then(|now| now.checked_sub(before));
        let is_fine = waited.is_some_and(|waited| self.tally.is_fine(waited, street.wait_max));
        if !is_fine || !self.is_bound() {
            self.leave(street, since);
        }
    }

    fn rest(&mut self) {
        let looks = self.tally.long > 0 || self.woke - self.looked >= LOOKS;
        if matches!(self.place, Place::AtHome { .. }) && looks {
            self.looked = self.woke;
            self.before = self.waited();
        }
    }

    fn come(&mut self, street: &Street) {
        self.place = if self.moves_in(street) {
            Place::AtHome { since: self.woke }
        } else {
            let until = self.woke + AWAY.1;
            Place::Away { until }
        };
    }

    /// Binds this thread, if it may run wherever the process may. It is as before if it is refused.
    fn moves_in(&self, street: &Street) -> bool {
        let (Some(everywhere), Ok(bound)) = (street.everywhere(), sched_getaffinity(None)) else {
            return false;
        };
        let is_vacant = everywhere.count() > 1 && everywhere.is_set(self.processor);
        // The kernel may have left it bound when it took the processor away and gave it back.
        let is_free = bound == everywhere || bound == kernel::only(self.processor);
        // What is not counted is not known.
        if !is_vacant || !is_free || self.waited().is_none() {
            return false;
        }
        if !kernel::set(Class::Batch) {
            return false;
        }
        let is_bound = sched_setaffinity(None, &kernel::only(self.processor)).is_ok();
        if !is_bound {
            street.go_away();
        }
        is_bound
    }

    fn leave(&mut self, street: &Street, since: Instant) {
        if self.is_bound() {
            street.go_away();
        } else {
            // Where it is now is somebody else's wish.
            kernel::set(Class::Other);
        }
        self.away = next_away(self.away, self.woke - since);
        let until = self.woke + self.away;
        self.place = Place::Away { until };
        self.tally = Tally::default();
    }

    fn is_bound(&self) -> bool {
        sched_getaffinity(None).is_ok_and(|bound| bound == kernel::only(self.processor))
    }

    /// How long this thread has waited for a processor since it began.
    fn waited(&self) -> Option<Duration> {
        self.schedstat.read().map(|counts| counts.waited)
    }
}

impl Tally {
    /// Counts one more wait. Whether there were not too many long ones yet.
    fn is_fine(&mut self, waited: Duration, wait_max: Duration) -> bool {
        if waited > wait_max {
            (self.long, self.short) = (self.long + 1, 0);
        } else {
            self.short += 1;
            if self.short >= SHORT_WAITS {
                *self = Tally::default();
            }
        }
        self.long < LONG_WAITS
    }
}

/// How long a thread stays away that was at home for so long since it was away for `last`.
fn next_away(last: Duration, at_home: Duration) -> Duration {
    let (first, most) = AWAY;
    if at_home >= LONG_AT_HOME * last {
        first
    } else {
        most.min(2 * last)
    }
}
