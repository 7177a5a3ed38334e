//! Runs futures on a test's thread. Time is this thread's own: when all that is left to do is to
//! wait, the clock jumps ahead, so that a test never waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::exchange::{Outcome, Streamed};
use crate::{Body, Error, Next, Request, Response};

/// What answers for the handler behind a middleware.
pub(crate) type Handler = Box<dyn Fn(Request<Body>) -> Answering>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>>>>;
type Work = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static ALARMS: RefCell<BTreeSet<Duration>> = const { RefCell::new(BTreeSet::new()) };
    static SPAWNED: RefCell<Vec<Work>> = const { RefCell::new(Vec::new()) };
}

/// Calls a handler that is an `async fn` with a request, whose body may be whole, and waits for
/// its response, the whole body, and all that it has [spawned](crate::spawn()).
///
/// # Panics
/// When the body breaks off, as a test of a handler that is meant to end it would want to know.
/// A test of one that is not reads the body itself, in [`block_on`].
pub fn call<A: Streamed, F: Future<Output = A>>(
    handle: impl FnOnce(Request<Body>) -> F,
    request: impl Into<Request<Body>>,
) -> Response {
    block_on(async {
        let response = answer(handle(request.into()).await);
        let (status, fields, mut body) = response.into_parts();
        match body.bytes(usize::MAX).await {
            Ok(bytes) => Response::from_parts(status, fields, bytes),
            #[expect(clippy::panic, reason = "this is how a test fails")]
            Err(error) => panic!("the body broke off: {error}"),
        }
    })
}

/// A handler that stands behind a middleware under test: give it to the middleware beside the
/// request, as [`Next`](crate::Next) shows. An error that the handler returns is one response of
/// its own, as always; a handler that gives no response at all is [`Next::failing`].
pub fn next<A: Streamed>(handle: impl AsyncFn(Request<Body>) -> A + 'static) -> Next {
    let handle = Rc::new(handle);
    Next::of_test(Box::new(move |request| {
        let handle = Rc::clone(&handle);
        Box::pin(async move { Ok(answer(handle(request).await)) })
    }))
}

impl Next {
    /// A handler that gives no response, as one that traps: what its middleware returns with `?`
    /// is answered with this status.
    #[must_use]
    pub fn failing(status: u16) -> Self {
        Self::of_test(Box::new(move |_| {
            let error = Error::new(status, "the handler gave no response");
            Box::pin(async { Err(error) })
        }))
    }
}

/// What a host would send of what a handler returned.
fn answer<A: Streamed>(answer: A) -> Response<Body> {
    match answer.into_outcome() {
        Outcome::Response(response) => response,
        Outcome::Raw(_) => unreachable!("only a host has such a response"),
    }
}

/// Runs a future, and all that is [spawned](crate::spawn()) meanwhile, to its end.
///
/// # Panics
/// When nothing can go on any more.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut beside: Vec<Work> = Vec::new();
    let mut outcome = None;
    loop {
        if outcome.is_none()
            && let Poll::Ready(value) = future.as_mut().poll(&mut cx)
        {
            outcome = Some(value);
        }
        beside.retain_mut(|work| work.as_mut().poll(&mut cx).is_pending());
        let spawned = SPAWNED.take();
        let is_news = !spawned.is_empty() || woken.0.swap(false, Ordering::Relaxed);
        beside.extend(spawned);
        match outcome {
            Some(value) if beside.is_empty() => return value,
            _ => assert!(is_news || skip_ahead(), "nothing can go on any more"),
        }
    }
}

/// Runs `work` beside the handler.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    SPAWNED.with_borrow_mut(|spawned| spawned.push(Box::pin(work)));
}

/// The time on this thread's clock.
pub(crate) fn now() -> Duration {
    NOW.get()
}

pub(crate) async fn sleep(duration: Duration) {
    let due = now().saturating_add(duration);
    poll_fn(|_| {
        if now() >= due {
            return Poll::Ready(());
        }
        ALARMS.with_borrow_mut(|alarms| alarms.insert(due));
        Poll::Pending
    })
    .await;
}

/// Puts the clock to the next alarm, if there is one. One that nobody waits for any more costs a
/// look around.
fn skip_ahead() -> bool {
    let next = ALARMS.with_borrow_mut(BTreeSet::pop_first);
    if let Some(next) = next {
        NOW.set(next.max(now()));
    }
    next.is_some()
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    #[test]
    fn waiting_takes_no_time_and_keeps_its_order() {
        let hour = Duration::from_secs(3600);
        let order = std::rc::Rc::new(RefCell::new(Vec::new()));
        let begun = std::time::Instant::now();
        block_on(async {
            for (name, hours) in [("late", 2), ("early", 1)] {
                let order = order.clone();
                spawn(async move {
                    time::sleep(hour * hours).await;
                    order.borrow_mut().push(name);
                });
            }
        });
        assert_eq!(*order.borrow(), ["early", "late"]);
        assert_eq!(time::monotonic(), hour * 2);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[test]
    #[should_panic(expected = "nothing can go on")]
    fn what_cannot_go_on_is_told() {
        block_on(std::future::pending::<()>());
    }
}
