//! The same question for one that polls: whether the client is still there while bytes may still
//! go both ways. What the kernel tells counts at any time; the client is asked only when its
//! request is complete and its response has not begun, and that its owner knows.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::Ended;

/// Watches one client for the time of one request. The futures are [`ended`](super::ended) and
/// [`broken`](super::broken) of its socket.
pub(in crate::server) struct Watch<'w> {
    ended: Pin<&'w mut (dyn Future<Output = Ended> + Send)>,
    broken: Pin<&'w mut (dyn Future<Output = ()> + Send)>,
    grace: Duration,
    stage: Stage,
}

/// What is known of the client.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Nothing.
    Open,
    /// It has ended its own side.
    HalfClosed,
    /// It is asked then, if it is still there.
    AskAt(Instant),
    /// It was asked, or need not be.
    Asked,
}

/// What a look at the client came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Seen {
    /// Nothing new.
    Nothing,
    /// Now is the time to ask it: send it what it has to answer.
    Ask,
    /// It is gone.
    Gone,
}

impl<'w> Watch<'w> {
    /// A watch that asks a client `grace` after it has ended its side.
    pub(in crate::server) fn new(
        ended: Pin<&'w mut (dyn Future<Output = Ended> + Send)>,
        broken: Pin<&'w mut (dyn Future<Output = ()> + Send)>,
        grace: Duration,
    ) -> Self {
        Self {
            ended,
            broken,
            grace,
            stage: Stage::Open,
        }
    }

    /// Looks, and wakes the task of `cx` when there is more to see. `may_ask`: the client can be
    /// asked now. Not to be called again once it is gone.
    pub(in crate::server) fn look(&mut self, cx: &mut Context<'_>, may_ask: bool) -> Seen {
        if matches!(self.stage, Stage::Open) {
            match self.ended.as_mut().poll(cx) {
                Poll::Pending => return Seen::Nothing,
                Poll::Ready(Ended::Both) => return Seen::Gone,
                Poll::Ready(Ended::Sending) => self.stage = Stage::HalfClosed,
            }
        }
        if self.broken.as_mut().poll(cx).is_ready() {
            return Seen::Gone;
        }
        match self.stage {
            Stage::HalfClosed if may_ask => self.stage = Stage::AskAt(Instant::now() + self.grace),
            Stage::AskAt(_) if !may_ask => self.stage = Stage::HalfClosed,
            Stage::AskAt(time) if Instant::now() >= time => {
                self.stage = Stage::Asked;
                return Seen::Ask;
            }
            _ => {}
        }
        Seen::Nothing
    }

    /// When to look again, whatever wakes the task before.
    pub(in crate::server) fn look_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::AskAt(time) => Some(time),
            _ => None,
        }
    }
}
