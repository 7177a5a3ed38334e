//! Who polls a worker next. Its store may be polled by any of its clients, each on the thread it is
//! on, or by a task of the worker's own when none of them is there: whoever comes first, one at a
//! time. Only states here: what is polled is the worker's affair.

use atomic_waker::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::task::{Wake, Waker};

/// Nothing to do.
const IDLE: u8 = 0;
/// There is something to do, and the task was told.
const WOKEN: u8 = 1;
/// Somebody polls.
const POLLING: u8 = 2;
/// The same, and more came up meanwhile.
const AGAIN: u8 = 3;

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
        let entered = self.state.compare_exchange(WOKEN, POLLING, SeqCst, SeqCst);
        entered.is_ok()
    }

    /// Whoever has begun is about to poll: what came up so far will be seen.
    pub(super) fn begin(&self) {
        self.state.store(POLLING, SeqCst);
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
        if self.state.fetch_update(SeqCst, SeqCst, next) == Ok(IDLE) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Counter(AtomicUsize);

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
}
