//! Decides when a file that changes counts as changed: not while it is still being written. Pure:
//! it is told what was found and when, and asks nobody.

use std::time::{Duration, Instant};

use crate::files::Fingerprint;

/// What is known of one watched file.
#[derive(Debug)]
pub(super) struct Settling {
    /// What was last reported, or known from the start.
    told: Fingerprint,
    /// What was last found, and when that was found first.
    seen: Fingerprint,
    since: Instant,
}

/// What follows from a look at a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it was last reported.
    Same,
    /// It differs, and is to be looked at again at this time: it may still be changing.
    LookAgain(Instant),
    /// It differs and has stayed the same for long enough. This is told once.
    Changed,
}

impl Settling {
    /// A file of which this much is known.
    pub(super) fn new(known: Fingerprint, now: Instant) -> Settling {
        Settling {
            told: known,
            seen: known,
            since: now,
        }
    }

    /// Takes in what was found at `now`. `settle` is how long it must stay like that.
    pub(super) fn look(&mut self, found: Fingerprint, now: Instant, settle: Duration) -> Verdict {
        if found != self.seen {
            (self.seen, self.since) = (found, now);
        }
        if self.seen == self.told {
            return Verdict::Same;
        }
        let settled = self.since + settle;
        if now < settled {
            return Verdict::LookAgain(settled);
        }
        self.told = self.seen;
        Verdict::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Changed, LookAgain, Same};
    use super::*;
    use crate::files::Stamp;

    const SETTLE: Duration = Duration::from_millis(100);

    fn file(version: u64) -> Fingerprint {
        Fingerprint::File(Stamp {
            dev: 1,
            inode: 1,
            size: version,
            mtime_ns: 0,
            ctime_ns: 0,
        })
    }

    /// A file that was at version 0 at the start of its clock.
    struct Clocked {
        start: Instant,
        settling: Settling,
    }

    impl Clocked {
        fn new() -> Clocked {
            let start = Instant::now();
            let settling = Settling::new(file(0), start);
            Clocked { start, settling }
        }

        /// A look at so many milliseconds after the start.
        fn look(&mut self, at: u64, found: Fingerprint) -> Verdict {
            self.settling.look(found, self.time(at), SETTLE)
        }

        fn time(&self, at: u64) -> Instant {
            self.start + Duration::from_millis(at)
        }
    }

    #[test]
    fn a_change_is_told_once_it_stayed_and_then_never_again() {
        let mut clocked = Clocked::new();
        assert_eq!(clocked.look(10, file(0)), Same);
        assert_eq!(clocked.look(20, file(1)), LookAgain(clocked.time(120)));
        assert_eq!(clocked.look(119, file(1)), LookAgain(clocked.time(120)));
        assert_eq!(clocked.look(120, file(1)), Changed);
        assert_eq!(clocked.look(121, file(1)), Same);
        assert_eq!(clocked.look(10_000, file(1)), Same);
    }

    #[test]
    fn a_file_that_keeps_changing_is_told_only_when_it_stops() {
        let mut clocked = Clocked::new();
        for step in 1..=100 {
            let at = step * 99;
            assert_eq!(
                clocked.look(at, file(step)),
                LookAgain(clocked.time(at + 100))
            );
        }
        assert_eq!(
            clocked.look(9_999, file(100)),
            LookAgain(clocked.time(10_000))
        );
        assert_eq!(clocked.look(10_000, file(100)), Changed);
    }

    #[test]
    fn what_goes_and_comes_back_as_it_was_has_not_changed() {
        let mut clocked = Clocked::new();
        assert_eq!(
            clocked.look(10, Fingerprint::Missing),
            LookAgain(clocked.time(110))
        );
        assert_eq!(clocked.look(50, file(0)), Same);
        assert_eq!(
            clocked.look(120, Fingerprint::Missing),
            LookAgain(clocked.time(220))
        );
        assert_eq!(
            clocked.look(300, Fingerprint::Missing),
            Changed,
            "it is gone"
        );
        assert_eq!(clocked.look(310, file(0)), LookAgain(clocked.time(410)));
        assert_eq!(clocked.look(410, file(0)), Changed, "and back");
    }

    #[test]
    fn a_late_look_does_not_shorten_the_wait() {
        let mut clocked = Clocked::new();
        assert_eq!(clocked.look(5_000, file(1)), LookAgain(clocked.time(5_100)));
        assert_eq!(clocked.look(9_000, file(2)), LookAgain(clocked.time(9_100)));
        assert_eq!(clocked.look(9_200, file(2)), Changed);
    }
}
