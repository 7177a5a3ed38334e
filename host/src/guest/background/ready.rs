//! Calls that wait for a turn, and the order in which they get it. Pure: no threads, no clock.
//!
//! Guests take turns, not calls: a guest with one call gets as much as one with hundreds. Within a
//! guest, calls that had no turn yet and calls that had one alternate, so that a guest's slow calls
//! do not hold up its quick ones. A call whose deadline has passed goes first: it is about to end.
//! A guest that had no turn for long is starved, and can be asked for.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

/// A queue for each guest. `J` is whatever stands for a call.
#[derive(Debug)]
pub(super) struct Ready<J> {
    lanes: HashMap<u64, Lane<J>>,
    /// Each lane once, the next one first. A lane that became empty stays until its turn comes.
    order: VecDeque<u64>,
    /// The deadlines of all calls that wait, earliest first.
    expiring: BTreeMap<(Instant, u64), Place>,
    last_number: u64,
}

/// Which queue of which guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The guest.
    pub(super) lane: u64,
    /// Whether the call had a turn before.
    pub(super) begun: bool,
}

/// Where a waiting call stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    place: Place,
    deadline: Instant,
    number: u64,
}

/// The calls of one guest: by number, which is the order they came in.
#[derive(Debug)]
struct Lane<J> {
    /// When it had its last turn, or became one that waits.
    served: Instant,
    new: BTreeMap<u64, Entry<J>>,
    begun: BTreeMap<u64, Entry<J>>,
    begun_is_next: bool,
}

#[derive(Debug)]
struct Entry<J> {
    deadline: Instant,
    job: J,
}

impl<J> Default for Ready<J> {
    fn default() -> Ready<J> {
        Ready {
            lanes: HashMap::new(),
            order: VecDeque::new(),
            expiring: BTreeMap::new(),
            last_number: 0,
        }
    }
}

impl<J> Ready<J> {
    /// Queues a call. The ticket can take it out again.
    pub(super) fn push(&mut self, place: Place, deadline: Instant, job: J, now: Instant) -> Ticket {
        self.last_number += 1;
        let number = self.last_number;
        let lane = self.lanes.entry(place.lane).or_insert_with(|| {
            self.order.push_back(place.lane);
            Lane::new(now)
        });
        lane.queue(place.begun)
            .insert(number, Entry { deadline, job });
        self.expiring.insert((deadline, number), place);
        Ticket {
            place,
            deadline,
            number,
        }
    }

    /// Takes a call out, unless it is out already.
    pub(super) fn remove(&mut self, ticket: &Ticket) -> Option<J> {
        self.expiring.remove(&(ticket.deadline, ticket.number))?;
        self.take(ticket.place, ticket.number)
    }

    /// Takes out the call that is to run next.
    pub(super) fn pop(&mut self, now: Instant) -> Option<J> {
        if let Some(expired) = self.expiring.first_entry().filter(|e| e.key().0 <= now) {
            let ((_, number), place) = expired.remove_entry();
            return self.take(place, number);
        }
        while let Some(id) = self.order.pop_front() {
            let next = self.lanes.get_mut(&id).and_then(|lane| lane.pop(now));
            let Some((number, entry)) = next else {
                self.lanes.remove(&id);
                continue;
            };
            self.order.push_back(id);
            self.expiring.remove(&(entry.deadline, number));
            return Some(entry.job);
        }
        None
    }

    /// Takes out a call of a guest that has waited for a turn since `then`, or longer.
    pub(super) fn pop_starved(&mut self, then: Instant, now: Instant) -> Option<J> {
        // Whoever waits longest is at the front, but for guests that have just come.
        let starved = |id: &&u64| self.lanes.get(id).is_some_and(|lane| lane.is_starved(then));
        let place = self.order.iter().position(|id| starved(&id))?;
        let id = self.order.remove(place)?;
        self.order.push_back(id);
        let (number, entry) = self.lanes.get_mut(&id)?.pop(now)?;
        self.expiring.remove(&(entry.deadline, number));
        Some(entry.job)
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.expiring.is_empty()
    }

    fn take(&mut self, place: Place, number: u64) -> Option<J> {
        let queue = self.lanes.get_mut(&place.lane)?.queue(place.begun);
        Some(queue.remove(&number)?.job)
    }
}

impl<J> Lane<J> {
    fn new(now: Instant) -> Lane<J> {
        Lane {
            served: now,
            new: BTreeMap::new(),
            begun: BTreeMap::new(),
            begun_is_next: false,
        }
    }

    fn is_starved(&self, then: Instant) -> bool {
        self.served <= then && !(self.new.is_empty() && self.begun.is_empty())
    }

    fn queue(&mut self, begun: bool) -> &mut BTreeMap<u64, Entry<J>> {
        if begun {
            &mut self.begun
        } else {
            &mut self.new
        }
    }

    fn pop(&mut self, now: Instant) -> Option<(u64, Entry<J>)> {
        self.served = now;
        let begun = self.begun_is_next;
        self.begun_is_next = !begun;
        let preferred = self.queue(begun).pop_first();
        preferred.or_else(|| self.queue(!begun).pop_first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NEW: bool = false;
    const BEGUN: bool = true;

    struct Waiting {
        ready: Ready<&'static str>,
        now: Instant,
    }

    impl Waiting {
        fn new() -> Waiting {
            Waiting {
                ready: Ready::default(),
                now: Instant::now(),
            }
        }

        /// Queues a call with some milliseconds left.
        fn push(&mut self, lane: u64, begun: bool, left: u64, job: &'static str) -> Ticket {
            let deadline = self.now + Duration::from_millis(left);
            self.ready
                .push(Place { lane, begun }, deadline, job, self.now)
        }

        fn drain(&mut self) -> String {
            let mut order = Vec::new();
            while let Some(job) = self.ready.pop(self.now) {
                order.push(job);
            }
            assert!(self.ready.expiring.is_empty(), "a call was lost");
            assert!(self.ready.lanes.is_empty() && self.ready.order.is_empty());
            order.join(" ")
        }
    }

    #[test]
    fn guests_take_turns_however_many_calls_they_have() {
        let mut waiting = Waiting::new();
        for job in ["a1", "a2", "a3", "a4"] {
            waiting.push(1, BEGUN, 100, job);
        }
        waiting.push(2, BEGUN, 100, "b1");
        waiting.push(2, BEGUN, 100, "b2");
        waiting.push(3, BEGUN, 100, "c1");
        assert_eq!(waiting.drain(), "a1 b1 c1 a2 b2 a3 a4");
    }

    #[test]
    fn a_guest_that_queues_again_goes_to_the_end() {
        let mut waiting = Waiting::new();
        waiting.push(1, BEGUN, 100, "a1");
        waiting.push(2, BEGUN, 100, "b1");
        assert_eq!(waiting.ready.pop(waiting.now), Some("a1"));
        waiting.push(1, BEGUN, 100, "a1 again");
        assert_eq!(waiting.drain(), "b1 a1 again");
    }

    #[test]
    fn within_a_guest_new_calls_and_begun_ones_alternate() {
        let mut waiting = Waiting::new();
        for job in ["old1", "old2", "old3"] {
            waiting.push(1, BEGUN, 100, job);
        }
        for job in ["new1", "new2"] {
            waiting.push(1, NEW, 100, job);
        }
        assert_eq!(waiting.drain(), "new1 old1 new2 old2 old3");
    }

    #[test]
    fn calls_past_their_deadline_go_first_earliest_deadline_first() {
        let mut waiting = Waiting::new();
        waiting.push(1, NEW, 50, "a late");
        waiting.push(1, BEGUN, 20, "a");
        waiting.push(2, BEGUN, 10, "b");
        waiting.push(2, BEGUN, 200, "b in time");
        waiting.now += Duration::from_millis(30);
        assert_eq!(waiting.drain(), "b a a late b in time");
    }

    #[test]
    fn who_had_no_turn_for_long_is_starved() {
        let mut waiting = Waiting::new();
        let start = waiting.now;
        waiting.push(1, BEGUN, 1000, "a1");
        waiting.push(1, BEGUN, 1000, "a2");
        waiting.push(2, BEGUN, 1000, "b1");
        waiting.now += Duration::from_millis(50);
        assert_eq!(waiting.ready.pop(waiting.now), Some("a1"));
        assert_eq!(waiting.ready.pop_starved(start, waiting.now), Some("b1"));
        assert_eq!(waiting.ready.pop_starved(start, waiting.now), None);
        waiting.push(2, BEGUN, 1000, "b2");
        assert_eq!(waiting.drain(), "a2 b2");
    }

    #[test]
    fn a_call_is_taken_out_once() {
        let mut waiting = Waiting::new();
        let ticket = waiting.push(1, NEW, 100, "gone");
        waiting.push(1, NEW, 100, "stays");
        assert_eq!(waiting.ready.remove(&ticket), Some("gone"));
        assert_eq!(waiting.ready.remove(&ticket), None);
        assert_eq!(waiting.drain(), "stays");
        assert_eq!(waiting.ready.remove(&ticket), None);
    }
}
