//! Where a call runs: on the thread that asks for it as long as it is quick, else in the
//! background. The only file that knows both.

use super::background::{Cancel, Due, Lane};
use super::subject::Subject;
use super::turn::Polls;
use crate::shards::Handles;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::sync::oneshot;

/// A call on its way, made by [`super::Guest::run`]: a future of what the call returns, or of
/// `None` if it panicked. Dropping it stops the call: at once when the call waits for its turn,
/// after the slice when it runs.
#[must_use = "a call does nothing until it is polled"]
pub struct Run<'g, T>(Stage<'g, T>);

/// What decides where the calls of one guest run.
pub(super) struct Course {
    pub(super) lane: Lane,
    pub(super) subject: Handles<Subject>,
}

impl Course {
    /// Reads a little of what a call needs.
    pub(super) fn touch(&self) {
        Handles::touch(&self.subject);
    }
}

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Stage<'g, T> {
    /// It stays where it is polled: what is slow in it runs elsewhere.
    Here(Call<T>),
    First(First<'g, T>),
    Moved {
        back: oneshot::Receiver<Back<T>>,
        cancel: Cancel,
    },
    Over,
}

/// What becomes of a call after it was polled.
enum Next<T> {
    End(Option<T>),
    /// Into the background.
    HandOver,
    /// From there.
    GoBack(First<'static, T>),
}
use Next::{End, GoBack, HandOver};

/// What comes back from the background.
enum Back<T> {
    Result(T),
    /// The call waits for something, and its guest is quick again: from now on it is polled where
    /// it was asked for, and not when nobody else wants the processor.
    Call(First<'static, T>),
}

/// A call in the background.
struct Visit<T> {
    /// Gone when it has ended or went back.
    first: Option<First<'static, T>>,
    sender: Option<oneshot::Sender<Back<T>>>,
}

struct First<'g, T> {
    call: Call<T>,
    /// Borrowed of a guest that whoever polls the call holds anyway: a count of it that all threads
    /// share is left alone.
    course: Cow<'g, Arc<Course>>,
    deadline: Due,
    /// For a call that may wait.
    polls: Option<Arc<Polls>>,
}

impl<'g, T: Send + 'static> Run<'g, T> {
    pub(super) fn new(course: &'g Arc<Course>, deadline: Due, call: Call<T>) -> Self {
        Run(Stage::First(First {
            call,
            course: Cow::Borrowed(course),
            deadline,
            polls: None,
        }))
    }

    /// A call that runs no guest itself but waits for what another run does.
    pub(super) fn here(call: Call<T>) -> Self {
        Run(Stage::Here(call))
    }

    /// The same for a call that may wait, for its client or for others: it stays where it is polled
    /// until it has run for whole slices without a wait, and comes back when it waits again.
    pub(super) fn waiting(self, polls: Arc<Polls>) -> Self {
        match self.0 {
            Stage::First(first) => Run(Stage::First(First {
                polls: Some(polls),
                ..first
            })),
            later => Run(later),
        }
    }

    /// The same call, whoever holds its guest.
    pub(super) fn into_owned(self) -> Run<'static, T> {
        Run(match self.0 {
            Stage::Here(call) => Stage::Here(call),
            Stage::First(first) => Stage::First(first.into_owned()),
            Stage::Moved { back, cancel } => Stage::Moved { back, cancel },
            Stage::Over => Stage::Over,
        })
    }
}

impl<T: Send + 'static> Future for Run<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        // In its place, for to take it out and put it back takes as long as to look at it.
        loop {
            let next = match &mut self.0 {
                Stage::Here(call) => call.as_mut().poll(context).map(|result| End(Some(result))),
                Stage::First(first) => first.poll(context),
                Stage::Moved { back, .. } => Pin::new(back).poll(context).map(|back| match back {
                    Ok(Back::Result(result)) => End(Some(result)),
                    // What it waits for wakes whoever polled it last.
                    Ok(Back::Call(first)) => GoBack(first),
                    Err(_) => End(None),
                }),
                Stage::Over => return Poll::Ready(None),
            };
            match (ready!(next), mem::replace(&mut self.0, Stage::Over)) {
                (GoBack(first), _) => self.0 = Stage::First(first),
                (HandOver, Stage::First(first)) => self.0 = first.hand_over(),
                (HandOver, _) => {}
                // What the call held is free by then.
                (End(result), _) => return Poll::Ready(result),
            }
        }
    }
}

impl<'g, T: Send + 'static> First<'g, T> {
    fn into_owned(self) -> First<'static, T> {
        First {
            call: self.call,
            course: Cow::Owned(self.course.into_owned()),
            deadline: self.deadline,
            polls: self.polls,
        }
    }

    /// Polls the call here, if its guest is quick; wants it moved when it has run for long enough.
    /// One that does not wait is polled only once.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Next<T>> {
        if self.course.subject.pace.is_slow() {
            return Poll::Ready(HandOver);
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
            Ok(Poll::Ready(result)) => return Poll::Ready(End(Some(result))),
            Ok(Poll::Pending) => {}
            Err(_reported_by_the_hook) => return Poll::Ready(End(None)),
        }
        match &self.polls {
            Some(polls) if !polls.gave_way() => Poll::Pending,
            _ => Poll::Ready(HandOver),
        }
    }

    fn hand_over(self) -> Stage<'g, T> {
        let (sender, back) = oneshot::channel();
        let first = self.into_owned();
        let (course, deadline) = (Arc::clone(&first.course), first.deadline.clone());
        let visit = Visit {
            first: Some(first),
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
        waits && !self.course.subject.pace.is_slow()
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

impl<T> fmt::Debug for Run<'_, T> {
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
        let (subject, polls) = (Arc::<Subject>::default(), Arc::<Polls>::default());
        subject.pace.overran();
        let places = Arc::<Mutex<Vec<_>>>::default();
        let call = {
            let (subject, places) = (Arc::clone(&subject), Arc::clone(&places));
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
                    subject.pace.were_quick(1000);
                } else {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            })
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let lane = background.lane();
        let subject = Handles::new(&subject);
        let course = Arc::new(Course { lane, subject });
        let run = Run::new(&course, Due::At(deadline), Box::pin(call)).waiting(polls);
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
