//! What a client sees of a shared instance: it gives its request there and waits, and lets the
//! instance go on whenever it is polled itself.

use super::super::serve::{Account, Serving};
use super::ticket::{Answered, Left, Order, Over, Ticket};
use super::work::Start;
use super::worker::{Seat, Worker};
use super::workers::{Room, Workers};
use crate::guest::call::Guest;
use crate::guest::error::{CallError, Stage};
use crate::guest::usage::Usage;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Room for instances, among those of all guests.
pub trait Rooms: Send + Sync {
    /// Takes room for one more, if there is some now.
    fn take(&self) -> Option<Room>;
}

/// Where a request goes.
pub enum Standing {
    /// To an instance that has others.
    Seat(Seat),
    /// To one that waits or will be made, and takes this room.
    Room(Room),
}

/// A request that is with an instance, until it is dropped.
struct Visit {
    worker: Arc<Worker>,
    ticket: Arc<Ticket>,
}

enum Outcome {
    Over(Result<(), CallError>),
    /// The guest has not seen it, and it can go elsewhere.
    Elsewhere(Box<Order>, Option<Standing>),
}

impl Guest {
    /// Whether several requests share an instance. Then [`Guest::seat`] may have a place for one.
    pub fn is_shared(&self) -> bool {
        self.workers.is_some()
    }

    /// A place in an instance that serves others at this moment: a request that has one needs no
    /// room for an instance. It is in one that waits, or has to be shared since there are enough of
    /// them, unless `even_busy` says that any will do.
    pub fn seat(&self, even_busy: bool) -> Option<Seat> {
        self.workers.as_ref()?.seat(even_busy)
    }

    /// Has `tell` called when an instance of others has room again that had none for another reason
    /// than its requests. To be called once.
    pub fn tell_of_room(&self, tell: impl Fn() + Send + Sync + 'static) {
        if let Some(workers) = &self.workers {
            workers.tell_of_room(Box::new(tell));
        }
    }

    /// Answers a request by an instance that it shares with others.
    pub(in crate::guest::wasi) async fn share(
        &self,
        workers: &Arc<Workers>,
        serving: Serving,
        deadline: Instant,
    ) -> (Result<(), CallError>, Usage) {
        let account = serving.account();
        if Instant::now() >= deadline {
            let stage = Stage::Waiting;
            return (Err(CallError::Deadline { stage }), account.get());
        }
        let (mut order, mut standing, rooms) = serving.into_order(deadline);
        loop {
            let seat = match standing {
                Some(Standing::Seat(seat)) => seat,
                Some(Standing::Room(room)) => self.start(workers, Some(room), &account, deadline),
                None => self.start(workers, None, &account, deadline),
            };
            let visit = Visit::begin(seat, order);
            let rooms = rooms.as_deref();
            let outcome = poll_fn(|context| visit.poll(workers, rooms, &account, context)).await;
            drop(visit);
            match outcome {
                Outcome::Over(result) => return (result, account.get()),
                Outcome::Elsewhere(again, next) => (order, standing) = (again, next),
            }
        }
    }

    fn start(
        &self,
        workers: &Arc<Workers>,
        room: Option<Room>,
        account: &Account,
        deadline: Instant,
    ) -> Seat {
        let account = account.clone();
        workers.start(&self.kit, room, Start { deadline, account })
    }
}

impl Visit {
    fn begin(seat: Seat, order: Box<Order>) -> Visit {
        let visit = Visit {
            worker: seat.take(),
            ticket: Arc::new(Ticket::new(order)),
        };
        visit.worker.give(Arc::clone(&visit.ticket));
        visit
    }

    fn poll(
        &self,
        workers: &Workers,
        rooms: Option<&dyn Rooms>,
        account: &Account,
        context: &mut Context<'_>,
    ) -> Poll<Outcome> {
        self.worker.drive();
        if let Poll::Ready(result) = self.poll_over(account, context) {
            return Poll::Ready(Outcome::Over(result));
        }
        if !self.worker.is_blocked() || !self.ticket.is_queued() {
            return Poll::Pending;
        }
        let seat = || workers.seat(false).map(Standing::Seat);
        let room = || Some(Standing::Room(rooms?.take()?));
        let next = seat().or_else(room);
        if next.is_none() && !self.worker.is_over() {
            return Poll::Pending;
        }
        match self.ticket.take_back() {
            Some(order) => Poll::Ready(Outcome::Elsewhere(order, next)),
            // It was taken just now.
            None => self.poll_over(account, context).map(Outcome::Over),
        }
    }

    fn poll_over(
        &self,
        account: &Account,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), CallError>> {
        self.ticket.poll_over(context).map(|over| match over {
            Over::Ended(result) => result,
            Over::Taken(Answered { task, begun, .. }) => {
                account.note(|usage| usage.run = begun.elapsed());
                self.worker.roster().end(task, true);
                Ok(())
            }
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let left = self.ticket.leave();
        if let Left::Answered(task) = left {
            self.worker.roster().leave(task);
        }
        let workers = &self.worker.workers;
        workers.release(&self.worker, left != Left::Alone);
    }
}
