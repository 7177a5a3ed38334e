//! Counts of what the server did since it was started. They only grow.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Connections accepted and responses sent.
#[derive(Debug, Default)]
pub struct Tally {
    accepted: AtomicU64,
    unanswered: AtomicU64,
    refused: AtomicU64,
    /// By the first digit of the status, from 1xx to 5xx.
    classes: [AtomicU64; 5],
}

impl Tally {
    /// Connections accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Requests whose client left before there was an answer.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Relaxed)
    }

    /// Requests that the host answered in place of a guest.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Responses of each class of statuses, from 1xx to 5xx (RFC 9110 section 15).
    pub fn classes(&self) -> [u64; 5] {
        self.classes.each_ref().map(|count| count.load(Relaxed))
    }

    /// Counts a connection.
    pub(super) fn accept(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    /// Counts a request by the status of its response; 0 where there was none. `refused`: it is
    /// not a guest's.
    pub(super) fn respond(&self, status: u16, refused: bool) {
        if refused {
            self.refused.fetch_add(1, Relaxed);
        }
        let class = (status / 100).checked_sub(1);
        let count = class.and_then(|class| self.classes.get(usize::from(class)));
        count.unwrap_or(&self.unanswered).fetch_add(1, Relaxed);
    }
}
