//! How much of the machine's processors this process has had of late, by its processor time and the
//! time of day. Pure but for the clock at its end.

use std::time::{Duration, Instant};

/// What is less than this part of all processors is little.
const LITTLE: f64 = 0.25;
/// What was had or not had counts for about so long.
const MEMORY: Duration = Duration::from_millis(50);

/// An account that gains [`LITTLE`] of the time of all processors, and pays for what the process
/// has used. Within bounds on both sides, so that it soon forgets.
#[derive(Debug)]
pub(super) struct Portion {
    /// Seconds of processor time gained in a second.
    rate: f64,
    seen: Instant,
    used: Duration,
    /// Seconds of processor time.
    balance: f64,
}

impl Portion {
    /// An empty account, of a process that has used so much until now.
    pub(super) fn new(processors: usize, now: Instant, used: Duration) -> Portion {
        Portion {
            rate: LITTLE * f64::from(u32::try_from(processors).unwrap_or(u32::MAX)),
            seen: now,
            used,
            balance: 0.0,
        }
    }

    /// Whether the process, which has used so much until now, has had little of late.
    pub(super) fn is_little(&mut self, now: Instant, used: Duration) -> bool {
        let gained = self.rate * now.saturating_duration_since(self.seen).as_secs_f64();
        let paid = used.saturating_sub(self.used).as_secs_f64();
        let bound = self.rate * MEMORY.as_secs_f64();
        self.balance = (self.balance + gained - paid).clamp(-bound, bound);
        (self.seen, self.used) = (now, used);
        self.balance > 0.0
    }
}

/// The processor time of all of this process's threads.
#[cfg(target_os = "linux")]
pub(super) fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere nobody asks.
#[cfg(not(target_os = "linux"))]
pub(super) fn used() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    /// Uses so many milliseconds of the two processors in each ten, for so long. Whether that was
    /// little in the end.
    fn after(portion: &mut Portion, used: u32, milliseconds: u32) -> bool {
        let mut is_little = false;
        for _ in 0..milliseconds / 10 {
            let (now, total) = (portion.seen + 10 * MILLI, portion.used + used * MILLI);
            is_little = portion.is_little(now, total);
        }
        is_little
    }

    #[test]
    fn less_than_a_quarter_of_all_processors_is_little() {
        for (used, is_little) in [(0, true), (4, true), (6, false), (20, false)] {
            let mut portion = Portion::new(2, Instant::now(), 3 * MILLI);
            assert_eq!(after(&mut portion, used, 1000), is_little, "{used}");
        }
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let mut portion = Portion::new(2, Instant::now(), MILLI);
        assert!(after(&mut portion, 0, 100_000));
        assert!(after(&mut portion, 20, 10), "not at once");
        assert!(!after(&mut portion, 20, 20));
        assert!(!after(&mut portion, 20, 100_000));
        assert!(!after(&mut portion, 0, 10), "not at once");
        assert!(after(&mut portion, 0, 100));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_counts_what_is_computed() {
        let (start, before) = (Instant::now(), used());
        while used() - before < MILLI {
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }
}
