//! The import `httpd:guest/log`: a guest's lines, bounded and made safe, into the host's log.
//!
//! This is the only thing a lean guest can reach outside its memory.

use super::escape::escaped;
use super::interface::Level;
use super::state::State;
use super::subject::Subject;
use super::wasi::{Output, running_request};
use crate::shards::Handle;
use smallvec::SmallVec;
use std::sync::Weak;
use tracing::Level as Severity;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

/// The interface's name, as a linker wants it.
pub(super) const INTERFACE: &str = "httpd:guest/log@0.1.0";

/// As many bytes as the ids of requests have, and a few more.
const ID_BYTES: usize = 24;

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
    subject: Handle<Subject>,
    generation: Option<u64>,
    /// Its id, which fits without a place of its own on the heap; nothing for an instance that
    /// several requests share.
    request: SmallVec<[u8; ID_BYTES]>,
    instance: Option<u64>,
    written: u32,
    dropped: u32,
}

impl GuestLog {
    /// Starts the log of one request.
    pub(super) fn new(limits: LogLimits, subject: Handle<Subject>, request: &str) -> GuestLog {
        GuestLog {
            limits,
            subject,
            generation: None,
            request: SmallVec::from_slice(request.as_bytes()),
            instance: None,
            written: 0,
            dropped: 0,
        }
    }

    /// Names the generation of the guest in every line.
    pub(super) fn of_generation(mut self, generation: u64) -> GuestLog {
        self.generation = Some(generation);
        self
    }

    /// Names the instance in every line: several requests share it, and of most lines nobody knows
    /// whose they are.
    pub(super) fn of_instance(mut self, instance: u64) -> GuestLog {
        self.instance = Some(instance);
        self
    }

    /// Goes on with another request of the same guest.
    pub(super) fn go_on(&mut self, request: &str) {
        self.renew();
        self.instance = None;
        self.request.clear();
        self.request.extend_from_slice(request.as_bytes());
    }

    /// Allows for as many lines again, when one more request shares it.
    pub(super) fn renew(&mut self) {
        self.close();
        self.written = 0;
    }

    /// Bytes of one line.
    pub(super) fn line_max(&self) -> usize {
        self.limits.line_max
    }

    /// Writes a line, cut and made safe, of this request where it is known and not the only one.
    /// One below the configured level costs the guest none of its lines; one too many is counted.
    pub(super) fn line(&mut self, level: Level, text: &str, request: Option<&str>) {
        if enabled(level) && self.reserve() {
            self.emit(level, &escaped(text, self.limits.line_max), request);
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
            self.emit(Level::Warn, &line, None);
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

    fn emit(&self, level: Level, line: &str, request: Option<&str>) {
        let (guest, generation, instance) =
            (self.subject.name.as_str(), self.generation, self.instance);
        let own = str::from_utf8(&self.request).ok();
        let request = request.or(own.filter(|own| !own.is_empty()));
        macro_rules! emit {
            ($level:expr) => {
                tracing::event!(
                    target: "guest", $level, guest, generation, instance, request, "{line}"
                )
            };
        }
        match level {
            Level::Trace => emit!(Severity::TRACE),
            Level::Debug => emit!(Severity::DEBUG),
            Level::Info => emit!(Severity::INFO),
            Level::Warn => emit!(Severity::WARN),
            Level::Error => emit!(Severity::ERROR),
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Where the lines of a store's request go.
#[derive(Debug)]
pub(super) enum RequestLog {
    /// Only the log interface writes.
    Alone(GuestLog),
    /// The guest's standard streams write to the same log.
    Shared(Output),
}

impl RequestLog {
    /// Goes on with another request of the same guest.
    pub(super) fn go_on(&mut self, request: &str) {
        match self {
            RequestLog::Alone(alone) => alone.go_on(request),
            RequestLog::Shared(output) => output.go_on(request),
        }
    }

    /// Goes on with the log of the next request.
    pub(super) fn begin(&mut self, log: GuestLog) {
        match self {
            RequestLog::Alone(alone) => *alone = log,
            RequestLog::Shared(output) => output.begin(log),
        }
    }

    /// Writes one line, as [`GuestLog::line`] does. Its text is only read if it is written.
    ///
    /// # Errors
    /// The text cannot be read.
    pub(super) fn line<'t>(
        &mut self,
        level: Level,
        text: impl FnOnce() -> wasmtime::Result<&'t str>,
    ) -> wasmtime::Result<()> {
        match self {
            RequestLog::Alone(log) => {
                if enabled(level) && log.reserve() {
                    log.emit(level, &escaped(text()?, log.line_max()), None);
                }
            }
            RequestLog::Shared(output) => output.log(level, text()?, None),
        }
        Ok(())
    }

    /// Ends the request. Says how many lines were written, and how many not.
    pub(super) fn end(&mut self) -> (u32, u32) {
        match self {
            RequestLog::Alone(log) => {
                let counts = (log.written(), log.dropped());
                log.close();
                counts
            }
            RequestLog::Shared(output) => output.end(),
        }
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
    if !enabled(level) {
        return Ok(());
    }
    let line_max = match &mut store.data_mut().log {
        RequestLog::Alone(log) => {
            if !log.reserve() {
                return Ok(());
            }
            log.line_max()
        }
        RequestLog::Shared(output) => {
            let output = output.clone();
            let worker = store.data().worker.as_ref().and_then(Weak::upgrade);
            let request = worker.and_then(|worker| {
                let request = running_request(&mut store);
                worker.roster().id_of(request?)
            });
            output.log(level, &message.to_str(&store)?, request.as_deref());
            return Ok(());
        }
    };
    let line = escaped(&message.to_str(&store)?, line_max);
    if let RequestLog::Alone(log) = &store.data().log {
        log.emit(level, &line, None);
    }
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
