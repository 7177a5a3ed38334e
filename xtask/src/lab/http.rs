//! A client that takes nothing for granted: it reads a response whole and shows all of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Far longer than most answers take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Fields that differ from one response to the next.
const FLEETING: [&str; 2] = ["date:", "x-request-id:"];

/// A connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// Status line and fields as they came, but for those that always differ.
    pub(crate) head: Vec<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        Self::connect_patiently(address, PATIENCE)
    }

    /// Connects, and will wait for so long for a part of an answer.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn connect_patiently(address: SocketAddr, patience: Duration) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn get(&mut self, path: &str) -> Result<()> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: lab\r\n\r\n");
        Ok(self.stream.get_mut().write_all(head.as_bytes())?)
    }

    /// Sends a POST.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<()> {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: lab\r\ncontent-length: {length}\r\n\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        Ok(stream.write_all(body)?)
    }

    /// Reads a response whose end is told: by its length, or by chunks.
    ///
    /// # Errors
    /// There is none, it is not complete, or more follows it.
    pub(crate) fn receive(&mut self) -> Result<Response> {
        let mut response = self.receive_all()?;
        let fleeting = |line: &String| FLEETING.iter().any(|name| line.starts_with(name));
        response.head.retain(|line| !fleeting(line));
        Ok(response)
    }

    /// The same with the fields that always differ.
    ///
    /// # Errors
    /// Those of [`Client::receive`].
    pub(crate) fn receive_all(&mut self) -> Result<Response> {
        let (mut head, mut length, mut is_chunked) = (Vec::new(), None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = Some(value.parse().context("content-length")?);
            }
            is_chunked |= line == "transfer-encoding: chunked";
            head.push(line);
        }
        let body = match length {
            _ if is_chunked => self.chunks()?,
            Some(length) => self.bytes(length)?,
            None => bail!("a response whose end is not told"),
        };
        ensure!(self.stream.buffer().is_empty(), "bytes after the response");
        Ok(Response { head, body })
    }

    /// The connection's socket, to do to it what a client seldom does.
    pub(crate) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// The chunks of a body (RFC 9112 section 7.1) up to the last. Trailers are not expected.
    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).context("a chunk's size")?;
            body.extend(self.bytes(size)?);
            ensure!(self.line()?.is_empty(), "a chunk without its end");
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = self.stream.read_exact(&mut bytes);
        read.context("a body that ends early")?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("no response")?;
        let line = line.strip_suffix("\r\n");
        Ok(line.context("the connection ended in a line")?.to_owned())
    }
}

impl Response {
    /// The status; 0 when there is none in the status line.
    pub(crate) fn status(&self) -> u16 {
        let word = self.head.first().and_then(|line| line.split(' ').nth(1));
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn received(bytes: &'static [u8]) -> Result<Response> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        client.get("/").unwrap();
        peer.write_all(bytes).unwrap();
        drop(peer);
        client.receive()
    }

    #[test]
    fn a_response_is_read_whole_without_what_always_differs() {
        let response = received(b"HTTP/1.1 200 OK\r\nDate: now\r\ncontent-length: 2\r\n\r\nok");
        let expected = Response {
            head: ["http/1.1 200 ok", "content-length: 2"]
                .map(str::to_owned)
                .to_vec(),
            body: b"ok".to_vec(),
        };
        let response = response.unwrap();
        assert_eq!(response, expected);
        assert_eq!(response.status(), 200);
    }

    #[test]
    fn chunks_are_put_together() {
        let response = received(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n",
        );
        assert_eq!(response.unwrap().body, b"0123456789x");
    }

    #[test]
    fn anything_else_is_an_error() {
        for wrong in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        ] {
            assert!(received(wrong).is_err(), "{wrong:?}");
        }
    }
}
