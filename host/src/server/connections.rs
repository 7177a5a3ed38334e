//! The table of open connections: their number and its bound, which of them are idle, and the
//! word that makes an idle one leave (shutdown, or a newcomer that finds no place).
//!
//! A client may be sending a request in the very moment in which its connection is told to leave,
//! and that request is lost. So what has waited for its request for less than a grace does not
//! count as idle: a client that sends one request after the other loses none.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use slab::Slab;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// All open connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    places: Arc<Semaphore>,
    table: Mutex<Slab<Arc<Control>>>,
    /// Newcomers that wait for a place.
    waiting: AtomicUsize,
    /// Milliseconds.
    idle_grace: AtomicU64,
    stopping: AtomicBool,
    stop: Notify,
    empty: Notify,
    epoch: Instant,
}

/// What others may say to a connection.
#[derive(Debug, Default)]
struct Control {
    /// A [`Waiting`], or 0 while it is busy.
    waiting: AtomicU64,
    leave: AtomicBool,
    waker: AtomicWaker,
    task: Mutex<Option<AbortHandle>>,
}

/// Since when a connection has waited for a request, as one number.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Milliseconds since the table's epoch.
    since: u64,
    /// Whether it had a request answered before. Clients repeat a request whose kept connection
    /// was closed under it, but not one on a new connection.
    kept: bool,
}

impl Connections {
    /// An empty table with room for `max` connections.
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            table: Mutex::new(Slab::new()),
            waiting: AtomicUsize::new(0),
            idle_grace: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            empty: Notify::new(),
            epoch: Instant::now(),
        })
    }

    /// Has connections count as idle once they have waited for a request for this long.
    pub(super) fn set_idle_grace(&self, grace: Duration) {
        let millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.idle_grace.store(millis.max(1), Ordering::Relaxed);
    }

    /// How many connections have room.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// How many newcomers wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.lock().len()
    }

    /// Waits for a place; none once the server stops. While somebody waits, the connection that
    /// has been idle longest is asked to leave, and no answered one is kept.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(permit);
        }
        let _newcomer = Newcomer::new(&self.waiting);
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::pin!(place);
        loop {
            self.dismiss_longest_idle();
            tokio::select! {
                permit = &mut place => return permit.ok(),
                () = self.stopped() => return None,
                // By then others are idle, or the one that was asked to leave still lingers.
                () = tokio::time::sleep(Duration::from_millis(self.idle_grace())) => {}
            }
        }
    }

    /// Enters a connection into the table. Without a permit it is one that the stopping server
    /// still answers.
    pub(super) fn enter(self: &Arc<Self>, permit: Option<OwnedSemaphorePermit>) -> Slot {
        let control = Arc::new(Control::default());
        let key = self.lock().insert(Arc::clone(&control));
        let has_place = permit.is_some();
        if let Some(permit) = permit {
            // Given back by the slot, which is smaller without it.
            permit.forget();
        }
        Slot {
            table: Arc::clone(self),
            control,
            key,
            has_place,
        }
    }

    /// Asks the connection that has been idle longest to leave. Where none counts as idle yet, the
    /// kept one that has waited longest has to make room.
    pub(super) fn dismiss_longest_idle(&self) {
        while let Some(control) = self.longest_idle() {
            control.leave.store(true, Ordering::SeqCst);
            if control.waiting().is_some() || !control.take_leave() {
                control.waker.wake();
                return;
            }
            // A request came in that very moment: the next one is asked instead.
        }
    }

    fn longest_idle(&self) -> Option<Arc<Control>> {
        let (now, grace) = (self.now(), self.idle_grace());
        let table = self.lock();
        let may_leave = table.iter().filter_map(|(_, control)| {
            let waiting = control.waiting()?;
            let idle = waiting.kept || now.saturating_sub(waiting.since) >= grace;
            (idle && !control.leave.load(Ordering::Relaxed)).then_some((waiting.since, control))
        });
        // Whoever is past the grace has waited longer than anybody who is not.
        let longest = may_leave.min_by_key(|(since, _)| *since);
        longest.map(|(_, control)| Arc::clone(control))
    }

    /// Whether answered connections should close instead of waiting for another request.
    pub(super) fn is_short_of_places(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Begins the shutdown: idle connections leave, busy ones after their answer, and those that
    /// do not count as idle yet once they do.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_waiters();
        for (_, control) in self.lock().iter() {
            control.waker.wake();
        }
    }

    /// Whether the shutdown has begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits for the shutdown to begin.
    pub(super) async fn stopped(&self) {
        let notified = self.stop.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so that no stop falls in between.
        notified.as_mut().enable();
        if !self.is_stopping() {
            notified.await;
        }
    }

    /// Waits until no connection is left.
    pub(super) async fn drained(&self) {
        loop {
            let notified = self.empty.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.lock().is_empty() {
                return;
            }
            notified.await;
        }
    }

    /// Cuts off every connection that is left and returns their number.
    pub(super) fn abort_all(&self) -> usize {
        let table = self.lock();
        for (_, control) in table.iter() {
            let task = control.task.lock().unwrap_or_else(PoisonError::into_inner);
            task.iter().for_each(AbortHandle::abort);
        }
        table.len()
    }

    fn now(&self) -> u64 {
        self.millis(Instant::now())
    }

    /// Milliseconds from the epoch to `time`.
    fn millis(&self, time: Instant) -> u64 {
        let passed = time.saturating_duration_since(self.epoch);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    fn idle_grace(&self) -> u64 {
        self.idle_grace.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slab<Arc<Control>>> {
        // The table is whole after every statement, also if a holder panicked.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The lowest bit says that it waits at all, the next one whether it was kept.
    fn encode(self) -> u64 {
        self.since << 2 | u64::from(self.kept) << 1 | 1
    }

    fn decode(number: u64) -> Option<Self> {
        (number != 0).then_some(Self {
            since: number >> 2,
            kept: number & 2 != 0,
        })
    }
}

impl Control {
    /// Since when it has waited, unless it is busy.
    fn waiting(&self) -> Option<Waiting> {
        Waiting::decode(self.waiting.load(Ordering::SeqCst))
    }

    /// Takes back the word to leave; false when there was none.
    fn take_leave(&self) -> bool {
        self.leave.load(Ordering::SeqCst) && self.leave.swap(false, Ordering::SeqCst)
    }
}

/// A connection's place in the table; dropping it leaves.
#[derive(Debug)]
pub(super) struct Slot {
    table: Arc<Connections>,
    control: Arc<Control>,
    key: usize,
    has_place: bool,
}

impl Slot {
    /// What can cut this connection off when the shutdown time is over.
    pub(super) fn abort_handle_to(&self) -> impl FnOnce(AbortHandle) + use<> {
        let control = Arc::clone(&self.control);
        move |task| {
            *control.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }

    /// Says that the connection has waited for a request since then; `kept` after it had one
    /// answered.
    pub(super) fn set_idle(&self, kept: bool, since: Instant) {
        let since = self.table.millis(since);
        let waiting = Waiting { since, kept }.encode();
        self.control.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Says that the connection has a request to answer. If it was asked to leave, it will not do
    /// so soon, and another one is asked in its place.
    pub(super) fn set_busy(&self) {
        self.set_leaving();
        if self.control.take_leave() {
            self.table.dismiss_longest_idle();
        }
    }

    /// Says that the connection is ending, and need not be asked to.
    pub(super) fn set_leaving(&self) {
        // Ordered with `leave`: either this connection learns that it was asked, or whoever asks
        // learns that it is not idle any more.
        self.control.waiting.store(0, Ordering::SeqCst);
    }

    /// How long a connection that waits for a request may still do so, if it should leave; wakes
    /// the task of `cx` when that changes.
    pub(super) fn poll_leave(&self, cx: &Context<'_>) -> Option<Duration> {
        self.control.waker.register(cx.waker());
        if self.control.leave.load(Ordering::Acquire) {
            return Some(Duration::ZERO);
        }
        self.table.is_stopping().then(|| {
            let since = self.control.waiting().map_or(0, |waiting| waiting.since);
            let waited = self.table.now().saturating_sub(since);
            Duration::from_millis(self.table.idle_grace().saturating_sub(waited))
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        table.try_remove(self.key);
        if table.is_empty() {
            self.table.empty.notify_waiters();
        }
        drop(table);
        if self.has_place {
            self.table.places.add_permits(1);
        }
    }
}

/// Counts one newcomer for as long as it waits.
struct Newcomer<'a>(&'a AtomicUsize);

impl<'a> Newcomer<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Newcomer<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
