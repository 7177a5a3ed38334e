//! Leave to call a guest once, and what is made of the end of the call: who is to blame for it.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::breaker::Leave;
use super::bulkhead::Place;
use super::generation::Generation;
use super::held::SlotHandle;
use super::pool::Space;
use crate::guest::{CallError, Rooms, Seat, Stage, Standing};
use crate::shards::Handle;

/// Leave to call a generation, and the place to do it. Dropped without [`Admitted::ended`], it
/// counts as abandoned by its client.
#[derive(Debug)]
pub struct Admitted {
    generation: Handle<Generation>,
    attempt: Attempt,
    /// A place in an instance of that generation that serves others.
    seat: Option<Seat>,
    /// From the time when the guest was called.
    called: Instant,
    /// How long it may take.
    deadline: Duration,
    place: Place,
}

/// Room for an instance that is there for a moment longer than its request runs.
#[derive(Debug)]
pub struct Room {
    slot: SlotHandle,
    space: Option<Space>,
}

/// A request that may be about to call a guest.
#[derive(Debug)]
pub(super) struct Attempt {
    slot: SlotHandle,
    leave: Option<Leave>,
}

impl Admitted {
    pub(super) fn new(
        attempt: Attempt,
        place: Place,
        generation: Handle<Generation>,
        seat: Option<Seat>,
        asked: Instant,
    ) -> Self {
        // The clock was just read, unless the request has waited since then.
        let called = if place.has_waited() {
            Instant::now()
        } else {
            asked
        };
        Self {
            generation,
            deadline: attempt.slot.deadline(),
            attempt,
            seat,
            called,
            place,
        }
    }

    /// The generation to call.
    pub fn generation(&self) -> &Handle<Generation> {
        &self.generation
    }

    /// When the guest is called: the clock is read once for all who ask.
    pub fn called(&self) -> Instant {
        self.called
    }

    /// Has another generation of the guest called.
    pub fn go_to(&mut self, generation: Handle<Generation>) {
        self.generation = generation;
        self.seat = None;
    }

    /// Where the request goes, if requests share instances of its guest, and what has room for
    /// more of those.
    pub fn standing(&mut self) -> (Option<Standing>, Option<Arc<dyn Rooms>>) {
        if !self.generation.guest().is_shared() {
            return (None, None);
        }
        let room = |share| Standing::Room(Box::new(share));
        let seat = self.seat.take().map(Standing::Seat);
        let bulkhead = self.attempt.slot.bulkhead();
        let share = |space| room(bulkhead.share(space));
        let standing = seat.or_else(|| self.place.take_space().map(share));
        (standing, Some(self.attempt.slot.rooms()))
    }

    /// Has it judged by another deadline than its guest's own.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Tells that whatever came of the call is not the guest's fault.
    pub fn excused(mut self) {
        self.attempt.end();
    }

    /// Tells what came of a call that leaves its instance behind. What comes back is that
    /// instance's room, to be dropped after it.
    pub fn ended_leaving<T>(mut self, result: &Result<T, CallError>) -> Room {
        let room = Room {
            space: self.place.leave_space(),
            slot: self.attempt.slot.clone(),
        };
        self.ended(result);
        room
    }

    /// Tells what came of the call.
    pub fn ended<T>(mut self, result: &Result<T, CallError>) {
        let counters = self.attempt.slot.counters();
        match result {
            Ok(_) => self.record(false),
            Err(CallError::Exhausted) => self.attempt.found_no_room(),
            Err(CallError::Deadline { stage }) => {
                counters.timed_out.add();
                if *stage != Stage::Waiting && self.had_its_time() {
                    self.record(true);
                }
                self.attempt.end();
            }
            Err(error) => {
                counters.failed.add();
                if !matches!(error, CallError::Instantiate { .. } | CallError::Host) {
                    self.record(true);
                }
                self.attempt.end();
            }
        }
    }

    /// Whether the guest has had at least half of its deadline. With less, a slow upload or a
    /// client without patience is to blame for its not being done.
    fn had_its_time(&self) -> bool {
        self.called.elapsed() * 2 >= self.deadline
    }

    fn record(&mut self, failed: bool) {
        if let Some(leave) = self.attempt.leave.take() {
            self.attempt.slot.record(&self.generation, leave, failed);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // Whoever gave up after so long would have seen a timeout.
        if self.attempt.leave.is_some() && self.had_its_time() {
            self.attempt.slot.counters().abandoned.add();
            self.record(true);
        }
        // Before the place is free for others, who may want the seat.
        self.seat = None;
        let place = mem::take(&mut self.place);
        self.attempt.slot.bulkhead().give_back(place);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(space) = self.space.take() {
            self.slot.bulkhead().free(&space);
        }
    }
}

impl Attempt {
    pub(super) fn new(slot: SlotHandle, leave: Leave) -> Self {
        Self {
            slot,
            leave: Some(leave),
        }
    }

    pub(super) fn slot(&self) -> &SlotHandle {
        &self.slot
    }

    /// Ends it for lack of room.
    pub(super) fn found_no_room(&mut self) {
        self.slot.counters().full.add();
        self.end();
    }

    /// Ends it with nothing learnt about the guest.
    fn end(&mut self) {
        if let Some(leave) = self.leave.take() {
            self.slot.give_back(leave);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.leave.is_some() {
            self.slot.counters().abandoned.add();
            self.end();
        }
    }
}
