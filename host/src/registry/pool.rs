//! The instances that all guests share, divided so that no guest can use up the others' part:
//! half of them is common, the other half belongs to the guests in equal parts.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
    fence,
};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::shards::Quota;

/// How many instances there are, for how many guests.
#[derive(Debug)]
pub(super) struct Pool {
    instances_max: usize,
    guests: AtomicUsize,
    common: Quota,
    /// How many wait. Most often nobody does, and whoever gives something back need not tell.
    waiting: AtomicUsize,
    /// Tells those that wait of every instance that was given back, as any of them may be able to
    /// use it.
    freed: Notify,
}

/// A guest's own part of a pool, and its way to the common one.
#[derive(Debug)]
pub(super) struct Part {
    pool: Arc<Pool>,
    own: Quota,
}

/// Room for one instance, by the part it is from. It is to be given back there.
#[derive(Debug)]
#[must_use = "somebody has to give it back"]
pub(super) enum Space {
    Own,
    Common,
}

/// Room for one instance. Dropping it gives the room back.
#[derive(Debug)]
pub(super) struct Share {
    part: Arc<Part>,
    space: Option<Space>,
}

/// Counts one that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Pool {
    /// `instances_max` instances for one guest.
    pub(super) fn new(instances_max: usize) -> Arc<Self> {
        Arc::new(Self {
            instances_max,
            guests: AtomicUsize::new(1),
            common: Quota::default(),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// Divides it anew. What is taken stays taken.
    pub(super) fn divide_among(&self, guests: usize) {
        self.guests.store(guests.max(1), Relaxed);
    }

    /// Tries until `until`, whenever others have given something back. Dropping the future ends the
    /// wait.
    pub(super) async fn try_until<T>(
        &self,
        until: Instant,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let _waiting = Waiting::enter(&self.waiting);
        loop {
            let freed = self.freed.notified();
            // Tried after the notification is asked for, so that none is missed in between.
            if let Some(taken) = attempt() {
                return Some(taken);
            }
            timeout_at(until.into(), freed).await.ok()?;
        }
    }

    /// Tells those that wait that an instance has room for one more request.
    pub(super) fn tell(&self) {
        // Between giving back and looking for those that wait, who do it the other way round: one
        // of the two always sees the other.
        fence(SeqCst);
        self.tell_waiting();
    }

    fn tell_waiting(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }
}

impl Part {
    /// Nothing of it is taken.
    pub(super) fn of(pool: Arc<Pool>) -> Arc<Self> {
        let own = Quota::default();
        Arc::new(Self { pool, own })
    }

    /// The pool that it is a part of.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Reads what [`Part::take`] will look at.
    pub(super) fn touch(&self) {
        self.own.touch();
    }

    /// How much of it is taken.
    #[cfg(test)]
    fn taken(&self) -> usize {
        self.own.count()
    }

    /// Room from the guest's own part, else from the common one.
    pub(super) fn take(&self) -> Option<Space> {
        let pool = &*self.pool;
        let guests = pool.guests.load(Relaxed);
        let each = pool.instances_max / 2 / guests;
        let common_max = pool.instances_max - each * guests;
        if self.own.take(each) {
            Some(Space::Own)
        } else if pool.common.take(common_max) {
            Some(Space::Common)
        } else {
            None
        }
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, space: &Space) {
        let taken = match space {
            Space::Own => &self.own,
            Space::Common => &self.pool.common,
        };
        // With the order that `tell` has a fence for.
        taken.give_back();
        self.pool.tell_waiting();
    }

    /// The same room as something that gives itself back.
    pub(super) fn share(self: &Arc<Self>, space: Space) -> Share {
        Share {
            part: Arc::clone(self),
            space: Some(space),
        }
    }
}

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, SeqCst);
        fence(SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(space) = self.space.take() {
            self.part.give_back(&space);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    fn pool(instances_max: usize, guests: usize) -> Arc<Pool> {
        let pool = Pool::new(instances_max);
        pool.divide_among(guests);
        pool
    }

    fn take(part: &Arc<Part>) -> Option<Share> {
        part.take().map(|space| part.share(space))
    }

    fn all(part: &Arc<Part>) -> Vec<Share> {
        std::iter::from_fn(|| take(part)).collect()
    }

    fn part(pool: &Arc<Pool>) -> Arc<Part> {
        Part::of(Arc::clone(pool))
    }

    #[test]
    fn a_greedy_guest_leaves_the_others_their_part() {
        let pool = pool(20, 2);
        let (greedy, modest) = (part(&pool), part(&pool));
        let taken = all(&greedy);
        assert_eq!((taken.len(), greedy.taken()), (15, 5));
        let _left = all(&modest);
        assert_eq!(_left.len(), 5);
        drop(taken);
        assert_eq!(all(&modest).len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_none_waits_for_one_and_not_for_ever() {
        let pool = pool(1, 2);
        let (first, second) = (part(&pool), part(&pool));
        let share = take(&first).unwrap();
        assert_eq!(pool.waiting.load(SeqCst), 0);
        let until = tokio::time::Instant::now().into_std() + Duration::from_millis(50);
        let take = || take(&second);
        assert!(pool.try_until(until, take).await.is_none());
        let long = until + Duration::from_secs(3600);
        let mut waiting = pin!(pool.try_until(long, take));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        drop(share);
        assert_eq!(pool.waiting.load(SeqCst), 1, "and not the one before");
        assert!(matches!(
            waiting.as_mut().poll(&mut cx),
            Poll::Ready(Some(_))
        ));
        assert_eq!(pool.waiting.load(SeqCst), 0);
    }

    /// Between a look that finds nothing and the wait, others give back what there is.
    #[tokio::test]
    async fn nobody_misses_what_is_given_back() {
        for _ in 0..1000 {
            let pool = pool(1, 1);
            let own = part(&pool);
            let share = take(&own).unwrap();
            let given_back = std::thread::spawn(move || drop(share));
            let until = Instant::now() + Duration::from_secs(60);
            assert!(pool.try_until(until, || take(&own)).await.is_some());
            given_back.join().unwrap();
        }
    }

    #[test]
    fn more_guests_than_instances_share_them_all() {
        assert_eq!(all(&part(&pool(3, 10))).len(), 3);
    }

    #[test]
    fn more_guests_make_the_parts_smaller() {
        let pool = pool(20, 1);
        let greedy = part(&pool);
        let taken = all(&greedy);
        assert_eq!(taken.len(), 20);
        pool.divide_among(2);
        assert_eq!(all(&part(&pool)).len(), 5, "its own part, and nothing more");
    }
}
