//! The places of one guest: how many of its requests run at once, and how many wait for how long
//! until one of those is done. Other guests have bulkheads of their own, so one that is slow fills
//! only its own.

use std::hint::black_box;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, SeqCst},
};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::pool::{Part, Pool, Share, Space};
use crate::guest::{self, Rooms};
use crate::shards::Kept;

/// What one guest may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Requests that run at once.
    pub(super) running_max: u32,
    /// Requests that wait at once.
    pub(super) queue_max: u32,
    /// How long each of them may wait.
    pub(super) queue_time: Duration,
}

/// Places to run, and places to wait for one.
#[derive(Debug)]
pub(super) struct Bulkhead {
    bounds: Bounds,
    /// The places that nobody has and no thread has kept, and the queue for them.
    places: Semaphore,
    /// Places that threads have given back and will want again.
    kept: Kept,
    queued: AtomicU32,
    /// Where its requests take room for instances.
    part: Arc<Part>,
}

/// A place to run, which is to be given back to its bulkhead.
#[derive(Debug, Default)]
#[must_use = "somebody has to give it back"]
pub(super) struct Place {
    /// Absent where the request has a seat in an instance of others, or the instance has it.
    space: Option<Space>,
    /// The instance has outlived the request, by a moment, and nothing is free yet.
    left: bool,
    /// The request had to wait for it.
    waited: bool,
}

/// One of the places of a bulkhead, while it is not known whether it will be used. Dropping it
/// gives it back.
struct Permit<'a>(&'a Bulkhead);

impl Permit<'_> {
    /// Goes with its request from now on.
    fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.give_back_place();
    }
}

impl Place {
    /// Whether the request had to wait for it.
    pub(super) fn has_waited(&self) -> bool {
        self.waited
    }

    /// Takes out the room for an instance, for one that may outlive the request.
    pub(super) fn take_space(&mut self) -> Option<Space> {
        self.space.take()
    }

    /// The same for one that is about to be cleared away.
    pub(super) fn leave_space(&mut self) -> Option<Space> {
        self.left = self.space.is_some();
        self.take_space()
    }
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// As many requests wait as may.
    QueueFull,
    /// None became free in time.
    QueueTime,
    /// The instances that all guests share are used up, this guest's own are too, and none was
    /// given back in time.
    Exhausted,
}

impl Bulkhead {
    /// All places free. Running requests take their instances from `pool`.
    pub(super) fn new(bounds: Bounds, pool: Arc<Pool>) -> Self {
        Self {
            bounds,
            places: Semaphore::new(bounds.running_max as usize),
            kept: Kept::default(),
            queued: AtomicU32::new(0),
            part: Part::of(pool),
        }
    }

    /// The same places under other bounds, for a guest that has been configured anew: what runs
    /// goes on to count. With another pool, which has its own instances, all places are new.
    pub(super) fn succeed(old: &Arc<Self>, bounds: Bounds, pool: &Arc<Pool>) -> Arc<Self> {
        if !Arc::ptr_eq(old.part.pool(), pool) {
            return Arc::new(Self::new(bounds, Arc::clone(pool)));
        }
        if old.bounds == bounds {
            return Arc::clone(old);
        }
        Arc::new(Self {
            part: Arc::clone(&old.part),
            ..Self::new(bounds, Arc::clone(pool))
        })
    }

    /// Reads what [`Bulkhead::enter`] will look at.
    pub(super) fn touch(&self) {
        self.kept.touch();
        self.part.touch();
        black_box(self.queued());
    }

    /// Requests that run at this moment.
    pub(super) fn running(&self) -> u32 {
        let free = self.places.available_permits() + self.kept.count();
        self.bounds
            .running_max
            .saturating_sub(u32::try_from(free).unwrap_or(u32::MAX))
    }

    /// Requests that wait at this moment.
    pub(super) fn queued(&self) -> u32 {
        self.queued.load(Relaxed)
    }

    /// Takes a place, and a `seat` in an instance of others or else room for an instance, and if
    /// there is none, even a seat in one that is busy: first come first served as far as the places
    /// go. Waits for both together at most `queue_time`, and not past `deadline`. Dropping the
    /// future leaves the queue.
    pub(super) async fn enter<S>(
        &self,
        deadline: Instant,
        seat: impl Fn(bool) -> Option<S>,
    ) -> Result<(Place, Option<S>), NoPlace> {
        let permit = self.take_place();
        let room = permit.as_ref().and_then(|_| self.room(&seat));
        match (permit, room) {
            (Some(permit), Some(room)) => Ok(place(permit, room)),
            // On the heap: most requests find a place, and need not have room for this.
            (permit, _) => Box::pin(self.wait(permit, deadline, seat)).await,
        }
    }

    /// Takes back what a request had.
    pub(super) fn give_back(&self, mut place: Place) {
        match place.take_space() {
            Some(space) => self.free(&space),
            None if place.left => {}
            None => self.part.pool().tell(),
        }
        self.give_back_place();
    }

    /// Takes back the room for an instance.
    pub(super) fn free(&self, space: &Space) {
        self.part.give_back(space);
    }

    /// The same room as something that gives itself back.
    pub(super) fn share(&self, space: Space) -> Share {
        self.part.share(space)
    }

    fn room<S>(&self, seat: &impl Fn(bool) -> Option<S>) -> Option<Room<S>> {
        let space = || self.part.take().map(Room::Space);
        let any = || seat(true).map(Room::Seat);
        seat(false).map(Room::Seat).or_else(space).or_else(any)
    }

    /// A place that is free: best one that this thread has kept, for then no other has to know.
    fn take_place(&self) -> Option<Permit<'_>> {
        let free = || match self.places.try_acquire() {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => false,
        };
        let taken = self.kept.take() || free() || self.kept.take_any();
        taken.then(|| Permit(self))
    }

    /// Who waits has said so before it looked for a place for the last time, and here it is the
    /// other way round: one of the two always sees the other.
    fn give_back_place(&self) {
        let is_kept = self.kept.keep();
        if !is_kept || (self.queued.load(SeqCst) > 0 && self.kept.take()) {
            self.places.add_permits(1);
        }
    }

    async fn wait<S>(
        &self,
        permit: Option<Permit<'_>>,
        deadline: Instant,
        seat: impl Fn(bool) -> Option<S>,
    ) -> Result<(Place, Option<S>), NoPlace> {
        let full = match permit {
            Some(_) => NoPlace::Exhausted,
            None => NoPlace::QueueFull,
        };
        let _queued = Queued::enter(self).ok_or(full)?;
        let until = deadline.min(Instant::now() + self.bounds.queue_time);
        let permit = match permit.or_else(|| self.take_place()) {
            Some(permit) => permit,
            None => self.permit(until).await.ok_or(NoPlace::QueueTime)?,
        };
        let room = self.part.pool().try_until(until, || self.room(&seat)).await;
        let (mut place, seat) = place(permit, room.ok_or(NoPlace::Exhausted)?);
        place.waited = true;
        Ok((place, seat))
    }

    async fn permit(&self, until: Instant) -> Option<Permit<'_>> {
        let permit = timeout_at(until.into(), self.places.acquire()).await;
        // The semaphore is never closed.
        permit.ok()?.ok()?.forget();
        Some(Permit(self))
    }
}

/// Where a request finds its instance.
enum Room<S> {
    Seat(S),
    Space(Space),
}

fn place<S>(permit: Permit<'_>, room: Room<S>) -> (Place, Option<S>) {
    permit.keep();
    let (space, seat) = match room {
        Room::Seat(seat) => (None, Some(seat)),
        Room::Space(space) => (Some(space), None),
    };
    let place = Place {
        space,
        left: false,
        waited: false,
    };
    (place, seat)
}

impl Rooms for Bulkhead {
    fn take(&self) -> Option<guest::Room> {
        let space = self.part.take()?;
        Some(Box::new(self.part.share(space)))
    }
}

/// Counts one request for as long as it waits.
struct Queued<'a>(&'a AtomicU32);

impl<'a> Queued<'a> {
    fn enter(bulkhead: &'a Bulkhead) -> Option<Self> {
        let one_more = |queued| (queued < bulkhead.bounds.queue_max).then_some(queued + 1);
        let counted = bulkhead.queued.fetch_update(SeqCst, SeqCst, one_more);
        counted.ok().map(|_| Self(&bulkhead.queued))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;

    const LONG: Duration = Duration::from_secs(3600);

    fn bulkhead(running_max: u32, queue_max: u32, queue_time: Duration) -> Arc<Bulkhead> {
        let bounds = Bounds {
            running_max,
            queue_max,
            queue_time,
        };
        Arc::new(Bulkhead::new(bounds, Pool::new(100)))
    }

    fn later() -> Instant {
        Instant::now() + LONG
    }

    /// No instance has room for one more.
    fn nowhere(_: bool) -> Option<()> {
        None
    }

    /// A place that gives itself back, and the seat that was found.
    #[derive(Debug)]
    struct Entered<S> {
        bulkhead: Arc<Bulkhead>,
        place: Place,
        seat: Option<S>,
    }

    impl<S> Drop for Entered<S> {
        fn drop(&mut self) {
            self.bulkhead.give_back(mem::take(&mut self.place));
        }
    }

    async fn enter_for<S>(
        bulkhead: &Arc<Bulkhead>,
        seat: impl Fn(bool) -> Option<S>,
    ) -> Result<Entered<S>, NoPlace> {
        let (place, seat) = bulkhead.enter(later(), seat).await?;
        Ok(Entered {
            bulkhead: Arc::clone(bulkhead),
            place,
            seat,
        })
    }

    async fn enter(bulkhead: &Arc<Bulkhead>) -> Result<Entered<()>, NoPlace> {
        enter_for(bulkhead, nowhere).await
    }

    #[tokio::test]
    async fn a_seat_needs_no_instance() {
        let bounds = Bounds {
            running_max: 3,
            queue_max: 1,
            queue_time: LONG,
        };
        let bulkhead = Arc::new(Bulkhead::new(bounds, Pool::new(1)));
        let first = enter(&bulkhead).await.unwrap();
        assert!(first.seat.is_none() && !first.place.has_waited());
        let second = enter_for(&bulkhead, |_| Some("seat")).await.unwrap();
        assert_eq!(second.seat, Some("seat"));
        let free = std::cell::Cell::new(false);
        let seat = |_| free.get().then_some("another");
        let mut waits = pin!(enter_for(&bulkhead, seat));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        free.set(true);
        drop(second);
        let Poll::Ready(Ok(third)) = waits.as_mut().poll(&mut cx) else {
            panic!("the seat that became free was not offered");
        };
        assert_eq!(third.seat, Some("another"));
        drop(first);
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_for_one_in_turn() {
        let bulkhead = bulkhead(1, 2, LONG);
        let first = enter(&bulkhead).await.unwrap();
        let (mut second, mut third) = (pin!(enter(&bulkhead)), pin!(enter(&bulkhead)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        assert_eq!((bulkhead.running(), bulkhead.queued()), (1, 2));
        assert_eq!(enter(&bulkhead).await.unwrap_err(), NoPlace::QueueFull);
        drop(first);
        assert!(third.as_mut().poll(&mut cx).is_pending());
        let Poll::Ready(Ok(second)) = second.as_mut().poll(&mut cx) else {
            panic!("the place was not handed over");
        };
        assert_eq!((bulkhead.running(), bulkhead.queued()), (1, 1));
        assert!(second.place.has_waited());
        drop(second);
        assert!(matches!(third.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_queue_time() {
        let bulkhead = bulkhead(1, 1, Duration::from_millis(50));
        let _first = enter(&bulkhead).await.unwrap();
        assert_eq!(enter(&bulkhead).await.unwrap_err(), NoPlace::QueueTime);
        assert_eq!(bulkhead.queued(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nor_past_the_deadline() {
        let bulkhead = bulkhead(1, 1, LONG);
        let _first = enter(&bulkhead).await.unwrap();
        let soon = tokio::time::Instant::now().into_std() + Duration::from_millis(50);
        assert_eq!(
            bulkhead.enter(soon, nowhere).await.unwrap_err(),
            NoPlace::QueueTime
        );
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_queue() {
        let bulkhead = bulkhead(1, 1, LONG);
        let first = enter(&bulkhead).await.unwrap();
        {
            let mut gives_up = pin!(enter(&bulkhead));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(gives_up.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(bulkhead.queued(), 0);
        drop(first);
        assert!(enter(&bulkhead).await.is_ok());
    }

    #[tokio::test]
    async fn an_instance_that_is_given_back_goes_to_who_waits() {
        let bounds = |running_max| Bounds {
            running_max,
            queue_max: 1,
            queue_time: LONG,
        };
        let pool = Pool::new(1);
        let other = Arc::new(Bulkhead::new(bounds(1), Arc::clone(&pool)));
        let bulkhead = Arc::new(Bulkhead::new(bounds(10), pool));
        let taken = enter(&other).await.unwrap();
        let mut waits = pin!(enter(&bulkhead));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert_eq!(bulkhead.queued(), 1);
        assert_eq!(
            enter(&bulkhead).await.unwrap_err(),
            NoPlace::Exhausted,
            "the queue is full"
        );
        drop(taken);
        assert!(matches!(waits.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
        assert_eq!(bulkhead.queued(), 0);
    }

    /// Whichever thread has given it back and kept it.
    #[test]
    fn a_place_that_another_thread_has_kept_is_free() {
        let bulkhead = bulkhead(1, 0, LONG);
        let once = || {
            let mut cx = Context::from_waker(Waker::noop());
            let entered = pin!(enter(&bulkhead)).poll(&mut cx);
            assert!(matches!(entered, Poll::Ready(Ok(_))));
        };
        for _ in 0..3 {
            thread::scope(|scope| scope.spawn(once).join().unwrap());
            assert_eq!(bulkhead.running(), 0);
        }
    }

    /// Between a look that finds no place and the wait for one, others give theirs back.
    #[tokio::test]
    async fn nobody_misses_a_place_that_is_given_back() {
        for _ in 0..1000 {
            let bulkhead = bulkhead(1, 1, LONG);
            let first = enter(&bulkhead).await.unwrap();
            let given_back = thread::spawn(move || drop(first));
            assert!(enter(&bulkhead).await.is_ok());
            given_back.join().unwrap();
        }
    }

    #[tokio::test]
    async fn without_a_queue_nobody_waits() {
        let bulkhead = bulkhead(1, 0, LONG);
        let _first = enter(&bulkhead).await.unwrap();
        assert_eq!(enter(&bulkhead).await.unwrap_err(), NoPlace::QueueFull);
    }
}
