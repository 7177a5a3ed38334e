//! The import `httpd:guest/log`: a guest's lines, bounded and made safe, into the host's log.
//!
//! This is the only thing a lean guest can reach outside its memory.

use super::escape::escaped;
use super::interface::Level;
use super::state::State;
use std::sync::Arc;
use tracing::Level as Severity;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

/// The interface's name, as a linker wants it.
pub(super) const INTERFACE: &str = "httpd:guest/log@0.1.0";

/// How much a guest may log; the same for all guests.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLimits {
    /// Bytes of one line; longer lines are cut.
    pub(super) line_max: usize,
    /// Lines of one request; the rest is counted.
    pub(super) lines_max: u32,
}

/// One request's log. Dropping it closes it, so that a call which is cancelled has a closing line
/// too.
#[derive(Debug)]
pub(super) struct GuestLog {
    limits: LogLimits,
    guest: Arc<str>,
    request: String,
    written: u32,
    dropped: u32,
}

impl GuestLog {
    /// Starts the log of one request.
    pub(super) fn new(limits: LogLimits, guest: Arc<str>, request: &str) -> GuestLog {
        GuestLog {
            limits,
            guest,
            request: request.to_owned(),
            written: 0,
            dropped: 0,
        }
    }

    /// Lines written so far.
    pub(super) fn written(&self) -> u32 {
        self.written
    }

    /// Lines counted in place of being written.
    pub(super) fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Writes the closing line, once, if there is something to tell.
    pub(super) fn close(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let line = format!("lines over the limit, not shown: {dropped}");
            self.emit(Level::Warn, &line);
        }
    }

    /// Takes a place for one more line, or counts it as dropped and returns `false`.
    fn reserve(&mut self) -> bool {
        let free = self.written < self.limits.lines_max;
        let count = if free {
            &mut self.written
        } else {
            &mut self.dropped
        };
        *count = count.saturating_add(1);
        free
    }

    fn emit(&self, level: Level, line: &str) {
        let (guest, request) = (&*self.guest, self.request.as_str());
        match level {
            Level::Trace => tracing::trace!(target: "guest", guest, request, "{line}"),
            Level::Debug => tracing::debug!(target: "guest", guest, request, "{line}"),
            Level::Info => tracing::info!(target: "guest", guest, request, "{line}"),
            Level::Warn => tracing::warn!(target: "guest", guest, request, "{line}"),
            Level::Error => tracing::error!(target: "guest", guest, request, "{line}"),
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Offers the interface to the guests of a linker.
///
/// # Errors
/// Only when the linker has the name already.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("write", write)
}

/// `write: func(level: level, message: string)`.
fn write(
    mut store: StoreContextMut<'_, State>,
    (level, message): (Level, WasmStr),
) -> wasmtime::Result<()> {
    // A line below the configured level costs the guest none of its lines, and us no copy.
    if !enabled(level) || !store.data_mut().log.reserve() {
        return Ok(());
    }
    let line_max = store.data().log.limits.line_max;
    let line = escaped(&message.to_str(&store)?, line_max);
    store.data().log.emit(level, &line);
    Ok(())
}

fn enabled(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: "guest", Severity::TRACE),
        Level::Debug => tracing::enabled!(target: "guest", Severity::DEBUG),
        Level::Info => tracing::enabled!(target: "guest", Severity::INFO),
        Level::Warn => tracing::enabled!(target: "guest", Severity::WARN),
        Level::Error => tracing::enabled!(target: "guest", Severity::ERROR),
    }
}
