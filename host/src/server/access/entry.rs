//! What the access log says of one request, and who writes it down.

use std::fmt::{Debug, Display};
use std::time::Instant;

/// One request, whatever became of it. Times are whole microseconds; those of an exchange that was
/// cut short end with it.
#[derive(Clone, Copy)]
pub struct AccessEntry<'a> {
    /// When it was over.
    pub at: Instant,
    /// The request's id.
    pub id: &'a str,
    /// The peer's address and port, or `unix`.
    pub client: &'a str,
    /// The method as sent, or `-`.
    pub method: &'a str,
    /// The beginning of the request-target, or `-`.
    pub target: &'a str,
    /// The status that was sent; 0 if none was.
    pub status: u16,
    /// Bytes of the request, head and body.
    pub bytes_in: u64,
    /// Bytes of the response, head and body.
    pub bytes_out: u64,
    /// The guest behind the route, or `-`.
    pub guest: &'a str,
    /// The guest of a chain that failed, or answered in place of those behind it.
    pub link: Option<&'a str>,
    /// The number of the guest's generation, and the first digits of its hash.
    pub generation: Option<(u64, &'a str)>,
    /// From the first byte of the request to its last.
    pub receive_us: u64,
    /// How long it waited for a place.
    pub queue_us: u64,
    /// How long it took to get an instance.
    pub instantiate_us: u64,
    /// How long the guest had it.
    pub run_us: u64,
    /// How long it took to send the response.
    pub write_us: u64,
    /// From the first byte of the request to the end.
    pub total_us: u64,
    /// Bytes that the guest's memory had grown to.
    pub memory_peak: u64,
    /// What the request was waiting for when its time was over.
    pub overran: Option<&'a str>,
    /// Why no guest's answer was sent.
    pub refused: Option<&'a dyn Display>,
    /// Why the exchange was cut short.
    pub failure: Option<&'a str>,
}

/// Who writes the access log. Called on the threads that serve, after each request: it may not
/// wait.
pub trait AccessLog: Debug + Send + Sync {
    /// Takes note of a request.
    fn write(&self, entry: &AccessEntry<'_>);
}

/// For whom nobody else was named: makes each entry an event with the target `access`.
#[derive(Debug)]
pub(super) struct Events;

impl AccessLog for Events {
    fn write(&self, entry: &AccessEntry<'_>) {
        tracing::info!(
            target: "access",
            id = entry.id,
            client = entry.client,
            method = entry.method,
            target = entry.target,
            status = entry.status,
            bytes_in = entry.bytes_in,
            bytes_out = entry.bytes_out,
            guest = entry.guest,
            link = entry.link,
            generation = entry.generation.map(|(number, _)| number),
            hash = entry.generation.map(|(_, hash)| hash),
            receive_us = entry.receive_us,
            queue_us = entry.queue_us,
            instantiate_us = entry.instantiate_us,
            run_us = entry.run_us,
            write_us = entry.write_us,
            total_us = entry.total_us,
            memory_peak = entry.memory_peak,
            overran = entry.overran,
            refused = entry.refused.map(tracing::field::display),
            failure = entry.failure,
        );
    }
}
