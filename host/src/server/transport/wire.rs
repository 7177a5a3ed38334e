//! The socket for one that polls: reading, writing and waiting for a time go on side by side,
//! whereas each of [`Transport`](super::Transport)'s futures has it for itself.

use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use tokio::time::Instant;

use super::{Read, WriteFailed, outcome};
use crate::server::stream::Stream;
use crate::server::timer::Timer;

/// A socket and its timer, borrowed. Nothing is lost when it is given back at any time.
#[derive(Debug)]
pub(in crate::server) struct Wire<'t> {
    stream: &'t Stream,
    timer: &'t mut Timer,
    ended: &'t mut bool,
}

impl<'t> Wire<'t> {
    pub(super) fn new(stream: &'t Stream, timer: &'t mut Timer, ended: &'t mut bool) -> Self {
        Self {
            stream,
            timer,
            ended,
        }
    }

    /// The socket, for those who watch it and move no bytes.
    pub(in crate::server) fn stream(&self) -> &'t Stream {
        self.stream
    }

    /// Appends to `buffer` what the client sends next, of which at least `room` bytes find place.
    pub(in crate::server) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<u8>,
        room: usize,
    ) -> Poll<Read> {
        buffer.reserve(room.max(1));
        self.poll_with(cx, |stream| stream.try_receive(buffer))
    }

    /// The same into what `buffer` has room for, which is not nothing.
    pub(in crate::server) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut impl BufMut,
    ) -> Poll<Read> {
        self.poll_with(cx, |stream| stream.try_read_buf(buffer))
    }

    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&Stream) -> io::Result<usize>,
    ) -> Poll<Read> {
        loop {
            if ready!(self.stream.poll_read_ready(cx)).is_err() {
                return Poll::Ready(Read::Broken);
            }
            match read(self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(outcome(&result, self.ended)),
            }
        }
    }

    /// Writes of `head` and then `body`, which are not both empty, what the kernel takes at once.
    pub(in crate::server) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        head: &[u8],
        body: &[u8],
    ) -> Poll<Result<usize, WriteFailed>> {
        loop {
            if ready!(self.stream.poll_write_ready(cx)).is_err() {
                return Poll::Ready(Err(WriteFailed::Broken));
            }
            // The usual one piece costs the kernel less by itself than in a list.
            let written = match (head, body) {
                (piece, []) | ([], piece) => self.stream.try_write(piece),
                _ => {
                    let slices = [IoSlice::new(head), IoSlice::new(body)];
                    self.stream.try_write_vectored(&slices)
                }
            };
            match written {
                Ok(bytes) if bytes > 0 => return Poll::Ready(Ok(bytes)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return Poll::Ready(Err(WriteFailed::Broken)),
            }
        }
    }

    /// Ready once `deadline` has passed.
    pub(in crate::server) fn poll_passed(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Instant,
    ) -> Poll<()> {
        self.timer.poll_passed(cx, deadline)
    }
}
