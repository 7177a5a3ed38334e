//! A client that does what it is told, byte by byte. It hides nothing: no request is repeated, and
//! a reset is an error and never an end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::PATIENCE;
use super::response::{Framing, Response};

/// A connection to the host.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    /// What was read and belongs to no response yet.
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("cannot connect");
        Client::over(stream)
    }

    /// Connects with room for few bytes that were received and not read yet.
    pub(crate) fn connect_with_small_window(address: SocketAddr) -> Client {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.connect(&address.into()).expect("cannot connect");
        Client::over(socket.into())
    }

    /// A client over a connection that was made otherwise.
    pub(crate) fn over(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let buffer = Vec::new();
        Client { stream, buffer }
    }

    /// Sends these bytes, all of them.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("cannot send");
    }

    /// Sends these bytes, if the host takes them.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends these bytes from a thread of its own, so that a response can be read meanwhile.
    pub(crate) fn send_aside(&self, bytes: Vec<u8>) -> JoinHandle<io::Result<()>> {
        let mut stream = self.stream.try_clone().unwrap();
        thread::spawn(move || stream.write_all(&bytes))
    }

    /// Sends a request and reads its response.
    #[track_caller]
    pub(crate) fn request(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.send(bytes);
        self.response()
    }

    /// Reads a response to a request that was not HEAD. Interim ones are responses as well.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        self.try_response("GET").expect("no response")
    }

    /// Reads the final response to a request that was not HEAD, past the `100 Continue` by which
    /// the host asks a client that has half closed whether it is still there.
    #[track_caller]
    pub(crate) fn final_response(&mut self) -> Response {
        let response = self.response();
        if response.status == 100 {
            return self.response();
        }
        response
    }

    /// Reads a response to a request of this method.
    ///
    /// # Errors
    /// A reset, silence for too long, or an end before the response was complete.
    pub(crate) fn try_response(&mut self, method: &str) -> io::Result<Response> {
        let head = self.take_through(b"\r\n\r\n")?;
        let mut response = Response::parse(&head);
        response.body = match response.framing(method) {
            Framing::Length(length) => self.take(length)?,
            Framing::Chunked => self.take_chunks()?,
            Framing::UntilClose => self.rest()?,
        };
        Ok(response)
    }

    /// What has come and was not read, or else what comes next; nothing at the host's FIN.
    ///
    /// # Errors
    /// A reset, or silence for too long.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Reads to the host's FIN.
    ///
    /// # Errors
    /// A reset, or silence for too long.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Sees the host's FIN come, and nothing before it.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let rest = self.rest().expect("no orderly end");
        let rest = String::from_utf8_lossy(&rest);
        assert!(rest.is_empty(), "more than the response: {rest:?}");
    }

    /// Whether nothing at all comes from the host for so long.
    pub(crate) fn hears_nothing_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.fill();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.buffer.is_empty() && read.is_err_and(|error| is_timeout(&error))
    }

    /// Whether nothing has come from the host that was not read.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let read = self.fill();
        self.stream.set_nonblocking(false).unwrap();
        self.buffer.is_empty() && read.is_err_and(|error| is_timeout(&error))
    }

    /// Says that nothing more will be sent. Responses can still be read.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes with a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    fn take_through(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        let mut searched: usize = 0;
        loop {
            let from = searched.saturating_sub(end.len() - 1);
            let found = self.buffer[from..]
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return self.take(from + at + end.len());
            }
            searched = self.buffer.len();
            self.fill_or_fail()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill_or_fail()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads chunks to the last one. The host sends neither extensions nor trailers.
    fn take_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_through(b"\r\n")?;
            let size = std::str::from_utf8(&line[..line.len() - 2]).unwrap();
            let size = usize::from_str_radix(size, 16).expect("not a chunk size");
            body.extend_from_slice(&self.take(size)?);
            assert_eq!(self.take(2)?, b"\r\n");
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn fill_or_fail(&mut self) -> io::Result<()> {
        match self.fill()? {
            0 => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                format!(
                    "the host closed in the middle: {:?}",
                    String::from_utf8_lossy(&self.buffer)
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Reads once; 0 is the host's FIN.
    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let read = self.stream.read(&mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
