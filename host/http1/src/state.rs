//! The two state machines of a connection. Every transition is in this file.
//!
//! One machine is the receive side, one the send side; they run apart, because a response may
//! begin, and even finish, while the body of its request still arrives. Together they decide
//! whether the connection lives on. No bytes are parsed or written here.

use crate::error::{RequestError, SendError};
use crate::framing::{BodyLength, ResponseBody, ResponseFraming};
use crate::head::{RequestHead, Version};

/// Where the receive side stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Receive {
    /// A head is awaited or incomplete.
    #[default]
    Head,
    /// So many bytes of the body are still to come; never none.
    Length(u64),
    /// A chunked body is being read.
    Chunked,
    /// The request is complete, and that was not reported yet.
    Ending,
    /// The request is complete.
    Done,
    /// No further request will come, or none is wanted.
    Closed,
    /// The request was refused.
    Failed(RequestError),
}

/// Where the send side stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Send {
    /// The final head was not sent.
    #[default]
    Waiting,
    /// So many bytes of the promised length are still to be sent.
    Length(u64),
    /// Chunks are being sent; `open` says whether the last one lacks its line end.
    Chunked { open: bool },
    /// Bytes are sent until the connection closes.
    UntilClose,
    /// The head was sent and no body goes with it.
    Suppressed,
    /// The response is complete, or was given up.
    Complete,
}

/// Where the exchange of one request and one response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    /// The response is not complete.
    Open,
    /// The response is complete, the body still arrives, and once it has the connection can be
    /// kept: read on and drop the data.
    Draining,
    /// Request and response are complete and the connection is kept.
    Ready,
    /// The response is complete and the connection must be closed, lingering (RFC 9112 9.6).
    MustClose,
}

/// What the method means to the response's framing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Method {
    #[default]
    Other,
    Head,
    Connect,
}

impl Method {
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Self {
        match name {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// What is left of the request on the receive side when a response begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arriving {
    /// Bytes received and not parsed.
    pub(crate) buffered: usize,
    /// Whether the client ended its side.
    pub(crate) eof: bool,
    /// See [`Limits::drain_bytes_max`](crate::Limits::drain_bytes_max).
    pub(crate) drain_bytes_max: u64,
}

/// One request and its response.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    receive: Receive,
    send: Send,
    version: Version,
    method: Method,
    wants_keep_alive: bool,
    awaits_continue: bool,
    close_wished: bool,
    /// Somebody reads the body, for as long as there is one.
    body_wanted: bool,
    keep: bool,
}

impl Exchange {
    pub(crate) fn receive(&self) -> &Receive {
        &self.receive
    }

    pub(crate) fn send(&self) -> Send {
        self.send
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    /// Whether nothing received from now on will be parsed.
    pub(crate) fn reads_no_more(&self) -> bool {
        match self.receive {
            Receive::Closed | Receive::Failed(_) => true,
            Receive::Done => self.send != Send::Waiting && !self.keeps(),
            _ => false,
        }
    }

    // The receive side.

    /// Changes no state: what was read of the request line decides how the answer is framed, also
    /// when the head turns out to be invalid.
    pub(crate) fn line_received(&mut self, method: Method, version: Version) {
        self.method = method;
        self.version = version;
    }

    /// Head -> Length | Chunked | Ending.
    #[inline]
    pub(crate) fn head_received(&mut self, head: &RequestHead) {
        self.line_received(Method::of(head.method_bytes()), head.version());
        self.wants_keep_alive = head.wants_keep_alive();
        self.awaits_continue = head.expects_continue();
        self.receive = match head.body_length() {
            BodyLength::None | BodyLength::Known(0) => Receive::Ending,
            BodyLength::Known(length) => Receive::Length(length),
            BodyLength::Chunked => Receive::Chunked,
        };
    }

    /// Length -> Length | Ending, after `len` bytes of the body.
    pub(crate) fn body_received(&mut self, len: u64) {
        self.awaits_continue = false;
        if let Receive::Length(remaining) = self.receive {
            self.receive = match remaining.saturating_sub(len) {
                0 => Receive::Ending,
                remaining => Receive::Length(remaining),
            };
        }
    }

    /// Ending | Chunked -> Done.
    pub(crate) fn body_ended(&mut self) {
        self.awaits_continue = false;
        self.receive = Receive::Done;
    }

    /// Changes no state: what is left of the body will be read.
    pub(crate) fn want_body(&mut self) {
        self.body_wanted = true;
    }

    /// Changes no state: what is left of the body counts again as something to be drained, also if
    /// the response's head has promised more.
    pub(crate) fn give_up_body(&mut self, arriving: Arriving) {
        self.body_wanted = false;
        if self.send != Send::Waiting && !self.request_allows(arriving) {
            self.keep = false;
        }
    }

    /// Any -> Failed.
    pub(crate) fn failed(&mut self, error: RequestError) {
        self.receive = Receive::Failed(error);
        self.keep = false;
    }

    /// Head -> Closed: the client ended its side between requests.
    pub(crate) fn closed(&mut self) {
        self.receive = Receive::Closed;
        self.keep = false;
    }

    // The send side.

    /// Whether 100 (Continue) is to be sent now; it is not asked for twice.
    pub(crate) fn take_continue(&mut self, buffered: usize) -> bool {
        let awaits = std::mem::take(&mut self.awaits_continue);
        // RFC 9110 10.1.1: not needed once some of the body came.
        awaits && buffered == 0 && self.send == Send::Waiting && self.receive.has_body_to_come()
    }

    /// Whether the response about to begin leaves the connection usable (RFC 9112 9.3).
    pub(crate) fn may_keep(&self, framing: ResponseFraming, arriving: Arriving) -> bool {
        self.request_allows(arriving)
            && self.wants_keep_alive
            && !self.close_wished
            && !(arriving.eof && arriving.buffered == 0)
            && framing.body != ResponseBody::UntilClose
    }

    /// Whether what is left of the request does not stand in the way of the next one.
    fn request_allows(&self, arriving: Arriving) -> bool {
        match self.receive {
            Receive::Ending | Receive::Done => true,
            // A client that waits for 100 may or may not send the body after another answer.
            _ if self.awaits_continue && arriving.buffered == 0 => false,
            Receive::Length(_) | Receive::Chunked if self.body_wanted => true,
            Receive::Length(remaining) => remaining <= arriving.drain_bytes_max,
            Receive::Chunked | Receive::Head | Receive::Closed | Receive::Failed(_) => false,
        }
    }

    /// Waiting -> a body's state. A response that no request asked for ends the receive side: what
    /// comes after it would be answered twice.
    pub(crate) fn response_begun(&mut self, body: ResponseBody, keep: bool) {
        self.keep = keep;
        self.awaits_continue = false;
        if self.receive == Receive::Head {
            self.receive = Receive::Closed;
        }
        self.send = match body {
            ResponseBody::Suppressed => Send::Suppressed,
            ResponseBody::Length(length) => Send::Length(length),
            ResponseBody::Chunked => Send::Chunked { open: false },
            ResponseBody::UntilClose => Send::UntilClose,
        };
    }

    /// Length -> Length, Chunked -> Chunked: `len` bytes are about to be sent.
    pub(crate) fn data_sent(&mut self, len: u64) -> Result<(), SendError> {
        match self.send {
            Send::Waiting => return Err(SendError::HeadMissing),
            Send::Complete => return Err(SendError::AlreadyComplete),
            Send::Length(remaining) if len > remaining => {
                return Err(SendError::BodyTooLong {
                    excess: len - remaining,
                });
            }
            Send::Length(remaining) => self.send = Send::Length(remaining - len),
            Send::Chunked { .. } => self.send = Send::Chunked { open: true },
            Send::UntilClose | Send::Suppressed => {}
        }
        Ok(())
    }

    /// Chunked -> Chunked: says whether the last chunk lacked its line end, which is sent now.
    pub(crate) fn frame_ended(&mut self) -> bool {
        let lacks_end = self.send == Send::Chunked { open: true };
        if lacks_end {
            self.send = Send::Chunked { open: false };
        }
        lacks_end
    }

    /// A body's state -> Complete; complete but not to be kept if the body was too short.
    pub(crate) fn response_ended(&mut self) -> Result<(), SendError> {
        match self.send {
            Send::Waiting => return Err(SendError::HeadMissing),
            Send::Complete => return Err(SendError::AlreadyComplete),
            Send::Length(missing @ 1..) => {
                self.response_abandoned();
                return Err(SendError::BodyTooShort { missing });
            }
            _ => self.send = Send::Complete,
        }
        Ok(())
    }

    /// Any -> Complete, and the connection must be closed.
    pub(crate) fn response_abandoned(&mut self) {
        self.send = Send::Complete;
        self.keep = false;
        if self.receive == Receive::Head {
            self.receive = Receive::Closed;
        }
    }

    pub(crate) fn wish_close(&mut self) {
        self.close_wished = true;
    }

    // Both sides.

    pub(crate) fn cycle(&self) -> Cycle {
        match (self.send, &self.receive) {
            (Send::Complete, _) if !self.keeps() => Cycle::MustClose,
            (Send::Complete, Receive::Done | Receive::Ending) => Cycle::Ready,
            (Send::Complete, _) => Cycle::Draining,
            _ => Cycle::Open,
        }
    }

    /// Both sides -> their first state, from [`Cycle::Ready`] only.
    pub(crate) fn next_cycle(&mut self) -> bool {
        let ready = self.cycle() == Cycle::Ready;
        if ready {
            *self = Self::default();
        }
        ready
    }

    fn keeps(&self) -> bool {
        self.keep && !self.close_wished
    }
}

impl Receive {
    fn has_body_to_come(&self) -> bool {
        matches!(self, Self::Length(_) | Self::Chunked)
    }
}
