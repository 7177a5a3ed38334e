//! One instance at work for several requests: what polls its store, and what is known of it
//! outside.

use super::bell::Bell;
use super::roster::Roster;
use super::signal::Signal;
use super::ticket::Ticket;
use super::work::{self, Start, Vacating, Work};
use super::workers::{Book, Room, Workers};
use crate::guest::background::Due;
use crate::guest::error::CallError;
use crate::guest::kit::Kit;
use crate::guest::run::Run;
use crate::guest::turn::Polls;
use crate::shards;
use atomic_waker::AtomicWaker;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// So many times in a row it is polled by one client, before others on the thread have a turn.
const POLLS_MAX: usize = 8;

/// An instance at work. What drives it holds it weakly.
pub(in crate::guest) struct Worker {
    pub(super) workers: Arc<Workers>,
    /// Which thread's it is: the one on which its own task runs, or one like that.
    thread: usize,
    signal: Arc<Signal>,
    /// Whether there is anything to look at in its store, beside the guest.
    bell: Arc<Bell>,
    /// Gone when it has ended. Whoever has entered `signal` may lock it.
    driver: Mutex<Option<Run<'static, ()>>>,
    roster: Arc<Roster>,
    /// Requests that no guest has seen.
    inbox: Mutex<VecDeque<Arc<Ticket>>>,
    /// There may be some: a store is polled many times for each.
    has_inbox: AtomicBool,
    /// Woken when one comes.
    inbox_waker: AtomicWaker,
    /// The guest computes, or wants no more requests: what waits may go elsewhere.
    is_blocked: AtomicBool,
    is_moved: AtomicBool,
    is_stopping: AtomicBool,
    is_over: AtomicBool,
    /// The room that its instance takes, while it has requests and until it is dropped.
    pub(super) room: Arc<Mutex<Option<Room>>>,
    /// What [`Workers`] knows of it, locked only by that.
    pub(super) book: Mutex<Book>,
}

/// A place for one request in an instance that serves others as well. Dropping it gives it back.
pub struct Seat {
    worker: Arc<Worker>,
    is_taken: bool,
}

impl Worker {
    /// A worker whose instance is made when it is first polled.
    pub(super) fn new(workers: &Arc<Workers>, kit: &Arc<Kit>, start: Start) -> Arc<Worker> {
        let roster = Arc::new(Roster::new(start.deadline));
        let polls = Arc::<Polls>::default();
        let room = Arc::<Mutex<Option<Room>>>::default();
        Arc::new_cyclic(|me: &Weak<Worker>| {
            let call = work::work(Work {
                kit: Arc::clone(kit),
                worker: me.clone(),
                polls: Arc::clone(&polls),
                room: Vacating(Arc::clone(&room)),
                start,
            });
            let due = Due::Moving(roster.due());
            let run = Run::new(&kit.course, due, Box::pin(call)).waiting(polls);
            let run = run.into_owned();
            Worker {
                workers: Arc::clone(workers),
                thread: shards::own(),
                signal: Arc::default(),
                bell: Bell::new(),
                driver: Mutex::new(Some(run)),
                roster,
                inbox: Mutex::default(),
                has_inbox: AtomicBool::new(false),
                inbox_waker: AtomicWaker::new(),
                is_blocked: AtomicBool::new(false),
                is_moved: AtomicBool::new(false),
                is_stopping: AtomicBool::new(false),
                is_over: AtomicBool::new(false),
                room,
                book: Mutex::default(),
            }
        })
    }

    /// The requests that its guest has.
    pub(in crate::guest) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// Hands it a request, and lets the guest go on at once.
    pub(super) fn give(&self, ticket: Arc<Ticket>) {
        lock(&self.inbox).push_back(ticket);
        self.has_inbox.store(true, SeqCst);
        let entered = self.signal.enter();
        self.inbox_waker.wake();
        if entered {
            self.poll();
        }
    }

    /// Lets the guest go on, if it can and nobody else sees to that.
    pub(super) fn drive(&self) {
        if self.signal.enter_if_woken() {
            self.poll();
        }
    }

    /// Who polls it next, and whether there is anything to look at then.
    pub(super) fn signs(&self) -> (Arc<Signal>, Arc<Bell>) {
        (Arc::clone(&self.signal), Arc::clone(&self.bell))
    }

    /// The next request that no guest has seen. If there is none, the task is woken for one that
    /// comes.
    pub(super) fn next(&self, context: &mut Context<'_>) -> Option<Arc<Ticket>> {
        if let Some(ticket) = self.take_ticket() {
            return Some(ticket);
        }
        self.inbox_waker.register(context.waker());
        self.take_ticket()
    }

    fn take_ticket(&self) -> Option<Arc<Ticket>> {
        if !self.has_inbox.load(SeqCst) {
            return None;
        }
        let mut inbox = lock(&self.inbox);
        // Whoever adds one says so afterwards, so that it may say so of none, but never forgets.
        self.has_inbox.store(inbox.len() > 1, SeqCst);
        inbox.pop_front()
    }

    /// The guest takes no requests at this moment: those that wait for it may go elsewhere.
    pub(in crate::guest) fn block(self: &Arc<Worker>) {
        if !self.is_blocked.swap(true, SeqCst) {
            self.workers.relist(self);
        }
        // Whether it does by then is to be found out when it goes on.
        self.bell.mark();
        self.wake_waiting();
    }

    /// The guest takes requests.
    pub(super) fn unblock(self: &Arc<Worker>) {
        if self.is_blocked.load(SeqCst) {
            self.is_blocked.store(false, SeqCst);
            self.workers.relist(self);
            self.workers.freed();
        }
    }

    /// Whether a request that waits for it should go elsewhere.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(SeqCst) || self.is_over()
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    /// Whether it is this thread's.
    pub(super) fn is_this_threads(&self) -> bool {
        self.thread == shards::own()
    }

    /// Whether somebody polls it at this moment.
    pub(super) fn is_polled(&self) -> bool {
        self.signal.is_polled()
    }

    /// Ends it and drops its instance: at once, or when whoever polls it has done so.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, SeqCst);
        if self.signal.enter() {
            self.poll();
        }
    }

    /// Ends the first request that waits for its instance, which could not be made.
    pub(super) fn fail_first(&self, error: CallError) {
        let first = lock(&self.inbox).pop_front();
        if let Some(ticket) = first {
            ticket.end(Err(error));
        }
    }

    /// Notes whether it is in the background.
    pub(super) fn set_moved(&self, is_moved: bool) {
        if self.is_moved() != is_moved {
            self.is_moved.store(is_moved, SeqCst);
        }
    }

    /// Whether it is in the background, to which an instance does not go back by itself.
    pub(super) fn is_moved(&self) -> bool {
        self.is_moved.load(SeqCst)
    }

    /// Whether it was told to end, as it has nothing to do.
    pub(super) fn is_ending(&self) -> bool {
        self.is_moved() && self.workers.is_ending(self)
    }

    /// Has it look whether it is to end.
    pub(super) fn nudge(&self) {
        self.inbox_waker.wake();
    }

    /// The way of the task that polls it when no client does.
    pub(super) fn follow(self: Arc<Worker>) -> impl Future<Output = ()> + Send {
        poll_fn(move |context| {
            self.signal.register(context.waker());
            self.drive();
            if self.is_over() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
    }

    /// To be called by whoever has entered the signal.
    fn poll(&self) {
        let waker = Waker::from(Arc::clone(&self.signal));
        let mut context = Context::from_waker(&waker);
        for _ in 0..POLLS_MAX {
            self.signal.begin();
            if self.is_stopping.load(SeqCst) || self.poll_driver(&mut context).is_ready() {
                // The signal stays entered: nobody polls it again.
                self.finish();
                return;
            }
            if self.signal.leave() {
                return;
            }
        }
        self.signal.postpone();
    }

    fn poll_driver(&self, context: &mut Context<'_>) -> Poll<()> {
        match &mut *lock(&self.driver) {
            Some(run) => Pin::new(run).poll(context).map(drop),
            None => Poll::Ready(()),
        }
    }

    fn finish(&self) {
        let driver = lock(&self.driver).take();
        drop(driver);
        self.is_over.store(true, SeqCst);
        self.workers.remove(self);
        // It has nothing to say to any of them unless the host itself failed.
        self.roster.fail(CallError::Host);
        self.wake_waiting();
        self.signal.tell_task();
    }

    fn wake_waiting(&self) {
        let waiting: Vec<_> = lock(&self.inbox).iter().cloned().collect();
        waiting.iter().for_each(|ticket| ticket.wake_client());
    }
}

impl Seat {
    pub(super) fn new(worker: Arc<Worker>) -> Seat {
        Seat {
            worker,
            is_taken: false,
        }
    }

    /// The instance, whose request gives the place back by itself.
    pub(super) fn take(mut self) -> Arc<Worker> {
        self.is_taken = true;
        Arc::clone(&self.worker)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_taken {
            self.worker.workers.release(&self.worker, false);
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Seat").finish_non_exhaustive()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// No code panics while it holds one of these locks, but for a guest's, which `run` catches.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
