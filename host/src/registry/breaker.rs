//! The breaker of one guest: after so many failures in a row the guest is left alone for a while,
//! and then tried with one request. A request that succeeds closes it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config;

/// Counts failures in a row. What each request looks at comes first.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// Counts the resets: what a request from before one tells is not counted after it.
    epoch: AtomicU32,
    /// None: it never opens.
    settings: Option<config::Breaker>,
    open: Mutex<Open>,
}

/// What matters once the breaker is open.
#[derive(Debug, Default)]
struct Open {
    until: Option<Instant>,
    /// A request is on its way to find out whether the guest is well again.
    trying: bool,
}

/// Leave for one request. What came of it must be told with [`Breaker::succeeded`],
/// [`Breaker::failed`] or [`Breaker::unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leave {
    is_trial: bool,
    epoch: u32,
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(settings: Option<config::Breaker>) -> Self {
        Self {
            settings,
            failures: AtomicU32::new(0),
            open: Mutex::default(),
            epoch: AtomicU32::new(0),
        }
    }

    /// Leave to call the guest. The clock is looked at only while the breaker is open.
    ///
    /// # Errors
    /// For how long the guest is still left alone.
    pub(super) fn ask(&self, now: impl FnOnce() -> Instant) -> Result<Leave, Duration> {
        let is_trial = self.is_open();
        if is_trial {
            let mut open = self.lock();
            self.left_alone(&open, now()).map_or(Ok(()), Err)?;
            open.trying = true;
        }
        let epoch = self.epoch.load(Relaxed);
        Ok(Leave { is_trial, epoch })
    }

    /// For how long a request would be refused now.
    pub(super) fn would_refuse(&self, now: impl FnOnce() -> Instant) -> Option<Duration> {
        self.is_open()
            .then(|| self.left_alone(&self.lock(), now()))
            .flatten()
    }

    /// Whether the guest is left alone, or only tried.
    pub(super) fn is_open(&self) -> bool {
        let failures = self.failures.load(Relaxed);
        self.settings
            .as_ref()
            .is_some_and(|settings| failures >= settings.failures)
    }

    /// The guest answered: it is well.
    pub(super) fn succeeded(&self, leave: Leave) {
        if self.failures.load(Relaxed) > 0 {
            let mut open = self.lock();
            if self.is_current(leave) {
                self.failures.store(0, Relaxed);
                *open = Open::default();
            }
        }
    }

    /// The guest failed. Returns whether that opened the breaker.
    pub(super) fn failed(&self, leave: Leave, now: Instant) -> bool {
        let Some(settings) = &self.settings else {
            return false;
        };
        let mut open = self.lock();
        if !self.is_current(leave) {
            return false;
        }
        let was_open = self.is_open();
        let failures = self.failures.load(Relaxed) + u32::from(!was_open);
        self.failures.store(failures, Relaxed);
        let opens = !was_open && failures >= settings.failures;
        // What was begun before it opened says nothing new.
        if opens || leave.is_trial {
            *open = Open {
                until: Some(now + settings.pause),
                trying: false,
            };
        }
        opens
    }

    /// Nothing was learnt: the client left, or there was no room.
    pub(super) fn unknown(&self, leave: Leave) {
        if leave.is_trial {
            let mut open = self.lock();
            if self.is_current(leave) {
                open.trying = false;
            }
        }
    }

    /// Closes it: another generation deserves a try.
    pub(super) fn reset(&self) {
        let mut open = self.lock();
        self.epoch.fetch_add(1, Relaxed);
        self.failures.store(0, Relaxed);
        *open = Open::default();
    }

    /// For how long, if it is not time for a trial. With `open` locked.
    fn left_alone(&self, open: &Open, now: Instant) -> Option<Duration> {
        let pause = self.settings.as_ref().map(|settings| settings.pause);
        match open.until {
            Some(until) if now < until => Some(until - now),
            _ if open.trying => pause,
            _ => None,
        }
    }

    /// Whether a leave was given after the last reset. With `open` locked.
    fn is_current(&self, leave: Leave) -> bool {
        leave.epoch == self.epoch.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every statement under the lock leaves it whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn breaker() -> Breaker {
        Breaker::new(Some(config::Breaker {
            failures: 3,
            pause: PAUSE,
        }))
    }

    /// Fails so many requests that were let in before, and says how often that opened it.
    fn fail(breaker: &Breaker, times: u32, now: Instant) -> usize {
        let leave = breaker.ask(|| now).unwrap();
        (0..times).filter(|_| breaker.failed(leave, now)).count()
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_in_between_does_not() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(fail(&breaker, 2, now), 0);
        breaker.succeeded(breaker.ask(|| now).unwrap());
        assert_eq!(fail(&breaker, 2, now), 0);
        assert_eq!(breaker.would_refuse(|| now), None);
        assert_eq!(fail(&breaker, 1, now), 1, "the third in a row");
        assert_eq!(breaker.ask(|| now), Err(PAUSE));
        assert_eq!(breaker.would_refuse(|| now), Some(PAUSE));
    }

    #[test]
    fn what_was_begun_before_it_opened_does_not_prolong_it() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(fail(&breaker, 10, now), 1);
        let late = now + PAUSE / 2;
        let leave = Leave {
            is_trial: false,
            epoch: 0,
        };
        assert!(!breaker.failed(leave, late));
        assert!(breaker.ask(|| now + PAUSE).is_ok());
    }

    #[test]
    fn after_the_pause_one_request_tries_it() {
        let (breaker, now) = (breaker(), Instant::now());
        fail(&breaker, 3, now);
        let later = now + PAUSE;
        let trial = breaker.ask(|| later).unwrap();
        assert_eq!(breaker.ask(|| later), Err(PAUSE), "one is on its way");
        breaker.unknown(trial);
        let trial = breaker
            .ask(|| later)
            .expect("nothing was learnt: the next one tries");
        assert!(!breaker.failed(trial, later));
        assert_eq!(breaker.ask(|| later), Err(PAUSE));
        let trial = breaker.ask(|| later + PAUSE).unwrap();
        breaker.succeeded(trial);
        assert!(
            !breaker.is_open() && breaker.ask(|| later).is_ok() && breaker.ask(|| later).is_ok()
        );
    }

    #[test]
    fn requests_from_before_a_reset_count_for_nothing() {
        let (breaker, now) = (breaker(), Instant::now());
        let before = breaker.ask(|| now).unwrap();
        breaker.reset();
        assert!((0..10).all(|_| !breaker.failed(before, now)));
        assert_eq!(fail(&breaker, 2, now), 0);
        breaker.succeeded(before);
        assert_eq!(fail(&breaker, 1, now), 1);
    }

    #[test]
    fn switched_off_it_never_opens() {
        let (breaker, now) = (Breaker::new(None), Instant::now());
        assert_eq!(fail(&breaker, 1000, now), 0);
        assert!(breaker.ask(|| now).is_ok());
    }
}
