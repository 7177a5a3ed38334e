//! Who polls a worker next. Its store may be polled by any of its clients, each on the thread it is
//! on, or by a task of the worker's own when none of them is there: whoever comes first, one at a
//! time. Only states here: what is polled is the worker's affair.
//!
//! A client that is about to poll anyway keeps the task asleep meanwhile: [`Woken`].

use atomic_waker::AtomicWaker;
use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::task::{Wake, Waker};

/// Nothing to do.
const IDLE: u8 = 0;
/// There is something to do, and the task was told, or will be by whoever holds a [`Woken`].
const WOKEN: u8 = 1;
/// Somebody polls.
const POLLING: u8 = 2;
/// The same, and more came up meanwhile.
const AGAIN: u8 = 3;

thread_local! {
    /// What is woken on this thread by somebody who polls it next.
    static HELD: RefCell<Option<Vec<Arc<dyn Held>>>> = const { RefCell::new(None) };
}

/// What may be woken on a thread which is about to poll it.
pub(in crate::guest::wasi) trait Held: Send + Sync {
    /// Wakes the task that has to see to it, unless somebody has by now.
    fn tell(&self);
}

/// Instances that were woken on a thread which is about to poll them, and what else a client finds
/// out itself. If it has not by then, their tasks are told when this is dropped.
#[derive(Default)]
pub struct Woken(Vec<Arc<dyn Held>>);

/// Ends a [`Woken::hold`] when it is dropped, by a panic too.
struct Holding<'a> {
    woken: &'a mut Woken,
    before: Option<Vec<Arc<dyn Held>>>,
}

/// The state of one worker. As a waker it is what the worker's store wakes.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Signal {
    /// Begins to poll, unless somebody does: then they go on for longer. Returns whether it has
    /// begun.
    pub(super) fn enter(&self) -> bool {
        let next = |state| match state {
            IDLE | WOKEN => Some(POLLING),
            POLLING => Some(AGAIN),
            _ => None,
        };
        let before = self.state.fetch_update(SeqCst, SeqCst, next);
        matches!(before, Ok(IDLE | WOKEN))
    }

    /// Begins to poll if there is something to do and nobody does it.
    pub(super) fn enter_if_woken(&self) -> bool {
        let enter = || self.state.compare_exchange(WOKEN, POLLING, SeqCst, SeqCst);
        self.state.load(SeqCst) == WOKEN && enter().is_ok()
    }

    /// Whoever has begun is about to poll: what came up so far will be seen.
    pub(super) fn begin(&self) {
        if self.state.load(SeqCst) == AGAIN {
            self.state.store(POLLING, SeqCst);
        }
    }

    /// Ends polling. False when there is more to do, and the caller has not ended.
    pub(super) fn leave(&self) -> bool {
        let left = self.state.compare_exchange(POLLING, IDLE, SeqCst, SeqCst);
        left.is_ok()
    }

    /// Ends polling, and leaves what there is to do to the task.
    pub(super) fn postpone(&self) {
        self.state.store(WOKEN, SeqCst);
        self.task.wake();
    }

    /// Whether somebody polls at this moment.
    pub(super) fn is_polled(&self) -> bool {
        self.state.load(SeqCst) >= POLLING
    }

    /// The task asks to be told.
    pub(super) fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Wakes the task for its end.
    pub(super) fn tell_task(&self) {
        self.task.wake();
    }
}

impl Held for Signal {
    fn tell(&self) {
        if self.state.load(SeqCst) == WOKEN {
            self.task.wake();
        }
    }
}

impl Woken {
    /// Whether somebody on this thread will see to what was woken.
    pub(in crate::guest::wasi) fn is_told_of<H: Held + 'static>(woken: &Arc<H>) -> bool {
        let hold = |held: &RefCell<Option<Vec<Arc<dyn Held>>>>| match &mut *held.borrow_mut() {
            Some(held) => {
                held.push(Arc::clone(woken) as Arc<dyn Held>);
                true
            }
            None => false,
        };
        // A thread that is about to end polls nothing more.
        HELD.try_with(hold).unwrap_or(false)
    }

    /// Runs `wakes`, and tells no task of what that wakes yet.
    pub fn hold<T>(&mut self, wakes: impl FnOnce() -> T) -> T {
        let _holding = Holding {
            before: HELD.replace(Some(mem::take(&mut self.0))),
            woken: self,
        };
        wakes()
    }

    /// Tells the tasks of all that nobody has polled since.
    pub fn tell(&mut self) {
        for woken in self.0.drain(..) {
            woken.tell();
        }
    }
}

impl fmt::Debug for Woken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Woken").finish_non_exhaustive()
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        self.tell();
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.woken.0 = HELD.replace(self.before.take()).unwrap_or_default();
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Signal>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Signal>) {
        let next = |state| match state {
            IDLE => Some(WOKEN),
            POLLING => Some(AGAIN),
            _ => None,
        };
        if self.state.fetch_update(SeqCst, SeqCst, next) == Ok(IDLE) && !Woken::is_told_of(self) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Counts how often it was woken.
    #[derive(Default)]
    pub(in super::super) struct Counter(pub(in super::super) AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Counter>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn one_polls_and_sees_what_came_up_meanwhile() {
        let signal = Signal::default();
        assert!(!signal.enter_if_woken(), "nothing to do");
        assert!(signal.enter());
        signal.begin();
        assert!(signal.is_polled() && !signal.enter());
        assert!(!signal.leave(), "the other one's affair is left");
        signal.begin();
        assert!(signal.leave() && !signal.is_polled());
    }

    #[test]
    fn the_task_hears_of_what_nobody_sees() {
        let (signal, told) = (Arc::new(Signal::default()), Arc::new(Counter::default()));
        signal.register(&Waker::from(Arc::clone(&told)));
        let waker = Waker::from(Arc::clone(&signal));
        assert!(signal.enter());
        signal.begin();
        waker.wake_by_ref();
        assert_eq!(told.0.load(SeqCst), 0, "whoever polls will see it");
        assert!(!signal.leave());
        signal.begin();
        assert!(signal.leave());
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(told.0.load(SeqCst), 1);
        assert!(signal.enter_if_woken());
    }

    #[test]
    fn the_task_hears_of_what_a_client_did_not_see_to() {
        let (signal, told) = (Arc::new(Signal::default()), Arc::new(Counter::default()));
        signal.register(&Waker::from(Arc::clone(&told)));
        let waker = Waker::from(Arc::clone(&signal));
        let mut woken = Woken::default();
        woken.hold(|| waker.wake_by_ref());
        assert!(signal.enter_if_woken());
        signal.begin();
        assert!(signal.leave());
        woken.tell();
        assert_eq!(told.0.load(SeqCst), 0, "it was seen to");
        woken.hold(|| waker.wake_by_ref());
        assert_eq!(told.0.load(SeqCst), 0);
        drop(woken);
        assert_eq!(told.0.load(SeqCst), 1);
    }
}
