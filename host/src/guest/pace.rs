//! How fast a guest has been lately, as one number: it decides whether the guest's next call may
//! start on the thread that asks for it. No clock is read for it: the ticks of the epoch sample how
//! long calls run, as a profiler does, and the time that is taken of each call anyway tells of
//! those that no tick can reach.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What a tick during a call adds. A call without one takes 1 away, so that the score rises when
/// more than one call in three is hit: when calls take more than a third of a slice on average.
const TICK: u32 = 2;
/// From this score on the guest is slow. It is a few ticks away from nothing, because the kernel
/// may let a quick call's thread wait just when a tick comes.
const SLOW: u32 = 8;
/// Where the score stops: so many calls without a tick, less [`SLOW`], make a guest quick again.
const SCORE_MAX: u32 = 64;

/// The score of one guest, which all its calls share.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    /// Whether calls are to start in the background, so that they are in nobody's way.
    pub(super) fn is_slow(&self) -> bool {
        self.0.load(Relaxed) >= SLOW
    }

    /// A tick came while a call ran.
    pub(super) fn ticked(&self) {
        self.update(|score| (score + TICK).min(SCORE_MAX));
    }

    /// A call ran for longer than the runtime lets one.
    pub(super) fn overran(&self) {
        self.update(|_| SCORE_MAX);
    }

    /// So many calls, or so many times that a call waited for something, ended before any tick
    /// came.
    pub(super) fn were_quick(&self, count: u32) {
        self.update(|score| score.saturating_sub(count));
    }

    /// Writes only what changes: the score of a quick guest stays 0, and then nothing passes
    /// between processors.
    fn update(&self, change: impl Fn(u32) -> u32) {
        let changed = |score| Some(change(score)).filter(|new| *new != score);
        // An error says that nothing changed.
        let _ = self.0.fetch_update(Relaxed, Relaxed, changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_makes_a_guest_slow_and_quick_calls_make_it_quick_again() {
        let pace = Pace::default();
        assert!(!pace.is_slow());
        pace.overran();
        pace.overran();
        for _ in 0..=SCORE_MAX - SLOW {
            assert!(pace.is_slow());
            pace.were_quick(1);
        }
        assert!(!pace.is_slow());
    }

    /// The score after many calls of which one in `every` is hit by a tick.
    fn slow_after(every: u32) -> bool {
        let pace = Pace::default();
        for call in 1..=10_000 {
            if call % every == 0 {
                pace.ticked();
            } else {
                pace.were_quick(1);
            }
        }
        pace.is_slow()
    }

    #[test]
    fn rare_ticks_are_chance_and_frequent_ones_are_not() {
        assert!(slow_after(1) && slow_after(2));
        assert!(!slow_after(4) && !slow_after(100));
    }
}
