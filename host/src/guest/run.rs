//! Where a call runs: on the thread that asks for it as long as it is quick, else in the
//! background. The only file that knows both.

use super::background::{Cancel, Due, Lane};
use super::pace::Pace;
use super::turn::Polls;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;

/// A call on its way, made by [`super::Guest::run`]: a future of what the call returns, or of
/// `None` if it panicked. Dropping it stops the call: at once when the call waits for its turn,
/// after the slice when it runs.
#[must_use = "a call does nothing until it is polled"]
pub struct Run<T>(Stage<T>);

/// What decides where the calls of one guest run.
pub(super) struct Course {
    pub(super) lane: Lane,
    pub(super) pace: Arc<Pace>,
}

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Stage<T> {
    /// It stays where it is polled: what is slow in it runs elsewhere.
    Here(Call<T>),
    First(First<T>),
    Moved {
        back: oneshot::Receiver<Back<T>>,
        cancel: Cancel,
    },
    Over,
}

/// What comes back from the background.
enum Back<T> {
    Result(T),
    /// The call waits for something, and its guest is quick again: from now on it is polled where
    /// it was asked for, and not when nobody else wants the processor.
    Call(First<T>),
}

/// A call in the background.
struct Visit<T> {
    /// Gone when it has ended or went back.
    first: Option<First<T>>,
    sender: Option<oneshot::Sender<Back<T>>>,
}

struct First<T> {
    call: Call<T>,
    course: Arc<Course>,
    deadline: Due,
    /// For a call that may wait.
    polls: Option<Arc<Polls>>,
}

impl<T: Send + 'static> Run<T> {
    pub(super) fn new(course: Arc<Course>, deadline: Due, call: Call<T>) -> Run<T> {
        Run(Stage::First(First {
            call,
            course,
            deadline,
            polls: None,
        }))
    }

    /// A call that runs no guest itself but waits for what another run does.
    pub(super) fn here(call: Call<T>) -> Run<T> {
        Run(Stage::Here(call))
    }

    /// The same for a call that may wait, for its client or for others: it stays where it is polled
    /// until it has run for whole slices without a wait, and comes back when it waits again.
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
        loop {
            match mem::replace(&mut self.0, Stage::Over) {
                Stage::Here(mut call) => {
                    let result = call.as_mut().poll(context).map(Some);
                    if result.is_pending() {
                        self.0 = Stage::Here(call);
                    }
                    return result;
                }
                Stage::First(first) => match first.poll(context) {
                    Ok(result) => return Poll::Ready(result),
                    Err(Stage::First(first)) => {
                        self.0 = Stage::First(first);
                        return Poll::Pending;
                    }
                    Err(moved) => self.0 = moved,
                },
                Stage::Moved { mut back, cancel } => match Pin::new(&mut back).poll(context) {
                    Poll::Pending => {
                        self.0 = Stage::Moved { back, cancel };
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Back::Result(result))) => return Poll::Ready(Some(result)),
                    // What it waits for wakes whoever polled it last.
                    Poll::Ready(Ok(Back::Call(first))) => self.0 = Stage::First(first),
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                },
                Stage::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<T: Send + 'static> First<T> {
    /// Polls the call here, if its guest is quick; moves it when it has run for long enough. One
    /// that does not wait is polled only once.
    fn poll(mut self, context: &mut Context<'_>) -> Result<Option<T>, Stage<T>> {
        if self.course.pace.is_slow() {
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
        let (sender, back) = oneshot::channel();
        let (course, deadline) = (Arc::clone(&self.course), self.deadline.clone());
        let visit = Visit {
            first: Some(self),
            sender: Some(sender),
        };
        Stage::Moved {
            back,
            cancel: course.lane.start(deadline, Box::pin(visit)),
        }
    }

    /// Whether it is pending because it waits, as quick guests do.
    fn may_go_back(&self) -> bool {
        let waits = self.polls.as_ref().is_some_and(|polls| !polls.gave_way());
        waits && !self.course.pace.is_slow()
    }
}

impl<T: Send + 'static> Future for Visit<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut first) = self.first.take() else {
            return Poll::Ready(());
        };
        let back = match first.call.as_mut().poll(context) {
            Poll::Ready(result) => {
                // Whoever waits may count on all that the call held being free.
                drop(first);
                Back::Result(result)
            }
            Poll::Pending if first.may_go_back() => Back::Call(first),
            Poll::Pending => {
                self.first = Some(first);
                return Poll::Pending;
            }
        };
        if let Some(sender) = self.sender.take() {
            // It fails when nobody waits any more.
            let _ = sender.send(back);
        }
        Poll::Ready(())
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0 {
            Stage::Here(_) => "Here",
            Stage::First(_) => "First",
            Stage::Moved { .. } => "Moved",
            Stage::Over => "Over",
        };
        formatter.debug_tuple("Run").field(&stage).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::background::{self, Background};
    use super::*;
    use std::future::poll_fn;
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    /// Where a call of a slow guest is polled, that waits once and finds its guest quick then, or
    /// not.
    async fn places(recovers: bool) -> Vec<&'static str> {
        let background = Background::start(1, 10).unwrap();
        let (pace, polls) = (Arc::new(Pace::default()), Arc::<Polls>::default());
        pace.overran();
        let places = Arc::<Mutex<Vec<_>>>::default();
        let call = {
            let (pace, places) = (Arc::clone(&pace), Arc::clone(&places));
            poll_fn(move |context| {
                let mut places = places.lock().unwrap();
                places.push(if background::is_here() {
                    "there"
                } else {
                    "here"
                });
                if places.len() > 1 {
                    return Poll::Ready(());
                }
                if recovers {
                    pace.were_quick(1000);
                } else {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            })
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let lane = background.lane();
        let course = Arc::new(Course { lane, pace });
        let run = Run::new(course, Due::At(deadline), Box::pin(call)).waiting(polls);
        assert_eq!(run.await, Some(()));
        let places = places.lock().unwrap();
        places.clone()
    }

    #[tokio::test]
    async fn a_call_that_waits_comes_back_when_its_guest_is_quick_again() {
        assert_eq!(places(true).await, ["there", "here"]);
        assert_eq!(places(false).await, ["there", "there"]);
    }
}
