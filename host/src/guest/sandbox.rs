//! What all guests share: the engine with its pool, the imports, the thread that interrupts, and
//! the list of instances that wait for work.

use super::call::{Guest, GuestSettings};
use super::engine;
use super::error::{LoadError, SandboxError};
use super::idle::{Idle, IdleList};
use super::load;
use super::log::{self, LogLimits};
use super::state::State;
use super::ticker::Ticker;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// What all guests together may use.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Instances that may exist at once, over all guests. Each reserves 4 GiB of address space,
    /// and no memory until it runs.
    pub instances_max: u32,
    /// How long a guest runs before other work on its thread gets a turn.
    pub slice: Duration,
    /// Bytes of wasm stack for one call.
    pub stack_max: usize,
    /// The largest `memory_max` of any guest, in bytes.
    pub memory_max: u64,
    /// Bytes of one line of a guest's log; longer ones are cut.
    pub guest_line_max: usize,
    /// Lines of log for one request; the rest is counted.
    pub guest_lines_max: u32,
}

/// The lean lane. Guests are loaded into it and hold on to it.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) ticker: Ticker,
    pub(super) log_limits: LogLimits,
    pub(super) idle: IdleList,
}

impl Sandbox {
    /// Reserves the pool and starts the thread that interrupts guests.
    ///
    /// # Errors
    /// When the platform refuses: too little address space for `instances_max`, no thread.
    pub fn new(settings: &SandboxSettings) -> Result<Arc<Sandbox>, SandboxError> {
        let engine = engine::lean(settings)?;
        let mut linker = Linker::new(&engine);
        log::add_to_linker(&mut linker).map_err(|error| SandboxError::Engine {
            instances_max: settings.instances_max,
            reason: format!("{error:#}"),
        })?;
        let ticker = Ticker::start(&engine, settings.slice)?;
        let log_limits = LogLimits {
            line_max: settings.guest_line_max,
            lines_max: settings.guest_lines_max,
        };
        Ok(Arc::new(Sandbox {
            engine,
            linker,
            ticker,
            log_limits,
            idle: IdleList::default(),
        }))
    }

    /// Compiles and checks a component, given as its binary or as component text. This takes
    /// from milliseconds to seconds of CPU time: call it where blocking is allowed.
    ///
    /// # Errors
    /// Anything that would make every call fail: what the bytes are instead of a component, the
    /// missing `handle`, the imports nobody provides, too large a memory.
    pub fn load(
        self: &Arc<Self>,
        name: &str,
        settings: GuestSettings,
        bytes: &[u8],
    ) -> Result<Guest, LoadError> {
        let loaded = load::load(&self.engine, &self.linker, settings.memory_max, bytes)?;
        let idle = Arc::new(Idle::default());
        self.idle.add(&idle);
        Ok(Guest::new(Arc::clone(self), name, settings, loaded, idle))
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("log_limits", &self.log_limits)
            .finish_non_exhaustive()
    }
}
