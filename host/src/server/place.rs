//! Where requests are served: on the heap, by a future that serves one connection after the other.
//! So a connection that has something to be read need not have one made, which would be moved there
//! in all its size. Each thread keeps a few such places for whichever connection comes next.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::driver::Driver;
use super::idle::Idle;
use super::life::Then;

/// How many a thread keeps. Most requests are served without a wait, so that a thread seldom has
/// more than one in use.
const SPARE_MAX: usize = 16;

thread_local! {
    static SPARE: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
    /// On its way into a place, and out of one: only while that is polled.
    static GIVEN: Cell<Option<Idle>> = const { Cell::new(None) };
    static DONE: Cell<Option<Then>> = const { Cell::new(None) };
}

/// A place, with one connection or with none.
pub(super) struct Place(Pin<Box<dyn Future<Output = Infallible> + Send>>);

impl Place {
    /// An empty one.
    pub(super) fn empty() -> Self {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        spare.unwrap_or_else(|| Self(Box::pin(serve_each())))
    }

    /// Puts a connection into an empty place, and serves it as far as that goes without a wait.
    pub(super) fn begin(&mut self, idle: Idle, cx: &mut Context<'_>) -> Poll<Then> {
        GIVEN.set(Some(idle));
        self.poll(cx)
    }

    /// Serves on. When it is ready the place is empty.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Then> {
        let Poll::Pending = self.0.as_mut().poll(cx);
        DONE.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Keeps an empty place for another connection.
    pub(super) fn keep(self) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARE_MAX {
                spare.push(self);
            }
        });
    }
}

async fn serve_each() -> Infallible {
    loop {
        let given = poll_fn(|_| GIVEN.take().map_or(Poll::Pending, Poll::Ready));
        let then = Driver::new(given.await).serve().await;
        DONE.set(Some(then));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_work<F>(_: impl FnOnce(Driver) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_at_work_is_not_big() {
        let bytes = size_of_work(Driver::serve);
        assert!(bytes <= 4608, "{bytes}");
    }

    #[test]
    fn few_are_kept() {
        let places: Vec<_> = (0..2 * SPARE_MAX).map(|_| Place::empty()).collect();
        places.into_iter().for_each(Place::keep);
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_MAX);
    }
}
