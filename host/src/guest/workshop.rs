//! An engine with all that belongs to it: what its guests may import, and the thread that
//! interrupts them. There are up to four. WASI 0.3 needs bookkeeping for concurrent calls that the
//! other lanes would pay for, and each of these comes in the two ways that a guest's code can be
//! made for. All but the usual one are made when the first guest asks for them.

use super::call::Optimize;
use super::census::Census;
use super::direct::Codes;
use super::engine::Calls;
use super::error::{LoadError, SandboxError};
use super::sandbox::SandboxSettings;
use super::state::State;
use super::ticker::Ticker;
use super::{engine, imports};
use crate::shards::Handles;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use wasmtime::component::Linker;
use wasmtime::{Cache, Engine};

/// One engine. Components that were compiled for it run in no other.
pub(super) struct Workshop {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) ticker: Ticker,
    pub(super) census: Handles<Census>,
    /// The code of guests that are called directly.
    pub(super) codes: Codes,
}

/// What most guests need.
const USUAL: (Calls, Optimize) = (Calls::OneByOne, Optimize::Latency);

/// The engines of a sandbox.
pub(super) struct Workshops {
    /// The one that most guests need.
    usual: OnceLock<Result<Arc<Workshop>, Arc<SandboxError>>>,
    made: Mutex<HashMap<(Calls, Optimize), Arc<Workshop>>>,
    settings: SandboxSettings,
    cache: Option<Cache>,
}

impl Workshops {
    /// Has a thread make the engine that most guests need, which takes longer than all else before
    /// the first guest: meanwhile the caller can do what needs no engine.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub(super) fn new(
        settings: &SandboxSettings,
        cache: Option<Cache>,
    ) -> io::Result<Arc<Workshops>> {
        let workshops = Arc::new(Workshops {
            usual: OnceLock::new(),
            made: Mutex::default(),
            settings: settings.clone(),
            cache,
        });
        let its = Arc::clone(&workshops);
        thread::Builder::new()
            .name("guest-engine".to_owned())
            .spawn(move || _ = its.usual())?;
        Ok(workshops)
    }

    /// The engine that most guests need. Waits for it where it is being made.
    ///
    /// # Errors
    /// Settings that the platform cannot honour.
    pub(super) fn usual(&self) -> Result<&Arc<Workshop>, &Arc<SandboxError>> {
        let make = || self.make(USUAL.0, USUAL.1).map_err(Arc::new);
        self.usual.get_or_init(make).as_ref()
    }

    /// The engine for these calls and this use. There is none without the usual one, so that no
    /// guest is compiled in vain.
    ///
    /// # Errors
    /// Settings that the platform cannot honour, or not once more.
    pub(super) fn get(&self, calls: Calls, optimize: Optimize) -> Result<Arc<Workshop>, LoadError> {
        let usual = self.usual();
        let usual = usual.map_err(|error| LoadError::Engine(error.to_string()))?;
        if (calls, optimize) == USUAL {
            return Ok(Arc::clone(usual));
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workshop) = made.get(&(calls, optimize)) {
            return Ok(Arc::clone(workshop));
        }
        let new = self.make(calls, optimize);
        let workshop = new.map_err(|error| LoadError::Engine(error.to_string()))?;
        made.insert((calls, optimize), Arc::clone(&workshop));
        Ok(workshop)
    }

    fn make(&self, calls: Calls, optimize: Optimize) -> Result<Arc<Workshop>, SandboxError> {
        Workshop::new(&self.settings, self.cache.clone(), calls, optimize).map(Arc::new)
    }
}

impl Workshop {
    fn new(
        settings: &SandboxSettings,
        cache: Option<Cache>,
        calls: Calls,
        optimize: Optimize,
    ) -> Result<Workshop, SandboxError> {
        let engine = engine::new(settings, cache, calls, optimize)?;
        let linker = match calls {
            Calls::OneByOne => imports::plain(&engine),
            Calls::Concurrent => imports::concurrent(&engine),
        };
        let linker = linker.map_err(|error| SandboxError::Engine {
            instances_max: settings.instances_max,
            reason: format!("{error:#}"),
        })?;
        let ticker = Ticker::start(&engine, settings.slice)?;
        Ok(Workshop {
            engine,
            linker,
            ticker,
            census: Census::new(settings.instances_max),
            codes: Codes::default(),
        })
    }
}
