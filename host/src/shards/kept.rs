//! What threads give back and keep for themselves: the next one that wants such a thing finds it
//! where no other processor has written. It knows nothing but how many there are.

use super::{Apart, SHARDS, own};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// How many of them a thread keeps: it has seldom more in use at once that it gives back soon.
const KEPT_MAX: usize = 4;

/// What is kept, by thread. Whoever finds nothing anywhere else may take another thread's.
#[derive(Debug, Default)]
pub(crate) struct Kept([Apart<AtomicUsize>; SHARDS]);

impl Kept {
    /// Keeps one more for this thread, if it has not enough already. Seen by whoever looks after
    /// that, in the one order that `SeqCst` has.
    pub(crate) fn keep(&self) -> bool {
        let one_more = |kept| (kept < KEPT_MAX).then_some(kept + 1);
        self.0[own()]
            .0
            .fetch_update(SeqCst, SeqCst, one_more)
            .is_ok()
    }

    /// Takes one that this thread has kept.
    pub(crate) fn take(&self) -> bool {
        take(&self.0[own()])
    }

    /// Takes one of any thread's.
    pub(crate) fn take_any(&self) -> bool {
        self.0.iter().any(take)
    }

    /// Reads a little of what [`Kept::take`] will write.
    pub(crate) fn touch(&self) {
        std::hint::black_box(self.0[own()].0.load(SeqCst));
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|own| own.0.load(SeqCst)).sum()
    }
}

fn take(part: &Apart<AtomicUsize>) -> bool {
    let one_less = |kept: usize| kept.checked_sub(1);
    part.0.fetch_update(SeqCst, SeqCst, one_less).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_thread_keeps_some_and_others_may_have_them() {
        let kept = Kept::default();
        assert!(!kept.take() && !kept.take_any());
        let some = (0..=KEPT_MAX).filter(|_| kept.keep()).count();
        assert_eq!((some, kept.count()), (KEPT_MAX, KEPT_MAX));
        assert!(kept.take());
        let there = || (0..KEPT_MAX).filter(|_| kept.take_any()).count();
        let taken = thread::scope(|scope| scope.spawn(there).join().unwrap());
        assert_eq!((taken, kept.count()), (KEPT_MAX - 1, 0));
    }
}
