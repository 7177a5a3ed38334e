//! When a thread gives connections away. Every now and then, at the end of a request, it asks the
//! kernel what it got of its processor, says so on the board, and looks whether another thread
//! would serve its connections better. If so, the next few whose requests are answered go there:
//! those are the busy ones, and nothing of them is on the way.
//!
//! A client on the same machine is why this matters. It shares a processor with one of the threads,
//! which it lets wait, and then asks all its connections at once: while the one thread has not
//! come to its share of them, the other is done with its own and idle.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::Workers;
use super::board::Load;
use super::schedstat::{Counts, Schedstat};

/// How often a thread looks.
const LOOKS: Duration = Duration::from_millis(10);
/// One connection in so many of those that a thread finds at once moves between two looks at most,
/// but so many at the very most, and one at least: what comes of it shows in the next look.
const PART: u32 = 8;
const MOVES_MAX: u32 = 8;

/// A thread's place among the others.
struct Post {
    workers: Workers,
    number: usize,
    schedstat: Schedstat,
    /// When it looked last, and what was counted then.
    looked: Instant,
    counts: Counts,
}

/// What a thread has to know at the end of each request.
struct Pulse {
    /// When it looks again; never for one that has no post.
    look: Cell<Option<Instant>>,
    /// Since it looked.
    requests: Cell<u32>,
    wakes: Cell<u32>,
    /// Connections to be given away, and to whom.
    surplus: Cell<u32>,
    receiver: Cell<usize>,
}

thread_local! {
    static POST: RefCell<Option<Post>> = const { RefCell::new(None) };
    static PULSE: Pulse = const {
        Pulse {
            look: Cell::new(None),
            requests: Cell::new(0),
            wakes: Cell::new(0),
            surplus: Cell::new(0),
            receiver: Cell::new(0),
        }
    };
}

/// Makes this thread the one with that number. Where the kernel does not count what threads get, or
/// there is no other one, it gives nothing away.
pub(super) fn enter(workers: Workers, number: usize) {
    let schedstat = Schedstat::of_this_thread().filter(|_| workers.0.runtimes.len() > 1);
    let now = Instant::now();
    let look = schedstat.as_ref().map(|_| now);
    POST.set(schedstat.map(|schedstat| Post {
        workers,
        number,
        counts: schedstat.read().unwrap_or_default(),
        schedstat,
        looked: now,
    }));
    PULSE.with(|pulse| pulse.look.set(look));
}

/// This thread has work.
pub(super) fn begin() {
    PULSE.with(|pulse| pulse.wakes.set(pulse.wakes.get().saturating_add(1)));
    POST.with_borrow(|post| post.iter().for_each(|post| post.set_resting(false)));
}

/// This thread has none left.
pub(super) fn rest() {
    POST.with_borrow(|post| post.iter().for_each(|post| post.set_resting(true)));
}

/// Counts a request that ended in this thread at `now`.
pub(crate) fn served(now: Instant) {
    PULSE.with(|pulse| pulse.count(now));
}

/// Counts a request that ended in this thread at `now`, after which its connection waits for the
/// next one. If that had better happen in another thread, its runtime.
pub(crate) fn elsewhere(now: Instant) -> Option<Handle> {
    PULSE.with(|pulse| {
        pulse.count(now);
        let surplus = pulse.surplus.get().checked_sub(1)?;
        pulse.surplus.set(surplus);
        let receiver = pulse.receiver.get();
        POST.with_borrow(|post| Some(post.as_ref()?.workers.runtime(receiver).clone()))
    })
}

/// Has the next connection that could go to that runtime.
#[cfg(test)]
pub(crate) fn give_next_to(runtime: Handle) {
    let here = runtime.clone();
    enter(Workers::new([here, runtime]), 0);
    PULSE.with(|pulse| {
        pulse.look.set(None);
        pulse.surplus.set(1);
        pulse.receiver.set(1);
    });
}

impl Pulse {
    fn count(&self, now: Instant) {
        self.requests.set(self.requests.get().saturating_add(1));
        if self.look.get().is_some_and(|look| now >= look) {
            POST.with_borrow_mut(|post| post.iter_mut().for_each(|post| post.look(self)));
        }
    }

    /// From now on some connections go to that thread, which sleeps for so many thousandths of its
    /// time.
    fn give(&self, receiver: Option<(usize, u16)>) {
        let at_once = self.requests.take() / self.wakes.take().max(1);
        let Some((receiver, slept)) = receiver else {
            self.surplus.set(0);
            return;
        };
        // Half of what it could do besides, if connections are alike.
        let half = at_once.saturating_mul(u32::from(slept)).div_ceil(2 * 1000);
        let moves_max = (at_once / PART).clamp(1, MOVES_MAX);
        self.surplus.set(half.clamp(1, moves_max));
        self.receiver.set(receiver);
    }
}

impl Post {
    #[cold]
    fn look(&mut self, pulse: &Pulse) {
        let now = Instant::now();
        pulse.look.set(Some(now + LOOKS));
        let Some(counts) = self.schedstat.read() else {
            return;
        };
        let time = now - self.looked;
        let ran = counts.ran.saturating_sub(self.counts.ran);
        let waited = counts.waited.saturating_sub(self.counts.waited);
        (self.looked, self.counts) = (now, counts);
        self.say(Load::within(time, ran, waited), now, pulse);
    }

    fn say(&self, load: Load, now: Instant, pulse: &Pulse) {
        let board = &self.workers.0.board;
        board.say(self.number, load, now);
        pulse.give(board.receiver(self.number, now));
    }

    fn set_resting(&self, rests: bool) {
        self.workers.0.board.set_resting(self.number, rests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::{Builder, Runtime};

    const WAITS: Load = Load {
        slept: 100,
        waited: 500,
    };
    const HAS_TIME: Load = Load {
        slept: 300,
        waited: 0,
    };

    /// This thread as the first of two.
    fn post() -> (Workers, [Runtime; 2]) {
        let runtimes = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
        let workers = Workers::new(runtimes.iter().map(|runtime| runtime.handle().clone()));
        enter(workers.clone(), 0);
        (workers, runtimes)
    }

    /// Says that of this thread, as if it had just looked.
    fn say(load: Load) {
        let say = |pulse: &Pulse| {
            pulse
                .look
                .set(Some(Instant::now() + Duration::from_secs(3600)));
            POST.with_borrow(|post| {
                let post = post.as_ref().unwrap();
                post.say(load, Instant::now(), pulse);
            });
        };
        PULSE.with(say);
    }

    /// How many of the next requests' connections go elsewhere.
    fn moves() -> usize {
        let ids = |_| elsewhere(Instant::now()).map(|runtime| runtime.id());
        (0..100).filter_map(ids).count()
    }

    #[test]
    fn some_connections_go_to_the_one_that_has_time() {
        let (workers, runtimes) = post();
        assert_eq!(moves(), 0);
        say(HAS_TIME);
        workers.0.board.say(1, HAS_TIME, Instant::now());
        begin();
        served(Instant::now());
        say(WAITS);
        let there = elsewhere(Instant::now()).unwrap();
        assert_eq!(there.id(), runtimes[1].handle().id());
        assert_eq!(moves(), 0, "few were found at once");
        for (requests, given) in [(12, 1), (24, 3), (40, 5), (1000, 8)] {
            say(WAITS);
            begin();
            (0..requests).for_each(|_| served(Instant::now()));
            say(WAITS);
            assert_eq!(moves(), given, "{requests}");
        }
        say(HAS_TIME);
        assert_eq!(moves(), 0);
        say(WAITS);
        workers.0.board.say(1, WAITS, Instant::now());
        say(WAITS);
        assert_eq!(moves(), 0, "none has more time");
    }

    #[test]
    fn what_the_kernel_counts_is_told_to_all() {
        let (workers, _runtimes) = post();
        let end = Instant::now() + Duration::from_secs(20);
        // The other one sleeps; this one runs all the time, or waits.
        while elsewhere(Instant::now()).is_none() {
            assert!(Instant::now() < end, "this thread is at work");
        }
        assert_eq!(workers.0.board.receiver(0, Instant::now()), Some((1, 1000)));
    }

    #[test]
    fn one_thread_alone_gives_nothing_away() {
        let runtime = Builder::new_current_thread().build().unwrap();
        enter(Workers::new([runtime.handle().clone()]), 0);
        begin();
        assert!(elsewhere(Instant::now()).is_none());
        rest();
    }
}
