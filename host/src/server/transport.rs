//! Reads and writes of one connection, each bounded by a deadline. Bytes only: what they mean is
//! known elsewhere.

mod presence;
mod wire;

use std::future::poll_fn;
use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::connections::Slot;
use super::stream::Stream;
use super::timer::Timer;

pub(super) use presence::{Seen, Watch, broken, ended, has_to_be_asked};
pub(super) use wire::Wire;

/// Room made in a buffer before each read.
pub(super) const READ_BYTES: usize = 8 * 1024;

/// A socket with its timer. The stream stands before the slot: the file is closed before its
/// place is given to a newcomer.
#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    timer: Timer,
    slot: Slot,
    /// The client has sent its FIN, so nothing unread can be left behind.
    ended: bool,
}

/// What came of waiting for bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// This many bytes were appended.
    Bytes(usize),
    /// The client will send no more; it may still read.
    End,
    /// The deadline passed.
    Late,
    /// The host wants this idle connection to leave.
    Dismissed,
    /// The connection is broken: reset by the client, or by the network.
    Broken,
}

/// Why bytes could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteFailed {
    /// The client took nothing for too long.
    Stalled,
    /// The connection is broken.
    Broken,
}

/// Whether a wait for bytes is one between requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing of a request is here: the host may end the connection.
    Idle,
    /// A request has begun and will be answered.
    Busy,
}

impl Transport {
    /// Takes over an accepted connection and its place in the table.
    pub(super) fn new(stream: Stream, slot: Slot) -> Self {
        Self {
            stream,
            timer: Timer::new(),
            slot,
            ended: false,
        }
    }

    /// Moves it to another runtime.
    pub(super) fn hand_to(self, there: &Handle) -> io::Result<Self> {
        let stream = self.stream.hand_to(there)?;
        let _its_runtime = there.enter();
        Ok(Self {
            stream,
            timer: Timer::new(),
            ..self
        })
    }

    /// Whether the client's FIN was read, and with it every byte it sent.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The connection's place in the table.
    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The socket and its timer for one that polls, and reads and writes at the same time.
    pub(super) fn wire(&mut self) -> Wire<'_> {
        Wire::new(&self.stream, &mut self.timer, &mut self.ended)
    }

    /// Appends what the client sends next to `buffer`, waiting until `deadline`.
    pub(super) async fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        deadline: Instant,
        wait: Wait,
    ) -> Read {
        match self.read_or_leave(buffer, deadline, wait).await {
            // A request that is here already is answered.
            Read::Late | Read::Dismissed if wait == Wait::Idle && self.holds_bytes() => {
                poll_fn(|cx| self.wire().poll_read(cx, buffer, READ_BYTES)).await
            }
            read => read,
        }
    }

    /// Waits for the client to send something, and reads nothing of it. False when `deadline`
    /// passes first, or when the host wants this idle connection to leave.
    pub(super) fn poll_arrival(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<bool> {
        // The socket first: bytes that are here count, however late they are looked at. What went
        // wrong with it shows when it is read.
        if self.stream.poll_read_ready(cx).is_ready() {
            return Poll::Ready(true);
        }
        ready!(self.poll_idle_too_long(cx, deadline));
        // A request that is here already is answered.
        Poll::Ready(self.holds_bytes())
    }

    /// Ready when `deadline` has passed, or this idle connection has to leave.
    fn poll_idle_too_long(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = match self.slot.poll_leave(cx) {
            Some(Duration::ZERO) => return Poll::Ready(()),
            Some(time_left) => deadline.min(Instant::now() + time_left),
            None => deadline,
        };
        self.timer.poll_passed(cx, deadline)
    }

    /// Whether bytes are here that the runtime has not told of yet: it learns of them some time
    /// after they came, of a new connection's above all.
    fn holds_bytes(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        SockRef::from(&self.stream)
            .peek(&mut byte)
            .is_ok_and(|bytes| bytes > 0)
    }

    async fn read_or_leave(
        &mut self,
        buffer: &mut Vec<u8>,
        mut deadline: Instant,
        wait: Wait,
    ) -> Read {
        let Self {
            stream,
            timer,
            slot,
            ended,
        } = self;
        let mut wire = Wire::new(stream, timer, ended);
        poll_fn(|cx| {
            // The socket first: bytes that are here count, however late they are looked at.
            if let Poll::Ready(read) = wire.poll_read(cx, buffer, READ_BYTES) {
                return Poll::Ready(read);
            }
            if wait == Wait::Idle
                && let Some(time_left) = slot.poll_leave(cx)
            {
                if time_left.is_zero() {
                    return Poll::Ready(Read::Dismissed);
                }
                deadline = deadline.min(Instant::now() + time_left);
            }
            wire.poll_passed(cx, deadline).map(|()| Read::Late)
        })
        .await
    }

    /// Writes `head` and then `body`, as long as the client takes a byte within each `stall`.
    pub(super) async fn write(
        &mut self,
        mut head: &[u8],
        mut body: &[u8],
        stall: Duration,
    ) -> Result<(), WriteFailed> {
        while !head.is_empty() || !body.is_empty() {
            let written = self.write_some(head, body, stall).await?;
            let of_head = written.min(head.len());
            head = &head[of_head..];
            body = &body[written - of_head..];
        }
        Ok(())
    }

    /// The same for as much as the socket takes at once; returns how many bytes. Nothing of it is
    /// written when the future is dropped before it is ready.
    pub(super) async fn write_some(
        &mut self,
        head: &[u8],
        body: &[u8],
        stall: Duration,
    ) -> Result<usize, WriteFailed> {
        let mut wire = self.wire();
        let mut deadline = None;
        poll_fn(|cx| {
            if let Poll::Ready(written) = wire.poll_write(cx, head, body) {
                return Poll::Ready(written);
            }
            // Most writes are done at once, and need no clock.
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + stall);
            wire.poll_passed(cx, deadline)
                .map(|()| Err(WriteFailed::Stalled))
        })
        .await
    }

    /// Sends the FIN: the client will read an orderly end after the response.
    pub(super) fn shut_down_sending(&self) -> io::Result<()> {
        self.stream.shut_down_sending()
    }

    /// Reads what the kernel has right now, without waiting, and throws it away, but no more than
    /// about `bytes_max`.
    pub(super) fn discard_present(&mut self, scratch: &mut [u8], mut bytes_max: u64) {
        let socket = SockRef::from(&self.stream);
        while bytes_max > 0 {
            match (&*socket).read(scratch) {
                Ok(bytes) if bytes > 0 => bytes_max = bytes_max.saturating_sub(bytes as u64),
                Ok(_) | Err(_) => break,
            }
        }
    }
}

/// What a read came to; notes the client's FIN in `ended`.
fn outcome(result: &io::Result<usize>, ended: &mut bool) -> Read {
    match result {
        Ok(0) => {
            *ended = true;
            Read::End
        }
        Ok(bytes) => Read::Bytes(*bytes),
        Err(_) => Read::Broken,
    }
}
