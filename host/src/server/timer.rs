//! One timer per connection, for all of its waits.
//!
//! Arming a runtime timer takes a lock, and a busy connection sets a new deadline with every
//! wait. Deadlines mostly move later, so the armed moment may lie before the deadline: when it
//! comes, the timer looks again. A wait that ends in time then costs a comparison: neither is the
//! runtime told again who waits, as long as that is the same task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A reusable timer.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// Whom the runtime wakes at the armed moment; none while it is not armed.
    wakes: Option<Waker>,
}

impl Timer {
    /// A timer that is armed with the first deadline it is polled for.
    pub(super) fn new() -> Self {
        // Far off, and not registered before it is polled.
        const UNARMED: Duration = Duration::from_secs(365 * 24 * 3600);
        Self {
            sleep: Box::pin(tokio::time::sleep(UNARMED)),
            wakes: None,
        }
    }

    /// Ready once `deadline` has passed.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        loop {
            if deadline < self.sleep.deadline() {
                self.rearm(deadline);
            }
            if self.poll_armed(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.rearm(deadline);
        }
    }

    fn rearm(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.wakes = None;
    }

    fn poll_armed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wakes = self.wakes.as_ref();
        if wakes.is_some_and(|waker| waker.will_wake(cx.waker())) && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        let passed = self.sleep.as_mut().poll(cx);
        self.wakes = passed.is_pending().then(|| cx.waker().clone());
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn passed(timer: &mut Timer, deadline: Instant) {
        poll_fn(|cx| timer.poll_passed(cx, deadline)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_deadline_outlives_the_armed_one() {
        let mut timer = Timer::new();
        let start = Instant::now();
        let early = start + Duration::from_secs(1);
        let waits = tokio::time::timeout(Duration::from_millis(500), passed(&mut timer, early));
        assert!(waits.await.is_err());
        passed(&mut timer, start + Duration::from_secs(3)).await;
        assert!(start.elapsed() >= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_deadline_rearms() {
        let mut timer = Timer::new();
        let start = Instant::now();
        let late = start + Duration::from_secs(60);
        let waits = tokio::time::timeout(Duration::from_millis(500), passed(&mut timer, late));
        assert!(waits.await.is_err());
        passed(&mut timer, start + Duration::from_secs(2)).await;
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    /// Most often it is the same task that waits; now and then, part of it.
    #[tokio::test(start_paused = true)]
    async fn whoever_polled_last_is_woken() {
        let mut timer = Timer::new();
        let start = Instant::now();
        let deadline = start + Duration::from_secs(1);
        let mut noop = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(timer.poll_passed(&mut noop, deadline).is_pending());
        }
        passed(&mut timer, deadline).await;
        assert_eq!(start.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_passed_timer_serves_the_next_wait() {
        let mut timer = Timer::new();
        let start = Instant::now();
        passed(&mut timer, start + Duration::from_secs(1)).await;
        passed(&mut timer, start + Duration::from_secs(5)).await;
        assert!(start.elapsed() >= Duration::from_secs(5));
    }
}
