//! What each thread gets of its processor, for all of them to see, and what follows from it: whose
//! connections are better off in which other thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What a thread said longer ago says nothing of it any more.
const SAID_FOR: Duration = Duration::from_millis(50);

/// What a thread did with some time, in thousandths of it. Otherwise it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// It had nothing to do.
    pub(super) slept: u16,
    /// It had something to do, and others had the processor.
    pub(super) waited: u16,
}

/// A thread that waits for so much of its time shares its processor with somebody.
const WAITS: u16 = 100;
/// Beside a thread that waits, one that sleeps for so much of its time has time left.
const HAS_TIME: u16 = 50;
/// A thread that sleeps for no more of its time has more to do than it can.
const FULL: u16 = 30;
/// Beside one that is full, it is this much: it may be that somebody else runs while it sleeps.
const HAS_MUCH_TIME: u16 = 200;

/// What all threads say of themselves.
#[derive(Debug)]
pub(super) struct Board {
    origin: Instant,
    entries: Box<[Entry]>,
}

/// What one thread says. Alone in its cache line: the others seldom read it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Entry {
    rests: AtomicBool,
    /// When it said how it fares, in milliseconds from the origin, and the two numbers of that; 0
    /// before it did.
    said: AtomicU64,
}

impl Load {
    const ASLEEP: Load = Load {
        slept: 1000,
        waited: 0,
    };
    const AT_WORK: Load = Load {
        slept: 0,
        waited: 0,
    };

    /// That of a thread which ran and waited for that long within such a time.
    pub(super) fn within(time: Duration, ran: Duration, waited: Duration) -> Load {
        let part = |of: Duration| {
            let thousandths = of.as_nanos() * 1000 / time.as_nanos().max(1);
            u16::try_from(thousandths.min(1000)).unwrap_or(1000)
        };
        let waited = part(waited);
        Load {
            slept: (1000 - waited).saturating_sub(part(ran)),
            waited,
        }
    }

    /// Whether a connection of a thread that fares like this would be better off in another one. If
    /// somebody else has the processor, its requests wait while the other thread sleeps; and if
    /// nobody has, it has too much to do.
    fn is_relieved_by(self, other: Load) -> bool {
        let waits = self.waited >= WAITS && other.waited <= self.waited / 2;
        let is_full = self.slept <= FULL;
        (waits && other.slept >= HAS_TIME) || (is_full && other.slept >= HAS_MUCH_TIME)
    }
}

impl Board {
    /// That of so many threads, which all rest.
    pub(super) fn new(threads: usize) -> Board {
        let entry = |_| Entry {
            rests: AtomicBool::new(true),
            said: AtomicU64::new(0),
        };
        Board {
            origin: Instant::now(),
            entries: (0..threads).map(entry).collect(),
        }
    }

    /// Says whether that thread rests.
    pub(super) fn set_resting(&self, number: usize, rests: bool) {
        self.entries[number].rests.store(rests, Relaxed);
    }

    /// Says how that thread fares.
    pub(super) fn say(&self, number: usize, load: Load, now: Instant) {
        let numbers = u64::from(load.slept) << 16 | u64::from(load.waited);
        let said = self.millis(now) << 32 | numbers;
        self.entries[number].said.store(said, Relaxed);
    }

    /// Whom that thread should give connections, if anybody, and for what part of its time that one
    /// sleeps, in thousandths.
    pub(super) fn receiver(&self, number: usize, now: Instant) -> Option<(usize, u16)> {
        let own = self.load(number, now);
        let others = (0..self.entries.len()).filter(|other| *other != number);
        let loads = others.map(|other| (other, self.load(other, now)));
        let relieving = loads.filter(|(_, other)| own.is_relieved_by(*other));
        let slept = relieving.map(|(other, load)| (other, load.slept));
        slept.max_by_key(|(_, slept)| *slept)
    }

    /// How that thread fares, as far as is known: one that says nothing sleeps, unless it has not
    /// rested since it began to work.
    fn load(&self, number: usize, now: Instant) -> Load {
        let entry = &self.entries[number];
        let said = entry.said.load(Relaxed);
        let age = self.millis(now).saturating_sub(said >> 32);
        if said != 0 && u128::from(age) <= SAID_FOR.as_millis() {
            let number = |shift: u32| (said >> shift & u64::from(u16::MAX)) as u16;
            return Load {
                slept: number(16),
                waited: number(0),
            };
        }
        if entry.rests.load(Relaxed) {
            Load::ASLEEP
        } else {
            Load::AT_WORK
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.origin).as_millis();
        u64::from(u32::try_from(passed).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(slept: u16, waited: u16) -> Load {
        Load { slept, waited }
    }

    #[test]
    fn what_is_neither_run_nor_waited_is_slept() {
        let millis = Duration::from_millis;
        let within = |ran, waited| Load::within(millis(20), millis(ran), millis(waited));
        assert_eq!(within(0, 0), Load::ASLEEP);
        assert_eq!(within(20, 0), Load::AT_WORK);
        assert_eq!(within(5, 10), load(250, 500));
        // The kernel's counts are of other moments than the clock's.
        assert_eq!(within(21, 0), Load::AT_WORK);
        assert_eq!(within(5, 21), load(0, 1000));
        let none = Load::within(Duration::ZERO, millis(1), millis(0));
        assert_eq!(none, Load::AT_WORK);
    }

    #[test]
    fn connections_go_to_where_they_wait_less() {
        let alone = load(170, 30);
        for (own, other, is_relieved) in [
            // A client has this one's processor for half of the time.
            (load(170, 500), alone, true),
            (load(0, 500), alone, true),
            (alone, load(170, 500), false),
            // The other one is about full.
            (load(130, 640), load(20, 35), false),
            // Both have somebody.
            (load(170, 500), load(100, 300), false),
            (load(170, 500), load(100, 250), true),
            // Too much to do, beside one that has little.
            (load(10, 20), load(400, 50), true),
            (load(10, 20), load(100, 50), false),
            // A client has the other one's processor, but has left it too little to do.
            (load(10, 20), load(300, 300), true),
            (load(10, 20), load(150, 350), false),
            // Nobody is short of anything.
            (load(400, 20), Load::ASLEEP, false),
            (Load::ASLEEP, Load::ASLEEP, false),
            (Load::AT_WORK, Load::AT_WORK, false),
        ] {
            assert_eq!(own.is_relieved_by(other), is_relieved, "{own:?} {other:?}");
        }
    }

    #[test]
    fn of_several_the_one_with_most_time_gets_them() {
        let board = Board::new(4);
        let now = board.origin + Duration::from_secs(1);
        let says = |number, slept, waited| board.say(number, load(slept, waited), now);
        says(0, 100, 400);
        says(1, 300, 0);
        says(2, 500, 20);
        says(3, 900, 300);
        assert_eq!(board.receiver(0, now), Some((2, 500)));
        assert_eq!(board.receiver(1, now), None);
        says(0, 400, 0);
        assert_eq!(board.receiver(0, now), None);
        assert_eq!(Board::new(1).receiver(0, now), None);
    }

    #[test]
    fn who_says_nothing_sleeps_or_has_been_at_work_since() {
        let board = Board::new(2);
        let now = board.origin + Duration::from_secs(1);
        board.set_resting(0, false);
        board.say(0, load(0, 20), now);
        assert_eq!(board.receiver(0, now), Some((1, 1000)));
        board.set_resting(1, false);
        assert_eq!(board.receiver(0, now), None);
        board.say(1, load(600, 0), now);
        assert_eq!(board.receiver(0, now + SAID_FOR), Some((1, 600)));
        let later = now + 2 * SAID_FOR;
        assert_eq!(board.receiver(0, later), None);
        board.set_resting(1, true);
        // The first one is at work all that time.
        assert_eq!(board.receiver(0, later), Some((1, 1000)));
        board.set_resting(0, true);
        assert_eq!(board.receiver(0, later), None);
    }
}
