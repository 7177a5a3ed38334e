//! The public face: bytes received go in, events come out.
//!
//! It owns the receive buffer and shows its bytes to the decoder whose turn it is. Transitions are
//! in `state`, and the sending half is in `sending`.

use crate::chunked::{ChunkStep, ChunkedDecoder};
use crate::decode::HeadDecoder;
use crate::error::RequestError;
use crate::event::{Event, Trailers};
use crate::excerpt::Place;
use crate::head::RequestHead;
use crate::limits::Limits;
use crate::padded::Padded;
use crate::state::{Arriving, Cycle, Exchange, Method, Receive};

/// Offsets into a section are 32 bits wide; no limit comes near that.
const HEAD_BYTES_MAX: usize = 1 << 30;
const TRUNCATED: RequestError = RequestError::Truncated { place: Place::Body };

/// The server's side of one HTTP/1.1 connection (RFC 9112).
///
/// A driver appends what it reads to [`Connection::input`], takes events until
/// [`Event::NeedData`], and answers with `send_head`, `send_data` and `send_end`. Once
/// [`Connection::cycle`] is [`Cycle::Ready`] it calls [`Connection::next_cycle`].
#[derive(Debug)]
pub struct Connection {
    pub(crate) exchange: Exchange,
    limits: Limits,
    next_limits: Limits,
    buffer: Vec<u8>,
    /// How many bytes of `buffer` are dealt with.
    start: usize,
    eof: bool,
    /// The head being read, or the memory for the next.
    head: Option<Box<RequestHead>>,
    decoder: HeadDecoder,
    chunks: ChunkedDecoder,
    trailers: Trailers,
}

impl Connection {
    /// A connection of which nothing was received.
    pub fn new(limits: Limits) -> Self {
        let limits = bounded(limits);
        Self {
            exchange: Exchange::default(),
            limits,
            next_limits: limits,
            buffer: Vec::new(),
            start: 0,
            eof: false,
            head: None,
            decoder: HeadDecoder::default(),
            chunks: ChunkedDecoder::default(),
            trailers: Trailers::default(),
        }
    }

    /// Becomes a connection of which nothing was received, with the memory that this one has.
    pub fn reset(&mut self, limits: Limits) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        *self = Self {
            buffer,
            head: self.head.take(),
            ..Self::new(limits)
        };
    }

    /// How many bytes of memory are kept for what is received.
    pub fn memory_bytes(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.memory_bytes());
        self.buffer.capacity() + head
    }

    /// Has other limits apply from the next request on of which nothing was received yet.
    pub fn set_limits(&mut self, limits: Limits) {
        self.next_limits = bounded(limits);
        if self.is_idle() {
            self.limits = self.next_limits;
        }
    }

    /// The receive buffer, to append to and nothing else. Parsed bytes were removed from it, and
    /// once no further request is read from this connection it is given empty.
    pub fn input(&mut self) -> &mut Vec<u8> {
        if self.exchange.reads_no_more() {
            self.buffer.clear();
        } else {
            self.buffer.drain(..self.start);
        }
        self.start = 0;
        &mut self.buffer
    }

    /// Appends a copy of `bytes` to the receive buffer.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input().extend_from_slice(bytes);
    }

    /// Says that the client ended its side: what is in the buffer is all there will be.
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// What comes next of the bytes received.
    ///
    /// # Errors
    /// The request is refused; asked again, the same error comes again. The send side still works,
    /// and the connection must be closed after the answer.
    pub fn next_event(&mut self) -> Result<Event<'_>, RequestError> {
        match *self.exchange.receive() {
            Receive::Head => self.read_head(),
            Receive::Length(remaining) => self.read_length(remaining),
            Receive::Chunked => self.read_chunked(),
            Receive::Ending => {
                self.exchange.body_ended();
                Ok(Event::End(Trailers::default()))
            }
            Receive::Done if self.exchange.reads_no_more() => Ok(Event::Closed),
            Receive::Done => Ok(Event::Paused),
            Receive::Closed => Ok(Event::Closed),
            Receive::Failed(ref error) => Err(error.clone()),
        }
    }

    /// Looks at what was received of the body and was not taken yet, and leaves all of it there.
    /// Returns the bytes of its content.
    ///
    /// # Errors
    /// What [`Connection::next_event`] fails with, once it comes to that, or has failed with.
    pub fn look_ahead(&self) -> Result<u64, RequestError> {
        match *self.exchange.receive() {
            Receive::Chunked => self.look_at_chunks(),
            Receive::Length(remaining) => {
                let arrived = self.buffered() as u64;
                if self.eof && arrived < remaining {
                    return Err(TRUNCATED);
                }
                Ok(arrived.min(remaining))
            }
            Receive::Failed(ref error) => Err(error.clone()),
            _ => Ok(0),
        }
    }

    fn look_at_chunks(&self) -> Result<u64, RequestError> {
        let (mut chunks, mut trailers) = (self.chunks.clone(), self.trailers.fields.clone());
        let (mut bytes, mut content) = (self.unparsed(), 0);
        loop {
            let (consumed, step) = chunks.advance(bytes, &self.limits, &mut trailers)?;
            bytes = bytes.get(consumed..).unwrap_or_default();
            match step {
                ChunkStep::Data(len) => content += len as u64,
                ChunkStep::NeedData if self.eof => return Err(TRUNCATED),
                ChunkStep::NeedData | ChunkStep::End => return Ok(content),
            }
        }
    }

    /// Whether the connection is between requests and nothing of the next one was received. Empty
    /// lines, which may precede a request, count as nothing.
    pub fn is_idle(&self) -> bool {
        *self.exchange.receive() == Receive::Head && !self.head_begun()
    }

    /// Whether nothing is known of the next request, not even an empty line before it or that
    /// there will be none: a new connection would do as well.
    pub fn is_untouched(&self) -> bool {
        self.is_idle() && self.unparsed().is_empty() && !self.eof && self.decoder.is_untouched()
    }

    /// Whether there are bytes beyond those of the events so far.
    pub fn has_more(&self) -> bool {
        !self.unparsed().is_empty()
    }

    /// Whether a byte of a request head was received and the head is not complete.
    pub fn head_begun(&self) -> bool {
        let begins = |byte: &u8| !matches!(byte, b'\r' | b'\n');
        *self.exchange.receive() == Receive::Head
            && (self.decoder.begun() || self.unparsed().iter().any(begins))
    }

    /// Says that somebody reads the body while the response is sent, and after it. What is left of
    /// the body when the head is sent is then no reason to close the connection.
    pub fn want_body(&mut self) {
        self.exchange.want_body();
    }

    /// Takes [`Connection::want_body`] back: what is left of the body costs the connection what it
    /// would have cost without it. If that is the connection, it can be too late to say so.
    pub fn give_up_body(&mut self) {
        let arriving = self.arriving();
        self.exchange.give_up_body(arriving);
    }

    /// Bytes of the body that are to come and that nobody has to look at: those of a body of known
    /// length, once none of it waits in the receive buffer. They may be read into another place
    /// than [`Connection::input`], and are then to be told of by [`Connection::body_read`].
    pub fn plain_bytes(&self) -> u64 {
        match *self.exchange.receive() {
            Receive::Length(remaining) if self.buffered() == 0 => remaining,
            _ => 0,
        }
    }

    /// Counts so many bytes of the body as received, which are no more than
    /// [`Connection::plain_bytes`].
    pub fn body_read(&mut self, bytes: u64) {
        let bytes = bytes.min(self.plain_bytes());
        if bytes > 0 {
            self.exchange.body_received(bytes);
        }
    }

    /// Where the exchange of request and response stands.
    pub fn cycle(&self) -> Cycle {
        self.exchange.cycle()
    }

    /// Turns to the next request, from [`Cycle::Ready`] only; else does nothing and says `false`.
    pub fn next_cycle(&mut self) -> bool {
        let ready = self.exchange.next_cycle();
        if ready {
            self.limits = self.next_limits;
            self.decoder = HeadDecoder::default();
            self.chunks = ChunkedDecoder::default();
        }
        ready
    }

    /// Takes the memory of a head no longer needed, so that the next one need not allocate.
    pub fn recycle(&mut self, head: Box<RequestHead>) {
        self.head.get_or_insert(head);
    }

    /// Gives memory back while nothing is being received; buffered bytes stay.
    pub fn release_buffers(&mut self) {
        self.input().shrink_to_fit();
        if !self.decoder.begun() || *self.exchange.receive() != Receive::Head {
            self.head = None;
        }
    }

    /// How many bytes were received and not parsed.
    pub(crate) fn buffered(&self) -> usize {
        self.unparsed().len()
    }

    pub(crate) fn arriving(&self) -> Arriving {
        let (buffered, eof) = (self.buffered(), self.eof);
        Arriving {
            buffered,
            eof,
            drain_bytes_max: self.limits.drain_bytes_max,
        }
    }

    fn unparsed(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn read_head(&mut self) -> Result<Event<'_>, RequestError> {
        let mut head = self.head.take().unwrap_or_default();
        match self.scan_head(&mut head) {
            Ok(Some(len)) => {
                self.start += len;
                self.exchange.head_received(&head);
                Ok(Event::Head(head))
            }
            Ok(None) => {
                self.head = Some(head);
                self.wait()
            }
            Err(error) => {
                self.head = Some(head);
                Err(self.fail(error))
            }
        }
    }

    fn scan_head(&mut self, head: &mut RequestHead) -> Result<Option<usize>, RequestError> {
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        self.start += self.decoder.skip_empty_lines(bytes)?;
        let received = self.buffer.len();
        let bytes = Padded::at_end(&mut self.buffer, self.start);
        let scanned = self.decoder.advance(bytes, head, &self.limits);
        self.buffer.truncate(received);
        scanned
    }

    fn read_length(&mut self, remaining: u64) -> Result<Event<'_>, RequestError> {
        let wanted = usize::try_from(remaining).unwrap_or(usize::MAX);
        let len = self.buffered().min(wanted);
        if len == 0 {
            return self.wait();
        }
        self.exchange.body_received(len as u64);
        Ok(self.data(len, len))
    }

    fn read_chunked(&mut self) -> Result<Event<'_>, RequestError> {
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        match self
            .chunks
            .advance(bytes, &self.limits, &mut self.trailers.fields)
        {
            Ok((consumed, ChunkStep::NeedData)) => {
                self.start += consumed;
                self.wait()
            }
            Ok((consumed, ChunkStep::Data(len))) => {
                self.exchange.body_received(len as u64);
                Ok(self.data(consumed, len))
            }
            Ok((consumed, ChunkStep::End)) => {
                self.start += consumed;
                self.exchange.body_ended();
                Ok(Event::End(std::mem::take(&mut self.trailers)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Consumes bytes of which the last `len` are content.
    fn data(&mut self, consumed: usize, len: usize) -> Event<'_> {
        self.start += consumed;
        Event::Data(&self.buffer[self.start - len..self.start])
    }

    /// Nothing is complete: more is needed, or the client will send no more.
    fn wait(&mut self) -> Result<Event<'_>, RequestError> {
        if !self.eof {
            return Ok(Event::NeedData);
        }
        let place = match *self.exchange.receive() {
            Receive::Head if !self.decoder.begun() => {
                self.exchange.closed();
                return Ok(Event::Closed);
            }
            Receive::Head => Place::Head,
            _ => Place::Body,
        };
        Err(self.fail(RequestError::Truncated { place }))
    }

    #[cold]
    fn fail(&mut self, error: RequestError) -> RequestError {
        if *self.exchange.receive() == Receive::Head
            && self.decoder.method_known()
            && let Some(head) = &self.head
        {
            let method = Method::of(head.method.of(self.unparsed()));
            self.exchange.line_received(method, head.version);
        }
        self.exchange.failed(error.clone());
        self.start = self.buffer.len();
        error
    }
}

fn bounded(limits: Limits) -> Limits {
    Limits {
        head_bytes_max: limits.head_bytes_max.clamp(1, HEAD_BYTES_MAX),
        ..limits
    }
}
