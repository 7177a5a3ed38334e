//! What all guests share: the engines, the threads for slow calls and for compiling, and the list
//! of instances that wait for work, with the thread that sweeps it.

use super::background::Background;
use super::cache::{self, CacheSettings};
use super::call::{Guest, GuestSettings, Optimize};
use super::census::Census;
use super::compile_pool::{CompilePool, Priority};
use super::error::{LoadError, SandboxError};
use super::hash::ContentHash;
use super::idle::IdleList;
use super::interned::Interned;
use super::kit::Kit;
use super::load::{self, Loaded};
use super::log::LogLimits;
use super::reserve::Reserve;
use super::run::Course;
use super::subject::Subject;
use super::sweeper::Sweeper;
use super::wasi::{Offer, Reach};
use super::workshop::Workshops;
use crate::shards::{Handles, Numbers};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Cache;

/// What all guests together may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSettings {
    /// Instances that may exist at once, over all guests. Each reserves `memory_max` of
    /// address space, and no memory until it runs.
    pub instances_max: u32,
    /// Instances of all guests together that may be made ahead of the requests that use them.
    pub ready_max: u32,
    /// How long one of these is kept while nobody wants it.
    pub ready_idle: Duration,
    /// How long a guest runs before other work on its thread gets a turn.
    pub slice: Duration,
    /// Threads for calls that overrun their slices; 0 is as many as there are processors.
    pub background_threads: usize,
    /// How far the priority of the thread that keeps guests from starving, and of those that
    /// compile while requests are served, is below the process's own: 0 to 19 (nice(2)).
    pub background_nice: u32,
    /// Bytes of wasm stack for one call.
    pub stack_max: usize,
    /// The largest `memory_max` of any guest, in bytes.
    pub memory_max: u64,
    /// Bytes of memory that instances which have ended leave for the next ones, at most, in each of
    /// the engines.
    pub resident_max: u64,
    /// Guests for which slots are kept ready; more work as well, slower.
    pub guests: u32,
    /// Bytes of one line of a guest's log; longer ones are cut.
    pub guest_line_max: usize,
    /// Lines of log for one request; the rest is counted.
    pub guest_lines_max: u32,
    /// Where compiled code is kept for the next start; nowhere when absent.
    pub cache: Option<CacheSettings>,
}

/// Guests are loaded into it and hold on to it.
pub struct Sandbox {
    pub(super) slice: Duration,
    pub(super) background: Background,
    pub(super) log_limits: LogLimits,
    pub(super) idle: Arc<IdleList>,
    pub(super) sweeper: Sweeper,
    pub(super) ready: Arc<Handles<Census>>,
    pub(super) ready_idle: Duration,
    instances: Numbers,
    pub(super) compiled: Interned<(ContentHash, Optimize), Loaded>,
    pub(super) workshops: Arc<Workshops>,
    pub(super) compile_pool: CompilePool,
}

impl Sandbox {
    /// Starts the threads for slow calls, and one that reserves the pool: guests can be loaded at
    /// once, and wait for that when they need it. A cache that cannot be used is logged, and done
    /// without.
    ///
    /// # Errors
    /// When the platform refuses a thread.
    pub fn new(settings: &SandboxSettings) -> Result<Arc<Sandbox>, SandboxError> {
        let workshops = Workshops::new(settings, open_cache(settings))?;
        let (threads, nice) = (settings.background_threads, settings.background_nice);
        let background = Background::start(threads, nice)?;
        let idle = Arc::<IdleList>::default();
        let log_limits = LogLimits {
            line_max: settings.guest_line_max,
            lines_max: settings.guest_lines_max,
        };
        Ok(Arc::new(Sandbox {
            slice: settings.slice,
            background,
            log_limits,
            sweeper: Sweeper::start(&idle)?,
            idle,
            ready: Arc::new(Census::new(settings.ready_max)),
            ready_idle: settings.ready_idle,
            instances: Numbers::default(),
            compiled: Interned::default(),
            workshops,
            compile_pool: CompilePool::new(settings.background_nice),
        }))
    }

    /// Waits for the pool.
    ///
    /// # Errors
    /// When the platform refuses it: too little address space for `instances_max`. Every guest is
    /// refused then, and this says why better.
    pub fn usable(&self) -> Result<(), Arc<SandboxError>> {
        self.workshops.usual().map(drop).map_err(Arc::clone)
    }

    /// Compiles and checks a component, given as its binary or as component text. This takes
    /// from milliseconds to seconds of CPU time: call it where blocking is allowed. Content that
    /// another guest is made of takes next to nothing, and content in the cache little.
    ///
    /// # Errors
    /// Anything that would make every call fail: what the bytes are instead of a component, the
    /// missing `handle`, the imports nobody provides, too large a memory; and a directory of its
    /// grants that cannot be opened.
    pub fn load(
        self: &Arc<Self>,
        name: &str,
        settings: GuestSettings,
        reach: Reach,
        bytes: &[u8],
        priority: Priority,
    ) -> Result<Guest, LoadError> {
        let jobs = self.compile_pool.at(priority);
        let hash = jobs.run(|| ContentHash::of(bytes));
        // Others with the same content wait outside the pool, where they hold up nobody.
        let optimize = settings.optimize;
        let loaded = self.compiled.get_or_make((hash, optimize), || {
            load::load(&self.workshops, optimize, hash, bytes, &jobs)
        })?;
        loaded.check_memory(settings.memory_max)?;
        tracing::debug!(guest = name, way = loaded.way(), "loaded");
        Ok(Guest::new(Kit {
            offer: Offer::new(name, &settings.grants, reach)?,
            course: Arc::new(Course {
                lane: self.background.lane(),
                subject: Handles::new(&Subject::new(name, &loaded.workshop.ticker.beat)),
            }),
            reserve: Reserve::of(&loaded, &settings, self),
            sandbox: Arc::clone(self),
            settings,
            loaded,
        }))
    }

    /// A number for one more instance that several requests share, or none yet.
    pub(super) fn next_instance(&self) -> u64 {
        self.instances.next()
    }

    /// Runs a job at the priority of a load and waits for it: for what else a new guest needs
    /// before it serves.
    pub fn run<R: Send>(&self, priority: Priority, job: impl FnOnce() -> R + Send) -> R {
        self.compile_pool.at(priority).run(job)
    }
}

fn open_cache(settings: &SandboxSettings) -> Option<Cache> {
    let opened = cache::open(settings.cache.as_ref()?);
    opened
        .inspect_err(|error| {
            tracing::warn!("compiled code is not kept for the next start: {error}");
        })
        .ok()
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("log_limits", &self.log_limits)
            .finish_non_exhaustive()
    }
}
