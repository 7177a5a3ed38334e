//! The other ways a peer gets a RST, each provoked on real sockets. What the server does and
//! what the client does is one sequence in one thread, so that the order is not chance.
//! The ways that need a connection to be lost from one end are in [`super::half_open`].

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use anyhow::Result;
use socket2::{Domain, SockFilter, SockRef, Socket, Type};

use super::{
    client::Request,
    half_open,
    measure::{Lab, Measured},
    namespace::Setting,
    servers::{answer, read_request},
};

/// The client's address, apart from the server's so that the way to one of them can be cut.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5));
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n";

/// One way to get a RST.
pub(crate) struct Way {
    /// Its name in the document's template.
    pub(crate) id: &'static str,
    title: &'static str,
    provoke: fn(&mut Lab, &'static str, &'static str) -> Result<Measured>,
}

/// All of them, in the order of the document.
pub(crate) const WAYS: [Way; 8] = [
    Way {
        id: "no-listener",
        title: "no listener on the port",
        provoke: no_listener,
    },
    Way {
        id: "full-backlog",
        title: "full backlog, tcp_abort_on_overflow = 1",
        provoke: full_backlog,
    },
    Way {
        id: "late-byte",
        title: "a byte after a clean close",
        provoke: late_byte,
    },
    Way {
        id: "late-byte-mid-answer",
        title: "a byte after close, the answer still under way",
        provoke: late_byte_mid_answer,
    },
    Way {
        id: "orphan-fin-wait-2",
        title: "orphan in FIN-WAIT-2, forgotten after tcp_fin_timeout",
        provoke: half_open::orphan_in_fin_wait_2,
    },
    Way {
        id: "orphan-unacknowledged",
        title: "orphan with an unacknowledged answer, tcp_orphan_retries = 1",
        provoke: half_open::orphan_unacknowledged,
    },
    Way {
        id: "half-open-server",
        title: "half-open: the server has lost the connection",
        provoke: half_open::server_lost_it,
    },
    Way {
        id: "half-open-client",
        title: "half-open: the client has lost the connection",
        provoke: half_open::client_lost_it,
    },
];

impl Way {
    /// Provokes it and says what happened.
    ///
    /// # Errors
    /// The lab could not bring the situation about, or the capture fails.
    pub(crate) fn measure(&self, lab: &mut Lab) -> Result<Measured> {
        (self.provoke)(lab, self.id, self.title)
    }
}

/// A listener with room for `backlog` connections that wait to be accepted, plus one.
pub(crate) fn listen(backlog: i32) -> Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((SERVER, 0)).into())?;
    socket.listen(backlog)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A connection from [`CLIENT`] on which the server has read the whole request: the server's
/// end and the client's.
pub(crate) fn connect_and_request(listener: &TcpListener) -> Result<(TcpStream, TcpStream)> {
    let socket = client_socket()?;
    // A small receive buffer: the client's window is soon full unless it reads.
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&listener.local_addr()?.into())?;
    let mut client = TcpStream::from(socket);
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    client.write_all(REQUEST)?;
    let (mut server, _) = listener.accept()?;
    read_request(&mut server)?;
    Ok((server, client))
}

/// Reads to the end of `stream`, or to the error that comes first, and says how far it came.
pub(crate) fn read_out(stream: &mut TcpStream, expected: usize) -> String {
    let mut read = Vec::new();
    let end = match stream.read_to_end(&mut read) {
        Ok(_) => "the end of the stream".to_owned(),
        Err(error) => format!("`{}`", describe(&error)),
    };
    format!(
        "{} of {expected} bytes of the response, then {end}",
        read.len()
    )
}

/// Sends a byte more than the request, and another, and says how that goes.
pub(crate) fn send_late_bytes(client: &mut TcpStream) -> String {
    let mut send = || result(client.write_all(b"x"));
    format!("sending a byte: {}; sending another: {}", send(), send())
}

/// What became of one call, in words.
pub(crate) fn result(result: std::io::Result<()>) -> String {
    match result {
        Ok(()) => "succeeds".to_owned(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => "nothing within 10 s".to_owned(),
        Err(error) => format!("`{}`", describe(&error)),
    }
}

/// An error in the system's words, without Rust's number in parentheses.
pub(crate) fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn no_listener(lab: &mut Lab, id: &'static str, title: &'static str) -> Result<Measured> {
    let (listener, address) = listen(0)?;
    drop(listener);
    lab.measure_client(id, title, address, Request::Get)
}

/// The queue has to fill between a client's SYN and the last segment of its handshake; a full
/// queue drops the SYN otherwise. So one client is made deaf until another took the place.
fn full_backlog(lab: &mut Lab, id: &'static str, title: &'static str) -> Result<Measured> {
    const RETURN_NOTHING: u16 = 0x06;
    let _abort = Setting::set("tcp_abort_on_overflow", "1")?;
    let (listener, address) = listen(0)?;
    lab.measure_once(id, title, address, || {
        let late = client_socket()?;
        late.attach_filter(&[SockFilter::new(RETURN_NOTHING, 0, 0, 0)])?;
        late.set_nonblocking(true)?;
        match late.connect(&address.into()) {
            Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
            other => anyhow::bail!("the deaf client's connect gave {other:?}"),
        }
        let _first = TcpStream::connect(address)?;
        late.detach_filter()?;
        late.set_nonblocking(false)?;
        late.set_read_timeout(Some(Duration::from_secs(10)))?;
        // Whether the RST ends the connect or the read after it is a matter of microseconds.
        let end = late
            .connect(&address.into())
            .and_then(|()| (&late).read(&mut [0]).map(drop));
        drop(listener);
        Ok(format!("connecting, then reading: {}", result(end)))
    })
}

fn late_byte(lab: &mut Lab, id: &'static str, title: &'static str) -> Result<Measured> {
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (mut server, mut client) = connect_and_request(&listener)?;
        let answer = answer(64);
        server.write_all(&answer)?;
        drop(server);
        let read = read_out(&mut client, answer.len());
        Ok(format!("{read}; {}", send_late_bytes(&mut client)))
    })
}

fn late_byte_mid_answer(lab: &mut Lab, id: &'static str, title: &'static str) -> Result<Measured> {
    let (listener, address) = listen(1)?;
    lab.measure_once(id, title, address, || {
        let (mut server, mut client) = connect_and_request(&listener)?;
        SockRef::from(&server).set_send_buffer_size(1 << 20)?;
        let answer = answer(64 << 10);
        server.write_all(&answer)?;
        drop(server);
        client.write_all(b"x")?;
        Ok(read_out(&mut client, answer.len()))
    })
}

/// `EINPROGRESS` of Linux: a connection that does not block is under way.
const EINPROGRESS: i32 = 115;

fn client_socket() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((CLIENT, 0)).into())?;
    Ok(socket)
}
