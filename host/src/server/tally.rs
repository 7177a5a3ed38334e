//! Counts of what the server did since it was started. They only grow.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::shards::{self, SHARDS};

/// Connections accepted and responses sent.
#[derive(Debug, Default)]
pub struct Tally {
    parts: [Part; SHARDS],
}

/// What some of the threads counted: a cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Part {
    accepted: AtomicU64,
    unanswered: AtomicU64,
    refused: AtomicU64,
    /// By the first digit of the status, from 1xx to 5xx.
    classes: [AtomicU64; 5],
}

impl Tally {
    /// Connections accepted.
    pub fn accepted(&self) -> u64 {
        self.sum(|part| &part.accepted)
    }

    /// Requests whose client left before there was an answer.
    pub fn unanswered(&self) -> u64 {
        self.sum(|part| &part.unanswered)
    }

    /// Requests that the host answered in place of a guest.
    pub fn refused(&self) -> u64 {
        self.sum(|part| &part.refused)
    }

    /// Responses of each class of statuses, from 1xx to 5xx (RFC 9110 section 15).
    pub fn classes(&self) -> [u64; 5] {
        std::array::from_fn(|class| self.sum(|part| &part.classes[class]))
    }

    /// Counts a connection.
    pub(super) fn accept(&self) {
        self.own().accepted.fetch_add(1, Relaxed);
    }

    /// Counts a request by the status of its response; 0 where there was none. `refused`: it is
    /// not a guest's.
    pub(super) fn respond(&self, status: u16, refused: bool) {
        let own = self.own();
        if refused {
            own.refused.fetch_add(1, Relaxed);
        }
        let class = (status / 100).checked_sub(1);
        let count = class.and_then(|class| own.classes.get(usize::from(class)));
        count.unwrap_or(&own.unanswered).fetch_add(1, Relaxed);
    }

    fn own(&self) -> &Part {
        &self.parts[shards::own()]
    }

    fn sum(&self, count: impl Fn(&Part) -> &AtomicU64) -> u64 {
        let counts = self.parts.iter().map(|part| count(part).load(Relaxed));
        counts.sum()
    }
}
