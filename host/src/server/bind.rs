//! Binding the places of the configuration, and how many connections the limit of open files has
//! room for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

use super::listener::Listener;
use crate::config::{Listen, Server};
use crate::socket_file::{self, Unbound};
use crate::workers;

/// Files that are open besides connections: listeners, logs, guests' files.
const FILES_RESERVED: u64 = 32;
/// For each thread that serves: its runtime's, and those that tell how it fares.
const FILES_PER_THREAD: u64 = 6;

/// A place could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {place}: {reason}")]
pub struct BindError {
    place: Listen,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("{0}; is another server running there?")]
    Tcp(io::Error),
    #[error("{0}; is its directory there, and may this user write to it?")]
    Unix(Unbound),
    #[error(transparent)]
    Taken(Unbound),
}

/// Binds all places, or none.
pub(super) fn bind_all(config: &Server) -> Result<Vec<Listener>, BindError> {
    let backlog = i32::try_from(config.backlog).unwrap_or(i32::MAX);
    let bind_one = |place: &Listen| {
        let bound = match place {
            Listen::Tcp(address) => tcp(*address, backlog, shares_port(*address, &config.listen)),
            Listen::Unix(path) => unix(path, backlog, config.unix_mode),
        };
        bound.map_err(|reason| BindError {
            place: place.clone(),
            reason,
        })
    };
    config.listen.iter().map(bind_one).collect()
}

/// Whether an IPv4 listener has the same port, so that an IPv6 one must not take it too.
fn shares_port(address: SocketAddr, all: &[Listen]) -> bool {
    let is_rival = |other: &Listen| match other {
        Listen::Tcp(other) => other.is_ipv4() && other.port() == address.port(),
        Listen::Unix(_) => false,
    };
    address.is_ipv6() && all.iter().any(is_rival)
}

fn tcp(address: SocketAddr, backlog: i32, shares_port: bool) -> Result<Listener, Reason> {
    let bind = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.ip() == IpAddr::from([0u16; 8]) {
            socket.set_only_v6(shares_port)?;
        }
        // A restart must not wait for the connections that the last process closed.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Ok(socket)
    };
    bind().map(Listener::tcp).map_err(Reason::Tcp)
}

fn unix(path: &Path, backlog: i32, mode: u32) -> Result<Listener, Reason> {
    let bound = socket_file::bind(path, backlog, mode).map_err(|unbound| match unbound {
        Unbound::Refused(_) => Reason::Unix(unbound),
        Unbound::Taken(_) => Reason::Taken(unbound),
    });
    let (socket, file) = bound?;
    Ok(Listener::unix(socket, file))
}

/// Raises the soft limit of open files to the hard one, and returns the limit; none if there is
/// none. To be called before there are threads that serve: each needs some files.
pub fn raise_files_max() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// The number of connections that may be open: `configured`, or what the limit of open files
/// leaves beside so many threads and listeners.
pub(super) fn connections_max(configured: usize, threads: usize, listeners: usize) -> usize {
    let files_max = raise_files_max();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let of_threads = number(threads).saturating_mul(FILES_PER_THREAD);
    let of_listeners = number(listeners.saturating_mul(workers::acceptors(threads)));
    let reserved = FILES_RESERVED
        .saturating_add(of_threads)
        .saturating_add(of_listeners);
    let room = files_max.map_or(usize::MAX, |files| {
        usize::try_from(files.saturating_sub(reserved).max(1)).unwrap_or(usize::MAX)
    });
    if room < configured {
        tracing::warn!(
            "the limit of open files has room for {room} connections, not for the configured \
             server.max_connections = {configured}; raise it (ulimit -n, LimitNOFILE=)"
        );
    }
    configured.min(room)
}
