//! How fast a guest has been lately, as one number: it decides whether the guest's next call may
//! start on the thread that asks for it. No clock is read for it: the ticks of the epoch sample how
//! long calls run, as a profiler does, and the time that is taken of each call anyway tells of
//! those that no tick can reach.

use super::beat::Beat;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What each call takes away.
const QUICK: u32 = 2;
/// What a tick adds for each slice that it stands for when it hits a call. The score rises when
/// more than two calls in `3 * slices` are hit: when calls take more than two thirds of a slice on
/// average, however rare the ticks are.
const TICK: u32 = 3;

/// From this score on the guest is slow. It is a few ticks away from nothing, even if they are
/// rare, because the kernel may let a quick call's thread wait just when a tick comes.
const SLOW: u32 = 32;
/// What a call adds that took so long that a tick was due and did not reach it.
const LONG: u32 = 2 * QUICK;
/// Where the score stops: from there 57 calls without a tick make a guest quick again.
const SCORE_MAX: u32 = SLOW + 56 * QUICK;

/// The score of one guest, which all its calls share.
#[derive(Debug, Default)]
pub(super) struct Pace {
    score: AtomicU32,
    beat: Arc<Beat>,
}

impl Pace {
    /// Of a guest whose calls ticks of this beat hit.
    pub(super) fn new(beat: &Arc<Beat>) -> Pace {
        Pace {
            score: AtomicU32::new(0),
            beat: Arc::clone(beat),
        }
    }

    /// Whether calls are to start in the background, so that they are in nobody's way.
    pub(super) fn is_slow(&self) -> bool {
        self.score.load(Relaxed) >= SLOW
    }

    /// A tick came while a call ran, which so many had hit `before`.
    pub(super) fn ticked(&self, before: u32) {
        let call = if before == 0 { QUICK } else { 0 };
        self.add(TICK * self.beat.slices() - call);
    }

    /// How many slices may pass before a tick is due.
    pub(super) fn slices_to_a_tick(&self) -> u32 {
        self.beat.slices()
    }

    /// A call ran for longer than that, and no tick reached it.
    pub(super) fn was_long(&self) {
        self.add(LONG);
    }

    /// A call has to give way to others.
    pub(super) fn gave_way(&self) {
        self.beat.gave_way();
    }

    /// A call ran for longer than the runtime lets one.
    pub(super) fn overran(&self) {
        self.update(|_| SCORE_MAX);
    }

    /// So many calls, or so many times that a call waited for something, ended before any tick
    /// came.
    pub(super) fn were_quick(&self, count: u32) {
        self.update(|score| score.saturating_sub(count.saturating_mul(QUICK)));
    }

    fn add(&self, points: u32) {
        self.update(|score| (score + points).min(SCORE_MAX));
    }

    /// Writes only what changes: the score of a quick guest stays 0, and then nothing passes
    /// between processors.
    fn update(&self, change: impl Fn(u32) -> u32) {
        let changed = |score| Some(change(score)).filter(|new| *new != score);
        // An error says that nothing changed.
        let _ = self.score.fetch_update(Relaxed, Relaxed, changed);
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
        for _ in 0..=(SCORE_MAX - SLOW) / QUICK {
            assert!(pace.is_slow());
            pace.were_quick(1);
        }
        assert!(!pace.is_slow());
    }

    /// Whether a guest is slow after many calls of which one in `every` is hit by a tick, which
    /// comes once in so many slices.
    fn slow_after(every: u32, slices: u32) -> bool {
        let pace = Pace::new(&Beat::of(slices));
        for call in 1..=10_000 {
            if call % every == 0 {
                pace.ticked(0);
            } else {
                pace.were_quick(1);
            }
        }
        pace.is_slow()
    }

    #[test]
    fn rare_ticks_are_chance_and_frequent_ones_are_not() {
        for slices in [1, 2, 4] {
            assert!(slow_after(slices, slices));
            assert!(!slow_after(2 * slices, slices) && !slow_after(100, slices));
        }
    }

    #[test]
    fn a_few_ticks_make_no_guest_slow() {
        let pace = Pace::new(&Beat::of(4));
        for _ in 0..3 {
            pace.ticked(0);
            assert!(!pace.is_slow());
        }
        pace.ticked(0);
        assert!(pace.is_slow());
    }

    /// However often ticks come, calls of four slices count alike.
    #[test]
    fn long_calls_make_a_guest_slow_if_they_are_more_than_a_sixth() {
        for (slices, every, slow) in [(1, 5, true), (4, 5, true), (1, 8, false), (4, 8, false)] {
            let pace = Pace::new(&Beat::of(slices));
            for call in 1..=1000 {
                if call % every == 0 {
                    (0..4 / slices).for_each(|before| pace.ticked(before));
                } else {
                    pace.were_quick(1);
                }
            }
            assert_eq!(pace.is_slow(), slow, "one in {every}, {slices} slices");
        }
    }

    #[test]
    fn calls_that_no_tick_reached_make_a_guest_slow_if_they_are_more_than_a_third() {
        for (every, slow) in [(2, true), (4, false)] {
            let pace = Pace::new(&Beat::of(4));
            for call in 1..=1000 {
                if call % every == 0 {
                    pace.was_long();
                } else {
                    pace.were_quick(1);
                }
            }
            assert_eq!(pace.is_slow(), slow, "one in {every}");
        }
    }
}
