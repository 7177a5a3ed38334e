//! An engine with all that belongs to it: what its guests may import, and the thread that
//! interrupts them. There are two, because WASI 0.3 needs bookkeeping for concurrent calls that
//! the other lanes would pay for; the second one is made when the first guest asks for it.

use super::error::{LoadError, SandboxError};
use super::sandbox::SandboxSettings;
use super::state::State;
use super::ticker::Ticker;
use super::{engine, imports};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::Linker;
use wasmtime::{Cache, Engine};

/// One engine. Components that were compiled for it run in no other.
pub(super) struct Workshop {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    pub(super) ticker: Ticker,
}

/// The engines of a sandbox.
pub(super) struct Workshops {
    plain: Arc<Workshop>,
    concurrent: Mutex<Option<Arc<Workshop>>>,
    settings: SandboxSettings,
    cache: Option<Cache>,
}

impl Workshops {
    /// Makes the engine for calls that run one at a time in their store.
    ///
    /// # Errors
    /// Settings that the platform cannot honour.
    pub(super) fn new(
        settings: &SandboxSettings,
        cache: Option<Cache>,
    ) -> Result<Workshops, SandboxError> {
        let plain = Workshop::new(settings, cache.clone(), engine::Calls::OneByOne)?;
        Ok(Workshops {
            plain: Arc::new(plain),
            concurrent: Mutex::default(),
            settings: settings.clone(),
            cache,
        })
    }

    /// For the lean lane and WASI 0.2.
    pub(super) fn plain(&self) -> Arc<Workshop> {
        Arc::clone(&self.plain)
    }

    /// For WASI 0.3.
    ///
    /// # Errors
    /// The first time, settings that the platform cannot honour twice.
    pub(super) fn concurrent(&self) -> Result<Arc<Workshop>, LoadError> {
        let mut made = self
            .concurrent
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(workshop) = &*made {
            return Ok(Arc::clone(workshop));
        }
        let new = Workshop::new(
            &self.settings,
            self.cache.clone(),
            engine::Calls::Concurrent,
        );
        let workshop = Arc::new(new.map_err(|error| LoadError::Engine(error.to_string()))?);
        *made = Some(Arc::clone(&workshop));
        Ok(workshop)
    }
}

impl Workshop {
    fn new(
        settings: &SandboxSettings,
        cache: Option<Cache>,
        calls: engine::Calls,
    ) -> Result<Workshop, SandboxError> {
        let engine = engine::new(settings, cache, calls)?;
        let linker = match calls {
            engine::Calls::OneByOne => imports::plain(&engine),
            engine::Calls::Concurrent => imports::concurrent(&engine),
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
        })
    }
}
