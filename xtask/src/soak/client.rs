//! A plain client: one connection, requests with bodies of known length, responses likewise.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Far longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The host will close the connection.
    pub(super) closes: bool,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends the head of a request whose body has `length` bytes, and this much of that body.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn send(&mut self, path: &str, length: usize, body: &[u8]) -> Result<()> {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: soak\r\ncontent-length: {length}\r\n\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        Ok(())
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn half_close(&self) -> Result<()> {
        Ok(self.stream.get_ref().shutdown(Shutdown::Write)?)
    }

    /// Reads a response.
    ///
    /// # Errors
    /// There is none, or it is not complete.
    pub(super) fn receive(&mut self) -> Result<Response> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status: {status_line:?}"))?;
        let (mut length, mut closes) = (0, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            match name {
                "content-length" => length = value.parse()?,
                "connection" => closes = value == "close",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .context("a body that ends early")?;
        Ok(Response {
            status,
            body,
            closes,
        })
    }

    /// Reads to the host's FIN.
    ///
    /// # Errors
    /// A reset, or bytes before it.
    pub(super) fn expect_end(&mut self) -> Result<()> {
        match self.stream.read(&mut [0]).context("no orderly end")? {
            0 => Ok(()),
            _ => bail!("bytes after the response"),
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("no response")?;
        let Some(line) = line.strip_suffix("\r\n") else {
            bail!("the connection ended in a head");
        };
        Ok(line.to_ascii_lowercase())
    }
}
