//! So many of something at once, whichever threads have them.

use super::Kept;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts what is taken and given back. What a thread gives back stays taken for a while, kept for
/// the next one that the thread takes, unless there are none left for others.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    /// In use or kept.
    taken: AtomicUsize,
    /// Apart, so that what is read of a quota that nobody uses is small.
    kept: Box<Kept>,
}

impl Quota {
    /// Takes one, if fewer than `max` are in use; `max` may be another one each time.
    pub(crate) fn take(&self, max: usize) -> bool {
        if max == 0 {
            return false;
        }
        // There may be fewer than there were.
        while self.taken.load(SeqCst) > max {
            if !self.kept.take_any() {
                return false;
            }
            self.taken.fetch_sub(1, SeqCst);
        }
        let one_more = |taken| (taken < max).then_some(taken + 1);
        self.kept.take()
            || self.taken.fetch_update(SeqCst, SeqCst, one_more).is_ok()
            || self.kept.take_any()
    }

    /// Gives one back. Whoever finds none left after this finds that.
    pub(crate) fn give_back(&self) {
        if !self.kept.keep() {
            self.taken.fetch_sub(1, SeqCst);
        }
    }

    /// Reads what [`Quota::take`] will look at first.
    pub(crate) fn touch(&self) {
        std::hint::black_box(self.taken.load(SeqCst));
    }

    /// How many are in use, about.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.taken.load(SeqCst).saturating_sub(self.kept.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn there_are_never_more_in_use_than_may_be() {
        let quota = Quota::default();
        assert!(quota.take(2) && quota.take(2) && !quota.take(2));
        quota.give_back();
        assert_eq!(quota.count(), 1);
        // Though the first thread has kept it.
        let there = || quota.take(2) && !quota.take(2);
        assert!(thread::scope(|scope| scope.spawn(there).join().unwrap()));
        assert_eq!(quota.count(), 2);
    }

    #[test]
    fn what_is_kept_does_not_count_when_there_are_fewer() {
        let quota = Quota::default();
        assert!((0..3).all(|_| quota.take(3)));
        (0..2).for_each(|_| quota.give_back());
        assert!(!quota.take(1));
        quota.give_back();
        assert!(quota.take(1) && !quota.take(1));
        assert!(quota.take(2) && !quota.take(2));
    }

    #[test]
    fn threads_that_take_and_give_back_lose_none() {
        const MAX: usize = 3;
        let (quota, running) = (Quota::default(), AtomicUsize::new(0));
        let busy = || {
            for _ in 0..2000 {
                if quota.take(MAX) {
                    assert!(running.fetch_add(1, SeqCst) < MAX);
                    thread::yield_now();
                    running.fetch_sub(1, SeqCst);
                    quota.give_back();
                }
            }
        };
        thread::scope(|scope| (0..2 * MAX).for_each(|_| drop(scope.spawn(busy))));
        assert_eq!(quota.count(), 0);
        assert!((0..MAX).all(|_| quota.take(MAX)) && !quota.take(MAX));
    }
}
