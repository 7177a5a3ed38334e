//! Instances that wait for their next request, or for their first. They occupy places of the pool
//! that all guests share, so a guest in need of a place may take one away from here; and each of
//! them is dropped when nobody has wanted it for long.
//!
//! A thread gets back what it put here itself, as long as there is such a one: the instance's
//! memory is in the caches of that thread's processor, and fetching it from another's costs as much
//! as the call.

use super::instance::Instance;
use super::stock::Ready;
use crate::shards::{self, Apart, SHARDS};
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Waiting instances, apart for each thread as far as there are shelves.
pub(super) struct Idle {
    shelves: [Shelf; SHARDS],
    time_max: Duration,
}

/// Those that some threads put here: the ones that have waited longest first. On cache lines of its
/// own, for each thread has its own most often.
#[derive(Default)]
#[repr(align(64))]
struct Shelf {
    waiting: Mutex<VecDeque<Waiting>>,
    /// How many those are, to be seen without the lock.
    count: AtomicUsize,
}

/// What is on a shelf, locked. Dropped, it counts again.
struct Open<'a> {
    waiting: MutexGuard<'a, VecDeque<Waiting>>,
    count: &'a AtomicUsize,
}

struct Waiting {
    since: Instant,
    instance: Instance,
    /// For one that nobody has used yet.
    ready: Option<Ready>,
}

/// What keeps instances that nobody uses at this moment.
pub(super) trait Keeper: Send + Sync {
    /// Drops the one that has waited longest. Returns whether there was one.
    fn evict_one(&self) -> bool;

    /// Drops those whose time is over. Returns when to look again; `None` while none waits.
    fn sweep(&self, now: Instant) -> Option<Instant>;
}

/// The waiting instances of all guests.
#[derive(Default)]
pub(super) struct IdleList {
    keepers: Mutex<Vec<Weak<dyn Keeper>>>,
    /// How many each thread is about to make or to drop.
    passing: [Apart<AtomicUsize>; SHARDS],
}

/// While it lives, there are instances that no request has and that do not wait here either: they
/// are made ahead, or dropped.
pub(super) struct Passing<'a>(&'a AtomicUsize);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Idle {
    /// A place for instances that wait for so long at most.
    pub(super) fn new(time_max: Duration) -> Idle {
        Idle {
            shelves: Default::default(),
            time_max,
        }
    }

    /// Takes the instance that this thread put here last, else one of another thread.
    pub(super) fn take(&self) -> Option<Instance> {
        let last = self
            .shelves()
            .filter(|shelf| shelf.count() > 0)
            .find_map(|shelf| shelf.open().waiting.pop_back());
        last.map(|waiting| waiting.instance)
    }

    /// Keeps an instance for the next request, as one that rests `since` then; `ready` is for one
    /// that nobody has used yet. Returns whether no other waits beside it.
    pub(super) fn put(&self, instance: Instance, ready: Option<Ready>, since: Instant) -> bool {
        let mut shelf = self.shelves[shards::own()].open();
        shelf.waiting.push_back(Waiting {
            since,
            instance,
            ready,
        });
        shelf.waiting.len() == 1
    }

    /// Reads what [`Idle::take`] will look at first.
    pub(super) fn touch(&self) {
        black_box(self.shelves[shards::own()].count());
    }

    /// The shelves on which there may be something, this thread's own first.
    fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        let own = shards::own();
        let (before, behind) = self.shelves[..shards::used()].split_at(own);
        behind.iter().chain(before)
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.shelves.iter().map(Shelf::count).sum()
    }

    /// As [`Keeper::evict_one`].
    pub(super) fn evict_one(&self) -> bool {
        let evicted = self
            .shelves
            .iter()
            .find_map(|shelf| shelf.open().waiting.pop_front());
        evicted.is_some()
    }

    /// As [`Keeper::sweep`].
    pub(super) fn sweep(&self, now: Instant) -> Option<Instant> {
        let swept = self
            .shelves
            .iter()
            .map(|shelf| shelf.sweep(now, self.time_max));
        swept.flatten().min()
    }
}

impl Shelf {
    fn open(&self) -> Open<'_> {
        Open {
            waiting: lock(&self.waiting),
            count: &self.count,
        }
    }

    fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    fn sweep(&self, now: Instant, time_max: Duration) -> Option<Instant> {
        let mut open = self.open();
        let waiting = &mut open.waiting;
        let is_over = |waiting: &Waiting| now.saturating_duration_since(waiting.since) >= time_max;
        let over = waiting.partition_point(is_over);
        let dropped: Vec<_> = waiting.drain(..over).collect();
        let next = waiting.front().map(|first| first.since + time_max);
        drop(open);
        // Without the lock: it takes a while.
        let unused = dropped.into_iter().filter_map(|waiting| waiting.ready);
        unused.for_each(Ready::expire);
        next
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.count.store(self.waiting.len(), Relaxed);
    }
}

impl IdleList {
    /// Watches one more keeper's instances, for as long as it lives, unless it does so already.
    pub(super) fn add(&self, keeper: &Arc<impl Keeper + 'static>) {
        let mut list = lock(&self.keepers);
        list.retain(|known| known.strong_count() > 0);
        let keeper: Weak<dyn Keeper> = Arc::downgrade(keeper) as Weak<dyn Keeper>;
        if !list.iter().any(|known| known.ptr_eq(&keeper)) {
            list.push(keeper);
        }
    }

    /// Announces an instance that is about to be made ahead, or dropped.
    pub(super) fn passing(&self) -> Passing<'_> {
        let part = &self.passing[shards::own()].0;
        part.fetch_add(1, SeqCst);
        Passing(part)
    }

    /// Makes room for a request's instance, or waits for the moment in which others do: drops a
    /// waiting instance of any guest. Returns whether it is worth another try.
    pub(super) fn make_room(&self) -> bool {
        // Asked first: what passes by until then waits here afterwards.
        let passing = self.passing.iter().any(|part| part.0.load(SeqCst) > 0);
        if self.evict_one() {
            return true;
        }
        if passing {
            thread::yield_now();
        }
        passing
    }

    fn evict_one(&self) -> bool {
        self.keepers().iter().any(|keeper| keeper.evict_one())
    }

    /// Drops all whose time is over. Returns when the next one's will be.
    pub(super) fn sweep(&self, now: Instant) -> Option<Instant> {
        let keepers = self.keepers();
        let _passing = self.passing();
        keepers.iter().filter_map(|keeper| keeper.sweep(now)).min()
    }

    /// Without the lock: dropping the last share of a guest's instances takes a while.
    fn keepers(&self) -> Vec<Arc<dyn Keeper>> {
        lock(&self.keepers)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }
}

/// No code panics while it holds one of these locks, and a list would be whole even then.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
