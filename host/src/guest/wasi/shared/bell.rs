//! Tells whether anything that a future waits for has come up since it was last polled. A store
//! polls everything in it whenever one thing in it is woken, many times for each request.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// As a waker, it is what such a future gives to whatever it waits for.
#[derive(Debug)]
pub(super) struct Bell {
    has_rung: AtomicBool,
    /// Whoever polls the store.
    outer: Mutex<Option<Waker>>,
}

impl Bell {
    /// One that has rung: everything is to be polled a first time.
    pub(super) fn new() -> Arc<Bell> {
        Arc::new(Bell {
            has_rung: AtomicBool::new(true),
            outer: Mutex::default(),
        })
    }

    /// Whether it has rung since it was last asked. Rings that come from now on wake `outer`,
    /// which `known` was before.
    pub(super) fn has_rung(&self, known: &mut Option<Waker>, outer: &Waker) -> bool {
        if known.as_ref().is_none_or(|known| !known.will_wake(outer)) {
            *self.lock() = Some(outer.clone());
            *known = Some(outer.clone());
        }
        self.has_rung.load(SeqCst) && self.has_rung.swap(false, SeqCst)
    }

    /// Has everything looked at the next time, whoever sees to that.
    pub(super) fn mark(&self) {
        self.has_rung.store(true, SeqCst);
    }

    /// Every statement under the lock leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.outer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        // Who rang before has woken the store, which has not looked since.
        if !self.has_rung.swap(true, SeqCst)
            && let Some(outer) = &*self.lock()
        {
            outer.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::tests::Counter;
    use super::*;

    #[test]
    fn it_rings_once_for_whoever_polls() {
        let (bell, mut known) = (Bell::new(), None);
        let counters = [(); 2].map(|()| Arc::<Counter>::default());
        let outers = [0, 1].map(|at| Waker::from(Arc::clone(&counters[at])));
        let counts = || [0, 1].map(|at| counters[at].0.load(SeqCst));
        assert!(bell.has_rung(&mut known, &outers[0]));
        assert!(!bell.has_rung(&mut known, &outers[0]));
        let waker = Waker::from(Arc::clone(&bell));
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(counts(), [1, 0]);
        assert!(bell.has_rung(&mut known, &outers[1]));
        assert!(!bell.has_rung(&mut known, &outers[1]));
        waker.wake();
        assert_eq!(counts(), [1, 1]);
        assert!(bell.has_rung(&mut known, &outers[1]));
        bell.mark();
        assert_eq!(counts(), [1, 1]);
        assert!(bell.has_rung(&mut known, &outers[1]));
    }
}
