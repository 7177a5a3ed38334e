//! One timer per connection, for all of its waits.
//!
//! Arming a runtime timer takes a lock, and a busy connection sets a new deadline with every
//! wait. Deadlines mostly move later, so the armed moment may lie before the deadline: when it
//! comes, the timer looks again. A wait that ends in time then costs a comparison.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A reusable timer.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    /// A timer that is armed with the first deadline it is polled for.
    pub(super) fn new() -> Self {
        // Far off, and not registered before it is polled.
        const UNARMED: Duration = Duration::from_secs(365 * 24 * 3600);
        Self {
            sleep: Box::pin(tokio::time::sleep(UNARMED)),
        }
    }

    /// Ready once `deadline` has passed.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        loop {
            if deadline < self.sleep.deadline() {
                self.sleep.as_mut().reset(deadline);
            }
            ready!(self.sleep.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(deadline);
        }
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

    #[tokio::test(start_paused = true)]
    async fn a_passed_timer_serves_the_next_wait() {
        let mut timer = Timer::new();
        let start = Instant::now();
        passed(&mut timer, start + Duration::from_secs(1)).await;
        passed(&mut timer, start + Duration::from_secs(5)).await;
        assert!(start.elapsed() >= Duration::from_secs(5));
    }
}
