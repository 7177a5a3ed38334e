//! The instances of one guest that several requests share: which of them has room, which waits for
//! its next request, and which is to end.
//!
//! A request goes to an instance with room before another one is made: to the one that had room
//! last, so that few are full and the others can go. One of the same thread goes first: its memory
//! is in that processor's cache, and who waits for it need not be woken from another thread. One
//! that computes at this moment is passed over while there are fewer than processors, for it can
//! only do one thing at a time.

use super::work::Start;
use super::worker::{Seat, Worker};
use crate::guest::idle::Keeper;
use crate::guest::kit::Kit;
use crate::guest::sandbox::Sandbox;
use crate::processors;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What stands for the room that an instance takes among those of all guests. Dropping it gives the
/// room back, which happens when the instance is gone or waits for its next request.
pub type Room = Box<dyn Any + Send>;

/// What bounds the instances of a guest.
#[derive(Clone, Copy, Debug)]
pub(in crate::guest) struct SharedBounds {
    /// Requests of one instance over its life.
    pub(in crate::guest) uses: u32,
    /// Requests of one instance at the same time.
    pub(in crate::guest) concurrent: u32,
    /// How long one waits for its next request.
    pub(in crate::guest) idle: Duration,
}

/// All of one guest.
pub(in crate::guest) struct Workers {
    bounds: SharedBounds,
    processors: usize,
    sandbox: Arc<Sandbox>,
    /// Tells those that wait for room that an instance has some.
    freed: OnceLock<Box<dyn Fn() + Send + Sync>>,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    all: Vec<Arc<Worker>>,
    /// With requests, and with room for more; the last one is the next to get one.
    open: Vec<Arc<Worker>>,
    /// Without requests; the one that has waited longest first.
    idle: VecDeque<Arc<Worker>>,
    /// The guest is gone.
    is_retired: bool,
}

/// What is known of one worker.
#[derive(Default)]
pub(super) struct Book {
    /// Requests that have a place in it.
    live: u32,
    /// Requests that had one so far, of all that use its instance.
    begun: u32,
    /// Its instance is there.
    is_made: bool,
    /// Its guest does nothing, not even for requests that were answered.
    is_quiet: bool,
    /// A client has left while the guest had its request, and the guest may still work on that.
    is_left: bool,
    /// Something went wrong in it: it ends with the requests that it has.
    is_spoiled: bool,
    /// It is to end now, and its instance is kept.
    is_ending: bool,
    is_listed: bool,
    idle_since: Option<Instant>,
}

/// What is to be done without the lock.
enum Then {
    Nothing,
    Stop,
    End,
    Free(Option<Room>),
}

impl Workers {
    /// None yet, of the guest that `kit` makes.
    pub(in crate::guest) fn new(kit: &Kit, bounds: SharedBounds) -> Arc<Workers> {
        let workers = Arc::new(Workers {
            bounds,
            processors: processors::count(),
            sandbox: Arc::clone(&kit.sandbox),
            freed: OnceLock::new(),
            lists: Mutex::default(),
        });
        kit.sandbox.idle.add(&workers);
        workers
    }

    /// How many wait for a request, and how many are at work.
    pub(in crate::guest) fn count(&self) -> (usize, usize) {
        let lists = self.lock();
        (lists.idle.len(), lists.all.len() - lists.idle.len())
    }

    /// A place in an instance that is at work already; `even_busy` says that it may be one that
    /// computes.
    pub(in crate::guest) fn seat(&self, even_busy: bool) -> Option<Seat> {
        let mut lists = self.lock();
        let is_free = |worker: &Arc<Worker>| !worker.is_polled();
        let own = lists
            .open
            .iter()
            .rposition(|worker| worker.is_this_threads() && is_free(worker));
        let free = own.or_else(|| lists.open.iter().rposition(is_free));
        let at_work = lists.all.len() - lists.idle.len();
        let any = even_busy || at_work >= self.processors;
        let last = lists.open.len().checked_sub(1).filter(|_| any);
        let worker = Arc::clone(&lists.open[free.or(last)?]);
        self.enter(&mut lists, &worker, None);
        Some(Seat::new(worker))
    }

    /// A place in an instance that waits, else in one that will be made. It takes `room`.
    pub(super) fn start(
        self: &Arc<Workers>,
        kit: &Arc<Kit>,
        room: Option<Room>,
        start: Start,
    ) -> Seat {
        let mut lists = self.lock();
        if let Some(worker) = lists.idle.pop_back() {
            self.enter(&mut lists, &worker, room);
            return Seat::new(worker);
        }
        drop(lists);
        let worker = Worker::new(self, kit, start);
        let mut lists = self.lock();
        lists.all.push(Arc::clone(&worker));
        self.enter(&mut lists, &worker, room);
        drop(lists);
        tokio::spawn(Arc::clone(&worker).follow());
        Seat::new(worker)
    }

    fn enter(&self, lists: &mut Lists, worker: &Arc<Worker>, room: Option<Room>) {
        let mut book = lock(&worker.book);
        book.live += 1;
        book.begun = book.begun.saturating_add(1);
        book.idle_since = None;
        if room.is_some() {
            *lock(&worker.room) = room;
        }
        self.list(lists, worker, &mut book);
    }

    /// A request gives its place back. `left` says that the guest has it still.
    pub(super) fn release(&self, worker: &Arc<Worker>, left: bool) {
        let then = self.change(worker, |book| {
            book.live = book.live.saturating_sub(1);
            book.is_left |= left;
        });
        self.go_on(worker, then);
    }

    /// The worker has its instance, which served so many requests before.
    pub(super) fn made(&self, worker: &Arc<Worker>, calls: u32) {
        let then = self.change(worker, |book| {
            book.is_made = true;
            book.begun = book.begun.saturating_add(calls);
        });
        self.go_on(worker, then);
        // Those that came meanwhile and found no other room wait for it.
        self.freed();
    }

    /// The guest of a worker has something to do, or nothing. Returns whether the worker is to end.
    pub(super) fn set_quiet(&self, worker: &Arc<Worker>, is_quiet: bool) -> bool {
        let mut is_ending = false;
        let then = self.change(worker, |book| {
            book.is_quiet = is_quiet;
            is_ending = is_quiet && book.is_ending;
        });
        if is_ending || matches!(then, Then::End) {
            return true;
        }
        self.go_on(worker, then);
        false
    }

    /// Whether a worker was told to end, which has nothing to do.
    pub(super) fn is_ending(&self, worker: &Worker) -> bool {
        let _lists = self.lock();
        lock(&worker.book).is_ending
    }

    /// Something went wrong in a worker that does not stop it.
    pub(super) fn spoil(&self, worker: &Arc<Worker>) {
        let then = self.change(worker, |book| book.is_spoiled = true);
        self.go_on(worker, then);
    }

    /// Has `tell` called when an instance has room again that had none for another reason than its
    /// requests.
    pub(super) fn tell_of_room(&self, tell: Box<dyn Fn() + Send + Sync>) {
        // There is one guest, and it is told once.
        let _ = self.freed.set(tell);
    }

    /// Tells of it.
    pub(super) fn freed(&self) {
        if let Some(tell) = self.freed.get() {
            tell();
        }
    }

    /// Whether a worker has room may have changed.
    pub(super) fn relist(&self, worker: &Arc<Worker>) {
        let then = self.change(worker, |_| {});
        self.go_on(worker, then);
    }

    /// A worker has ended.
    pub(super) fn remove(&self, worker: &Worker) {
        let mut lists = self.lock();
        let is_it = |other: &Arc<Worker>| std::ptr::eq(&**other, worker);
        let mut gone = Vec::new();
        if let Some(at) = lists.all.iter().position(is_it) {
            gone.push(lists.all.swap_remove(at));
        }
        gone.extend(lists.open.extract_if(.., |other| is_it(other)));
        lists.idle.retain(|other| !is_it(other));
        drop(lists);
        drop(gone);
    }

    /// The guest is gone: those that wait end, the others when their requests are done.
    pub(in crate::guest) fn retire(&self) {
        let mut lists = self.lock();
        lists.is_retired = true;
        let idle = std::mem::take(&mut lists.idle);
        drop(lists);
        idle.iter().for_each(|worker| worker.stop());
    }

    fn change(&self, worker: &Arc<Worker>, change: impl FnOnce(&mut Book)) -> Then {
        let mut lists = self.lock();
        if worker.is_over() {
            return Then::Nothing;
        }
        let mut book = lock(&worker.book);
        change(&mut book);
        // What a client had left behind has ended by itself.
        book.is_left &= !book.is_quiet;
        self.list(&mut lists, worker, &mut book);
        if book.live > 0 || book.idle_since.is_some() || book.is_ending {
            return Then::Nothing;
        }
        self.sandbox.sweeper.wake();
        let then = self.then(&mut book, worker, lists.is_retired);
        if matches!(then, Then::Free(_)) {
            book.idle_since = Some(Instant::now());
            lists.idle.push_back(Arc::clone(worker));
        }
        then
    }

    /// What becomes of a worker without requests.
    fn then(&self, book: &mut Book, worker: &Worker, is_retired: bool) -> Then {
        if !book.is_quiet {
            // What a guest does for those that were answered goes on; for those that left not.
            return if book.is_left || book.is_spoiled {
                Then::Stop
            } else {
                Then::Nothing
            };
        }
        if book.is_spoiled || is_retired || book.begun >= self.bounds.uses {
            return Then::Stop;
        }
        if worker.is_moved() {
            book.is_ending = true;
            return Then::End;
        }
        Then::Free(lock(&worker.room).take())
    }

    fn go_on(&self, worker: &Worker, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Stop => worker.stop(),
            Then::End => worker.nudge(),
            Then::Free(room) => drop(room),
        }
    }

    /// Puts it where those with room are, or takes it away from there.
    fn list(&self, lists: &mut Lists, worker: &Arc<Worker>, book: &mut Book) {
        let has_room = book.is_made
            && book.live > 0
            && book.live < self.bounds.concurrent
            && book.begun < self.bounds.uses
            && !(book.is_left || book.is_spoiled || book.is_ending)
            && !worker.is_blocked();
        if has_room == book.is_listed {
            return;
        }
        book.is_listed = has_room;
        if has_room {
            lists.open.push(Arc::clone(worker));
        } else if let Some(at) = lists.open.iter().rposition(|one| Arc::ptr_eq(one, worker)) {
            lists.open.remove(at);
        }
    }

    /// Every statement under the lock leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Lists> {
        lock(&self.lists)
    }
}

impl Keeper for Workers {
    fn evict_one(&self) -> bool {
        let evicted = self.lock().idle.pop_front();
        if let Some(worker) = &evicted {
            worker.stop();
        }
        evicted.is_some()
    }

    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut lists = self.lock();
        let since = |worker: &Worker| lock(&worker.book).idle_since.unwrap_or(now);
        let is_over =
            |worker: &Arc<Worker>| now.saturating_duration_since(since(worker)) >= self.bounds.idle;
        let over = lists.idle.partition_point(is_over);
        let mut stopped: Vec<_> = lists.idle.drain(..over).collect();
        let first = lists.idle.front();
        let mut next = first.map(|first| since(first) + self.bounds.idle);
        for worker in &lists.all {
            let book = lock(&worker.book);
            if book.live > 0 || book.idle_since.is_some() {
                continue;
            }
            // A guest that works on after its answers, and waits, is stopped from here.
            let until = worker.roster().until();
            if until <= now {
                stopped.push(Arc::clone(worker));
            } else {
                next = Some(next.map_or(until, |next| next.min(until)));
            }
        }
        drop(lists);
        stopped.iter().for_each(|worker| worker.stop());
        next
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
