//! What one call cost. Numbers only: nothing here decides anything.

use std::time::Duration;

/// What one call used, whether it was answered or not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time to get an instance: near zero when one was reused.
    pub instantiate: Duration,
    /// Time from handing over the request to the guest's answer or failure, pauses included.
    pub run: Duration,
    /// The size in bytes that the guest's memory had grown to by the end.
    pub memory_peak: u64,
    /// Lines that the guest's log calls wrote.
    pub log_lines: u32,
    /// Lines that were over the limit and only counted.
    pub log_lines_dropped: u32,
}
