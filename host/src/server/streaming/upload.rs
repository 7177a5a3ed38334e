//! The body of a request on its way from the socket to a guest. Nothing is read from the client
//! before the guest asks for it, so a guest that is slow makes its client slow, and what is held of
//! the body is one piece here and one that the guest has not taken.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use httpd_http1::{BodyLength, Connection, Event, RequestError, Trailers};
use tokio::time::Instant;

use super::Bounds;
use crate::dispatch::{Demand, Refusal, UploadFailure, UploadSender};
use crate::server::transport::{READ_BYTES, Read, Wire};

/// A read that brings less is of a client that sends slowly.
const LONG_BYTES_MIN: usize = READ_BYTES;

/// One body, and how far it has come.
#[derive(Debug)]
pub(super) struct Uploading {
    /// None once it is over, in whatever way.
    sender: Option<UploadSender>,
    /// What the route allows.
    body_max: u64,
    /// The longest piece, and the most that is read at once.
    piece_bytes_max: usize,
    /// How much is read next: a small body needs no large buffer, and neither does one that comes
    /// slowly.
    room: usize,
    /// Where a long body is read: a piece that the guest is done with leaves its memory to the
    /// next.
    long: BytesMut,
    bytes: u64,
    /// Since when the guest has waited for the client.
    waiting_since: Option<Instant>,
    over_since: Option<Instant>,
    complete: bool,
    failed: bool,
}

/// Why a body ends before it is complete.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection is broken.
    Gone,
    /// The client is to be told, if the response has not begun. `client_left`: it ended its side
    /// in the middle, and most likely is not there any more.
    Refused {
        refusal: Refusal,
        failure: UploadFailure,
        client_left: bool,
    },
}

/// Why no more was gathered.
enum Reached {
    /// What has arrived is used up.
    Dry,
    /// The piece is as long as one may be.
    Full,
    TooLarge,
    End(Trailers),
    Malformed(RequestError),
}

impl Uploading {
    /// The body of a request whose head was read, to go to `sender`. One that is empty is over,
    /// since the head was `received`.
    pub(super) fn new(
        sender: UploadSender,
        http: &mut Connection,
        bounds: &Bounds,
        piece_bytes_max: usize,
    ) -> Self {
        let mut upload = Self {
            sender: Some(sender),
            body_max: bounds.body_max,
            piece_bytes_max,
            room: READ_BYTES.min(piece_bytes_max),
            long: BytesMut::new(),
            bytes: 0,
            waiting_since: None,
            over_since: None,
            complete: false,
            failed: false,
        };
        match bounds.length {
            // Its end comes without a byte.
            BodyLength::None | BodyLength::Known(0) => {
                if let Reached::End(trailers) = upload.gather(http).1 {
                    upload.end(&trailers, bounds.received);
                }
            }
            BodyLength::Known(_) | BodyLength::Chunked => http.want_body(),
        }
        upload
    }

    /// Whether the guest may still want some of it.
    pub(super) fn is_held(&self) -> bool {
        self.sender.as_ref().is_some_and(UploadSender::is_held)
    }

    /// Whether nothing more goes to the guest.
    pub(super) fn is_over(&self) -> bool {
        self.sender.is_none()
    }

    /// Whether all of it went to the guest.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether it ended before it was complete, while the guest might have read on.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Bytes of the body so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was over.
    pub(super) fn over_since(&self) -> Option<Instant> {
        self.over_since
    }

    /// Since when the guest has waited for bytes that the client does not send.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }

    /// When the client will have been too slow, if it is to be waited for at most `patience`.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.waiting_since.map(|since| since + patience)
    }

    /// Moves what the guest wants and the client has sent; true when something has changed. Into
    /// `out` goes the word that a client may be waiting for.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        http: &mut Connection,
        wire: &mut Wire<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Trouble> {
        match self.sender.as_ref().map(|sender| sender.poll_demand(cx)) {
            Some(Poll::Ready(Demand::Wanted)) => {}
            Some(Poll::Ready(Demand::Unwanted)) => {
                self.give_up(http);
                return Ok(true);
            }
            Some(Poll::Pending) | None => {
                self.waiting_since = None;
                return Ok(false);
            }
        }
        let (piece, reached) = self.gather(http);
        let moved = !piece.is_empty();
        if moved {
            self.waiting_since = None;
            self.hand_over(Bytes::from(piece));
        }
        match reached {
            Reached::Full => Ok(true),
            Reached::Dry if moved => Ok(true),
            Reached::Dry => self.read(cx, http, wire, out),
            Reached::TooLarge => Err(too_large(self.body_max)),
            Reached::End(trailers) => {
                self.end(&trailers, Instant::now());
                Ok(true)
            }
            Reached::Malformed(error) => Err(malformed(&error)),
        }
    }

    /// Looks at what has arrived and was not asked for.
    ///
    /// # Errors
    /// What will be wrong with it once somebody asks.
    pub(super) fn look_ahead(&self, http: &Connection) -> Result<(), Trouble> {
        match http.look_ahead() {
            Ok(bytes) if self.bytes + bytes > self.body_max => Err(too_large(self.body_max)),
            Ok(_) => Ok(()),
            Err(error) => Err(malformed(&error)),
        }
    }

    /// Ends a body that cannot be completed, if it is not over yet.
    pub(super) fn fail(&mut self, failure: UploadFailure, http: &mut Connection) {
        if let Some(sender) = self.sender.take() {
            sender.fail(failure);
            self.failed = true;
            self.over(http);
        }
    }

    /// Ends a body that nobody reads any more.
    fn give_up(&mut self, http: &mut Connection) {
        self.sender = None;
        self.over(http);
    }

    fn over(&mut self, http: &mut Connection) {
        self.waiting_since = None;
        self.over_since = Some(Instant::now());
        // When what is here of it is all of it, the connection can be kept.
        while let Ok(Event::Data(_) | Event::End(_)) = http.next_event() {}
        http.give_up_body();
    }

    fn end(&mut self, trailers: &Trailers, now: Instant) {
        self.complete = true;
        self.waiting_since = None;
        self.over_since = Some(now);
        if let Some(sender) = self.sender.take() {
            sender.end(trailers.fields());
        }
    }

    /// What was read. A short piece does not hold memory for a long one.
    fn long_piece(&mut self) -> Bytes {
        if self.long.len() >= LONG_BYTES_MIN {
            return self.long.split().freeze();
        }
        Bytes::from(std::mem::take(&mut self.long).to_vec())
    }

    fn hand_over(&self, piece: Bytes) {
        if let Some(sender) = &self.sender {
            sender.send(piece);
        }
    }

    /// Takes together what has arrived: a client may send very small chunks.
    fn gather(&mut self, http: &mut Connection) -> (Vec<u8>, Reached) {
        let mut piece = Vec::new();
        let reached = loop {
            if piece.len() >= self.piece_bytes_max {
                break Reached::Full;
            }
            match http.next_event() {
                Ok(Event::Data(data)) => {
                    self.bytes += data.len() as u64;
                    if self.bytes > self.body_max {
                        break Reached::TooLarge;
                    }
                    piece.extend_from_slice(data);
                }
                Ok(Event::End(trailers)) => break Reached::End(trailers),
                Ok(_) => break Reached::Dry,
                Err(error) => break Reached::Malformed(error),
            }
        };
        (piece, reached)
    }

    /// Asks for the body where the client waits to be asked, and reads what it sends.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        http: &mut Connection,
        wire: &mut Wire<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Trouble> {
        let out_bytes = out.len();
        http.send_continue(out);
        let asked = out.len() > out_bytes;
        let read = if self.room > READ_BYTES && http.plain_bytes() > 0 {
            self.read_piece(cx, http, wire)
        } else {
            wire.poll_read(cx, http.input(), self.room)
        };
        match read {
            Poll::Pending => {
                self.waiting_since.get_or_insert_with(Instant::now);
                return Ok(asked);
            }
            Poll::Ready(Read::Bytes(bytes)) => {
                self.waiting_since = None;
                if bytes >= self.room {
                    self.room = self.piece_bytes_max;
                } else if bytes < LONG_BYTES_MIN {
                    self.room = READ_BYTES.min(self.piece_bytes_max);
                }
            }
            Poll::Ready(Read::End) => http.receive_eof(),
            Poll::Ready(Read::Broken | Read::Late | Read::Dismissed) => return Err(Trouble::Gone),
        }
        Ok(true)
    }

    /// Reads of a long body into a piece of its own, which the guest gets as it is.
    fn read_piece(
        &mut self,
        cx: &mut Context<'_>,
        http: &mut Connection,
        wire: &mut Wire<'_>,
    ) -> Poll<Read> {
        // No memory is taken before there is something to put in it.
        if ready!(wire.stream().poll_read_ready(cx)).is_err() {
            return Poll::Ready(Read::Broken);
        }
        let plain = usize::try_from(http.plain_bytes()).unwrap_or(usize::MAX);
        // Past the body is the next request.
        let room = self.room.min(plain);
        self.long.reserve(room);
        let read = ready!(wire.poll_read_into(cx, &mut (&mut self.long).limit(room)));
        if matches!(read, Read::Bytes(_)) {
            let bytes = self.long.len() as u64;
            self.bytes += bytes;
            http.body_read(bytes);
            let piece = self.long_piece();
            self.hand_over(piece);
            if let (_, Reached::End(trailers)) = self.gather(http) {
                self.end(&trailers, Instant::now());
            }
        }
        Poll::Ready(read)
    }
}

fn too_large(body_max: u64) -> Trouble {
    Trouble::Refused {
        refusal: Refusal::BodyTooLarge { body_max },
        failure: UploadFailure::TooLarge(body_max),
        client_left: false,
    }
}

fn malformed(error: &RequestError) -> Trouble {
    Trouble::Refused {
        refusal: Refusal::malformed(error.status(), error),
        failure: UploadFailure::Broken,
        client_left: matches!(error, RequestError::Truncated { .. }),
    }
}
