//! The sending half of [`Connection`]: which bytes a response is made of, in which order.
//!
//! Bytes are appended to a buffer of the caller; on an error that buffer is left as it was.

use crate::connection::Connection;
use crate::encode;
use crate::error::SendError;
use crate::excerpt::Excerpt;
use crate::framing::{ResponseFraming, ResponseLength, response_body};
use crate::head::Version;
use crate::state::{Method, Receive, Send};

/// RFC 9110 15.2.1. It has no fields to choose.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response's head without its fields, which are given beside it so that they can come from
/// wherever they are kept.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// 200..=599, or 102..=199 but 101 for an interim response.
    pub status: u16,
    /// How long the body will be. It is asked for also where no body is sent: a HEAD request is
    /// told the length, and so is one answered with 304 unless it is 0.
    pub length: ResponseLength,
    /// The current time as an IMF-fixdate (RFC 9110 5.6.7), for a `date` field unless the fields
    /// have one.
    pub date: Option<&'a [u8; 29]>,
}

impl Connection {
    /// Writes 100 (Continue) if the client waits for it: it asked, no byte of the body came and no
    /// final head was sent. Else writes nothing.
    pub fn send_continue(&mut self, out: &mut Vec<u8>) {
        let buffered = self.buffered();
        if self.exchange.take_continue(buffered) {
            out.extend_from_slice(CONTINUE);
        }
    }

    /// Writes a 100 (Continue) that the client did not ask for, which it has to accept and may
    /// ignore (RFC 9110 15.2). It makes a client that is gone show that it is: nothing else may be
    /// sent while the answer is not known. Writes nothing before the request is complete, where it
    /// would ask for the body, nor once the final head was sent, nor for a client that knows no
    /// interim responses.
    pub fn send_unasked_continue(&mut self, out: &mut Vec<u8>) {
        let complete = matches!(self.exchange.receive(), Receive::Ending | Receive::Done);
        if complete && self.exchange.send() == Send::Waiting && self.reads_interim() {
            out.extend_from_slice(CONTINUE);
        }
    }

    /// Writes a head, decides how the body is framed and whether the connection can be kept, and
    /// says so to the client. An interim head (1xx) changes no state and is dropped for a client
    /// that would not understand it.
    ///
    /// Take all events that are there before answering: a chunked body whose end was not read yet
    /// costs the connection, unless somebody [wants it](Connection::want_body).
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written and nothing has changed then.
    pub fn send_head<'f>(
        &mut self,
        head: &ResponseHead<'_>,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.check_head(head.status)?;
        let start = out.len();
        let interim = head.status < 200;
        if interim && !self.reads_interim() {
            return Ok(());
        }
        let (version, is_head) = (
            self.exchange.version(),
            self.exchange.method() == Method::Head,
        );
        let framing = response_body(version, is_head, head.status, head.length);
        let keep = self.exchange.may_keep(framing, self.arriving());
        encode::status_line(out, head.status);
        let written = write_fields(head.date.filter(|_| !interim), fields, out);
        written.inspect_err(|_| out.truncate(start))?;
        if !interim {
            write_framing(framing, keep, version, out);
            self.exchange.response_begun(framing.body, keep);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Writes what precedes `len` bytes of the body. `true` asks the caller to send those bytes
    /// next, by whatever way spares a copy; with `false` they must not be sent (HEAD, 204, 304).
    /// What follows them is written with the next frame or the end.
    ///
    /// # Errors
    /// See [`SendError`]; nothing was written and nothing has changed then.
    pub fn frame_data(&mut self, len: usize, out: &mut Vec<u8>) -> Result<bool, SendError> {
        let before = self.exchange.send();
        // A chunk of no bytes would end the body.
        if len == 0 && !matches!(before, Send::Waiting | Send::Complete) {
            return Ok(before != Send::Suppressed);
        }
        self.exchange.data_sent(len as u64)?;
        if let Send::Chunked { open } = before {
            encode::chunk_line(out, open, len as u64);
        }
        Ok(before != Send::Suppressed)
    }

    /// Writes a piece of the body: [`Connection::frame_data`] and a copy of `data`.
    ///
    /// # Errors
    /// As `frame_data`.
    pub fn send_data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        if self.frame_data(data.len(), out)? {
            out.extend_from_slice(data);
        }
        Ok(())
    }

    /// Writes what follows the last piece of the body where the next one is not there yet, so that
    /// nobody waits for it. Without this it is written with the next frame or the end.
    pub fn end_frame(&mut self, out: &mut Vec<u8>) {
        if self.exchange.frame_ended() {
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes the end of the body. Trailers are sent where the framing has a place for them, which
    /// only chunked has, and are dropped elsewhere (RFC 9110 6.5.1).
    ///
    /// # Errors
    /// See [`SendError`]. Nothing was written; after [`SendError::BodyTooShort`] the response is
    /// over and the connection must be closed.
    pub fn send_end<'f>(
        &mut self,
        trailers: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let start = out.len();
        if let Send::Chunked { open } = self.exchange.send() {
            encode::chunk_line(out, open, 0);
            let written = trailers.into_iter().try_for_each(|(name, value)| {
                check_name(name, encode::is_forbidden_trailer)?;
                encode::field(out, name, value)
            });
            written.inspect_err(|_| out.truncate(start))?;
            out.extend_from_slice(b"\r\n");
        }
        self.exchange.response_ended()
    }

    /// Gives the response up: it counts as complete, nothing marks its end, and the connection must
    /// be closed, so that the client can tell that something is missing.
    pub fn abandon_response(&mut self) {
        self.exchange.response_abandoned();
    }

    /// Has the connection closed after this response; the head says so unless it was sent already.
    pub fn close_after_response(&mut self) {
        self.exchange.wish_close();
    }

    /// Whether the final head was sent.
    pub fn response_begun(&self) -> bool {
        self.exchange.send() != Send::Waiting
    }

    /// Whether the response was sent to its end, or given up.
    pub fn response_complete(&self) -> bool {
        self.exchange.send() == Send::Complete
    }

    fn check_head(&self, status: u16) -> Result<(), SendError> {
        match (self.exchange.send(), status) {
            (Send::Waiting, 200..=299) if self.exchange.method() == Method::Connect => {
                Err(SendError::TunnelAccepted { status })
            }
            (Send::Waiting, 102..=599) => Ok(()),
            (Send::Waiting, _) => Err(SendError::InvalidStatus { status }),
            (Send::Complete, _) => Err(SendError::AlreadyComplete),
            _ => Err(SendError::HeadTwice),
        }
    }

    /// Whether there is a request whose client knows interim responses (RFC 9110 15.2).
    fn reads_interim(&self) -> bool {
        let no_request = matches!(self.exchange.receive(), Receive::Head | Receive::Closed);
        !no_request && self.exchange.version() == Version::Http11
    }
}

/// Writes the caller's fields, and `date` after them if none of them is one.
fn write_fields<'f>(
    date: Option<&[u8; 29]>,
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    out: &mut Vec<u8>,
) -> Result<(), SendError> {
    let mut date = date;
    for (name, value) in fields {
        check_name(name, encode::is_framing_field)?;
        encode::field(out, name, value)?;
        if name.eq_ignore_ascii_case("date") {
            date = None;
        }
    }
    match date {
        Some(date) => encode::field(out, "Date", date),
        None => Ok(()),
    }
}

fn check_name(name: &str, is_ours: impl Fn(&str) -> bool) -> Result<(), SendError> {
    if is_ours(name) {
        return Err(SendError::FramingField {
            name: Excerpt::new(name.as_bytes()),
        });
    }
    Ok(())
}

/// Writes the fields that say how the body is framed and whether the connection is kept. They are
/// capitalised for the sake of clients that compare names with case, `ab -k` among them.
fn write_framing(framing: ResponseFraming, keep: bool, version: Version, out: &mut Vec<u8>) {
    if let Some(length) = framing.content_length {
        out.extend_from_slice(b"Content-Length: ");
        encode::decimal(out, length);
        out.extend_from_slice(b"\r\n");
    }
    if framing.chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    match (keep, version) {
        (false, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (true, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (true, Version::Http11) => {}
    }
}
