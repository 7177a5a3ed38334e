//! Binding the listeners, and how many connections the limit of open files has room for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Files that are open besides connections: listeners, logs, the runtime's own, guests' files.
const FILES_RESERVED: u64 = 32;

/// An address could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; is another server running there?")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// Binds all `addresses`, or none.
pub(super) fn bind_all(
    addresses: &[SocketAddr],
    backlog: u32,
) -> Result<Vec<TcpListener>, BindError> {
    let bind_one = |address: &SocketAddr| {
        let shares_port = address.is_ipv6()
            && addresses
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port());
        bind(*address, backlog, shares_port).map_err(|source| BindError {
            address: *address,
            source,
        })
    };
    addresses.iter().map(bind_one).collect()
}

/// `shares_port`: an IPv4 listener has the same port, so this IPv6 one must not take it too.
fn bind(address: SocketAddr, backlog: u32, shares_port: bool) -> io::Result<TcpListener> {
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
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// The number of connections that may be open: `configured`, or what the limit of open files
/// leaves. The soft limit is raised to the hard one first.
pub(super) fn connections_max(configured: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files_max = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = files_max.map_or(usize::MAX, |files| {
        usize::try_from(files.saturating_sub(FILES_RESERVED).max(1)).unwrap_or(usize::MAX)
    });
    if room < configured {
        tracing::warn!(
            "the limit of open files has room for {room} connections, not for the configured \
             server.max_connections = {configured}; raise it (ulimit -n, LimitNOFILE=)"
        );
    }
    configured.min(room)
}
