//! The response of a streamed exchange on its way to the socket: framed by the protocol, gathered
//! while more of it is ready, and written as soon as it pauses.
//!
//! What is held of it is bounded: `limits.stream_buffer`, and one piece more as the guest made it.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use httpd_http1::{Connection, ResponseHead, ResponseLength, SendError};
use tokio::time::Instant;

use crate::dispatch::{Field, StreamedHead, http_date};
use crate::server::transport::{Wire, WriteFailed};

/// Pieces up to this size are copied behind their frame, larger ones are written from where they
/// are.
const COPIED_BYTES_MAX: usize = 16 * 1024;

/// Bytes that are not written yet, and how the client takes them.
#[derive(Debug)]
pub(super) struct Download<'d> {
    out: &'d mut Vec<u8>,
    /// How many bytes of `out` are written.
    written: usize,
    /// What follows `out`.
    tail: Bytes,
    bytes_max: usize,
    bytes_written: u64,
    /// Since when the client has taken nothing.
    stalled_since: Option<Instant>,
    begun: Option<Instant>,
    /// The end was put in.
    complete: bool,
}

impl<'d> Download<'d> {
    /// A response that goes through `out`, of which more than `bytes_max` bytes are not gathered.
    pub(super) fn new(out: &'d mut Vec<u8>, bytes_max: usize) -> Self {
        Self {
            out,
            written: 0,
            tail: Bytes::new(),
            bytes_max,
            bytes_written: 0,
            stalled_since: None,
            begun: None,
            complete: false,
        }
    }

    /// Where interim responses go, which precede everything that is sent with the other methods.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Whether everything so far is written.
    pub(super) fn is_flushed(&self) -> bool {
        self.written == self.out.len() && self.tail.is_empty()
    }

    /// Whether the whole response was put in and written. One that was given up never is.
    pub(super) fn is_complete(&self) -> bool {
        self.complete && self.is_flushed()
    }

    /// Whether more may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.tail.is_empty() && self.out.len() - self.written < self.bytes_max
    }

    /// Bytes that the kernel has taken.
    pub(super) fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// When the head was put in.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// When the client will have stopped reading, if it is to be waited for at most `patience`.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.stalled_since.map(|since| since + patience)
    }

    /// Puts the head in.
    pub(super) fn begin(
        &mut self,
        http: &mut Connection,
        head: &StreamedHead,
    ) -> Result<(), SendError> {
        let length = head
            .content_length
            .map_or(ResponseLength::Unknown, ResponseLength::Known);
        let begun = Instant::now();
        let encoded = ResponseHead {
            status: head.status,
            length,
            date: Some(&http_date(begun.into_std())),
        };
        self.compact();
        http.send_head(&encoded, lines(&head.fields), self.out)?;
        self.begun = Some(begun);
        Ok(())
    }

    /// Puts a piece of the body in; only while there is room.
    pub(super) fn put(&mut self, http: &mut Connection, data: Bytes) -> Result<(), SendError> {
        self.compact();
        if !data.is_empty() && http.frame_data(data.len(), self.out)? {
            if data.len() <= COPIED_BYTES_MAX {
                self.out.extend_from_slice(&data);
            } else {
                self.tail = data;
            }
        }
        Ok(())
    }

    /// Puts in what lets the client have the pieces so far; true if that is anything.
    pub(super) fn pause(&mut self, http: &mut Connection) -> bool {
        let bytes = self.out.len();
        http.end_frame(self.out);
        self.out.len() > bytes
    }

    /// Puts the end in.
    pub(super) fn end(
        &mut self,
        http: &mut Connection,
        trailers: &[Field],
    ) -> Result<(), SendError> {
        self.compact();
        http.send_end(lines(trailers), self.out)?;
        self.complete = true;
        Ok(())
    }

    /// Writes what the client takes; true when it has taken something.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire<'_>,
    ) -> Result<bool, WriteFailed> {
        let mut moved = false;
        while !self.is_flushed() {
            let head = &self.out[self.written..];
            let Poll::Ready(bytes) = wire.poll_write(cx, head, &self.tail) else {
                self.stalled_since.get_or_insert_with(Instant::now);
                return Ok(moved);
            };
            let bytes = bytes?;
            let of_head = bytes.min(head.len());
            self.written += of_head;
            drop(self.tail.split_to(bytes - of_head));
            self.bytes_written += bytes as u64;
            self.stalled_since = None;
            moved = true;
        }
        self.compact();
        Ok(moved)
    }

    /// Leaves in the buffer only what is not written, and returns what follows it.
    pub(super) fn into_rest(mut self) -> Bytes {
        self.compact();
        self.tail
    }

    fn compact(&mut self) {
        self.out.drain(..self.written);
        self.written = 0;
    }
}

fn lines(fields: &[Field]) -> impl Iterator<Item = (&str, &[u8])> {
    fields
        .iter()
        .map(|field| (field.name.as_str(), &field.value[..]))
}
