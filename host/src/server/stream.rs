//! A connected socket of either family. An enum and no trait object: which one it is costs a
//! branch, and nothing else of the server needs to know.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use bytes::BufMut;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags};
use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;

/// A client that is gone is an error of the write, and nothing else.
#[cfg(not(target_vendor = "apple"))]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL;
/// The standard library sees to the same there.
#[cfg(target_vendor = "apple")]
const QUIETLY: SendFlags = SendFlags::empty();

/// A connected socket.
#[derive(Debug)]
pub(super) enum Stream {
    /// Of a TCP listener.
    Tcp(TcpStream),
    /// Of a Unix listener.
    Unix(UnixStream),
}

/// The same call on whichever socket it is.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
        }
    };
}

impl Stream {
    /// Has that runtime watch it, and not this thread's.
    pub(super) fn hand_to(self, runtime: &Handle) -> io::Result<Self> {
        if runtime.id() == Handle::current().id() {
            return Ok(self);
        }
        match self {
            Self::Tcp(socket) => {
                let socket = socket.into_std()?;
                let _other = runtime.enter();
                TcpStream::from_std(socket).map(Self::Tcp)
            }
            Self::Unix(socket) => {
                let socket = socket.into_std()?;
                let _other = runtime.enter();
                UnixStream::from_std(socket).map(Self::Unix)
            }
        }
    }

    /// Waits for a readiness of `interest`, and says which of it there is.
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, socket => socket.ready(interest).await)
    }

    /// Waits until there may be something to read.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_read_ready(cx))
    }

    /// Waits until the kernel may take something.
    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, socket => socket.poll_write_ready(cx))
    }

    /// Appends what the kernel has right now, as far as `buffer` has room.
    pub(super) fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        either!(self, socket => socket.try_read_buf(buffer))
    }

    /// Writes what the kernel takes right now of one slice after the other.
    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, socket => socket.try_write_vectored(slices))
    }

    /// Appends what the kernel has right now, as far as `buffer` has room, which is not nothing. If
    /// that is less than there was room for, nothing more is tried before the kernel tells of more:
    /// it would have had that, too (epoll(7), edge-triggered). `recv` is called past the C library,
    /// where each call of a process with threads can be cancelled, and is prepared for it.
    pub(super) fn try_receive(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let room = buffer.capacity() - buffer.len();
        let mut received = None;
        let receive = || {
            let spare = spare_capacity(buffer);
            let (_, bytes) = rustix::net::recv(self.as_fd(), spare, RecvFlags::empty())?;
            received = Some(bytes);
            if bytes > 0 && bytes < room {
                return Err(ErrorKind::WouldBlock.into());
            }
            Ok(bytes)
        };
        let tried = either!(self, socket => socket.try_io(Interest::READABLE, receive));
        received.map_or(tried, Ok)
    }

    /// Writes what the kernel takes right now, past the C library as well.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let send = || Ok(rustix::net::send(self.as_fd(), bytes, QUIETLY)?);
        either!(self, socket => socket.try_io(Interest::WRITABLE, send))
    }

    /// Sends the FIN.
    pub(super) fn shut_down_sending(&self) -> io::Result<()> {
        match SockRef::from(self).shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(self, socket => socket.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// A request costs one read: that there is nothing more is not asked of the kernel, and neither
    /// is what comes later missed.
    #[tokio::test]
    async fn after_less_than_there_was_room_for_more_is_waited_for() {
        let (stream, client) = UnixStream::pair().unwrap();
        let stream = Stream::Unix(stream);
        let is_ready = || {
            let mut cx = Context::from_waker(Waker::noop());
            stream.poll_read_ready(&mut cx).is_ready()
        };
        let mut buffer = Vec::new();
        for (sent, room, ready_after) in [("small", 64, false), ("whole", 5, true)] {
            client.writable().await.unwrap();
            client.try_write(sent.as_bytes()).unwrap();
            stream.ready(Interest::READABLE).await.unwrap();
            buffer = Vec::with_capacity(room);
            assert_eq!(stream.try_receive(&mut buffer).unwrap(), sent.len());
            assert_eq!((&buffer[..], is_ready()), (sent.as_bytes(), ready_after));
        }
        buffer.reserve(64);
        let nothing = stream.try_receive(&mut buffer).unwrap_err();
        assert_eq!((nothing.kind(), is_ready()), (ErrorKind::WouldBlock, false));
        drop(client);
        stream.ready(Interest::READABLE).await.unwrap();
        assert_eq!(stream.try_receive(&mut buffer).unwrap(), 0);
    }
}
