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

use smol_str::SmolStr;
use tokio::runtime::Handle;

use super::Shared;
use super::connections::Slot;
use super::idle::{Idle, Waited};
use super::linger;
use super::place::Place;
use super::stream::Stream;
use crate::workers;

/// A connection from the first wait to its end.
pub(super) struct Life(Stage);

enum Stage {
    Waiting(Box<Idle>),
    Serving(Place),
    Closing(Pin<Box<dyn Future<Output = ()> + Send>>),
    Over,
}

/// What comes after requests were served.
pub(super) enum Then {
    /// There is nothing to do until the client sends more.
    Wait(Box<Idle>),
    /// The host ends the connection.
    Close(Box<Idle>),
    /// Nobody is there any more, or everything was read to the end.
    End,
}

impl Life {
    /// The life of an accepted connection. `peer` is its address and port, or `unix`.
    pub(super) fn new(stream: Stream, peer: SmolStr, slot: Slot, shared: Arc<Shared>) -> Self {
        let idle = Idle::new(stream, peer, slot, shared);
        Self(Stage::Waiting(Box::new(idle)))
    }
}

impl Future for Life {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let then = match &mut self.0 {
                Stage::Waiting(idle) => {
                    let waited = ready!(idle.poll_request(cx));
                    let Stage::Waiting(idle) = mem::replace(&mut self.0, Stage::Over) else {
                        continue;
                    };
                    match waited {
                        Waited::InVain => Then::Close(idle),
                        Waited::Request => {
                            let mut place = Place::empty();
                            let served = place.begin(idle, cx);
                            self.0 = Stage::Serving(place);
                            ready!(served)
                        }
                    }
                }
                Stage::Serving(place) => ready!(place.poll(cx)),
                Stage::Closing(close) => {
                    ready!(close.as_mut().poll(cx));
                    Then::End
                }
                Stage::Over => return Poll::Ready(()),
            };
            let next = match then {
                Then::Wait(idle) => match workers::elsewhere(idle.since.into_std()) {
                    None => Stage::Waiting(idle),
                    Some(there) => {
                        hand_over(*idle, &there);
                        Stage::Over
                    }
                },
                Then::Close(idle) => {
                    workers::served(idle.since.into_std());
                    Stage::Closing(Box::pin(close(idle)))
                }
                Then::End => Stage::Over,
            };
            if let Stage::Serving(place) = mem::replace(&mut self.0, next) {
                place.keep();
            }
        }
    }
}

/// Has a connection that waits go on in another runtime.
fn hand_over(idle: Idle, there: &Handle) {
    match idle.hand_to(there) {
        Ok(idle) => {
            let set_task = idle.transport.slot().abort_handle_to();
            set_task(there.spawn(Life(Stage::Waiting(idle))).abort_handle());
        }
        Err(error) => tracing::error!("a connection is lost: {error}"),
    }
}

/// Ends a connection to which everything was written.
async fn close(idle: Box<Idle>) {
    let Idle {
        transport,
        settings,
        peer,
        ..
    } = *idle;
    let end = linger::close(transport, &settings).await;
    tracing::debug!(%peer, ?end, "closed");
}

#[cfg(test)]
mod tests;
