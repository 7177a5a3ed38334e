//! Whether the client is still there while nothing is read from it, because its guest runs.
//!
//! What the kernel tells without a read: an RST ends both directions, a FIN the client's own. A
//! FIN alone does not say that the client is gone; it may have sent all it wants to and read on
//! (RFC 9112 section 9.6 has servers do the same). Over TCP the two look alike until something is
//! sent: a client that has closed its socket answers that with an RST. Over a Unix socket the
//! kernel tells them apart by itself.
//!
//! No byte of the client is consumed here.

mod watch;

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::Transport;
use crate::server::stream::Stream;

pub(in crate::server) use watch::{Seen, Watch};

/// What the client has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Ended {
    /// Its own side. It may still read.
    Sending,
    /// Both sides: it is gone.
    Both,
}

impl Transport {
    /// Completes when the client is gone. One that has ended its side is given `grace` to show
    /// that it closed altogether, then it is asked: `ask` appends to `out` what such a client is
    /// sent, or nothing if it must not be asked. What of `out` the kernel does not take at once
    /// stays there, to be written before anything else.
    ///
    /// It may be dropped at any time and is to be called once for each request.
    pub(in crate::server) async fn hang_up(
        &mut self,
        grace: Duration,
        out: &mut Vec<u8>,
        ask: impl FnOnce(&mut Vec<u8>),
    ) {
        if ended(&self.stream).await == Ended::Both {
            return;
        }
        if has_to_be_asked(&self.stream) {
            if self.breaks_within(grace).await {
                return;
            }
            ask(out);
            match self.stream.try_write(out) {
                Ok(written) => drop(out.drain(..written)),
                // The client reads slowly. What fills its window is a question just as well.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        broken(&self.stream).await;
    }

    /// Whether the connection breaks before so much time has passed.
    async fn breaks_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let Self { stream, timer, .. } = self;
        let mut broken = pin!(broken(stream));
        poll_fn(|cx| {
            if broken.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            timer.poll_passed(cx, deadline).map(|()| false)
        })
        .await
    }
}

/// Whether a client that has ended its side has to be asked: of the other family the kernel tells
/// by itself.
pub(in crate::server) fn has_to_be_asked(stream: &Stream) -> bool {
    matches!(stream, Stream::Tcp(_))
}

/// Waits for the client to end its side, or the whole connection.
pub(in crate::server) async fn ended(stream: &Stream) -> Ended {
    // Of a wait for priority the runtime makes one for "nothing more to read" as well, and
    // unlike a wait for readable it does not end with bytes that nobody wants to read now.
    let end = Interest::PRIORITY | Interest::ERROR;
    let all = end | Interest::WRITABLE;
    loop {
        // The second one does not wait, as the first is part of it. It says more.
        let (Ok(_), Ok(ready)) = (stream.ready(end).await, stream.ready(all).await) else {
            return Ended::Both;
        };
        if ready.is_error() || ready.is_write_closed() {
            return Ended::Both;
        }
        if ready.is_read_closed() {
            return Ended::Sending;
        }
    }
}

/// Waits until nobody is at the other end.
pub(in crate::server) async fn broken(stream: &Stream) {
    match stream {
        // After an RST there is an error to be fetched.
        Stream::Tcp(socket) => drop(socket.ready(Interest::ERROR).await),
        Stream::Unix(socket) => match second(socket) {
            Ok(socket) => write_closed(&socket).await,
            // Out of files: it is served on, as if it were still there.
            Err(_) => pending().await,
        },
    }
}

/// The same socket, with a readiness of its own in the runtime.
fn second(socket: &UnixStream) -> io::Result<UnixStream> {
    UnixStream::from_std(socket.as_fd().try_clone_to_owned()?.into())
}

/// Waits until `socket` can never be written to again. That is no error in a Unix socket, and the
/// runtime waits for it only together with "can be written to", which holds most of the time. So
/// it is made to forget that: its next event, whatever it is, tells all again. Nobody may write to
/// this `socket` afterwards.
async fn write_closed(socket: &UnixStream) {
    while let Ok(ready) = socket.ready(Interest::WRITABLE).await {
        if ready.is_write_closed() {
            return;
        }
        let forget = || Err::<(), _>(ErrorKind::WouldBlock.into());
        // It fails, as it was told to.
        let _ = socket.try_io(Interest::WRITABLE, forget);
    }
}

#[cfg(test)]
mod tests;
