//! The first requests of a new generation, and the one before it, kept ready to be put back.
//! Counts only: the slot does what is decided here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::generation::Generation;
use crate::config::Rollback;

/// A new generation that has yet to prove itself.
#[derive(Debug)]
pub(super) struct Probation {
    previous: Arc<Generation>,
    settings: Rollback,
    until: Instant,
    requests: u32,
    failures: u32,
}

/// What one more request means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Undecided,
    /// Too many of its first requests failed.
    Failed,
}

impl Probation {
    /// Starts `now`, with the generation to put back. A request that begins in the window is judged
    /// when it ends, and that may take it a whole `deadline`.
    pub(super) fn new(
        previous: Arc<Generation>,
        settings: Rollback,
        deadline: Duration,
        now: Instant,
    ) -> Self {
        Self {
            until: now + settings.window + deadline,
            previous,
            settings,
            requests: 0,
            failures: 0,
        }
    }

    /// Counts a request that the new generation was given.
    pub(super) fn count(&mut self, failed: bool, now: Instant) -> Verdict {
        if self.is_over(now) {
            return Verdict::Undecided;
        }
        self.requests = self.requests.saturating_add(1);
        self.failures += u32::from(failed);
        if failed && self.is_enough() && self.ratio() >= self.settings.ratio {
            return Verdict::Failed;
        }
        Verdict::Undecided
    }

    /// Whether the new generation has been given enough requests and stayed below the ratio, so
    /// that it may be put back itself should the next one fail.
    pub(super) fn is_proven(&self) -> bool {
        self.is_enough() && self.ratio() < self.settings.ratio
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// The generation before.
    pub(super) fn previous(&self) -> &Arc<Generation> {
        &self.previous
    }

    /// How many of the first requests failed, and how many there were.
    pub(super) fn tally(&self) -> (u32, u32) {
        (self.failures, self.requests)
    }

    fn is_enough(&self) -> bool {
        self.requests >= self.settings.requests
    }

    fn ratio(&self) -> f64 {
        f64::from(self.failures) / f64::from(self.requests.max(1))
    }
}
