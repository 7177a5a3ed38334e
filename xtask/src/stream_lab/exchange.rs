//! One body on its way through the host and back: a thread sends it while another one reads what
//! comes, each as fast as it is told to.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use sha2::{Digest, Sha256};

use super::noise::{BLOCK, Digested, Noise};
use super::response::Body;

/// Longer than anything stalls that works.
const PATIENCE: Duration = Duration::from_secs(120);
/// How slow a slow side is, in bytes a second, and for how long.
const SLOW_RATE: f64 = (1 << 20) as f64;
pub(super) const SLOW_FOR: Duration = Duration::from_secs(20);
/// What is read at once.
const READ_BYTES: usize = 256 * 1024;

/// A body to be sent and taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    /// Its bytes, a multiple of [`BLOCK`].
    pub(super) size: u64,
    /// It is sent in chunks; else its length is told.
    pub(super) chunked: bool,
    /// For how long the client reads, or sends, slowly.
    pub(super) slow_reader: Duration,
    pub(super) slow_writer: Duration,
    /// Nobody looks at the bytes, which are the same over and over.
    pub(super) unseen: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) received: u64,
    /// Of what came back; none when nobody looked.
    pub(super) digest: Option<Digested>,
    pub(super) time: Duration,
    /// How many bytes were at most under way: sent, and not yet back.
    pub(super) ahead: u64,
}

/// Keeps a side slow for a while.
struct Pace {
    started: Instant,
    slow_for: Duration,
}

impl Exchange {
    /// One at full speed.
    pub(super) fn fast(size: u64, chunked: bool) -> Self {
        Self {
            size,
            chunked,
            slow_reader: Duration::ZERO,
            slow_writer: Duration::ZERO,
            unseen: false,
        }
    }

    /// Does it, on a connection of its own.
    ///
    /// # Errors
    /// A refusal, a reset, a stall, or an end before the body's.
    pub(super) fn run(self, address: SocketAddr, path: &str) -> Result<Done> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let sent = Arc::<AtomicU64>::default();
        let started = Instant::now();
        let writer = {
            let (stream, sent, path) = (stream.try_clone()?, Arc::clone(&sent), path.to_owned());
            thread::spawn(move || self.send(stream, &path, &sent))
        };
        let done = self.receive(stream, started, &sent);
        let written = writer.join().map_err(|_| anyhow!("the writer panicked"));
        // What the host said is worth more than that it then read no further.
        let done = done?;
        written??;
        Ok(done)
    }

    fn send(self, mut stream: TcpStream, path: &str, sent: &AtomicU64) -> Result<()> {
        let framing = match self.chunked {
            true => "transfer-encoding: chunked".to_owned(),
            false => format!("content-length: {}", self.size),
        };
        stream.write_all(
            format!("POST {path} HTTP/1.1\r\nhost: lab\r\n{framing}\r\n\r\n").as_bytes(),
        )?;
        let head = match self.chunked {
            true => format!("{BLOCK:x}\r\n"),
            false => String::new(),
        };
        let tail = if self.chunked { "\r\n" } else { "" };
        let mut piece = [head.as_bytes(), &[0; BLOCK], tail.as_bytes()].concat();
        let (mut noise, pace) = (Noise::new(), Pace::new(self.slow_writer));
        for number in 0..self.size / BLOCK as u64 {
            if !self.unseen || number == 0 {
                noise.fill(&mut piece[head.len()..head.len() + BLOCK]);
            }
            stream.write_all(&piece)?;
            let bytes = sent.fetch_add(BLOCK as u64, Relaxed) + BLOCK as u64;
            pace.keep(bytes);
        }
        if self.chunked {
            stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(())
    }

    fn receive(self, stream: TcpStream, started: Instant, sent: &AtomicU64) -> Result<Done> {
        let mut body = Body::begin(stream, READ_BYTES)?;
        let mut buffer = vec![
            0;
            if self.slow_reader.is_zero() {
                READ_BYTES
            } else {
                BLOCK
            }
        ];
        let (mut hash, pace) = (Sha256::new(), Pace::new(self.slow_reader));
        let (mut received, mut ahead) = (0, 0);
        loop {
            let read = body.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            received += read as u64;
            ahead = sent.load(Relaxed).saturating_sub(received).max(ahead);
            if !self.unseen {
                hash.update(&buffer[..read]);
            }
            pace.keep(received);
        }
        ensure!(
            received == self.size,
            "{received} bytes of {} came back",
            self.size
        );
        Ok(Done {
            received,
            digest: (!self.unseen).then(|| hash.finalize().into()),
            time: started.elapsed(),
            ahead,
        })
    }
}

impl Pace {
    fn new(slow_for: Duration) -> Self {
        let started = Instant::now();
        Self { started, slow_for }
    }

    /// Waits if so many bytes are more than a slow side would have done by now.
    fn keep(&self, bytes: u64) {
        let due = Duration::from_secs_f64(bytes as f64 / SLOW_RATE).min(self.slow_for);
        thread::sleep(due.saturating_sub(self.started.elapsed()));
    }
}

impl Done {
    /// Bytes a second, in MiB.
    pub(super) fn rate(&self) -> f64 {
        self.received as f64 / self.time.as_secs_f64() / f64::from(1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream_lab::noise;
    use std::io::Read;
    use std::net::TcpListener;

    /// A server that answers with all that comes after the head until nothing more does.
    fn returning(framed: &'static str, length: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = format!("HTTP/1.1 200 OK\r\n{framed}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.write_all(&body).unwrap();
        });
        address
    }

    #[test]
    fn what_comes_back_is_what_was_sent() {
        let size = 3 * BLOCK;
        let address = returning("content-length: 196608", size);
        let done = Exchange::fast(size as u64, false)
            .run(address, "/")
            .unwrap();
        assert_eq!(done.received, size as u64);
        assert_eq!(done.digest, Some(noise::digest(size as u64)));

        // The frames of the chunks come back as well, and are chunks again.
        let address = returning("transfer-encoding: chunked", size + 3 * 9 + 5);
        let done = Exchange::fast(size as u64, true).run(address, "/").unwrap();
        assert_eq!(done.digest, Some(noise::digest(size as u64)));
    }

    #[test]
    fn less_than_was_sent_is_an_error() {
        let address = returning("content-length: 65536", BLOCK);
        assert!(
            Exchange::fast(2 * BLOCK as u64, false)
                .run(address, "/")
                .is_err()
        );
    }
}
