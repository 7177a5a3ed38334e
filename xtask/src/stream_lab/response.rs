//! The body of a response, read as it arrives. Whatever is not as HTTP has it is an error.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

/// The longest line of a head, or of a chunk.
const LINE_MAX: u64 = 8 * 1024;

/// A response whose head was read.
#[derive(Debug)]
pub(super) struct Body {
    stream: BufReader<TcpStream>,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// So many of the current chunk are.
    Chunk(u64),
    /// A chunk begins.
    Chunks,
    Over,
}

impl Body {
    /// Reads the head, with room for so many bytes that have arrived and are not asked for yet.
    ///
    /// # Errors
    /// There is none, or none of 200.
    pub(super) fn begin(stream: TcpStream, buffer: usize) -> Result<Self> {
        let mut body = Self {
            stream: BufReader::with_capacity(buffer, stream),
            framing: Framing::Over,
        };
        let status = body.line().context("no response")?;
        ensure!(status.starts_with("http/1.1 200 "), "answered {status}");
        loop {
            let line = body.line()?;
            if line.is_empty() {
                return Ok(body);
            }
            match line.split_once(": ") {
                Some(("content-length", length)) => {
                    body.framing = Framing::Length(length.parse().context("content-length")?);
                }
                Some(("transfer-encoding", _)) => body.framing = Framing::Chunks,
                _ => {}
            }
        }
    }

    /// Reads some of it into `buffer`; nothing is its end.
    ///
    /// # Errors
    /// It breaks off, by a reset or an end that is none.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if let Framing::Chunks = self.framing {
            self.begin_chunk()?;
        }
        let left = match self.framing {
            Framing::Length(left) | Framing::Chunk(left) if left > 0 => left,
            // A reader asked for nothing would wait for something all the same.
            _ => return Ok(0),
        };
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self
            .stream
            .read(&mut buffer[..wanted])
            .context("the body")?;
        ensure!(read > 0, "the body breaks off");
        let left = left - read as u64;
        match self.framing {
            Framing::Chunk(_) if left == 0 => {
                ensure!(self.line()?.is_empty(), "a chunk without its end");
                self.framing = Framing::Chunks;
            }
            Framing::Chunk(_) => self.framing = Framing::Chunk(left),
            _ => self.framing = Framing::Length(left),
        }
        Ok(read)
    }

    fn begin_chunk(&mut self) -> Result<()> {
        let line = self.line()?;
        let size =
            u64::from_str_radix(&line, 16).with_context(|| format!("a chunk of {line:?}"))?;
        if size > 0 {
            self.framing = Framing::Chunk(size);
            return Ok(());
        }
        ensure!(self.line()?.is_empty(), "trailers that nobody sent");
        self.framing = Framing::Over;
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.by_ref().take(LINE_MAX).read_line(&mut line);
        read.context("a line")?;
        let Some(line) = line.strip_suffix("\r\n") else {
            bail!("the connection ended in a line: {line:?}");
        };
        Ok(line.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// What is made of these bytes, on a connection that stays open or is closed behind them.
    fn received(bytes: &[u8], closed: bool) -> Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(bytes).unwrap();
        let _open = (!closed).then_some(peer);
        let mut body = Body::begin(stream, 100)?;
        let (mut all, mut buffer) = (Vec::new(), [0; 3]);
        loop {
            let read = body.read(&mut buffer)?;
            if read == 0 {
                return Ok(all);
            }
            all.extend_from_slice(&buffer[..read]);
        }
    }

    #[test]
    fn a_body_of_either_framing_is_read_to_its_end() {
        let known = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunks = b"4\r\nhell\r\n1\r\no\r\n0\r\n\r\n";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(received(known, false).unwrap(), b"hello");
        assert_eq!(
            received(&[&chunked[..], chunks].concat(), false).unwrap(),
            b"hello"
        );
    }

    #[test]
    fn what_breaks_off_or_is_refused_is_an_error() {
        for wrong in [
            &b""[..],
            b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhell",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            assert!(received(wrong, true).is_err(), "{wrong:?}");
        }
    }
}
