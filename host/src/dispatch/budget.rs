//! The memory that all bodies together may hold (`limits.buffered_max`).
//!
//! A body takes its share as its bytes arrive, not when it is announced: a client that promises
//! much and sends nothing takes nothing from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts bytes against a maximum.
#[derive(Debug)]
pub struct Budget {
    bytes_max: AtomicU64,
    used: AtomicU64,
}

impl Budget {
    /// A budget of `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes_max: AtomicU64::new(bytes_max),
            used: AtomicU64::new(0),
        })
    }

    /// Changes the maximum. What is taken stays taken, also where it is more.
    pub fn set_max(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// An empty share of this budget.
    pub fn lease(self: &Arc<Self>) -> Lease {
        Lease {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }

    fn take(&self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before
            .checked_add(bytes)
            .is_some_and(|used| used <= self.bytes_max.load(Ordering::Relaxed));
        if !fits {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }
}

/// A share of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Lease {
    /// Makes the share `more` bytes bigger; false, and no change, when the budget is used up.
    #[must_use]
    pub fn grow(&mut self, more: usize) -> bool {
        let more = more as u64;
        let granted = more == 0 || self.budget.take(more);
        if granted {
            self.bytes += more;
        }
        granted
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_come_back() {
        let budget = Budget::new(10);
        let mut first = budget.lease();
        let mut second = budget.lease();
        assert!(first.grow(6));
        assert!(!second.grow(5));
        assert!(second.grow(4));
        drop(first);
        assert!(second.grow(6));
        drop(second);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_absurd_share_is_refused() {
        let budget = Budget::new(u64::MAX - 1);
        let mut lease = budget.lease();
        assert!(lease.grow(1));
        assert!(!lease.grow(usize::MAX));
    }
}
