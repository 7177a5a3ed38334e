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
    static GIVEN: Cell<Option<Box<Idle>>> = const { Cell::new(None) };
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
    pub(super) fn begin(&mut self, idle: Box<Idle>, cx: &mut Context<'_>) -> Poll<Then> {
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
    use super::super::Server;
    use super::super::life::Life;
    use super::super::stream::Stream;
    use super::*;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

    /// What a connection held is gone when the next one has its place.
    #[tokio::test]
    async fn a_place_serves_one_connection_after_the_other() {
        let server = Server::that_finds_nothing();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let holders = Arc::strong_count(&server.shared);
        for _ in 0..3 {
            let client = TcpStream::connect(listener.local_addr().unwrap());
            let (client, accepted) = tokio::join!(client, listener.accept());
            let (mut client, stream) = (client.unwrap(), accepted.unwrap().0);
            let slot = server.shared.connections.enter(None);
            let shared = Arc::clone(&server.shared);
            let asks = async move {
                client.write_all(REQUEST).await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.unwrap();
                answer
            };
            let life = Life::new(Stream::Tcp(stream), "peer".into(), slot, shared);
            let (answer, ()) = tokio::join!(asks, life);
            assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
            assert_eq!(Arc::strong_count(&server.shared), holders);
            assert_eq!(SPARE.with_borrow(Vec::len), 1);
        }
    }

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
