//! Sockets: listeners, the driver of each connection, shutdown.
//!
//! All socket IO of clients and every timer of their connections is in this folder. No WebAssembly
//! may appear here: a request leaves through [`Dispatch`] and comes back as an answer.

mod accept;
mod access;
mod bind;
mod body;
mod connections;
mod driver;
mod exchange;
mod idle;
mod inherited;
mod last_call;
mod life;
mod linger;
mod listener;
mod place;
mod received;
mod respond;
mod settings;
mod spare;
mod stream;
mod streaming;
mod tally;
mod timer;
mod transport;

use std::future::Future;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use crate::config::{Config, Listen};
use crate::dispatch::{Budget, Dispatch, RequestIds};
use crate::workers::{self, Workers};
use connections::Connections;
use listener::Listener;
use settings::Settings;

pub use access::{AccessEntry, AccessLog};
pub use bind::{BindError, raise_files_max};
pub use inherited::{InheritError, Inherited};
pub use listener::Listeners;
pub use tally::Tally;

/// Listeners that are bound, and what their connections will share.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    shared: Arc<Shared>,
}

/// What every connection of a server uses.
#[derive(Debug)]
struct Shared {
    /// Apart from `dispatch`, so that an idle connection, which keeps the ones it was given, keeps
    /// no guest.
    settings: ArcSwap<Settings>,
    /// Which of the settings those are, so that most requests need not take them to know.
    revision: AtomicU64,
    dispatch: ArcSwap<Dispatch>,
    connections: Arc<Connections>,
    buffered: Arc<Budget>,
    ids: RequestIds,
    tally: Tally,
    access: OnceLock<Arc<dyn AccessLog>>,
}

impl Shared {
    /// Whether connections have other settings than these by now.
    fn have_changed(&self, settings: &Settings) -> bool {
        self.revision.load(Acquire) != settings.revision
    }
}

/// A running server as others may see and change it. It keeps no connection open.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every connection was finished and closed within the shutdown time.
    Drained,
    /// The shutdown time was over: this many connections were cut off.
    CutOff(usize),
}

impl Server {
    /// Binds every place of `config.server.listen`.
    ///
    /// # Errors
    ///
    /// The first place that cannot be bound, with the reason.
    pub fn bind(config: &Config, dispatch: Dispatch) -> Result<Self, BindError> {
        Ok(Self::over(
            Listeners::bind(&config.server)?,
            config,
            dispatch,
        ))
    }

    /// A server that accepts from `listeners`, whatever `config.server.listen` says.
    pub fn over(listeners: Listeners, config: &Config, dispatch: Dispatch) -> Self {
        let threads = workers::count(config.server.threads);
        let connections_max =
            bind::connections_max(config.server.max_connections, threads, listeners.0.len());
        let settings = Settings::new(config);
        let connections = Connections::new(connections_max);
        connections.set_idle_grace(settings.idle_grace);
        let shared = Arc::new(Shared {
            revision: AtomicU64::new(settings.revision),
            settings: ArcSwap::from_pointee(settings),
            dispatch: ArcSwap::from_pointee(dispatch),
            connections,
            buffered: Budget::new(config.limits.buffered_max),
            ids: RequestIds::new(),
            tally: Tally::default(),
            access: OnceLock::new(),
        });
        Self { listeners, shared }
    }

    /// Has another write the access log than `tracing`, which gets an event with the target
    /// `access` otherwise. Only the first one counts.
    pub fn log_access_by(&self, log: Arc<dyn AccessLog>) {
        let _ = self.shared.access.set(log);
    }

    /// The places really bound, in the configuration's order (a port 0 is resolved).
    pub fn places(&self) -> Vec<Listen> {
        self.listeners
            .0
            .iter()
            .filter_map(Listener::place)
            .collect()
    }

    /// How many connections may be open at once: the configured number, or what the limit of
    /// open files leaves room for.
    pub fn connections_max(&self) -> usize {
        self.shared.connections.max()
    }

    /// What can see and change the server while it runs.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Serves by `workers` until `shutdown` completes. Then it stops accepting, answers what has
    /// begun, lets idle connections go, and returns when the last one is closed or the time is
    /// over.
    pub async fn run(self, workers: Workers, shutdown: impl Future<Output = ()>) -> Ended {
        let Self { listeners, shared } = self;
        let loops: Vec<_> = listeners
            .0
            .into_iter()
            .map(|listener| accept::accept(listener, workers.clone(), Arc::clone(&shared)))
            .map(tokio::spawn)
            .collect();
        shutdown.await;
        shared.connections.stop();
        // Not before: whoever reads it may rely on it.
        tracing::info!("stopping: what has begun is answered, then this ends");
        let all_ended = async {
            for accept_loop in loops {
                // A loop ends by itself once stopped; a panic in it would already be in the log.
                let _ = accept_loop.await;
            }
            shared.connections.drained().await;
        };
        let time = shared.settings.load().shutdown;
        match tokio::time::timeout(time, all_ended).await {
            Ok(()) => Ended::Drained,
            Err(_) => Ended::CutOff(shared.connections.abort_all()),
        }
    }
}

impl Handle {
    /// Routes requests that begin from now on by `dispatch`, and has each connection take limits
    /// and timeouts from `config` when it waits for its next request. What has begun is answered as
    /// it would have been. Listeners and `server.max_connections` stay.
    pub fn apply(&self, config: &Config, dispatch: Dispatch) {
        let settings = Settings::new(config);
        let revision = settings.revision;
        self.shared.buffered.set_max(config.limits.buffered_max);
        self.shared.connections.set_idle_grace(settings.idle_grace);
        self.shared.settings.store(Arc::new(settings));
        // Afterwards: whoever sees it finds those settings, or later ones.
        self.shared.revision.store(revision, Release);
        self.shared.dispatch.store(Arc::new(dispatch));
    }

    /// The routes and guests that serve now.
    pub fn dispatch(&self) -> Arc<Dispatch> {
        self.shared.dispatch.load_full()
    }

    /// How many connections are open.
    pub fn connections_open(&self) -> usize {
        self.shared.connections.open()
    }

    /// How many connections may be open.
    pub fn connections_max(&self) -> usize {
        self.shared.connections.max()
    }

    /// How many were accepted and wait for a place.
    pub fn connections_waiting(&self) -> usize {
        self.shared.connections.waiting()
    }

    /// What was accepted and answered so far.
    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }
}

#[cfg(test)]
impl Server {
    /// One that has no guest and does not listen.
    fn that_finds_nothing() -> Self {
        let mut config = Config::welcome();
        config.guests.clear();
        config.routes.clear();
        config.sandbox.instances_max = 1;
        let dispatch = Dispatch::load(&config).unwrap_or_else(|errors| panic!("{errors:?}"));
        Self::over(Listeners(Vec::new()), &config, dispatch)
    }
}
