//! How often the epoch of an engine ticks: once a slice while calls have to give way to others, and
//! less often while all of them are quick, because each tick takes the processor from somebody. It
//! only decides; `ticker` has the thread, and `pace` what ticks mean.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Slices from tick to tick while nobody has to give way: as many as a call may run for on a thread
/// of the runtime, so that one tick finds it and the next one that it has overrun; or a part of
/// that.
const REST: [u32; 3] = [4, 2, 1];
/// Ticks are not farther apart than this for the sake of rest: deadlines are checked at them.
const REST_MAX: Duration = Duration::from_millis(1);
/// For so long after the last call that gave way a tick comes with each slice. Guests in the
/// background have a turn at least every 50 ms.
const ALERT: Duration = Duration::from_millis(200);

/// What the calls of an engine and its ticker tell each other.
#[derive(Debug)]
pub(super) struct Beat {
    /// Slices from the tick before to the last one.
    slices: AtomicU32,
    gave_way: AtomicBool,
}

/// When ticks come.
#[derive(Debug)]
pub(super) struct Rhythm {
    slice: Duration,
    /// Slices from tick to tick at rest.
    rest: u32,
    /// For how long nobody gave way.
    calm: Duration,
}

impl Beat {
    /// How many slices the tick that came last stands for.
    pub(super) fn slices(&self) -> u32 {
        self.slices.load(Relaxed)
    }

    /// A call gave way: from the tick after next on one comes with each slice.
    pub(super) fn gave_way(&self) {
        self.gave_way.store(true, Relaxed);
    }
}

impl Default for Beat {
    /// Of ticks that come with each slice.
    fn default() -> Beat {
        Beat {
            slices: AtomicU32::new(1),
            gave_way: AtomicBool::new(false),
        }
    }
}

#[cfg(test)]
impl Beat {
    /// Of ticks that come once in so many slices.
    pub(super) fn of(slices: u32) -> std::sync::Arc<Beat> {
        let beat = Beat::default();
        beat.slices.store(slices, Relaxed);
        std::sync::Arc::new(beat)
    }
}

impl Rhythm {
    /// Ticks for slices of this length. It begins at rest.
    pub(super) fn new(slice: Duration) -> Rhythm {
        let fits = |slices: &u32| slice * *slices <= REST_MAX;
        let rest = REST.into_iter().find(fits);
        Rhythm {
            slice,
            rest: rest.unwrap_or(1),
            calm: ALERT,
        }
    }

    /// How long to wait for the next tick.
    pub(super) fn wait(&self) -> Duration {
        self.slice * self.slices()
    }

    /// That tick comes now.
    pub(super) fn tick(&mut self, beat: &Beat) {
        let slices = self.slices();
        beat.slices.store(slices, Relaxed);
        self.calm = if beat.gave_way.swap(false, Relaxed) {
            Duration::ZERO
        } else {
            self.calm.saturating_add(self.slice * slices)
        };
    }

    fn slices(&self) -> u32 {
        if self.calm < ALERT { 1 } else { self.rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_micros(250);

    /// What so many ticks stand for.
    fn ticks(rhythm: &mut Rhythm, beat: &Beat, count: usize) -> Vec<u32> {
        let one = |_| {
            let wait = rhythm.wait();
            rhythm.tick(beat);
            assert_eq!(wait, SLICE * beat.slices());
            beat.slices()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn ticks_are_rare_until_a_call_gives_way_and_again_long_after_the_last_one_did() {
        let (mut rhythm, beat) = (Rhythm::new(SLICE), Beat::default());
        assert_eq!(ticks(&mut rhythm, &beat, 3), [REST[0]; 3]);
        for _ in 0..3 {
            beat.gave_way();
            // Whoever waits already sees it at the next tick.
            ticks(&mut rhythm, &beat, 1);
            assert_eq!(ticks(&mut rhythm, &beat, 5), [1; 5]);
        }
        let rest = ticks(&mut rhythm, &beat, 1000);
        let alert = rest.iter().take_while(|slices| **slices == 1).count();
        assert_eq!(SLICE * (5 + u32::try_from(alert).unwrap()), ALERT);
        assert!(rest[alert..].iter().all(|slices| *slices == REST[0]));
    }

    #[test]
    fn long_slices_have_a_tick_each() {
        for (micros, slices) in [
            (100, 4),
            (250, 4),
            (251, 2),
            (500, 2),
            (501, 1),
            (1_000_000, 1),
        ] {
            let slice = Duration::from_micros(micros);
            assert_eq!(Rhythm::new(slice).wait(), slice * slices, "{micros} µs");
        }
    }
}
