//! The configuration as the connection driver uses it. No checks here: `config` made them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use httpd_http1::Limits;

use crate::config::Config;

/// Limits and times of a connection.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// What the protocol refuses by itself.
    pub(super) http: Limits,
    /// From the first byte of a head to its last.
    pub(super) head: Duration,
    /// The longest time without a byte of a body.
    pub(super) body: Duration,
    /// How long a connection may wait for its next request.
    pub(super) keep_alive: Duration,
    /// The longest time in which the client takes no byte of the response.
    pub(super) write: Duration,
    /// The three bounds of the lingering close: all of it, one wait in it, bytes read in it.
    pub(super) linger: Duration,
    pub(super) linger_idle: Duration,
    pub(super) linger_bytes_max: u64,
    /// A connection that has waited for its request for less than this is not idle yet.
    pub(super) idle_grace: Duration,
    /// From the end of the client's side, while its guest runs, until it is asked.
    pub(super) hang_up: Duration,
    /// How long a guest may run on that streams to a client that has gone.
    pub(super) farewell: Duration,
    /// Bytes held of each direction of a streamed exchange.
    pub(super) stream_buffer: usize,
    /// How long a shutdown may take.
    pub(super) shutdown: Duration,
    /// After which time a client may try again what found no room.
    pub(super) retry_after: Duration,
    /// Whether each request gets a line in the log.
    pub(super) access: bool,
    /// No others in this process have it.
    pub(super) revision: u64,
}

impl Settings {
    /// How long a connection may wait for a request. A kept one has its keep-alive time, a new
    /// one that of a head.
    pub(super) fn idle_max(&self, kept: bool) -> Duration {
        match kept {
            true => self.keep_alive,
            false => self.head,
        }
    }

    /// Takes from the configuration what concerns connections.
    pub(super) fn new(config: &Config) -> Self {
        static REVISIONS: AtomicU64 = AtomicU64::new(0);
        let (limits, timeouts) = (&config.limits, &config.timeouts);
        Self {
            http: Limits {
                head_bytes_max: limits.head_max,
                target_bytes_max: limits.target_max,
                fields_max: limits.fields_max,
                chunk_extension_bytes_max: limits.chunk_extensions_max,
                drain_bytes_max: limits.drain_max,
            },
            head: timeouts.head,
            body: timeouts.body,
            keep_alive: timeouts.keep_alive,
            write: timeouts.write,
            linger: timeouts.linger,
            linger_idle: timeouts.linger_idle,
            linger_bytes_max: limits.linger_max,
            idle_grace: timeouts.idle_grace,
            hang_up: timeouts.hang_up,
            farewell: timeouts.farewell,
            stream_buffer: limits.stream_buffer,
            shutdown: timeouts.shutdown,
            retry_after: limits.retry_after,
            access: config.log.access,
            revision: REVISIONS.fetch_add(1, Relaxed),
        }
    }
}
