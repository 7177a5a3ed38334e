//! Numbers that no two things have.

use super::{Apart, SHARDS, own};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Gives each thread numbers of its own, which count up there.
#[derive(Debug, Default)]
pub(crate) struct Numbers([Apart<AtomicU64>; SHARDS]);

impl Numbers {
    /// One more, from 1.
    pub(crate) fn next(&self) -> u64 {
        let own = own();
        let taken = self.0[own].0.fetch_add(1, Relaxed);
        taken * SHARDS as u64 + own as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn no_number_is_given_twice() {
        const EACH: usize = 100;
        let numbers = Numbers::default();
        let take = || (0..EACH).map(|_| numbers.next()).collect::<Vec<_>>();
        let taken: HashSet<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..2 * SHARDS).map(|_| scope.spawn(take)).collect();
            let taken = threads.into_iter().map(|it| it.join().unwrap());
            taken.flatten().collect()
        });
        assert_eq!(taken.len(), EACH * 2 * SHARDS);
        assert!(!taken.contains(&0));
    }
}
