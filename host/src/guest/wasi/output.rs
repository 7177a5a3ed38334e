//! A guest's standard output and error: cut into lines, which go to the host's log like those of
//! the log interface, and count with them. Output is taken at once and never makes a guest wait.

use crate::guest::interface::Level;
use crate::guest::log::GuestLog;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that a guest may write at a time, which the host copies.
const PERMIT_BYTES: usize = 64 << 10;
/// Kept of a line beyond what is shown: enough for whoever cuts it to see that there is more.
const BEYOND: usize = 4;

/// The log of what one store runs. A clone is the same log.
#[derive(Clone, Debug)]
pub(in crate::guest) struct Output(Arc<Mutex<Inner>>);

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::guest) enum Standard {
    /// Logged as `info`.
    Output,
    /// Logged as `warn`.
    Error,
}

#[derive(Debug)]
struct Inner {
    log: GuestLog,
    output: Line,
    error: Line,
}

/// A line that has not ended yet.
#[derive(Debug, Default)]
struct Line {
    /// Its bytes, up to a bound; the rest is let go.
    bytes: Vec<u8>,
    begun: bool,
}

impl Output {
    /// The output of a store that serves the request of this log.
    pub(in crate::guest) fn new(log: GuestLog) -> Output {
        Output(Arc::new(Mutex::new(Inner {
            log,
            output: Line::default(),
            error: Line::default(),
        })))
    }

    /// Goes on with the log of the next request, when the store serves another.
    pub(in crate::guest) fn begin(&self, log: GuestLog) {
        let mut inner = self.lock();
        inner.finish();
        inner.log = log;
    }

    /// Goes on with another request of the same guest.
    pub(in crate::guest) fn go_on(&self, request: &str) {
        let mut inner = self.lock();
        inner.finish();
        inner.log.go_on(request);
    }

    /// Ends the request: lines that are not complete are written, and how many were left out.
    /// Says how many lines were written, and how many not.
    pub(in crate::guest) fn end(&self) -> (u32, u32) {
        let mut inner = self.lock();
        inner.finish();
        let counts = (inner.log.written(), inner.log.dropped());
        inner.log.close();
        counts
    }

    /// Writes a line of the log interface, of this request if there are several.
    pub(in crate::guest) fn log(&self, level: Level, text: &str, request: Option<&str>) {
        self.lock().log.line(level, text, request);
    }

    /// Allows for as many lines again, when one more request shares the store.
    pub(super) fn renew(&self) {
        self.lock().log.renew();
    }

    /// A standard stream into this log.
    pub(in crate::guest) fn stream(&self, standard: Standard) -> LogStream {
        LogStream {
            output: self.clone(),
            standard,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, standard: Standard, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.collect(standard, &bytes[..end]);
            self.end_line(standard);
            bytes = &bytes[end + 1..];
        }
        if !bytes.is_empty() {
            self.collect(standard, bytes);
        }
    }

    fn collect(&mut self, standard: Standard, bytes: &[u8]) {
        let bytes_max = self.log.line_max().saturating_add(BEYOND);
        let line = self.line(standard);
        let room = bytes_max.saturating_sub(line.bytes.len());
        line.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        line.begun = true;
    }

    fn end_line(&mut self, standard: Standard) {
        let line = std::mem::take(self.line(standard));
        let text = line.bytes.strip_suffix(b"\r").unwrap_or(&line.bytes);
        let level = match standard {
            Standard::Output => Level::Info,
            Standard::Error => Level::Warn,
        };
        self.log.line(level, &String::from_utf8_lossy(text), None);
    }

    /// Ends the lines that have begun.
    fn finish(&mut self) {
        for standard in [Standard::Output, Standard::Error] {
            if self.line(standard).begun {
                self.end_line(standard);
            }
        }
    }

    fn line(&mut self, standard: Standard) -> &mut Line {
        match standard {
            Standard::Output => &mut self.output,
            Standard::Error => &mut self.error,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A standard stream of a guest.
#[derive(Clone, Debug)]
pub(in crate::guest) struct LogStream {
    output: Output,
    standard: Standard,
}

impl LogStream {
    fn write_all(&self, bytes: &[u8]) {
        self.output.lock().write(self.standard, bytes);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_all(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT_BYTES)
    }
}

impl Pollable for LogStream {
    fn ready<'a, 'f>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async {})
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_all(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
