//! A connection at work: exchange after exchange, until there is nothing more to read.

use httpd_http1::Connection;
use tokio::time::Instant;

use super::access::Asked;
use super::exchange::Gone;
use super::idle::Idle;
use super::life::Then;
use super::spare::{self, Lent};
use super::transport::WriteFailed;

/// Owns a connection: its socket, its protocol state, its timer.
#[derive(Debug)]
pub(super) struct Driver {
    /// What is left of it when it waits again. On the heap, so that to go to work and to rest moves
    /// a pointer.
    pub(super) idle: Box<Idle>,
    pub(super) http: Box<Connection>,
    /// Wire bytes that are not written yet.
    pub(super) out: Vec<u8>,
    /// What the current request asks for, for its line in the log.
    pub(super) asked: Asked,
    /// Since when whole responses are in there, which wait to be sent with others.
    pub(super) gathered: Option<Instant>,
    /// When something was read last.
    pub(super) read_at: Instant,
}

/// What follows an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The connection is kept for another request.
    Keep,
    /// The host ends the connection.
    Close,
    /// Nobody is there any more, or everything was read to the end: just let go.
    Drop,
}

impl Driver {
    /// A driver for a connection that has something to be read.
    pub(super) fn new(idle: Box<Idle>) -> Self {
        let Lent { http, out, asked } = spare::lend(idle.settings.http);
        Self {
            http,
            out,
            asked,
            gathered: None,
            read_at: idle.since,
            idle,
        }
    }

    /// Gives back what a connection does not need that waits, or closes.
    fn rest(self) -> Box<Idle> {
        let Self {
            idle,
            http,
            out,
            asked,
            ..
        } = self;
        spare::give_back(Lent { http, out, asked });
        idle
    }

    /// Completes when the client is gone while its guest runs, and never before: one that has only
    /// ended its own side still gets its answer. Call it once for each request, between the end of
    /// the request's body and the head of its response. It may be dropped at any time, and it
    /// reads nothing.
    pub(super) async fn hang_up(&mut self) -> Gone {
        let Self {
            idle, http, out, ..
        } = self;
        let Idle {
            transport,
            settings,
            ..
        } = &mut **idle;
        let ask = |out: &mut Vec<u8>| http.send_unasked_continue(out);
        transport.hang_up(settings.hang_up, out, ask).await;
        Gone
    }

    /// Serves the requests that are here or on their way, until nothing is known of the next one.
    pub(super) async fn serve(mut self) -> Then {
        loop {
            match self.exchange().await {
                Next::Keep if self.http.is_untouched() && self.out.is_empty() => {
                    let mut idle = self.rest();
                    idle.begin();
                    return Then::Wait(idle);
                }
                Next::Keep => self.take_settings(),
                next => {
                    // Whoever does not take the responses that wait gets nothing more either.
                    let _ = self.flush().await;
                    return match next {
                        Next::Drop => Then::End,
                        _ => Then::Close(self.rest()),
                    };
                }
            }
        }
    }

    /// Writes the responses that wait for others to be sent with them. What is left of them when
    /// the future is dropped is written with the next response.
    pub(super) async fn flush(&mut self) -> Result<(), WriteFailed> {
        let stall = self.idle.settings.write;
        while self.gathered.is_some() && !self.out.is_empty() {
            match self.idle.transport.write_some(&self.out, &[], stall).await {
                Ok(bytes) => drop(self.out.drain(..bytes)),
                Err(failed) => {
                    self.gathered = None;
                    self.out.clear();
                    return Err(failed);
                }
            }
        }
        self.gathered = None;
        Ok(())
    }

    /// From one request to the next the configuration may have changed.
    fn take_settings(&mut self) {
        if self.idle.shared.have_changed(&self.idle.settings) {
            self.idle.settings = self.idle.shared.settings.load_full();
            self.http.set_limits(self.idle.settings.http);
        }
    }
}
