//! A request's body on its way into a guest, piece by piece. The guest sets the pace: nothing is
//! taken from the client before the guest has asked for the body, and then never more than one
//! piece ahead of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmtime_wasi_http::Error;

/// The connection's end. Dropping it before the body has ended is [`UploadFailure::Broken`].
#[derive(Debug)]
pub struct UploadSender(Arc<Mutex<Shared>>);

/// The guest's end. Dropping it tells the connection that the rest is not wanted.
#[derive(Debug)]
pub struct Upload {
    shared: Arc<Mutex<Shared>>,
    /// Bytes that are still to come, if that is known.
    remaining: Option<u64>,
}

/// Why a body ends before it is complete, as the guest gets to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFailure {
    /// The client left, or what it sent was malformed.
    Broken,
    /// It was too slow.
    Late,
    /// It has more than the so many bytes that the route allows.
    TooLarge(u64),
}

/// What the connection is to do about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Hand over the next piece, or the end.
    Wanted,
    /// The guest will not read any more of it.
    Unwanted,
}

#[derive(Debug, Default)]
struct Shared {
    /// The guest has asked for the body at least once.
    asked: bool,
    /// The guest's end is gone.
    dropped: bool,
    piece: Option<Bytes>,
    /// What follows `piece`: the end, with the trailers if there are any.
    end: Option<Result<Option<HeaderMap>, UploadFailure>>,
    guest: Option<Waker>,
    connection: Option<Waker>,
}

/// Both ends of a body, of so many bytes if that is known.
pub fn upload(length: Option<u64>) -> (UploadSender, Upload) {
    let shared = Arc::<Mutex<Shared>>::default();
    let guest = Upload {
        shared: Arc::clone(&shared),
        remaining: length,
    };
    (UploadSender(shared), guest)
}

impl UploadSender {
    /// Completes when the guest wants the next piece, or no more of them. The task is woken when
    /// that changes, also after it has completed: what is wanted may become unwanted.
    pub fn poll_demand(&self, context: &mut Context<'_>) -> Poll<Demand> {
        let mut shared = lock(&self.0);
        if shared.dropped {
            return Poll::Ready(Demand::Unwanted);
        }
        shared.connection = Some(context.waker().clone());
        if shared.asked && shared.piece.is_none() {
            return Poll::Ready(Demand::Wanted);
        }
        Poll::Pending
    }

    /// Whether the guest may still read it.
    pub fn is_held(&self) -> bool {
        !lock(&self.0).dropped
    }

    /// Hands over a piece, once for each [`Demand::Wanted`].
    pub fn send(&self, data: Bytes) {
        let mut shared = lock(&self.0);
        shared.piece = Some(data);
        shared.wake_guest();
    }

    /// Ends the body, which is complete, with the trailers that came.
    pub fn end<'a>(self, trailers: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            // What the protocol has let through is allowed here, too.
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(value),
            ) {
                map.append(name, value);
            }
        }
        self.finish(Ok(Some(map).filter(|map| !map.is_empty())));
    }

    /// Ends the body before it is complete.
    pub fn fail(self, failure: UploadFailure) {
        self.finish(Err(failure));
    }

    fn finish(&self, end: Result<Option<HeaderMap>, UploadFailure>) {
        let mut shared = lock(&self.0);
        shared.end.get_or_insert(end);
        shared.wake_guest();
    }
}

impl Drop for UploadSender {
    fn drop(&mut self) {
        self.finish(Err(UploadFailure::Broken));
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.dropped = true;
        shared.piece = None;
        shared.wake_connection();
    }
}

impl Shared {
    fn wake_guest(&mut self) {
        if let Some(waker) = self.guest.take() {
            waker.wake();
        }
    }

    fn wake_connection(&mut self) {
        if let Some(waker) = self.connection.take() {
            waker.wake();
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut shared = lock(&self.shared);
        let first = !std::mem::replace(&mut shared.asked, true);
        if let Some(data) = shared.piece.take() {
            shared.wake_connection();
            drop(shared);
            let length = data.len() as u64;
            self.remaining = self.remaining.map(|bytes| bytes.saturating_sub(length));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut shared.end {
            Some(Ok(trailers)) => Poll::Ready(trailers.take().map(|map| Ok(Frame::trailers(map)))),
            Some(Err(failure)) => Poll::Ready(Some(Err((*failure).into()))),
            None => {
                shared.guest = Some(context.waker().clone());
                // Nothing is new to the connection when the guest only asks again.
                if first {
                    shared.wake_connection();
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        shared.piece.is_none() && matches!(shared.end, Some(Ok(None)))
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl From<UploadFailure> for Error {
    fn from(failure: UploadFailure) -> Error {
        match failure {
            UploadFailure::Broken => Error::ConnectionTerminated,
            UploadFailure::Late => Error::ConnectionReadTimeout,
            UploadFailure::TooLarge(max) => Error::HttpRequestBodySize(Some(max)),
        }
    }
}

/// What it means to whoever reads the body, when a guest stands in between.
impl From<&Error> for UploadFailure {
    fn from(error: &Error) -> UploadFailure {
        match error {
            Error::HttpRequestBodySize(Some(max)) => UploadFailure::TooLarge(*max),
            Error::ConnectionReadTimeout => UploadFailure::Late,
            _ => UploadFailure::Broken,
        }
    }
}

/// Every statement under the lock leaves it whole.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    /// Counts how often one end wakes the other.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn new() -> (Arc<Self>, Waker) {
            let wakes = Arc::<Self>::default();
            (Arc::clone(&wakes), Waker::from(wakes))
        }

        fn take(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    fn frame(guest: &mut Upload, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let frame = Pin::new(guest).poll_frame(context);
        frame.map(|frame| frame.and_then(|frame| frame.unwrap().into_data().ok()))
    }

    #[test]
    fn each_end_wakes_the_other_when_there_is_something_new() {
        let (connection_wakes, waker) = Wakes::new();
        let mut connection = Context::from_waker(&waker);
        let (guest_wakes, waker) = Wakes::new();
        let mut context = Context::from_waker(&waker);
        let (sender, mut guest) = upload(None);
        assert!(sender.poll_demand(&mut connection).is_pending());
        assert!(frame(&mut guest, &mut context).is_pending());
        assert_eq!(connection_wakes.take(), 1);
        let wanted = Poll::Ready(Demand::Wanted);
        for _ in 0..2 {
            assert_eq!(sender.poll_demand(&mut connection), wanted);
            assert!(frame(&mut guest, &mut context).is_pending());
            assert_eq!(connection_wakes.take(), 0);
        }
        sender.send(Bytes::from_static(b"a"));
        assert_eq!(guest_wakes.take(), 1);
        assert!(sender.poll_demand(&mut connection).is_pending());
        let piece = Some(Bytes::from_static(b"a"));
        assert_eq!(frame(&mut guest, &mut context), Poll::Ready(piece));
        assert_eq!(connection_wakes.take(), 1);
        assert_eq!(sender.poll_demand(&mut connection), wanted);
        // What was wanted is not any more.
        drop(guest);
        assert_eq!(connection_wakes.take(), 1);
        let unwanted = Poll::Ready(Demand::Unwanted);
        assert_eq!(sender.poll_demand(&mut connection), unwanted);
    }

    #[test]
    fn a_body_whose_connection_is_gone_is_broken() {
        let mut context = Context::from_waker(Waker::noop());
        let (sender, mut guest) = upload(Some(2));
        sender.send(Bytes::from_static(b"a"));
        drop(sender);
        let piece = Some(Bytes::from_static(b"a"));
        assert_eq!(frame(&mut guest, &mut context), Poll::Ready(piece));
        assert_eq!(guest.size_hint().exact(), Some(1));
        let end = Pin::new(&mut guest).poll_frame(&mut context);
        assert!(matches!(
            end,
            Poll::Ready(Some(Err(Error::ConnectionTerminated)))
        ));
    }
}
