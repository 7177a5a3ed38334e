//! When a call gives way: the rule behind the ticks of the epoch, for one store. It only decides;
//! `state` tells wasmtime.

use super::subject::Subject;
use crate::shards::Handle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Slices that a call may run for on a thread of the runtime, from the first tick that finds it: so
/// many more may have passed before. In the background turns are short for the sake of quick calls;
/// here moving a call costs more than letting it end.
pub(super) const SLICES_ON_THE_RUNTIME: u32 = 4;

/// What one call has had of its turn.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    slice: Duration,
    subject: Handle<Subject>,
    phase: Phase,
    ticks: u32,
    /// For a call that waits in between: what is known of its polls, and how many of them there
    /// had been when the last tick came.
    polls: Option<(Arc<Polls>, u32)>,
}

/// What whoever polls a call that waits for its client or for others, and the call itself, tell
/// each other. Time that passes while it waits is nobody's turn.
#[derive(Debug, Default)]
pub(super) struct Polls {
    count: AtomicU32,
    gave_way: AtomicBool,
}

impl Polls {
    /// The call is about to be polled.
    pub(super) fn begin(&self) {
        self.count.fetch_add(1, Relaxed);
    }

    /// Whether it is pending because it had its turn, and not because it waits.
    pub(super) fn gave_way(&self) -> bool {
        self.gave_way.swap(false, Relaxed)
    }
}

/// What the next tick will mean.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No tick has come in this turn.
    Begun,
    /// The first one came then.
    Ticked(Instant),
    /// The call gave way. What comes next is its new turn and no tick.
    Resuming,
}

/// What a call does after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It runs on to the next tick.
    GoOn,
    /// Its turn is over. When it runs again, [`Turn::tick`] is to be asked again at once.
    GiveWay,
}

impl Turn {
    /// A call's first turn. What ticks tell, which come every `slice` or less often (see
    /// [`super::beat`]), is noted in the pace of `subject`. A call that may wait has its `polls`,
    /// and each time it is polled a turn of its own.
    pub(super) fn new(
        slice: Duration,
        subject: Handle<Subject>,
        polls: Option<Arc<Polls>>,
    ) -> Turn {
        Turn {
            slice,
            subject,
            phase: Phase::Begun,
            ticks: 0,
            polls: polls.map(|polls| (polls, 0)),
        }
    }

    /// The first turn of another call of the same guest.
    pub(super) fn begin_again(&mut self, polls: Option<Arc<Polls>>) {
        self.phase = Phase::Begun;
        self.ticks = 0;
        self.polls = polls.map(|polls| (polls, 0));
    }

    /// A tick came; `now` is by the clock of [`super::running`]. In the background a turn ends with
    /// it. On a thread of the runtime a call that just happens to run when it comes goes on, and
    /// gives way when it has overrun: moving it costs more than most calls.
    pub(super) fn tick(&mut self, now: Instant, in_background: bool) -> Next {
        if matches!(self.phase, Phase::Resuming) {
            self.phase = Phase::Begun;
            return Next::GoOn;
        }
        if self.is_first_of_a_poll() {
            self.phase = Phase::Ticked(now);
            return Next::GoOn;
        }
        self.subject.pace.ticked(self.ticks);
        self.ticks = self.ticks.saturating_add(1);
        let overran = matches!(self.phase, Phase::Ticked(first) if self.is_overrun(now - first));
        if overran {
            self.subject.pace.overran();
        }
        if overran || in_background {
            self.phase = Phase::Resuming;
            self.subject.pace.gave_way();
            if let Some((polls, _)) = &self.polls {
                polls.gave_way.store(true, Relaxed);
            }
            return Next::GiveWay;
        }
        if matches!(self.phase, Phase::Begun) {
            self.phase = Phase::Ticked(now);
        }
        Next::GoOn
    }

    /// Whether the call has waited since the last tick. Then this one may be of a time when it
    /// waited, and says nothing; that no tick came in the polls before does.
    fn is_first_of_a_poll(&mut self) -> bool {
        let Some((polls, seen)) = &mut self.polls else {
            return false;
        };
        let count = polls.count.load(Relaxed);
        let new = count.wrapping_sub(*seen);
        *seen = count;
        self.subject.pace.were_quick(new.saturating_sub(1));
        new > 0
    }

    /// The call ran for so long, and did not wait. Where the host works for it, as when it fills
    /// its memory, no tick reaches it, even if one was due.
    pub(super) fn ran(&mut self, time: Duration) {
        if self.ticks == 0 && time >= self.slice * self.subject.pace.slices_to_a_tick() {
            self.ticks = 1;
            self.subject.pace.was_long();
        }
    }

    /// The call has ended.
    pub(super) fn end(&mut self) {
        if self.ticks == 0 {
            self.subject.pace.were_quick(1);
        }
    }

    /// A quarter of the time between two ticks is forgiven: they are late now and then, the first
    /// one may have come as late as that, and the thread may have waited for its processor.
    fn is_overrun(&self, since_first: Duration) -> bool {
        let forgiven = self.slice * self.subject.pace.slices_to_a_tick() / 4;
        since_first + forgiven >= self.slice * SLICES_ON_THE_RUNTIME
    }
}

#[cfg(test)]
mod tests {
    use super::super::beat::Beat;
    use super::*;

    const SLICE: Duration = Duration::from_millis(2);

    fn turn() -> (Turn, Arc<Subject>) {
        let subject = Arc::<Subject>::default();
        (Turn::new(SLICE, Arc::clone(&subject).into(), None), subject)
    }

    #[test]
    fn on_the_runtime_a_call_has_whole_slices() {
        let (mut turn, subject) = turn();
        let start = Instant::now();
        assert_eq!(turn.tick(start, false), Next::GoOn);
        assert_eq!(turn.tick(start + SLICE, false), Next::GoOn);
        assert!(!subject.pace.is_slow());
        let over = start + SLICE * SLICES_ON_THE_RUNTIME;
        assert_eq!(turn.tick(over, false), Next::GiveWay);
        assert!(subject.pace.is_slow());
    }

    #[test]
    fn in_the_background_each_turn_ends_with_a_tick() {
        let (mut turn, subject) = turn();
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(turn.tick(start, true), Next::GiveWay);
            assert_eq!(turn.tick(start, true), Next::GoOn, "its next turn begins");
        }
        assert!(subject.pace.is_slow(), "many ticks make a guest slow");
    }

    #[test]
    fn a_call_that_waits_has_a_turn_each_time_it_goes_on() {
        let (subject, polls) = (Arc::<Subject>::default(), Arc::<Polls>::default());
        let mut turn = Turn::new(SLICE, Arc::clone(&subject).into(), Some(Arc::clone(&polls)));
        let start = Instant::now();
        for wait in 0..20 {
            polls.begin();
            let now = start + SLICE * wait;
            assert_eq!(
                turn.tick(now, false),
                Next::GoOn,
                "a tick from while it waited"
            );
        }
        assert!(!subject.pace.is_slow() && !polls.gave_way());
        let last = start + SLICE * 19;
        assert_eq!(turn.tick(last + SLICE, false), Next::GoOn);
        let over = last + SLICE * SLICES_ON_THE_RUNTIME;
        assert_eq!(
            turn.tick(over, false),
            Next::GiveWay,
            "it ran through whole slices"
        );
        assert!(subject.pace.is_slow() && polls.gave_way() && !polls.gave_way());
    }

    #[test]
    fn a_call_that_no_tick_reached_is_known_by_its_time() {
        let (_, subject) = turn();
        let calls = |count, time| {
            for _ in 0..count {
                let mut turn = Turn::new(SLICE, Arc::clone(&subject).into(), None);
                turn.ran(time);
                turn.end();
            }
        };
        calls(10, SLICE * 5);
        assert!(subject.pace.is_slow());
        calls(100, SLICE / 2);
        assert!(!subject.pace.is_slow());
    }

    #[test]
    fn two_rare_ticks_in_one_piece_of_a_call_end_its_turn() {
        for waits in [false, true] {
            let subject = Subject::new("a", &Beat::of(4));
            let polls = Arc::<Polls>::default();
            let its_polls = waits.then(|| Arc::clone(&polls));
            let mut turn = Turn::new(SLICE, Arc::clone(&subject).into(), its_polls);
            let start = Instant::now();
            polls.begin();
            assert_eq!(turn.tick(start, false), Next::GoOn);
            assert_eq!(turn.tick(start + SLICE * 4, false), Next::GiveWay);
            assert!(subject.pace.is_slow(), "waits: {waits}");
        }
    }

    #[test]
    fn a_call_that_was_over_before_a_rare_tick_was_due_is_quick() {
        for (slices, slow) in [(3, false), (4, true)] {
            let subject = Subject::new("a", &Beat::of(4));
            for _ in 0..20 {
                let mut turn = Turn::new(SLICE, Arc::clone(&subject).into(), None);
                turn.ran(SLICE * slices);
                turn.end();
            }
            assert_eq!(subject.pace.is_slow(), slow, "{slices} slices");
        }
    }

    #[test]
    fn a_call_without_a_tick_is_quick_and_the_next_one_starts_anew() {
        let (mut turn, subject) = turn();
        subject.pace.overran();
        turn.tick(Instant::now(), true);
        for _ in 0..100 {
            turn.end();
        }
        assert!(subject.pace.is_slow(), "a tick came during this call");
        for _ in 0..100 {
            turn.begin_again(None);
            turn.end();
        }
        assert!(!subject.pace.is_slow());
    }
}
