//! The life of one connection: it waits for a request, serves what has come, and waits again, until
//! the lingering close.
//!
//! Most connections wait most of the time. So this is no `async fn`, which would be as big as the
//! biggest of its states: what serves a request, or closes, is on the heap and only while it does.
//! Its place there is lent by the thread.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio_util::sync::ReusableBoxFuture;

use super::Shared;
use super::connections::Slot;
use super::driver::Driver;
use super::idle::{Idle, Waited};
use super::linger;
use super::spare;
use super::stream::Stream;

/// A connection from the first wait to its end.
pub(super) struct Life(Stage);

enum Stage {
    Waiting(Idle),
    Working(Work),
    Over,
}

/// Some work under way.
pub(super) type Work = ReusableBoxFuture<'static, Then>;

/// What comes after some work.
pub(super) enum Then {
    /// There is nothing to do until the client sends more.
    Wait(Idle),
    /// The host ends the connection.
    Close(Idle),
    /// Nobody is there any more, or everything was read to the end.
    End,
}

impl Life {
    /// The life of an accepted connection. `peer` is its address and port, or `unix`.
    pub(super) fn new(stream: Stream, peer: &str, slot: Slot, shared: Arc<Shared>) -> Self {
        Self(Stage::Waiting(Idle::new(stream, peer, slot, shared)))
    }
}

impl Future for Life {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let then = match &mut self.0 {
                Stage::Waiting(idle) => match ready!(idle.poll_request(cx)) {
                    Waited::Request => {
                        if let Stage::Waiting(idle) = mem::replace(&mut self.0, Stage::Over) {
                            self.0 = Stage::Working(spare::begin(Driver::new(idle).serve()));
                        }
                        continue;
                    }
                    Waited::InVain => match mem::replace(&mut self.0, Stage::Over) {
                        Stage::Waiting(idle) => Then::Close(idle),
                        _ => Then::End,
                    },
                },
                Stage::Working(work) => ready!(work.poll(cx)),
                Stage::Over => return Poll::Ready(()),
            };
            let next = match then {
                Then::Wait(idle) => Stage::Waiting(idle),
                Then::Close(idle) => Stage::Working(Work::new(close(idle))),
                Then::End => Stage::Over,
            };
            if let Stage::Working(work) = mem::replace(&mut self.0, next)
                && let Stage::Waiting(_) = &self.0
            {
                spare::end(work);
            }
        }
    }
}

/// Ends a connection to which everything was written.
async fn close(idle: Idle) -> Then {
    let Idle {
        transport,
        settings,
        peer,
        ..
    } = idle;
    let end = linger::close(transport, &settings).await;
    tracing::debug!(%peer, ?end, "closed");
    Then::End
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With what the runtime adds this fills 256 bytes, and the next size it takes is 384.
    #[test]
    fn a_connection_that_waits_is_small() {
        assert!(size_of::<Life>() <= 160, "{}", size_of::<Life>());
    }

    fn size_of_work<F>(_: impl FnOnce(Driver) -> F) -> usize {
        size_of::<F>()
    }

    /// It is made for every request that does not follow at once upon another.
    #[test]
    fn a_connection_at_work_is_not_big() {
        let bytes = size_of_work(Driver::serve);
        assert!(bytes <= 4608, "{bytes}");
    }
}
