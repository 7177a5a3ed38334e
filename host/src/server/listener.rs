//! Listening sockets of either family, and the connections that they hand out. When to accept, and
//! what becomes of a connection, is decided elsewhere.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};

use smol_str::{SmolStr, ToSmolStr as _};
use socket2::{SockFilter, Socket};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::bind::{self, BindError};
use super::inherited::Inherited;
use super::stream::Stream;
use crate::config::{self, Listen};
use crate::socket_file::SocketFile;

/// What the peer of a Unix socket is called: it has no address.
const UNIX_PEER: SmolStr = SmolStr::new_static("unix");

/// Sockets that listen, ready to be served.
#[derive(Debug)]
pub struct Listeners(pub(super) Vec<Listener>);

/// A socket that listens. No runtime knows it yet.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    owner: Owner,
}

/// The same socket as a runtime knows it, which tells when somebody has come.
#[derive(Debug)]
pub(super) enum Watched {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection, and the peer as guests and the log get it: its address and port, or `unix`.
pub(super) type Accepted = (Stream, SmolStr);

/// Who else may accept from a listener.
#[derive(Debug)]
enum Owner {
    /// Nobody. A Unix socket's file goes with it.
    This(Option<SocketFile>),
    /// Whoever passed it on keeps it, and what waits in it is for the next process.
    Others,
}

/// Who may still come to a listener that refuses newcomers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnTheirWay {
    /// Those whose handshake with this TCP port has begun.
    ToPort(u16),
    /// Nobody.
    Nobody,
}

/// A socket filter in the kernel's classic BPF: of a TCP segment, which begins with its header,
/// the flags are looked at, and a SYN without an ACK is dropped. The peer sends it again after a
/// second and is refused then, as the listener is closed. Handshakes that have begun go on.
const NO_SYN: [SockFilter; 5] = {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS_OFFSET: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_OFFSET),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
};

impl Listeners {
    /// Binds every place of `config.listen`, or none.
    ///
    /// # Errors
    /// The first place that cannot be bound, with the reason.
    pub fn bind(config: &config::Server) -> Result<Self, BindError> {
        bind::bind_all(config).map(Self)
    }

    /// Listens with what another process has bound.
    pub fn inherit(inherited: Inherited) -> Self {
        let listener = |socket| Listener {
            socket,
            owner: Owner::Others,
        };
        inherited.sockets.into_iter().map(listener).collect()
    }
}

impl FromIterator<Listener> for Listeners {
    fn from_iter<I: IntoIterator<Item = Listener>>(listeners: I) -> Self {
        Self(listeners.into_iter().collect())
    }
}

impl Listener {
    /// A TCP socket that this process has bound, which does not block.
    pub(super) fn tcp(socket: Socket) -> Self {
        Self {
            socket,
            owner: Owner::This(None),
        }
    }

    /// A Unix socket that this process has bound, which does not block, and its file.
    pub(super) fn unix(socket: Socket, file: SocketFile) -> Self {
        Self {
            socket,
            owner: Owner::This(Some(file)),
        }
    }

    /// Where it listens; none when the kernel does not say.
    pub(super) fn place(&self) -> Option<Listen> {
        let address = self.socket.local_addr().ok()?;
        let tcp = address.as_socket().map(Listen::Tcp);
        tcp.or_else(|| {
            address
                .as_pathname()
                .map(|path| Listen::Unix(path.to_owned()))
        })
    }

    /// Whether what waits to be accepted is this process's alone.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.owner, Owner::This(_))
    }

    /// Has this thread's runtime watch it.
    pub(super) fn watch(&self) -> io::Result<Watched> {
        let socket = self.socket.try_clone()?;
        if self.socket.local_addr()?.as_socket().is_some() {
            TcpListener::from_std(socket.into()).map(Watched::Tcp)
        } else {
            UnixListener::from_std(socket.into()).map(Watched::Unix)
        }
    }

    /// A connection that waits right now, for this thread's runtime. The kernel itself is asked:
    /// what the runtime knows of the backlog may be older.
    pub(super) fn accept_present(&self) -> io::Result<Option<Accepted>> {
        let (socket, peer) = match self.socket.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        let Some(peer) = peer.as_socket() else {
            let stream = UnixStream::from_std(socket.into())?;
            return Ok(Some((Stream::Unix(stream), UNIX_PEER)));
        };
        let stream = TcpStream::from_std(socket.into())?;
        Ok(Some((tcp_stream(stream), peer.to_smolstr())))
    }

    /// Has nobody connect any more, while what waits already can still be accepted. Says whether
    /// connections may be on their way even so.
    pub(super) fn refuse_newcomers(&mut self) -> io::Result<OnTheirWay> {
        if let Some(address) = self.socket.local_addr()?.as_socket() {
            self.socket.attach_filter(&NO_SYN)?;
            return Ok(OnTheirWay::ToPort(address.port()));
        }
        if let Owner::This(Some(file)) = &mut self.owner {
            file.remove();
        }
        self.socket.shutdown(Shutdown::Read)?;
        Ok(OnTheirWay::Nobody)
    }
}

impl Watched {
    /// Waits for a connection, which belongs to this thread's runtime.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((tcp_stream(stream), peer.to_smolstr()))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Stream::Unix(stream), UNIX_PEER))
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn tcp_stream(stream: TcpStream) -> Stream {
    // Answers are written whole: waiting to fill a segment would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("cannot set TCP_NODELAY: {error}");
    }
    Stream::Tcp(stream)
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpStream as StdTcpStream};
    use std::os::unix::net::UnixStream as StdUnixStream;
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    /// Within this time a connection over the loopback is made, or not made at all.
    const A_WHILE: Duration = Duration::from_millis(200);

    fn bound(place: Listen) -> Listener {
        let config = config::Server {
            listen: vec![place],
            ..config::Server::default()
        };
        Listeners::bind(&config).unwrap().0.remove(0)
    }

    fn at_tcp() -> (Listener, SocketAddr) {
        let listener = bound(Listen::Tcp(([127, 0, 0, 1], 0).into()));
        let Some(Listen::Tcp(address)) = listener.place() else {
            panic!("no address");
        };
        (listener, address)
    }

    fn at_path(path: &Path) -> Listener {
        bound(Listen::Unix(path.to_owned()))
    }

    /// How many connections wait.
    fn waiting(listener: &Listener) -> usize {
        std::iter::from_fn(|| listener.accept_present().unwrap()).count()
    }

    #[tokio::test]
    async fn a_port_that_refuses_newcomers_keeps_who_has_connected() {
        let (mut listener, address) = at_tcp();
        let _before = [(); 3].map(|()| StdTcpStream::connect(address).unwrap());
        let on_their_way = listener.refuse_newcomers().unwrap();
        assert_eq!(on_their_way, OnTheirWay::ToPort(address.port()));
        let newcomer = StdTcpStream::connect_timeout(&address, A_WHILE);
        assert_eq!(newcomer.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(waiting(&listener), 3);
        drop(listener);
        let refused = StdTcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_unix_socket_that_refuses_newcomers_keeps_who_has_connected() {
        let folder = tempfile::tempdir().unwrap();
        let (path, second_name) = (folder.path().join("a"), folder.path().join("b"));
        let mut listener = at_path(&path);
        let _before = [(); 3].map(|()| StdUnixStream::connect(&path).unwrap());
        // Who has found the file before it went is refused as well.
        std::fs::hard_link(&path, &second_name).unwrap();
        let on_their_way = listener.refuse_newcomers().unwrap();
        assert_eq!(on_their_way, OnTheirWay::Nobody);
        assert!(!path.exists());
        let refused = StdUnixStream::connect(&second_name).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(waiting(&listener), 3);
    }

    #[test]
    fn the_file_goes_with_its_listener_and_the_next_one_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut first = at_path(&path);
        first.refuse_newcomers().unwrap();
        let second = at_path(&path);
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }
}
