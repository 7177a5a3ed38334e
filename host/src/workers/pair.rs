//! Two threads that share processors with whoever else runs, and with each other. When the kernel
//! takes the processor from one in the middle of a request and gives it to the other, that request
//! waits for as long as the other finds work, and nobody else can help it. So a thread that has
//! nothing left to do lets the other one go first, if that was stopped on its processor, before it
//! looks for more.
//!
//! This is for two threads and not for more: it has not been measured what more of them gain.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How many threads this is for.
pub(super) const THREADS: usize = 2;
/// That a thread works somewhere is not believed for longer: the kernel moves whoever works long.
const WORK_MAX: Duration = Duration::from_millis(20);
/// Bits of a note for the processor.
const PROCESSOR_BITS: u32 = 16;
/// Bits for what a thread does there. The others have the millisecond.
const DOING_BITS: u32 = 2;

/// Where both are and what they do, as far as is known.
#[derive(Clone, Debug)]
pub(super) struct Pair(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    origin: Instant,
    threads: AtomicUsize,
    notes: [Note; THREADS],
}

/// What a thread said last of itself; 0 when it has said nothing. Alone in its cache line: the
/// other thread only seldom reads it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Note(AtomicU64);

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It has work.
    Works = 1,
    /// It has none left, and lets the other one go first.
    GivesWay = 2,
    /// It waits for work.
    Rests = 3,
}

const DOINGS: [Doing; 3] = [Doing::Works, Doing::GivesWay, Doing::Rests];

/// What a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    doing: Doing,
    processor: u16,
    /// Since when it works.
    since: Duration,
}

thread_local! {
    /// Which of the two this thread is.
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

impl Pair {
    /// Two threads that have not begun.
    pub(super) fn new() -> Pair {
        Pair(Arc::new(Notes {
            origin: Instant::now(),
            threads: AtomicUsize::new(0),
            notes: Default::default(),
        }))
    }

    /// This thread has work.
    pub(super) fn begin(&self) {
        let number = NUMBER.get().unwrap_or_else(|| {
            let number = self.0.threads.fetch_add(1, Relaxed);
            NUMBER.set(Some(number));
            number
        });
        if let Some(processor) = processor().filter(|_| number < THREADS) {
            self.0.say(number, Doing::Works, processor);
        }
    }

    /// This thread has no work left. Lets the other one go first if that has, and was stopped here.
    /// Returns whether that was so.
    pub(super) fn rest(&self) -> bool {
        let Some(number) = NUMBER.get().filter(|number| *number < THREADS) else {
            return false;
        };
        let Some(processor) = processor() else {
            return false;
        };
        let other = self.0.said(THREADS - 1 - number);
        let was_stopped = other.is_some_and(|other| other.works_at(processor, || self.0.now()));
        if was_stopped {
            self.0.say(number, Doing::GivesWay, processor);
            thread::yield_now();
        }
        self.0.say(number, Doing::Rests, processor);
        was_stopped
    }
}

impl Notes {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn say(&self, number: usize, doing: Doing, processor: u16) {
        let since = match doing {
            Doing::Works => self.now(),
            _ => Duration::ZERO,
        };
        let said = Said {
            doing,
            processor,
            since,
        };
        self.notes[number].0.store(said.note(), Relaxed);
    }

    /// What this thread said last.
    fn said(&self, number: usize) -> Option<Said> {
        Said::read(self.notes[number].0.load(Relaxed))
    }
}

impl Said {
    /// Whether that thread has lately been at work there. If the one that asks is there, that one
    /// is stopped.
    fn works_at(self, processor: u16, now: impl FnOnce() -> Duration) -> bool {
        self.doing == Doing::Works
            && self.processor == processor
            && now().saturating_sub(self.since) <= WORK_MAX
    }

    /// It is not 0.
    fn note(self) -> u64 {
        let millis = u64::try_from(self.since.as_millis()).unwrap_or(u64::MAX);
        let doing = (millis << DOING_BITS) | self.doing as u64;
        (doing << PROCESSOR_BITS) | u64::from(self.processor)
    }

    fn read(note: u64) -> Option<Said> {
        let number = note >> PROCESSOR_BITS & ((1 << DOING_BITS) - 1);
        Some(Said {
            doing: DOINGS.into_iter().find(|doing| *doing as u64 == number)?,
            processor: (note & u64::from(u16::MAX)) as u16,
            since: Duration::from_millis(note >> (PROCESSOR_BITS + DOING_BITS)),
        })
    }
}

/// The processor that this thread runs on.
#[cfg(target_os = "linux")]
fn processor() -> Option<u16> {
    u16::try_from(rustix::thread::sched_getcpu()).ok()
}

/// Elsewhere it is not known who runs where.
#[cfg(not(target_os = "linux"))]
fn processor() -> Option<u16> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: Duration = Duration::from_millis(7);

    fn said(doing: Doing, processor: u16) -> Said {
        Said {
            doing,
            processor,
            since: SINCE,
        }
    }

    #[test]
    fn a_note_says_what_was_said() {
        assert_eq!(Said::read(0), None);
        for doing in DOINGS {
            for processor in [0, 1, u16::MAX] {
                let said = said(doing, processor);
                assert_eq!(Said::read(said.note()), Some(said));
                let first = Said {
                    since: Duration::ZERO,
                    ..said
                };
                assert_eq!(Said::read(first.note()), Some(first));
            }
        }
    }

    #[test]
    fn whoever_works_is_where_it_began_to_and_not_for_ever() {
        let works_at = |said: Said, processor, later| said.works_at(processor, || SINCE + later);
        let works = said(Doing::Works, 3);
        assert!(works_at(works, 3, Duration::ZERO) && works_at(works, 3, WORK_MAX));
        assert!(!works_at(works, 3, 2 * WORK_MAX) && !works_at(works, 2, Duration::ZERO));
        for doing in DOINGS {
            let said = said(doing, 3);
            let works = doing == Doing::Works;
            assert_eq!(works_at(said, 3, Duration::ZERO), works);
        }
    }

    /// Runs this in a thread of its own, which is the first of a pair.
    #[cfg(target_os = "linux")]
    fn as_first(work: impl FnOnce(&Pair) + Send) {
        let pair = Pair::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                pair.begin();
                work(&pair);
            });
        });
    }

    /// Has the other one say that of this processor, or of one that is not there.
    #[cfg(target_os = "linux")]
    fn let_other_say(pair: &Pair, doing: Doing, here: bool) {
        let processor = processor().unwrap() ^ if here { 0 } else { 0x8000 };
        pair.0.say(1, doing, processor);
    }

    /// Whether the first one gives way if the other one, here or elsewhere, says that.
    #[cfg(target_os = "linux")]
    fn gives_way(pair: &Pair, other: Doing, here: bool) -> bool {
        // The kernel may move the thread in between, but not each time.
        (0..1000).any(|_| {
            pair.begin();
            let_other_say(pair, other, here);
            pair.rest()
        })
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_lets_the_other_go_first_if_that_was_stopped_at_work_on_its_processor() {
        as_first(|pair| {
            for doing in DOINGS {
                assert_eq!(gives_way(pair, doing, true), doing == Doing::Works);
                assert!(!gives_way(pair, doing, false), "it is elsewhere");
            }
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_is_at_work_from_its_beginning_to_its_rest() {
        let pair = &Pair::new();
        let doings = &|| {
            let note = |note: &Note| Said::read(note.0.load(Relaxed)).map(|said| said.doing);
            pair.0.notes.each_ref().map(note)
        };
        let (works, rests) = (Some(Doing::Works), Some(Doing::Rests));
        let second = || {
            pair.begin();
            assert_eq!(doings(), [works, works]);
            pair.rest();
            assert_eq!(doings(), [works, rests]);
        };
        // In threads of its own, which are no other pair's.
        thread::scope(|scope| {
            scope.spawn(|| {
                pair.rest();
                assert_eq!(doings(), [None, None], "it had not begun");
                pair.begin();
                thread::scope(|scope| scope.spawn(second).join()).unwrap();
                pair.rest();
                assert_eq!(doings(), [rests, rests]);
            });
        });
    }
}
