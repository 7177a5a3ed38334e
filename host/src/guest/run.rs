//! Where a call runs: on the thread that asks for it as long as it is quick, else in the
//! background. The only file that knows both.

use super::background::{Cancel, Lane};
use super::pace::Pace;
use super::turn::Polls;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use tokio::sync::oneshot;

/// A call on its way, made by [`super::Guest::run`]: a future of what the call returns, or of
/// `None` if it panicked. Dropping it stops the call: at once when the call waits for its turn,
/// after the slice when it runs.
#[must_use = "a call does nothing until it is polled"]
pub struct Run<T>(Stage<T>);

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Stage<T> {
    First(First<T>),
    Moved {
        result: oneshot::Receiver<T>,
        _cancel: Cancel,
    },
    Over,
}

struct First<T> {
    call: Call<T>,
    lane: Lane,
    pace: Arc<Pace>,
    deadline: Instant,
    /// For a call that may wait.
    polls: Option<Arc<Polls>>,
}

impl<T: Send + 'static> Run<T> {
    pub(super) fn new(lane: Lane, pace: Arc<Pace>, deadline: Instant, call: Call<T>) -> Run<T> {
        Run(Stage::First(First {
            call,
            lane,
            pace,
            deadline,
            polls: None,
        }))
    }

    /// The same for a call that may wait, for its client or for others: it stays where it is polled
    /// until it has run for whole slices without a wait.
    pub(super) fn waiting(self, polls: Arc<Polls>) -> Run<T> {
        match self.0 {
            Stage::First(first) => Run(Stage::First(First {
                polls: Some(polls),
                ..first
            })),
            later => Run(later),
        }
    }
}

impl<T: Send + 'static> Future for Run<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0 = match mem::replace(&mut self.0, Stage::Over) {
            Stage::First(first) => match first.poll(context) {
                Ok(result) => return Poll::Ready(result),
                Err(stage) => stage,
            },
            later => later,
        };
        let result = match &mut self.0 {
            Stage::Moved { result, .. } => result,
            Stage::First(_) => return Poll::Pending,
            Stage::Over => return Poll::Ready(None),
        };
        let result = ready!(Pin::new(result).poll(context));
        self.0 = Stage::Over;
        Poll::Ready(result.ok())
    }
}

impl<T: Send + 'static> First<T> {
    /// Polls the call here, if its guest is quick; moves it when it has run for long enough. One
    /// that does not wait is polled only once.
    fn poll(mut self, context: &mut Context<'_>) -> Result<Option<T>, Stage<T>> {
        if self.pace.is_slow() {
            return Err(self.hand_over());
        }
        // Nobody needs to be woken for a call that does not wait: what comes next is a turn in the
        // background.
        let mut noop = Context::from_waker(Waker::noop());
        let context = match self.polls {
            Some(_) => context,
            None => &mut noop,
        };
        let poll = || self.call.as_mut().poll(context);
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(result)) => return Ok(Some(result)),
            Ok(Poll::Pending) => {}
            Err(_reported_by_the_hook) => return Ok(None),
        }
        match &self.polls {
            Some(polls) if !polls.gave_way() => Err(Stage::First(self)),
            _ => Err(self.hand_over()),
        }
    }

    fn hand_over(self) -> Stage<T> {
        let (sender, result) = oneshot::channel();
        let mut call = self.call;
        let task = async move {
            let result = call.as_mut().await;
            // Whoever waits may count on all that the call held being free.
            drop(call);
            // It fails when nobody waits any more.
            let _ = sender.send(result);
        };
        Stage::Moved {
            result,
            _cancel: self.lane.start(self.deadline, Box::pin(task)),
        }
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0 {
            Stage::First(_) => "First",
            Stage::Moved { .. } => "Moved",
            Stage::Over => "Over",
        };
        formatter.debug_tuple("Run").field(&stage).finish()
    }
}
