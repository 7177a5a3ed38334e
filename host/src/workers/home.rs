//! A processor of its own for each thread of a runtime, as long as nobody else computes there. The
//! kernel places a thread anew whenever it wakes, often where another one runs while the next
//! processor is idle; and it takes the processor from a client on the same machine for each single
//! request, where a thread that lets the client finish finds several of them.
//!
//! A thread that is at home is bound to its processor and of the kernel's batch class, which takes
//! the processor from nobody who has it (sched(7)). So it waits for whoever computes there. It looks
//! how long, by what the kernel counts, and after some long waits it goes away: it is as any other
//! thread, and comes back later. Whoever else binds the thread, with `taskset` or a cpuset, is not
//! interfered with.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::getpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// How long a thread waits for its processor at most where nobody computes, but others wake often
/// and run for less: a client with 256 connections does for a millisecond and a half. The kernel
/// lets whoever computes run for about three milliseconds.
const WAIT_MAX: Duration = Duration::from_millis(2);
/// So many longer waits, without so many short ones in a row between two of them, and somebody
/// computes.
const LONG_WAITS: u32 = 3;
const SHORT_WAITS: u32 = 64;
/// How often a thread looks how long it has waited, while it had no long wait of late.
const LOOKS: Duration = Duration::from_millis(2);
/// How long a thread that went away stays there, at first and at most. Each time is twice the last
/// one, unless it was at home for long in between.
const AWAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(64));
/// At home for so many times what it was away before is long.
const LONG_AT_HOME: u32 = 8;
/// What the library calls a nice value of 0.
const USUAL: u8 = 49;

/// The homes of a runtime's threads.
#[derive(Clone, Debug)]
pub(super) struct Homes(Arc<Street>);

#[derive(Debug)]
struct Street {
    /// Where each thread may run that is not at home.
    everywhere: CpuSet,
    processors: Vec<usize>,
    /// How many threads have asked for one.
    asked: AtomicUsize,
}

/// The home of one thread, and where the thread is. Only that thread uses it.
#[derive(Debug)]
struct Home {
    processor: CpuSet,
    /// The kernel's count of its waits, /proc/PID/task/TID/schedstat.
    waits: File,
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
    /// has a nice value of 0.
    pub(super) fn new(threads: usize) -> Option<Homes> {
        let everywhere = sched_getaffinity(None).ok()?;
        let processors = (0..CpuSet::MAX_CPU).filter(|processor| everywhere.is_set(*processor));
        let processors: Vec<_> = processors.collect();
        let is_usual = getpriority_process(None) == Ok(0);
        (is_usual && threads > 1 && processors.len() == threads).then(|| {
            Homes(Arc::new(Street {
                everywhere,
                processors,
                asked: AtomicUsize::new(0),
            }))
        })
    }

    /// A thread has just begun: it has inherited where the one is that began it.
    pub(super) fn enter(&self) {
        let is_home = |bound: CpuSet| bound.count() == 1;
        if sched_getaffinity(None).is_ok_and(is_home) {
            self.0.go_away();
        }
    }

    /// This thread, one of the runtime's own, has work.
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
    fn home(&self) -> Option<Home> {
        let number = self.asked.fetch_add(1, Relaxed);
        let mut processor = CpuSet::new();
        processor.set(*self.processors.get(number)?);
        let now = Instant::now();
        Some(Home {
            processor,
            waits: File::open("/proc/thread-self/schedstat").ok()?,
            place: Place::Away { until: now },
            away: AWAY.0,
            woke: now,
            looked: now,
            before: None,
            tally: Tally::default(),
        })
    }

    /// Lets this thread be as any other.
    fn go_away(&self) {
        set(NormalThreadSchedulePolicy::Other);
        let _ = sched_setaffinity(None, &self.everywhere);
    }
}

impl Home {
    fn begin(&mut self, street: &Street, now: Instant) {
        self.woke = now;
        match self.place {
            Place::Away { until } if now >= until => self.come(street),
            Place::Away { .. } => {}
            Place::AtHome { since } => {
                let before = self.before.take();
                let Some(waited) = before.and_then(|before| self.waited()?.checked_sub(before))
                else {
                    return;
                };
                self.tally.add(waited);
                if self.tally.is_too_much() || !self.is_bound() {
                    self.leave(street, since);
                }
            }
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
        let is_free = sched_getaffinity(None).is_ok_and(|bound| bound == street.everywhere);
        // What is not counted is not known.
        let comes = is_free && self.waited().is_some();
        if comes && sched_setaffinity(None, &self.processor).is_ok() {
            set(NormalThreadSchedulePolicy::Batch);
            self.place = Place::AtHome { since: self.woke };
        } else {
            let until = self.woke + AWAY.1;
            self.place = Place::Away { until };
        }
    }

    fn leave(&mut self, street: &Street, since: Instant) {
        if self.is_bound() {
            street.go_away();
        } else {
            // Where it is now is somebody else's wish.
            set(NormalThreadSchedulePolicy::Other);
        }
        self.away = next_away(self.away, self.woke - since);
        let until = self.woke + self.away;
        self.place = Place::Away { until };
        self.tally = Tally::default();
    }

    fn is_bound(&self) -> bool {
        sched_getaffinity(None).is_ok_and(|bound| bound == self.processor)
    }

    /// How long this thread has waited for a processor since it began.
    fn waited(&self) -> Option<Duration> {
        let mut text = [0; 64];
        let length = self.waits.read_at(&mut text, 0).ok()?;
        waits(text.get(..length)?)
    }
}

impl Tally {
    fn add(&mut self, waited: Duration) {
        if waited > WAIT_MAX {
            (self.long, self.short) = (self.long + 1, 0);
            return;
        }
        self.short += 1;
        if self.short >= SHORT_WAITS {
            *self = Tally::default();
        }
    }

    fn is_too_much(&self) -> bool {
        self.long >= LONG_WAITS
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

/// The second of the numbers, in nanoseconds (Documentation/scheduler/sched-stats.rst of Linux).
fn waits(schedstat: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(schedstat).ok()?;
    let waited = text.split_ascii_whitespace().nth(1)?;
    waited.parse().ok().map(Duration::from_nanos)
}

/// Moves this thread, whose nice value is 0, to another of the classes that share the processor by
/// that. It is never refused.
fn set(policy: NormalThreadSchedulePolicy) {
    let policy = ThreadSchedulePolicy::Normal(policy);
    let Ok(usual) = ThreadPriorityValue::try_from(USUAL).map(ThreadPriority::Crossplatform) else {
        return;
    };
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), usual, policy) {
        tracing::debug!("a thread stays of the class it is of: {error:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use thread_priority::thread_schedule_policy;

    const BATCH: NormalThreadSchedulePolicy = NormalThreadSchedulePolicy::Batch;
    const OTHER: NormalThreadSchedulePolicy = NormalThreadSchedulePolicy::Other;
    const LONG: Duration = Duration::from_millis(3);
    const SHORT: Duration = Duration::from_micros(200);

    fn homes() -> (Homes, CpuSet) {
        let everywhere = sched_getaffinity(None).unwrap();
        let homes = Homes(Arc::new(Street {
            everywhere,
            processors: (0..CpuSet::MAX_CPU)
                .filter(|it| everywhere.is_set(*it))
                .collect(),
            asked: AtomicUsize::new(0),
        }));
        (homes, everywhere)
    }

    /// Runs this in a thread of its own, which is at home.
    fn at_home(work: impl FnOnce(&Homes, &CpuSet) + Send) {
        let (homes, everywhere) = homes();
        thread::scope(|scope| {
            scope.spawn(|| {
                homes.begin();
                work(&homes, &everywhere);
            });
        });
    }

    /// Whether this thread is bound to one processor, and of which class.
    fn here() -> (CpuSet, ThreadSchedulePolicy) {
        (
            sched_getaffinity(None).unwrap(),
            thread_schedule_policy().unwrap(),
        )
    }

    fn first(all: &CpuSet) -> CpuSet {
        let mut one = CpuSet::new();
        one.set((0..CpuSet::MAX_CPU).find(|it| all.is_set(*it)).unwrap());
        one
    }

    /// Has the thread find that it waited for so long, as often as it looks.
    fn wait(homes: &Homes, long: u32) {
        for _ in 0..long {
            HOME.with_borrow_mut(|home| {
                let home = home.as_mut().unwrap().as_mut().unwrap();
                home.tally.add(LONG);
                home.before = home.waited();
            });
            homes.begin();
        }
    }

    #[test]
    fn a_thread_is_at_home_while_it_does_not_wait_and_then_as_any_other() {
        at_home(|homes, everywhere| {
            assert_eq!(
                here(),
                (first(everywhere), ThreadSchedulePolicy::Normal(BATCH))
            );
            wait(homes, LONG_WAITS - 1);
            assert_eq!(
                here(),
                (first(everywhere), ThreadSchedulePolicy::Normal(BATCH))
            );
            wait(homes, 1);
            assert_eq!(here(), (*everywhere, ThreadSchedulePolicy::Normal(OTHER)));
            homes.begin();
            assert_eq!(here().0, *everywhere, "it comes back later");
        });
    }

    #[test]
    fn it_comes_back_when_it_was_away_for_long_enough() {
        at_home(|homes, everywhere| {
            wait(homes, LONG_WAITS);
            let begin = |after| {
                HOME.with_borrow_mut(|home| {
                    let home = home.as_mut().unwrap().as_mut().unwrap();
                    home.begin(&homes.0, home.woke + after);
                });
                here().0
            };
            assert_eq!(begin(AWAY.0), *everywhere, "it stays for twice as long now");
            assert_eq!(begin(AWAY.0), first(everywhere));
        });
    }

    #[test]
    fn what_begins_in_a_thread_that_is_at_home_is_not() {
        at_home(|homes, everywhere| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(here().1, ThreadSchedulePolicy::Normal(BATCH));
                    homes.enter();
                    assert_eq!(here(), (*everywhere, ThreadSchedulePolicy::Normal(OTHER)));
                });
            });
        });
    }

    #[test]
    fn a_thread_stays_where_somebody_else_has_bound_it() {
        let (_, everywhere) = homes();
        let mut others = everywhere;
        others.clear();
        let last = (0..CpuSet::MAX_CPU).rev().find(|it| everywhere.is_set(*it));
        others.set(last.unwrap());
        if others == first(&everywhere) {
            return; // With one processor there is no other place.
        }
        at_home(|homes, _| {
            sched_setaffinity(None, &others).unwrap();
            HOME.with_borrow_mut(|home| {
                let home = home.as_mut().unwrap().as_mut().unwrap();
                home.before = home.waited();
            });
            homes.begin();
            assert_eq!(here(), (others, ThreadSchedulePolicy::Normal(OTHER)));
            HOME.with_borrow_mut(|home| {
                let home = home.as_mut().unwrap().as_mut().unwrap();
                home.begin(&homes.0, home.woke + AWAY.1);
            });
            assert_eq!(here(), (others, ThreadSchedulePolicy::Normal(OTHER)));
        });
    }

    #[test]
    fn there_are_homes_for_as_many_threads_as_processors() {
        let processors = sched_getaffinity(None).unwrap().count() as usize;
        let has_homes = |threads| Homes::new(threads).is_some();
        assert_eq!(has_homes(processors), processors > 1);
        assert!(!has_homes(processors + 1) && !has_homes(0));
    }

    #[test]
    fn long_waits_count_while_they_come_often() {
        let is_too_much = |waits: &[Duration]| {
            let mut tally = Tally::default();
            waits.iter().for_each(|wait| tally.add(*wait));
            tally.is_too_much()
        };
        let apart = |short| [&[LONG][..], &vec![SHORT; short]].concat().repeat(3);
        assert!(is_too_much(&apart(0)) && is_too_much(&apart(60)));
        assert!(!is_too_much(&apart(64)) && !is_too_much(&[SHORT; 1000]));
    }

    #[test]
    fn who_goes_away_again_and_again_stays_for_longer() {
        let seconds = Duration::from_secs;
        assert_eq!(next_away(seconds(1), seconds(1)), seconds(2));
        assert_eq!(next_away(seconds(2), seconds(15)), seconds(4));
        assert_eq!(next_away(seconds(2), seconds(16)), seconds(1));
        assert_eq!(next_away(seconds(64), seconds(1)), seconds(64));
    }

    #[test]
    fn the_kernels_count_is_read() {
        assert_eq!(
            waits(b"1209862 3345 17\n"),
            Some(Duration::from_nanos(3345))
        );
        for other in ["", "1\n", "1 two 3\n"] {
            assert_eq!(waits(other.as_bytes()), None, "{other}");
        }
    }
}
