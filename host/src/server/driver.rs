//! A connection at work: exchange after exchange, until there is nothing more to read.

use std::sync::Arc;

use httpd_http1::Connection;
use tokio::time::Instant;

use super::Shared;
use super::access::Asked;
use super::exchange::Gone;
use super::idle::Idle;
use super::life::Then;
use super::settings::Settings;
use super::spare::{self, Lent};
use super::transport::{Transport, WriteFailed};

/// Owns a connection: its socket, its protocol state, its timer.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) transport: Transport,
    pub(super) http: Box<Connection>,
    /// Wire bytes that are not written yet.
    pub(super) out: Vec<u8>,
    /// What the current request asks for, for its line in the log.
    pub(super) asked: Asked,
    /// Since when whole responses are in there, which wait to be sent with others.
    pub(super) gathered: Option<Instant>,
    /// The peer's address and port, or `unix`, as guests and the log get it.
    pub(super) peer: Arc<str>,
    pub(super) shared: Arc<Shared>,
    /// As they were when the current request began to be waited for.
    pub(super) settings: Arc<Settings>,
    /// Requests answered so far.
    pub(super) answered: u64,
    /// When the current request began to be waited for.
    pub(super) since: Instant,
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
    pub(super) fn new(idle: Idle) -> Self {
        let Lent { http, out, asked } = spare::lend(idle.settings.http);
        Self {
            transport: idle.transport,
            http,
            out,
            asked,
            gathered: None,
            peer: idle.peer,
            shared: idle.shared,
            settings: idle.settings,
            answered: idle.answered,
            since: idle.since,
            read_at: idle.since,
        }
    }

    /// Gives back what a connection does not need that waits, or closes.
    fn rest(self) -> Idle {
        let Self {
            http, out, asked, ..
        } = self;
        spare::give_back(Lent { http, out, asked });
        Idle {
            transport: self.transport,
            peer: self.peer,
            shared: self.shared,
            settings: self.settings,
            answered: self.answered,
            since: self.since,
        }
    }

    /// Completes when the client is gone while its guest runs, and never before: one that has only
    /// ended its own side still gets its answer. Call it once for each request, between the end of
    /// the request's body and the head of its response. It may be dropped at any time, and it
    /// reads nothing.
    pub(super) async fn hang_up(&mut self) -> Gone {
        let Self {
            transport,
            http,
            out,
            settings,
            ..
        } = self;
        let ask = |out: &mut Vec<u8>| http.send_unasked_continue(out);
        transport.hang_up(settings.hang_up, out, ask).await;
        Gone
    }

    /// Serves the requests that are here or on their way, until nothing is known of the next one.
    pub(super) async fn serve(mut self) -> Then {
        loop {
            match self.exchange().await {
                Next::Keep if self.http.is_untouched() && self.out.is_empty() => {
                    return Then::Wait(self.rest().begin());
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
        let stall = self.settings.write;
        while self.gathered.is_some() && !self.out.is_empty() {
            match self.transport.write_some(&self.out, &[], stall).await {
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
        if self.shared.have_changed(&self.settings) {
            self.settings = self.shared.settings.load_full();
            self.http.set_limits(self.settings.http);
        }
    }
}
