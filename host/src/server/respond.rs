//! Sending one response, and what follows it: the rest of a small body is read, or the connection
//! is given up.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::poll_immediate;
use httpd_http1::{Cycle, Event, ResponseHead, ResponseLength};
use tokio::time::Instant;

use super::access::Line;
use super::driver::{Driver, Next};
use super::transport::{Read, Wait};
use crate::dispatch::{Answer, http_date};

/// Bodies up to this size are copied behind the head, so that one buffer is written; and up to this
/// size responses to pipelined requests are gathered.
const COALESCE_BYTES_MAX: usize = 16 * 1024;
/// Once the first of them has waited for this long, they are sent.
const GATHERED_TIME_MAX: Duration = Duration::from_millis(1);
/// A bigger output buffer is given back after the response.
pub(super) const OUT_BYTES_KEPT: usize = 64 * 1024;

impl Driver {
    /// Sends a response and says what becomes of the connection.
    pub(super) async fn respond(&mut self, answer: Answer, line: &mut Line) -> Next {
        let connections = &self.idle.shared.connections;
        if connections.is_stopping() || connections.is_short_of_places() {
            self.http.close_after_response();
        }
        line.status = answer.status;
        let start = self.out.len();
        let ended = line.served.ended.map(Instant::from_std);
        let now = ended.unwrap_or_else(Instant::now);
        let Some(separate_body) = self.encode(&answer, line, now) else {
            self.out.truncate(start);
            return line.give_up("the response could not be encoded", self, Next::Close);
        };
        line.bytes_out = (self.out.len() - start + separate_body.len()) as u64;
        self.idle.answered += 1;
        if separate_body.is_empty() && self.may_wait(line.first_byte) {
            line.write(self);
            let since = *self.gathered.get_or_insert(self.idle.since);
            line.served.tidy();
            // Clearing away what a guest has touched may take longer than its call.
            let late = since.elapsed() >= GATHERED_TIME_MAX;
            if late && let Err(_failed) = self.flush().await {
                return Next::Close;
            }
            return self.finish().await;
        }
        self.gathered = None;
        let stall = self.idle.settings.write;
        line.write_begins(now);
        let written = {
            let mut write = pin!(self.idle.transport.write(&self.out, separate_body, stall));
            match poll_immediate(&mut write).await {
                Some(written) => written,
                // An instance does not wait for a client that does not read.
                None => {
                    line.served.tidy();
                    write.await
                }
            }
        };
        self.out.clear();
        self.out.shrink_to(OUT_BYTES_KEPT);
        match written {
            Ok(()) => {
                line.write(self);
                line.served.tidy();
                self.finish().await
            }
            Err(failed) => {
                line.set_write_failed(failed);
                line.write(self);
                Next::Close
            }
        }
    }

    /// Whether the response is sent together with that to the next request, which is here already.
    /// It does not wait for more to be read, or for a guest that does not answer at once. `begun`
    /// is when this exchange began.
    fn may_wait(&self, begun: Instant) -> bool {
        let since = self.gathered.unwrap_or(begun);
        begun.saturating_duration_since(since) < GATHERED_TIME_MAX
            && self.out.len() < COALESCE_BYTES_MAX
            && self.http.cycle() == Cycle::Ready
            && self.http.has_more()
    }

    /// Puts the response into the output buffer; a large body is returned instead, to be written
    /// from where it is. None when the protocol refuses it, which `dispatch` has ruled out.
    fn encode<'a>(&mut self, answer: &'a Answer, line: &Line, now: Instant) -> Option<&'a [u8]> {
        let fields = answer
            .fields
            .iter()
            .map(|field| (field.name.as_str(), &field.value[..]));
        let head = ResponseHead {
            status: answer.status,
            length: length(answer, line.is_head()),
            date: Some(&http_date(now.into_std())),
        };
        let encode = || {
            self.http.send_head(&head, fields, &mut self.out)?;
            let mut separate: &[u8] = &[];
            if !answer.body.is_empty() && self.http.frame_data(answer.body.len(), &mut self.out)? {
                if answer.body.len() <= COALESCE_BYTES_MAX {
                    self.out.extend_from_slice(&answer.body);
                } else {
                    separate = &answer.body;
                }
            }
            self.http.send_end([], &mut self.out)?;
            Ok(separate)
        };
        encode()
            .inspect_err(|error: &httpd_http1::SendError| {
                tracing::error!(id = %line.id, "a checked response was refused: {error}");
            })
            .ok()
    }

    /// Brings the exchange to its end: reads the rest of a small body, or gives up the connection.
    pub(super) async fn finish(&mut self) -> Next {
        if self.http.cycle() == Cycle::Draining
            && let Err(next) = self.drain().await
        {
            return next;
        }
        if self.http.next_cycle() {
            Next::Keep
        } else {
            Next::Close
        }
    }

    /// Reads the rest of a body. The error says what becomes of a connection that did not get
    /// that far.
    async fn drain(&mut self) -> Result<(), Next> {
        let give_up = Instant::now() + self.idle.settings.linger;
        while self.http.cycle() == Cycle::Draining {
            match self.http.next_event() {
                Ok(Event::NeedData) => {}
                Ok(_) => continue,
                Err(_) => return Err(Next::Close),
            }
            let deadline = give_up.min(Instant::now() + self.idle.settings.body);
            let read = self
                .idle
                .transport
                .read(self.http.input(), deadline, Wait::Busy)
                .await;
            match read {
                Read::Bytes(_) => {}
                Read::End => self.http.receive_eof(),
                Read::Late | Read::Dismissed => return Err(Next::Close),
                Read::Broken => return Err(Next::Drop),
            }
        }
        self.idle.since = Instant::now();
        Ok(())
    }
}

/// The length to announce. An empty answer to HEAD says nothing about the body that GET would
/// have had (RFC 9110 section 8.6).
fn length(answer: &Answer, is_head: bool) -> ResponseLength {
    match answer.content_length {
        Some(length) => ResponseLength::Known(length),
        None if is_head && answer.body.is_empty() => ResponseLength::Unknown,
        None => ResponseLength::Known(answer.body.len() as u64),
    }
}
