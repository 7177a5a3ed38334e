//! What became of a guest's requests, counted over all its generations.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::shards::Sum;

/// A count that only grows, of what most requests do not come to.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One guest's counts. They outlive a reload of the configuration.
#[derive(Debug, Default)]
pub struct Counters {
    /// Loads so far; the last one's number.
    pub(super) generations: AtomicU64,
    /// Requests meant for the guest, refused ones too.
    pub requests: Sum,
    /// The guest trapped or gave an answer that was refused.
    pub failed: Count,
    /// The deadline passed while it ran.
    pub timed_out: Count,
    /// No place became free: `queue_max`, `queue_time`, or `sandbox.instances_max`.
    pub full: Count,
    /// The breaker was open.
    pub resting: Count,
    /// The client left while it ran or waited.
    pub abandoned: Count,
    /// Generations that were taken back.
    pub rollbacks: Count,
}

impl Counters {
    /// The number that the next generation will have, if it is made.
    pub(super) fn upcoming_generation(&self) -> u64 {
        self.generations.load(Relaxed) + 1
    }

    /// The number for one more generation.
    pub(super) fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Relaxed) + 1
    }
}
