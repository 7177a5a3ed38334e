//! Sockets: listeners, the driver of each connection, shutdown.
//!
//! All socket IO and every timer of the host is in this folder. No WebAssembly may appear here:
//! a request leaves through [`Dispatch`] and comes back as an answer.

mod access;
mod backlog;
mod body;
mod budget;
mod connections;
mod driver;
mod exchange;
mod linger;
mod listener;
mod respond;
mod settings;
mod timer;
mod transport;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::dispatch::{Dispatch, RequestIds};
use budget::Budget;
use connections::Connections;
use settings::Settings;

pub use backlog::BindError;

/// Listeners that are bound, and what their connections will share.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    shared: Arc<Shared>,
}

/// What every connection of a server uses.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    dispatch: Dispatch,
    connections: Arc<Connections>,
    buffered: Arc<Budget>,
    ids: RequestIds,
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
    /// Binds every address of `config.server.listen`; call it inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// The first address that cannot be bound, with the system's reason.
    pub fn bind(config: &Config, dispatch: Dispatch) -> Result<Self, BindError> {
        let listeners = backlog::bind_all(&config.server.listen, config.server.backlog)?;
        let connections_max = backlog::connections_max(config.server.max_connections);
        let shared = Arc::new(Shared {
            settings: Settings::new(config),
            dispatch,
            connections: Connections::new(connections_max),
            buffered: Budget::new(config.limits.buffered_max),
            ids: RequestIds::new(),
        });
        Ok(Self { listeners, shared })
    }

    /// The addresses really bound, in the configuration's order (a port 0 is resolved).
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// How many connections may be open at once: the configured number, or what the limit of
    /// open files leaves room for.
    pub fn connections_max(&self) -> usize {
        self.shared.connections.max()
    }

    /// Serves until `shutdown` completes. Then it stops accepting, answers what has begun, lets
    /// idle connections go, and returns when the last one is closed or the time is over.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Ended {
        let Self { listeners, shared } = self;
        let loops: Vec<_> = listeners
            .into_iter()
            .map(|listener| tokio::spawn(listener::accept_loop(listener, Arc::clone(&shared))))
            .collect();
        shutdown.await;
        shared.connections.stop();
        for accept_loop in loops {
            // A loop ends by itself once stopped; a panic in it would already be in the log.
            let _ = accept_loop.await;
        }
        match tokio::time::timeout(shared.settings.shutdown, shared.connections.drained()).await {
            Ok(()) => Ended::Drained,
            Err(_) => Ended::CutOff(shared.connections.abort_all()),
        }
    }
}
