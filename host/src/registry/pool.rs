//! The instances that all guests share, divided so that no guest can use up the others' part:
//! half of them is common, the other half belongs to the guests in equal parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many instances there are, for how many guests.
#[derive(Debug)]
pub(super) struct Pool {
    instances_max: usize,
    guests: AtomicUsize,
    common: Arc<Taken>,
}

/// How much of one part is taken.
#[derive(Debug, Default)]
pub(super) struct Taken(AtomicUsize);

/// Room for one instance. Dropping it gives the room back to the part it is from.
#[derive(Debug)]
pub(super) struct Share(Arc<Taken>);

impl Pool {
    /// `instances_max` instances for one guest.
    pub(super) fn new(instances_max: usize) -> Arc<Self> {
        Arc::new(Self {
            instances_max,
            guests: AtomicUsize::new(1),
            common: Arc::default(),
        })
    }

    /// Divides it anew. What is taken stays taken.
    pub(super) fn divide_among(&self, guests: usize) {
        self.guests.store(guests.max(1), Relaxed);
    }

    /// Room from the guest's `own` part, else from the common one.
    pub(super) fn take(&self, own: &Arc<Taken>) -> Option<Share> {
        let guests = self.guests.load(Relaxed);
        let each = self.instances_max / 2 / guests;
        own.take(each)
            .or_else(|| self.common.take(self.instances_max - each * guests))
    }
}

impl Taken {
    fn take(self: &Arc<Self>, max: usize) -> Option<Share> {
        let one_more = |taken| (taken < max).then_some(taken + 1);
        self.0.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Share(Arc::clone(self)))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(instances_max: usize, guests: usize) -> Arc<Pool> {
        let pool = Pool::new(instances_max);
        pool.divide_among(guests);
        pool
    }

    fn all(pool: &Pool, own: &Arc<Taken>) -> Vec<Share> {
        std::iter::from_fn(|| pool.take(own)).collect()
    }

    #[test]
    fn a_greedy_guest_leaves_the_others_their_part() {
        let pool = pool(20, 2);
        let (greedy, modest) = (Arc::default(), Arc::default());
        let taken = all(&pool, &greedy);
        assert_eq!(taken.len(), 15);
        let _left = all(&pool, &modest);
        assert_eq!(_left.len(), 5);
        drop(taken);
        assert_eq!(all(&pool, &modest).len(), 10);
    }

    #[test]
    fn more_guests_than_instances_share_them_all() {
        assert_eq!(all(&pool(3, 10), &Arc::default()).len(), 3);
    }

    #[test]
    fn more_guests_make_the_parts_smaller() {
        let pool = pool(20, 1);
        let greedy = Arc::default();
        let taken = all(&pool, &greedy);
        assert_eq!(taken.len(), 20);
        pool.divide_among(2);
        assert_eq!(
            all(&pool, &Arc::default()).len(),
            5,
            "its own part, and nothing more"
        );
    }
}
