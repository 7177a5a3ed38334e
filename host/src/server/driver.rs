//! The life of one connection: exchange after exchange, then the lingering close.

use std::net::SocketAddr;
use std::sync::Arc;

use httpd_http1::Connection;
use tokio::net::TcpStream;

use super::Shared;
use super::connections::Slot;
use super::linger;
use super::transport::Transport;

/// Owns a connection: its socket, its protocol state, its timer.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) transport: Transport,
    pub(super) http: Connection,
    /// Wire bytes that are not written yet.
    pub(super) out: Vec<u8>,
    /// The peer's address and port as guests and the log get it.
    pub(super) peer: String,
    pub(super) shared: Arc<Shared>,
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
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        slot: Slot,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            transport: Transport::new(stream, slot),
            http: Connection::new(shared.settings.http),
            out: Vec::new(),
            peer: peer.to_string(),
            shared,
            answered: 0,
        }
    }

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        loop {
            match self.exchange().await {
                Next::Keep => {}
                Next::Close => break,
                Next::Drop => return,
            }
        }
        // The protocol's buffers are not needed while the client takes its time.
        let Self {
            transport,
            shared,
            peer,
            ..
        } = self;
        let end = linger::close(transport, &shared.settings).await;
        tracing::debug!(%peer, ?end, "closed");
    }
}
