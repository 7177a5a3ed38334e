//! The life of one connection: exchange after exchange, then the lingering close.

use std::sync::Arc;

use httpd_http1::Connection;

use super::Shared;
use super::connections::Slot;
use super::exchange::Gone;
use super::linger;
use super::settings::Settings;
use super::stream::Stream;
use super::transport::Transport;

/// Owns a connection: its socket, its protocol state, its timer.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) transport: Transport,
    pub(super) http: Connection,
    /// Wire bytes that are not written yet.
    pub(super) out: Vec<u8>,
    /// The peer's address and port, or `unix`, as guests and the log get it.
    pub(super) peer: Arc<str>,
    pub(super) shared: Arc<Shared>,
    /// As they were when the current request began to be waited for.
    pub(super) settings: Arc<Settings>,
    /// Requests answered so far.
    pub(super) answered: u64,
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
    /// A driver for an accepted connection.
    pub(super) fn new(stream: Stream, peer: String, slot: Slot, shared: Arc<Shared>) -> Self {
        let settings = shared.settings.load_full();
        Self {
            transport: Transport::new(stream, slot),
            http: Connection::new(settings.http),
            out: Vec::new(),
            peer: Arc::from(peer),
            shared,
            settings,
            answered: 0,
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

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        loop {
            self.take_settings();
            match self.exchange().await {
                Next::Keep => {}
                Next::Close => break,
                Next::Drop => return,
            }
        }
        // The protocol's buffers are not needed while the client takes its time.
        let Self {
            transport,
            settings,
            peer,
            ..
        } = self;
        let end = linger::close(transport, &settings).await;
        tracing::debug!(%peer, ?end, "closed");
    }

    /// From one request to the next the configuration may have changed.
    fn take_settings(&mut self) {
        let now = self.shared.settings.load();
        if !Arc::ptr_eq(&now, &self.settings) {
            self.http.set_limits(now.http);
            self.settings = Arc::clone(&now);
        }
    }
}
