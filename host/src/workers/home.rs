//! A processor of its own for each thread of a runtime, as long as nobody else computes there. The
//! kernel places a thread anew whenever it wakes, often where another one runs while the next
//! processor is idle; and it takes the processor from a client on the same machine for each single
//! request, where a thread that lets the client finish finds several of them.
//!
//! A thread that is at home is bound to its processor and of the kernel's batch class, which takes
//! the processor from nobody who has it (sched(7)). So it waits for whoever computes there. It sees
//! how long, by what the kernel counts, and after some long waits it goes away: it is as any other
//! thread, and comes back later. Whoever else binds the thread, with `taskset` or a cpuset, is not
//! interfered with.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, getpid, getpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

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
const USUAL: u8 = 47;
/// For how long the kernel lets one thread run while others wait, on one processor; twice as long
/// on two, three times on four and four times on eight or more, and to the end of a tick.
const SLICE: Duration = Duration::from_micros(700);

/// The homes of a runtime's threads.
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
    /// is of the usual class with a nice value of 0.
    pub(super) fn new(threads: usize) -> Option<Homes> {
        let process = getpid();
        let processors = listed(&sched_getaffinity(Some(process)).ok()?);
        let other = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let is_usual = getpriority_process(None) == Ok(0) && thread_schedule_policy() == Ok(other);
        (is_usual && threads > 1 && processors.len() == threads).then(|| {
            Homes(Arc::new(Street {
                process,
                wait_max: slice(threads, tick()) / 2,
                vacant: Mutex::new(processors),
            }))
        })
    }

    /// A thread has just begun: it has inherited where the one is that began it.
    pub(super) fn enter(&self) {
        if is_batch() {
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
    /// The processor that the thread is on, if that is vacant, or else another one.
    fn home(&self) -> Option<Home> {
        let waits = File::open("/proc/thread-self/schedstat").ok()?;
        let mut vacant = self.vacant.lock().unwrap_or_else(PoisonError::into_inner);
        let here = sched_getcpu();
        let place = vacant.iter().position(|processor| *processor == here);
        let processor = (!vacant.is_empty()).then(|| vacant.remove(place.unwrap_or(0)))?;
        let now = Instant::now();
        Some(Home {
            processor,
            waits,
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
        set(NormalThreadSchedulePolicy::Other);
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
        let is_free = bound == everywhere || bound == only(self.processor);
        // What is not counted is not known.
        if !is_vacant || !is_free || self.waited().is_none() {
            return false;
        }
        if !set(NormalThreadSchedulePolicy::Batch) {
            return false;
        }
        let is_bound = sched_setaffinity(None, &only(self.processor)).is_ok();
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
            set(NormalThreadSchedulePolicy::Other);
        }
        self.away = next_away(self.away, self.woke - since);
        let until = self.woke + self.away;
        self.place = Place::Away { until };
        self.tally = Tally::default();
    }

    fn is_bound(&self) -> bool {
        sched_getaffinity(None).is_ok_and(|bound| bound == only(self.processor))
    }

    /// How long this thread has waited for a processor since it began.
    fn waited(&self) -> Option<Duration> {
        let mut text = [0; 64];
        let length = self.waits.read_at(&mut text, 0).ok()?;
        waits(text.get(..length)?)
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

/// The second of the numbers, in nanoseconds (Documentation/scheduler/sched-stats.rst of Linux).
/// Without a first one nothing is counted.
fn waits(schedstat: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(schedstat).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (ran > 0).then(|| Duration::from_nanos(waited))
}

/// For how long the kernel lets one thread run on so many processors (kernel/sched/fair.c).
fn slice(processors: usize, tick: Duration) -> Duration {
    let factor = 1 + processors.clamp(1, 8).ilog2();
    let ticks = (SLICE * factor).as_nanos().div_ceil(tick.as_nanos().max(1));
    tick * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// How often the kernel looks whose turn it is: as often as it sets its coarse clock.
fn tick() -> Duration {
    let tick = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    Duration::try_from(tick).unwrap_or_default()
}

fn listed(processors: &CpuSet) -> Vec<usize> {
    let all = 0..CpuSet::MAX_CPU;
    all.filter(|it| processors.is_set(*it)).collect()
}

fn only(processor: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(processor);
    set
}

fn is_batch() -> bool {
    let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    thread_schedule_policy() == Ok(batch)
}

/// Moves this thread, whose nice value is 0, to another of the classes that share the processor by
/// that. Whether it may.
fn set(policy: NormalThreadSchedulePolicy) -> bool {
    let policy = ThreadSchedulePolicy::Normal(policy);
    let Ok(usual) = ThreadPriorityValue::try_from(USUAL).map(ThreadPriority::Crossplatform) else {
        return false;
    };
    let moved = set_thread_priority_and_policy(thread_native_id(), usual, policy);
    if let Err(error) = &moved {
        tracing::debug!("a thread cannot move to another class: {error:?}");
    }
    moved.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_millis(3);
    const SHORT: Duration = Duration::from_micros(200);

    fn homes() -> Homes {
        let process = getpid();
        Homes(Arc::new(Street {
            process,
            wait_max: 2 * SHORT,
            vacant: Mutex::new(listed(&sched_getaffinity(Some(process)).unwrap())),
        }))
    }

    /// Runs this in a thread of its own, which is at home if there are several processors.
    fn at_home(work: impl FnOnce(&Homes, CpuSet) + Send) {
        let homes = homes();
        thread::scope(|scope| {
            scope.spawn(|| {
                let everywhere = sched_getaffinity(None).unwrap();
                // The kernel counts when it lets a thread go.
                thread::sleep(Duration::from_millis(1));
                homes.begin();
                work(&homes, everywhere);
            });
        });
    }

    fn with_home<T>(with: impl FnOnce(&mut Home) -> T) -> T {
        HOME.with_borrow_mut(|home| with(home.as_mut().unwrap().as_mut().unwrap()))
    }

    /// Where this thread may run, and whether it is of the batch class. Its nice value stays.
    fn here() -> (CpuSet, bool) {
        assert_eq!(getpriority_process(None), Ok(0));
        (sched_getaffinity(None).unwrap(), is_batch())
    }

    /// Has the thread find so many times that it waited for long.
    fn wait(homes: &Homes, long: u32) {
        for _ in 0..long {
            with_home(|home| home.before = home.waited().and_then(|it| it.checked_sub(LONG)));
            homes.begin();
        }
    }

    /// Has it wake so long after it woke last.
    fn begin_after(homes: &Homes, after: Duration) {
        with_home(|home| home.begin(&homes.0, home.woke + after));
    }

    #[test]
    fn a_thread_is_at_home_while_it_does_not_wait_and_then_as_any_other() {
        at_home(|homes, everywhere| {
            let home = with_home(|home| only(home.processor));
            let several = everywhere.count() > 1;
            let at_home = if several {
                (home, true)
            } else {
                (everywhere, false)
            };
            assert_eq!(here(), at_home);
            // As if it had waited for that before.
            with_home(|home| home.waits = waited_file());
            wait(homes, LONG_WAITS - 1);
            assert_eq!(here(), at_home);
            wait(homes, 1);
            assert_eq!(here(), (everywhere, false));
            begin_after(homes, AWAY.0);
            assert_eq!(
                here(),
                (everywhere, false),
                "it stays for twice as long now"
            );
            begin_after(homes, AWAY.0);
            assert_eq!(here(), at_home);
        });
    }

    /// Says of a thread that it has run and waited for a second each.
    fn waited_file() -> File {
        use std::io::Write as _;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"1000000000 1000000000 10\n").unwrap();
        file
    }

    #[test]
    fn what_begins_in_a_thread_that_is_at_home_is_not() {
        at_home(|homes, everywhere| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(here().1, everywhere.count() > 1);
                    homes.enter();
                    assert_eq!(here(), (everywhere, false));
                });
            });
        });
    }

    #[test]
    fn a_thread_stays_where_somebody_else_has_bound_it() {
        at_home(|homes, everywhere| {
            let home = with_home(|home| home.processor);
            // With one processor there is no other place.
            for other in listed(&everywhere).into_iter().filter(|it| *it != home) {
                sched_setaffinity(None, &only(other)).unwrap();
                with_home(|home| home.before = home.waited());
                homes.begin();
                assert_eq!(here(), (only(other), false));
                begin_after(homes, AWAY.1);
                assert_eq!(here(), (only(other), false));
            }
        });
    }

    #[test]
    fn each_thread_has_a_home_of_its_own() {
        let homes = homes();
        let all = listed(&homes.0.everywhere().unwrap());
        let mut given: Vec<_> = all
            .iter()
            .map(|_| homes.0.home().unwrap().processor)
            .collect();
        given.sort_unstable();
        assert_eq!(given, all);
        assert!(homes.0.home().is_none(), "there are no more");
    }

    #[test]
    fn there_are_homes_for_as_many_threads_as_processors() {
        let processors = listed(&sched_getaffinity(None).unwrap()).len();
        assert_eq!(Homes::new(processors).is_some(), processors > 1);
        assert!(Homes::new(processors + 1).is_none() && Homes::new(0).is_none());
    }

    #[test]
    fn long_waits_count_while_they_come_often() {
        let is_fine = |waits: &[Duration]| {
            let mut tally = Tally::default();
            waits.iter().all(|wait| tally.is_fine(*wait, 2 * SHORT))
        };
        let apart = |short| [&[LONG][..], &vec![SHORT; short]].concat().repeat(3);
        assert!(!is_fine(&apart(0)) && !is_fine(&apart(60)));
        assert!(is_fine(&apart(64)) && is_fine(&[SHORT; 1000]));
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
    fn the_kernels_turns_are_known() {
        let millis = Duration::from_millis;
        assert_eq!(slice(2, millis(4)), millis(4));
        assert_eq!(slice(2, millis(1)), millis(2));
        assert_eq!(slice(1, millis(1)), millis(1));
        assert_eq!(slice(64, millis(1)), millis(3));
        assert!(tick() >= Duration::from_micros(100) && tick() <= millis(10));
    }

    #[test]
    fn the_kernels_count_is_read() {
        assert_eq!(
            waits(b"1209862 3345 17\n"),
            Some(Duration::from_nanos(3345))
        );
        for other in ["", "1\n", "1 two 3\n", "0 0 0\n"] {
            assert_eq!(waits(other.as_bytes()), None, "{other}");
        }
    }
}
