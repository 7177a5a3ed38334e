//! An engine with all that belongs to it: what its guests may import, and the thread that
//! interrupts them. There are up to four. WASI 0.3 needs bookkeeping for concurrent calls that the
//! other lanes would pay for, and each of these comes in the two ways that a guest's code can be
//! made for. All but one are made when the first guest asks for them.

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
use std::sync::{Arc, Mutex, PoisonError};
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

/// The engines of a sandbox.
pub(super) struct Workshops {
    made: Mutex<HashMap<(Calls, Optimize), Arc<Workshop>>>,
    settings: SandboxSettings,
    cache: Option<Cache>,
}

impl Workshops {
    /// Makes the engine that most guests need, so that what the platform cannot honour is known at
    /// once.
    ///
    /// # Errors
    /// Settings that the platform cannot honour.
    pub(super) fn new(
        settings: &SandboxSettings,
        cache: Option<Cache>,
    ) -> Result<Workshops, SandboxError> {
        let usual = (Calls::OneByOne, Optimize::Latency);
        let workshop = Workshop::new(settings, cache.clone(), usual.0, usual.1)?;
        Ok(Workshops {
            made: Mutex::new(HashMap::from([(usual, Arc::new(workshop))])),
            settings: settings.clone(),
            cache,
        })
    }

    /// The engine for these calls and this use.
    ///
    /// # Errors
    /// The first time, settings that the platform cannot honour once more.
    pub(super) fn get(&self, calls: Calls, optimize: Optimize) -> Result<Arc<Workshop>, LoadError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workshop) = made.get(&(calls, optimize)) {
            return Ok(Arc::clone(workshop));
        }
        let new = Workshop::new(&self.settings, self.cache.clone(), calls, optimize);
        let workshop = Arc::new(new.map_err(|error| LoadError::Engine(error.to_string()))?);
        made.insert((calls, optimize), Arc::clone(&workshop));
        Ok(workshop)
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
