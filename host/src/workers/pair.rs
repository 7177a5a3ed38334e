//! Two threads of a runtime that share processors with whoever else runs, and with each other. When
//! the kernel takes the processor from one in the middle of a request and gives it to the other,
//! that request waits for as long as the other finds work, and nobody else can help it. So a
//! thread that has nothing left to do lets the other one go first, if that was stopped on its
//! processor, before it looks for more.
//!
//! This is for two threads and not for more: while a thread gives way it still counts as one that
//! looks for work, for which reason the runtime wakes no third one.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How many threads this is for.
pub(super) const THREADS: usize = 2;
/// A note older than this says nothing: the kernel moves whoever works for long.
const NOTE_MAX: Duration = Duration::from_millis(20);
/// Bits of a note for the processor. The others have the microsecond.
const PROCESSOR_BITS: u32 = 16;

/// Where both are at work, as far as is known.
#[derive(Clone, Debug)]
pub(super) struct Pair(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    origin: Instant,
    threads: AtomicUsize,
    notes: [Note; THREADS],
}

/// Where and since when a thread is at work; 0 while it rests. Alone in its cache line: the other
/// thread only seldom reads it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Note(AtomicU64);

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
        if let (Some(processor), Some(note)) = (processor(), self.0.notes.get(number)) {
            note.0.store(noted(processor, self.0.now()), Relaxed);
        }
    }

    /// This thread has none left. Lets the other one go first if that has, and was stopped here.
    /// Returns whether that was so.
    pub(super) fn rest(&self) -> bool {
        let Some(number) = NUMBER.get().filter(|number| *number < THREADS) else {
            return false;
        };
        self.0.notes[number].0.store(0, Relaxed);
        let other = self.0.notes[THREADS - 1 - number].0.load(Relaxed);
        let is_here = |here| is_at(other, here, self.0.now());
        let was_stopped = other != 0 && processor().is_some_and(is_here);
        if was_stopped {
            thread::yield_now();
        }
        was_stopped
    }

    /// Whether this thread is one of a pair.
    #[cfg(test)]
    pub(super) fn has_this_thread() -> bool {
        NUMBER.get().is_some()
    }
}

impl Notes {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// What a thread notes that begins to work there and then. It is not 0.
fn noted(processor: u16, now: Duration) -> u64 {
    let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    (micros.saturating_add(1) << PROCESSOR_BITS) | u64::from(processor)
}

/// Whether whoever noted that was at work on this processor lately. If the one that asks runs
/// there, the other one does not.
fn is_at(note: u64, processor: u16, now: Duration) -> bool {
    let begun = Duration::from_micros((note >> PROCESSOR_BITS).saturating_sub(1));
    note & u64::from(u16::MAX) == u64::from(processor) && now.saturating_sub(begun) <= NOTE_MAX
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

    #[test]
    fn a_note_says_where_its_thread_is_and_not_for_ever() {
        let begun = Duration::from_millis(7);
        for processor in [0, 1, u16::MAX] {
            let note = noted(processor, begun);
            assert_ne!(note, 0);
            assert!(is_at(note, processor, begun));
            assert!(is_at(note, processor, begun + NOTE_MAX));
            assert!(!is_at(note, processor, begun + 2 * NOTE_MAX));
            assert!(!is_at(note, processor ^ 1, begun));
        }
        assert_ne!(noted(0, Duration::ZERO), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_lets_the_other_go_first_only_if_that_was_stopped_on_its_processor() {
        let pair = &Pair::new();
        // The kernel may move the thread in between, but not each time.
        let gives_way = |elsewhere: u16| {
            (0..1000).any(|_| {
                pair.begin();
                let there = processor().unwrap() ^ elsewhere;
                let note = noted(there, pair.0.now());
                pair.0.notes[1].0.store(note, Relaxed);
                pair.rest()
            })
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(gives_way(0));
                assert!(!gives_way(0x8000), "it is elsewhere");
                pair.begin();
                pair.0.notes[1].0.store(0, Relaxed);
                assert!(!pair.rest(), "it rests, too");
            });
        });
    }

    #[test]
    fn a_thread_is_at_work_from_its_beginning_to_its_rest() {
        let pair = &Pair::new();
        let notes = &|| {
            pair.0
                .notes
                .each_ref()
                .map(|note| note.0.load(Relaxed) != 0)
        };
        let second = || {
            pair.begin();
            assert_eq!(notes(), [true, true]);
            pair.rest();
            assert_eq!(notes(), [true, false]);
        };
        // In threads of its own, which are no other pair's.
        thread::scope(|scope| {
            scope.spawn(|| {
                pair.rest();
                assert_eq!(notes(), [false, false], "it had not begun");
                pair.begin();
                thread::scope(|scope| scope.spawn(second).join()).unwrap();
                pair.rest();
                assert_eq!(notes(), [false, false]);
            });
        });
    }
}
